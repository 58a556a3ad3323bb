"""Authenticator apps and recovery codes, and that support moves no money without."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from rest_framework.test import APIClient

from accounts.account_mail import AccountMail
from accounts.models import User
from accounts.second_factor import code_now
from accounts.tokens import access_token_for
from bookings.models import Booking
from sandbox_mode import people
from tests.support.cast import Cast

from .talking import Api, booked
from .test_accounts import bearer, log_in


@pytest.fixture
def door(anybody: APIClient, database: None) -> Api:
    return Api(anybody)


@pytest.fixture
def secret(door: Api, student: User) -> str:
    """The student's authenticator app."""
    people.enroll(student)
    return people.TOTP_SECRET


def test_an_app_is_set_up_and_asked_for_from_then_on(door: Api, student: User) -> None:
    me = bearer(log_in(door))
    assert me.get("auth/authenticators") == {"totp": False, "recovery_codes_left": 0}
    begun = me.get("auth/authenticators/totp")
    code = code_now(begun["secret"])
    assert me.post("auth/authenticators/totp", 401, code=code)["code"] == "reauthentication_required"
    me.post("auth/reauthenticate", password="sandbox")
    assert list(me.post("auth/authenticators/totp", 400, code="000")["errors"]) == ["code"]
    codes = me.post("auth/authenticators/totp", 201, code=code_now(begun["secret"]))["recovery_codes"]
    assert len(codes) == 10
    assert me.get("auth/authenticators") == {"totp": True, "recovery_codes_left": 10}
    assert me.get("auth/authenticators/totp", 409)["code"] == "authenticator_exists"
    assert begun["secret"] not in str(Authenticator.objects.get(type="totp").data)

    needed = log_in(door, 401)
    assert needed["code"] == "second_factor_needed"
    tokens = door.post("auth/2fa/authenticate", session_token=needed["session_token"], code=codes[0])
    assert bearer(tokens).get("auth/authenticators")["recovery_codes_left"] == 9
    again = log_in(door, 401)["session_token"]
    assert list(door.post("auth/2fa/authenticate", 400, session_token=again, code=codes[0])["errors"]) == ["code"]
    assert AccountMail.objects.get().kind == "second_factor_on"


def test_password_and_code_log_in_at_once_and_a_code_works_once(door: Api, secret: str) -> None:
    code = code_now(secret)
    assert log_in(door, code=code)["access"]
    assert list(log_in(door, 400, code=code)["errors"]) == ["code"]


def test_the_app_is_deleted_and_codes_are_made_anew(door: Api, secret: str) -> None:
    me = bearer(log_in(door, code=code_now(secret)))
    assert me.post("auth/authenticators/recovery-codes", 401)["code"] == "reauthentication_required"
    me.post("auth/reauthenticate", password="sandbox")
    first = me.post("auth/authenticators/recovery-codes", 201)["recovery_codes"]
    second = me.post("auth/authenticators/recovery-codes", 201)["recovery_codes"]
    assert not set(first) & set(second)
    needed = log_in(door, 401)["session_token"]
    door.post("auth/2fa/authenticate", 400, session_token=needed, code=first[0])
    assert door.post("auth/2fa/authenticate", session_token=needed, code=second[0])["access"]

    me.delete("auth/authenticators/totp")
    assert me.get("auth/authenticators") == {"totp": False, "recovery_codes_left": 0}
    assert log_in(door)["access"]


def test_a_session_token_that_is_none_begins_nothing(door: Api, secret: str) -> None:
    for token in ("a" * 32, "z" * 40):
        problem = door.post("auth/2fa/authenticate", 401, session_token=token, code=code_now(secret))
        assert problem["code"] == "session_token_not_valid"
    odd = door.post("auth/2fa/authenticate", 400, session_token="../x", code="1")
    assert list(odd["errors"]) == ["session_token"]


def test_support_moves_no_money_by_password_alone(cast: Cast, student_api: Api, anybody: APIClient) -> None:
    booking = booked(cast, student_api, 48)["booking"]
    staff = cast.staff.user
    weak = bearer({"access": access_token_for(staff)})
    refund = {"reason": "other", "note": "goodwill"}
    paths: dict[str, dict[str, Any]] = {
        f"admin/bookings/{booking['id']}/cancel": {"reason": "they asked", "refund": True},
        f"admin/refunds/{booking['id']}/refund": refund,
        f"bookings/{booking['id']}/capture-payment": {},
        f"bookings/{booking['id']}/no-show": {"no_show_type": "student", "reason": "said so"},
    }
    for path, body in paths.items():
        problem = weak.post(path, 403, **body)
        assert problem["code"] == "second_factor_required"
    assert Booking.objects.get().status == "CONFIRMED"
    assert weak.get(f"bookings/{booking['id']}")["status"] == "CONFIRMED"

    tokens = log_in(Api(anybody), email=staff.email, code=code_now(people.TOTP_SECRET))
    done = bearer(tokens).post(f"admin/bookings/{booking['id']}/cancel", reason="they asked", refund=True)
    assert done["status"] == "CANCELLED"


def test_support_without_an_app_sets_one_up_and_goes_on(door: Api, staff: User) -> None:
    staff.set_password("sandbox")
    staff.save()
    me = bearer(log_in(door, email=staff.email))
    me.post("auth/reauthenticate", password="sandbox")
    code = code_now(me.get("auth/authenticators/totp")["secret"])
    codes = me.post("auth/authenticators/totp", 201, code=code)["recovery_codes"]
    tokens = log_in(door, email=staff.email, code=codes[0])
    assert bearer(tokens).post(f"bookings/{staff.pk}/capture-payment", 404)["code"] == "not_found"


def test_the_app_that_everybody_knows_is_never_given_outside_sandbox_mode(student: User, settings: Any) -> None:
    settings.SANDBOX_MODE = False
    with pytest.raises(RuntimeError):
        people.enroll(student)
    assert not Authenticator.objects.exists()
