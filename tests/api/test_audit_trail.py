"""Who called what: one row for whatever may change something, refused or not, and never another word about it."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.audit_trail import AuditEntry
from accounts.models import User
from instainstru import schedules
from tests.admin.conftest import browser_of
from tests.support.cast import Cast
from tests.support.factories import UserFactory

from .conftest import client_of
from .talking import Api, booked
from .test_accounts import log_in


def rows(**fields: Any) -> list[tuple[Any, ...]]:
    names = ("phase", "operation", "object_id", "actor_role", "actor_id", "status", "code")
    return list(AuditEntry.objects.filter(**fields).order_by("id").values_list(*names))


def test_a_money_action_is_announced_before_and_answered_after(cast: Cast, student_api: Api) -> None:
    booking = booked(cast, student_api, 48)["booking"]
    AuditEntry.objects.latest("id")
    student_api.post(f"bookings/{booking['id']}/cancel", reason="ill")

    me = ("student", cast.student.user.pk)
    assert rows(operation="cancel_booking") == [
        ("begun", "cancel_booking", booking["id"], *me, None, ""),
        ("answered", "cancel_booking", booking["id"], *me, 200, ""),
    ]
    entry = AuditEntry.objects.latest("id")
    assert (entry.door, entry.network) == ("api", "127.0.0.0/24")
    assert len(entry.request_id) == 36


def test_refusals_are_there_with_their_code(cast: Cast, student_api: Api, anybody: APIClient) -> None:
    booking = booked(cast, student_api, 48)["booking"]
    path = f"/api/v1/admin/refunds/{booking['id']}/refund"
    anybody.post(path, {})
    student_api.client.post(path, {})
    anybody.post("/api/v1/nowhere", {})
    anybody.put("/api/v1/auth/token", {})
    student_api.client.post("/api/v1/payments/checkout", "{", content_type="application/json")

    told = [(row[1], row[4], row[5], row[6]) for row in rows(status__gte=400)]
    me = cast.student.user.pk
    assert told == [
        ("refund_booking", "", 401, "not_authenticated"),
        ("refund_booking", me, 403, "permission_denied"),
        ("POST ?", "", 404, "not_found"),
        ("PUT api/v1/auth/token", "", 405, "method_not_allowed"),
        ("check_out", me, 400, "invalid"),
    ]


def test_logging_in_and_failing_to_name_the_account(anybody: APIClient, student: User) -> None:
    door = Api(anybody)
    log_in(door, 401, password="wrong")
    log_in(door, 401, email="nobody@example.com")
    log_in(door)
    assert [(row[4], row[5], row[6]) for row in rows(operation="log_in")] == [
        (student.pk, 401, "invalid_credentials"),
        ("", 401, "invalid_credentials"),
        (student.pk, 200, ""),
    ]


def test_reading_leaves_no_row_and_changing_costs_one_insert(student: User) -> None:
    client = client_of(student)
    client.get("/api/v1/auth/me")
    assert rows() == []
    with CaptureQueriesContext(connection) as queries:
        client.post("/api/v1/pricing/preview", {})
    assert sum("accounts_auditentry" in query["sql"] for query in queries) == 1


def test_the_admin_and_jobs_are_doors_too(database: None) -> None:
    boss = User.objects.create_superuser("boss@example.com", "sandbox", first_name="Boss")
    person = UserFactory.create()
    browser_of(boss).post(f"/admin/accounts/user/{person.pk}/change/", {})
    schedules.run("expire_credits")
    ((_, operation, changed, role, actor, *_rest),) = rows(door="admin")
    assert (operation, changed, role, actor) == (
        "POST admin:accounts_user_change",
        person.pk,
        "staff",
        boss.pk,
    )
    assert rows(door="job") == []  # nothing was due


def test_a_failed_job_is_there(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: object) -> None:
        raise LookupError("gone")

    broken.__name__ = "expire_credits"
    job = schedules.BY_NAME["expire_credits"]
    monkeypatch.setitem(schedules.BY_NAME, "expire_credits", type(job)(broken, job.every))  # type: ignore[arg-type]
    with pytest.raises(LookupError):
        schedules.run("expire_credits")
    assert rows(door="job") == [("answered", "expire_credits", "", "system", "expire_credits", 0, "LookupError")]


@pytest.mark.parametrize("change", ["UPDATE accounts_auditentry SET status = 200", "DELETE FROM accounts_auditentry"])
def test_a_row_is_never_changed_or_deleted(anybody: APIClient, database: None, change: str) -> None:
    log_in(Api(anybody), 401)
    before = rows()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert rows() == before != []


def test_support_that_may_see_money_reads_it_and_nobody_else(
    student: User, staff: User, clerk: User, anybody: APIClient
) -> None:
    for _ in range(3):
        client_of(student).post("/api/v1/pricing/preview", {})
    reader = Api(client_of(staff))
    page = reader.get("admin/audit", page_size=2)
    assert [row["operation"] for row in page["results"]] == ["POST api/v1/pricing/preview"] * 2 or page["next"]
    assert page["results"][0]["actor_id"] == student.pk
    assert reader.get("admin/audit", actor=staff.pk)["results"] == []
    assert len(reader.get("admin/audit", code="invalid", door="api", actor=student.pk)["results"]) == 3
    for nobody, status in ((anybody, 401), (client_of(student), 403), (client_of(clerk), 403)):
        assert nobody.get("/api/v1/admin/audit").status_code == status


def test_the_trail_costs_the_same_however_long(student: User, staff: User) -> None:
    reader, taken = client_of(staff), []
    for count in (1, 12):
        for _ in range(count):
            client_of(student).post("/api/v1/pricing/preview", {})
        with CaptureQueriesContext(connection) as queries:
            reader.get("/api/v1/admin/audit")
        taken.append(len(queries))
    assert taken[0] == taken[1]
