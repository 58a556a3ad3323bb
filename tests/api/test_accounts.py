"""Signing up, verifying the address, logging in and out, forgetting the password."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django_q.models import OrmQ, Task
from rest_framework.test import APIClient

from accounts import account_mail
from accounts.account_mail import AccountMail
from accounts.models import User
from accounts.tokens import purge
from catalog.models import InstructorProfile
from common import clock
from tests.admin.conftest import browser_of
from tests.support import hashers

from .conftest import client_of
from .talking import Api

NEW = {"email": "Nora@Example.com", "password": "a-long-one-7", "first_name": "Nora", "role": "student"}


@pytest.fixture
def door(anybody: APIClient, database: None) -> Api:
    return Api(anybody)


def code_for(address: str) -> str:
    """The code in the latest mail to somebody."""
    return AccountMail.objects.filter(to=address).latest("created_at", "id").code


def bearer(tokens: dict[str, Any]) -> Api:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    return Api(client)


def log_in(door: Api, status: int = 200, **other: Any) -> Any:
    return door.post("auth/token", status, **({"email": "student@example.com", "password": "sandbox"} | other))


@pytest.mark.parametrize("role", ["student", "instructor"])
def test_whoever_signs_up_verifies_the_address_and_is_logged_in(door: Api, role: str) -> None:
    begun = door.post("auth/signup", 201, **NEW | {"role": role, "timezone": "America/Chicago"})
    assert begun["next"] == "auth/email/verify"
    assert InstructorProfile.objects.count() == (role == "instructor")
    assert log_in(door, 401, email="nora@example.com", password=NEW["password"])["code"] == "email_not_verified"

    begun = door.post("auth/email/resend", session_token=begun["session_token"])
    wrong = door.post("auth/email/verify", 400, session_token=begun["session_token"], code="WRONG1")
    assert list(wrong["errors"]) == ["code"]
    tokens = door.post("auth/email/verify", session_token=begun["session_token"], code=code_for("nora@example.com"))
    me = bearer(tokens).get("auth/me")
    assert (me["email"], me["role"], me["timezone"]) == ("nora@example.com", role, "America/Chicago")
    assert log_in(door, email="nora@example.com", password=NEW["password"])["access"]


def test_a_person_and_their_role_are_written_together_or_not_at_all(door: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no profile today")

    monkeypatch.setattr(InstructorProfile.objects, "create", broken)
    door.post("auth/signup", 500, **NEW | {"role": "instructor"})

    assert not User.objects.exists()
    assert not EmailAddress.objects.exists()
    assert not AccountMail.objects.exists()
    assert not OrmQ.objects.exists()


def test_signing_up_with_a_taken_address_looks_the_same_and_tells_its_owner(
    door: Api, student: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(
        hashers.QuickArgon2,
        "encode",
        lambda self, password, salt: f"argon2${hashed.append(password)}",  # type: ignore[func-returns-value]
    )
    fresh = door.post("auth/signup", 201, **NEW)
    as_long = len(hashed)
    taken = door.post("auth/signup", 201, **NEW | {"email": student.email})

    assert set(fresh) == set(taken)
    assert len(hashed) == 2 * as_long > 0
    assert User.objects.count() == 2
    assert [mail.kind for mail in AccountMail.objects.order_by("id")] == ["verify_email", "account_exists"]
    told = door.post("auth/email/verify", 400, session_token=taken["session_token"], code="ABC123")
    assert told["code"] == "invalid"


@pytest.mark.parametrize(
    ("field", "value"),
    [("role", "staff"), ("email", "nobody"), ("password", "short"), ("timezone", "Mars/Base"), ("first_name", "")],
)
def test_what_is_wrong_is_said_by_field(door: Api, field: str, value: str) -> None:
    problem = door.post("auth/signup", 400, **NEW | {field: value})
    assert list(problem["errors"]) == [field]
    assert not User.objects.exists()


def test_logging_out_ends_the_tokens_and_no_others(door: Api, student: User) -> None:
    here, there = log_in(door), log_in(door)
    bearer(here).delete("auth/session")

    bearer(here).get("auth/me", 401)
    door.post("auth/token/refresh", 401, refresh=here["refresh"])
    assert bearer(there).get("auth/me")["id"] == student.pk


def test_a_session_is_ended_from_elsewhere(door: Api, student: User, instructor: User) -> None:
    here, there = log_in(door), log_in(door)
    sessions = bearer(here).get("auth/sessions")["results"]
    assert [row["is_current"] for row in sessions].count(True) == 1
    other = next(row["id"] for row in sessions if not row["is_current"])

    Api(client_of(instructor)).delete(f"auth/sessions/{other}", 404)
    assert bearer(there).get("auth/me")["id"] == student.pk
    bearer(here).delete(f"auth/sessions/{other}")
    bearer(there).get("auth/me", 401)

    third = log_in(door)
    bearer(third).delete("auth/sessions")
    bearer(here).get("auth/me", 401)
    assert len(bearer(third).get("auth/sessions")["results"]) == 1


def test_a_changed_password_ends_every_other_session(door: Api, student: User) -> None:
    here, there = log_in(door), log_in(door)
    wrong = bearer(here).post("auth/password/change", 400, current_password="no", new_password="another-one-8")
    assert list(wrong["errors"]) == ["current_password"]
    assert bearer(there).get("auth/me")["id"] == student.pk

    now = bearer(here).post("auth/password/change", current_password="sandbox", new_password="another-one-8")
    bearer(here).get("auth/me", 401)
    assert [row["is_current"] for row in bearer(now).get("auth/sessions")["results"]] == [True]
    assert bearer(now).get("auth/me")["id"] == student.pk
    bearer(there).get("auth/me", 401)
    door.post("auth/token/refresh", 401, refresh=there["refresh"])
    log_in(door, 401)
    assert log_in(door, password="another-one-8")
    assert AccountMail.objects.get().kind == "password_changed"


def test_a_forgotten_password_is_set_anew_and_ends_all_sessions(door: Api, student: User) -> None:
    before = log_in(door)
    begun = door.post("auth/password/request", email="Student@Example.com")
    code = code_for(student.email)
    reset = {"session_token": begun["session_token"], "password": "another-one-8"}
    assert list(door.post("auth/password/reset", 400, code="WRONG1", **reset)["errors"]) == ["code"]
    door.post("auth/password/reset", code=code, **reset)

    bearer(before).get("auth/me", 401)
    assert log_in(door, password="another-one-8")
    assert door.post("auth/password/reset", 401, code=code, **reset)["code"] == "session_token_not_valid"


def test_asking_for_a_password_looks_the_same_for_nobody(door: Api, student: User) -> None:
    known = door.post("auth/password/request", email=student.email)
    unknown = door.post("auth/password/request", email="nobody@example.com")

    assert set(known) == set(unknown)
    assert known["next"] == unknown["next"]
    kinds = {mail.to: mail.kind for mail in AccountMail.objects.all()}
    assert kinds == {student.email: "reset_password", "nobody@example.com": "unknown_account"}
    answers = [
        door.post(
            "auth/password/reset", 400, session_token=one["session_token"], code="WRONG1", password="a-new-one-99"
        )
        for one in (known, unknown)
    ]
    assert answers[0]["errors"] == answers[1]["errors"]


def test_a_code_is_guessed_three_times_at_most(door: Api, student: User) -> None:
    begun = door.post("auth/password/request", email=student.email)
    code = code_for(student.email)
    body = {"session_token": begun["session_token"], "password": "another-one-8"}
    for _ in range(3):
        door.post("auth/password/reset", 400, code="WRONG1", **body)
    assert door.post("auth/password/reset", 401, code=code, **body)["code"] == "session_token_not_valid"
    assert log_in(door)


def test_an_address_is_changed_once_the_new_one_is_verified(door: Api, student: User, instructor: User) -> None:
    me = bearer(log_in(door))
    assert me.post("auth/email", 401, email="new@example.com")["code"] == "reauthentication_required"
    me.post("auth/reauthenticate", password="sandbox")
    me.post("auth/email", email="New@example.com")
    student.refresh_from_db()
    assert student.email == "student@example.com"

    me.post("auth/email/verify-new", code=code_for("new@example.com"))
    student.refresh_from_db()
    assert student.email == "new@example.com"
    assert list(EmailAddress.objects.filter(user=student).values_list("email", "verified")) == [
        ("new@example.com", True)
    ]
    log_in(door, 401)
    assert log_in(door, email="new@example.com")


def test_a_mail_is_sent_once_in_text_and_html_and_its_code_forgotten(
    door: Api, mailoutbox: list[Any], database: None
) -> None:
    door.post("auth/signup", 201, **NEW)
    mail = AccountMail.objects.get()
    task = OrmQ.objects.get().task
    assert (task["func"], task["args"]) == ("accounts.account_mail.send", (mail.pk,))

    assert [account_mail.send(mail.pk), account_mail.send(mail.pk)] == ["sent", "nothing"]
    sent = mailoutbox[0]
    assert (sent.subject, sent.to) == ("Verify your e-mail address", ["nora@example.com"])
    html = sent.alternatives[0][0]
    assert mail.code in sent.body
    assert mail.code in html
    assert not re.search(r"(?i)password|session_token|eyJ", sent.body)
    mail.refresh_from_db()
    assert (mail.code, mail.attempts) == ("", 1)
    assert account_mail.waiting(clock.now()) == []
    assert not Task.objects.exists()


@pytest.mark.parametrize("kind", sorted({*account_mail.KINDS.values(), "account_exists"}))
def test_every_mail_has_its_words(kind: str) -> None:
    said = account_mail.rendered(AccountMail(kind=kind, to="who@example.com", code="K3Y-C0D"))
    assert said.subject
    assert "who@example.com" in said.text
    assert "who@example.com" in said.html
    assert "{{" not in said.text + said.html


def test_somebody_made_by_us_is_verified_and_a_newcomer_is_not(database: None) -> None:
    ours = User.objects.create_user("ours@example.com", "sandbox", first_name="O")
    theirs = User.objects.create_user("theirs@example.com", "sandbox", first_name="T", verified=False)
    assert EmailAddress.objects.get(user=ours).verified
    assert not EmailAddress.objects.get(user=theirs).verified


def test_sessions_and_mails_of_long_ago_are_forgotten(door: Api, student: User) -> None:
    tokens = log_in(door)
    door.post("auth/password/request", email=student.email)
    assert (purge(clock.system_now()), account_mail.purge(clock.now())) == (0, 0)
    later = clock.system_now() + timedelta(days=100)
    assert purge(later) == 2
    assert account_mail.purge(later) == 1
    bearer(tokens).get("auth/me", 401)


def test_an_address_typed_by_support_has_to_be_verified_by_its_owner(door: Api, student: User) -> None:
    boss = browser_of(User.objects.create_superuser("boss@example.com", "sandbox", first_name="Boss"))
    person = {"email": "typed@example.com", "first_name": "Sam", "last_name": "S", "timezone": "UTC", "is_active": "on"}
    rows = {"holds-TOTAL_FORMS": "0", "holds-INITIAL_FORMS": "0"}
    page = boss.post(f"/admin/accounts/user/{student.pk}/change/", person | rows)
    assert page.status_code == 302, page.content
    assert log_in(door, 401, email="typed@example.com")["code"] == "email_not_verified"
    log_in(door, 401)
