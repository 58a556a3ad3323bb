"""Logging in, staying logged in, and how often anybody may ask."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AccountHold, User
from common import clock

from .conftest import client_of

pytestmark = pytest.mark.usefixtures("one_window")
CREDENTIALS = {"email": "student@example.com", "password": "sandbox"}


def log_in(client: APIClient, **other: str) -> Any:
    return client.post("/api/v1/auth/token", CREDENTIALS | other)


def test_an_access_token_tells_who_one_is(anybody: APIClient, student: User) -> None:
    answer = log_in(anybody, email="Student@Example.com").json()

    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 900
    me = anybody.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {answer['access']}"}).json()
    assert me == {
        "id": student.id,
        "email": "student@example.com",
        "first_name": "Sam",
        "last_name": "Student",
        "role": "student",
        "timezone": "America/New_York",
        "permissions": [],
        "holds": [],
    }


def test_me_says_what_support_may_do_and_what_holds_a_student_back(staff: User, student: User) -> None:
    AccountHold.objects.create(user=student, kind="locked", payment_id="P", opened_at=clock.now())

    assert client_of(staff).get("/api/v1/auth/me").json()["permissions"] == ["view_financials", "manage_financials"]
    assert client_of(student).get("/api/v1/auth/me").json()["holds"] == ["locked"]


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"email": "nobody@example.com"}])
def test_wrong_credentials_say_the_same_whoever_it_is(anybody: APIClient, student: User, wrong: dict[str, str]) -> None:
    response = log_in(anybody, **wrong)

    assert response.status_code == 401
    assert response.json()["code"] == "invalid_credentials"


def test_somebody_who_was_shut_out_cannot_log_in_or_go_on(anybody: APIClient, student: User) -> None:
    answer = log_in(anybody).json()
    User.objects.filter(pk=student.pk).update(is_active=False)

    assert log_in(anybody).status_code == 401
    bearer = {"Authorization": f"Bearer {answer['access']}"}
    assert anybody.get("/api/v1/auth/me", headers=bearer).json()["code"] == "not_authenticated"
    refreshed = anybody.post("/api/v1/auth/token/refresh", {"refresh": answer["refresh"]})
    assert refreshed.status_code == 401


def test_a_refresh_token_works_once_and_twice_ends_the_session(anybody: APIClient, student: User) -> None:
    first = log_in(anybody).json()
    second = anybody.post("/api/v1/auth/token/refresh", {"refresh": first["refresh"]})
    bearer = {"Authorization": f"Bearer {second.json()['access']}"}
    assert set(second.json()) == {"access", "refresh", "token_type", "expires_in"}
    assert anybody.get("/api/v1/auth/me", headers=bearer).status_code == 200

    again = anybody.post("/api/v1/auth/token/refresh", {"refresh": first["refresh"]})
    assert again.status_code == 401
    assert again.json()["code"] == "token_not_valid"
    assert anybody.get("/api/v1/auth/me", headers=bearer).status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Bearer a b"])
def test_a_token_that_is_none_is_401(anybody: APIClient, header: str) -> None:
    response = anybody.get("/api/v1/auth/me", headers={"Authorization": header})

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


def test_a_session_needs_its_csrf_token_and_a_bearer_does_not(student: User) -> None:
    page = APIClient(enforce_csrf_checks=True)
    page.force_login(student)

    assert page.get("/api/v1/auth/me").status_code == 200
    refused = page.post("/api/v1/pricing/preview", {}, format="json")
    assert refused.status_code == 403
    assert refused.json()["code"] == "permission_denied"


def test_login_is_limited_per_address_and_person(anybody: APIClient, student: User, settings: Any) -> None:
    settings.RATE_LIMITS_PER_MINUTE = settings.RATE_LIMITS_PER_MINUTE | {"login": 3}
    answers = [log_in(anybody, password="wrong").status_code for _ in range(4)]
    other = log_in(anybody, email="other@example.com")
    elsewhere = anybody.post("/api/v1/auth/token", CREDENTIALS, REMOTE_ADDR="10.0.0.9")

    assert answers == [401, 401, 401, 429]
    assert other.status_code == 401
    assert elsewhere.status_code == 200


def test_limits_are_per_person_and_kind(student: User, instructor: User, settings: Any) -> None:
    settings.RATE_LIMITS_PER_MINUTE = {"read": 2, "write": 1, "money": 1, "login": 1}
    client = client_of(student)
    reads = [client.get("/api/v1/auth/me") for _ in range(3)]
    writes = [client.post("/api/v1/pricing/preview", {}) for _ in range(2)]
    money = [client.post("/api/v1/payments/checkout", {}) for _ in range(2)]

    assert [response.status_code for response in reads] == [200, 200, 429]
    assert [response.status_code for response in writes] == [400, 429]
    assert [response.status_code for response in money] == [400, 429]
    assert reads[-1].json()["code"] == "rate_limited"
    assert 0 < int(reads[-1].headers["Retry-After"]) <= 60
    assert client_of(instructor).get("/api/v1/auth/me").status_code == 200


def test_behind_a_trusted_proxy_the_address_is_what_the_proxy_saw(
    anybody: APIClient, student: User, settings: Any
) -> None:
    settings.RATE_LIMITS_PER_MINUTE = settings.RATE_LIMITS_PER_MINUTE | {"login": 1}
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    def from_(forwarded: str) -> int:
        response = anybody.post("/api/v1/auth/token", CREDENTIALS, headers={"X-Forwarded-For": forwarded})
        return int(response.status_code)

    assert from_("1.1.1.1, 8.8.8.8") == 200
    assert from_("2.2.2.2, 8.8.8.8") == 429  # what a caller writes in front does not matter
    assert from_("1.1.1.1, 9.9.9.9") == 200
