"""How often anybody may ask, what the headers say of it, and that guessing ends."""

import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import lockout, rate_limits
from accounts.account_mail import AccountMail
from accounts.models import User
from sandbox_mode import people

from .conftest import client_of
from .talking import Api
from .test_accounts import NEW, log_in

pytestmark = pytest.mark.usefixtures("one_window")


@pytest.fixture
def door(anybody: APIClient, database: None) -> Api:
    return Api(anybody)


def test_every_answer_says_where_one_stands(student: User, settings: Any) -> None:
    settings.RATE_LIMITS_PER_MINUTE = settings.RATE_LIMITS_PER_MINUTE | {"read": 2, "write": 7}
    client = client_of(student)
    said = []
    for _ in range(3):
        answer = client.get("/api/v1/auth/me")
        assert answer.headers["RateLimit-Policy"] == '"read";q=2;w=60'
        said.append(re.sub(r"t=\d+", "t=…", answer.headers["RateLimit"]))
    assert said == ['"read";r=1;t=…', '"read";r=0;t=…', '"read";r=0;t=…']
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 60

    refused = client.post("/api/v1/pricing/preview", {})
    assert refused.status_code == 400
    assert refused.headers["RateLimit"].startswith('"write";r=6;')


def test_who_is_not_logged_in_counts_by_address_refused_or_not(
    anybody: APIClient, database: None, settings: Any
) -> None:
    settings.RATE_LIMITS_PER_MINUTE = settings.RATE_LIMITS_PER_MINUTE | {"read": 3}
    answers = [anybody.get("/api/v1/auth/me") for _ in range(2)]
    answers += [anybody.get("/api/v1/auth/me", headers={"Authorization": "Bearer nonsense"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert anybody.get("/api/v1/auth/me", REMOTE_ADDR="10.1.2.3").status_code == 401


def test_many_accounts_behind_one_address_are_bounded_together(
    student: User, instructor: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMITS_PER_MINUTE = settings.RATE_LIMITS_PER_MINUTE | {"read": 3}
    monkeypatch.setattr(rate_limits, "ADDRESS_MULTIPLE", 1)
    assert [client_of(student).get("/api/v1/auth/me").status_code for _ in range(2)] == [200, 200]
    assert [client_of(instructor).get("/api/v1/auth/me").status_code for _ in range(2)] == [200, 429]
    assert client_of(instructor).get("/api/v1/auth/me", REMOTE_ADDR="10.1.2.3").status_code == 200


def test_guessing_a_password_ends_even_with_the_right_one(door: Api, student: User) -> None:
    for _ in range(lockout.FAILURES_HERE):
        log_in(door, 401, password="wrong")
    locked = door.client.post("/api/v1/auth/token", {"email": student.email, "password": "sandbox"})
    assert (locked.status_code, locked.json()["code"]) == (429, "too_many_failures")
    assert 0 < int(locked.headers["Retry-After"]) <= lockout.WINDOW_SECONDS
    elsewhere = door.client.post(
        "/api/v1/auth/token", {"email": student.email, "password": "sandbox"}, REMOTE_ADDR="10.1.2.3"
    )
    assert elsewhere.status_code == 200


def test_an_account_that_is_none_is_locked_like_one_that_is(door: Api) -> None:
    codes = [
        log_in(door, 401 if number < lockout.FAILURES_HERE else 429, email="nobody@example.com")["code"]
        for number in range(lockout.FAILURES_HERE + 1)
    ]
    assert codes[-2:] == ["invalid_credentials", "too_many_failures"]


def test_who_knows_the_password_is_never_locked_out(door: Api, student: User) -> None:
    for _ in range(lockout.FAILURES_HERE + 2):
        log_in(door)
    for _ in range(lockout.FAILURES_HERE - 1):
        log_in(door, 401, password="wrong")
    assert log_in(door)
    log_in(door, 401, password="wrong")


def test_guessing_codes_ends_too_however_often_one_logs_in(door: Api, student: User) -> None:
    people.enroll(student)
    for _ in range(lockout.FAILURES_HERE):
        log_in(door, 400, code="000000x")
    assert log_in(door, 429, code="000000x")["code"] == "too_many_failures"
    assert log_in(door, 401)["code"] == "second_factor_needed"


def test_nobody_is_flooded_with_codes(door: Api, student: User) -> None:
    for _ in range(lockout.MAILS):
        door.post("auth/password/request", email=student.email)
    assert door.post("auth/password/request", 429, email=student.email)["code"] == "rate_limited"
    assert door.post("auth/signup", 429, **NEW | {"email": student.email})["code"] == "rate_limited"
    assert AccountMail.objects.count() == lockout.MAILS
    assert User.objects.count() == 1
