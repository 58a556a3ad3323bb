"""Students bring students: once per person, never oneself, and credit once the first lesson is paid."""

from typing import Any

import pytest
from django.db import IntegrityError

from accounts.models import User
from bookings.models import Booking
from common import clock
from community.jobs import reward_referrals
from community.models import Referral
from community.operations import referrals
from credits.models import CreditLot
from credits.operations import a_year_after
from credits.queries import check_everybody
from payments.models import LedgerLine
from payments.vocabulary import Outcome
from tests.support.factories import UserFactory

from .conftest import Given, api_of


def came(student: User, code: str) -> User:
    new = UserFactory.create(first_name="Nora", last_name="New")
    api_of(new).post("referrals/redeem", code=code)
    return new


def code_of(student: User) -> str:
    return str(api_of(student).get("referrals")["code"])


def pay(booking: Booking) -> None:
    """As settling leaves it."""
    payment = booking.payment
    payment.authorize()
    payment.settle()
    payment.settlement_outcome, payment.settled_at = Outcome.LESSON_COMPLETED, clock.now()
    payment.save()


def test_the_reward_comes_with_the_first_paid_lesson_once(student: User, given: Given) -> None:
    code = code_of(student)
    assert code_of(student) == code
    new = came(student, code.lower())
    booking = given(of=new)
    assert reward_referrals(clock.now()).results == {}
    assert CreditLot.objects.count() == 0

    pay(booking)
    now = clock.now()
    assert reward_referrals(now).results == {"rewarded": 1}
    assert reward_referrals(clock.now()).results == {}
    assert referrals.reward(Referral.objects.get().pk, clock.now()) == "nothing"
    lot = CreditLot.objects.get()
    assert (lot.owner_id, lot.amount_cents, lot.source, lot.status) == (student.pk, 1_000, "referral", "available")
    assert lot.expires_at == a_year_after(now)
    assert check_everybody() == []
    assert sum(LedgerLine.objects.values_list("amount_cents", flat=True)) == 0
    assert LedgerLine.objects.filter(amount_cents=1_000).count() == 1

    told = api_of(student).get("referrals")
    assert (told["came"], told["rewarded"], told["reward_cents"]) == (1, 1, 1_000)
    people = api_of(student).get("referrals/people")["results"]
    assert [(one["name"], one["reward_cents"]) for one in people] == [("Nora N.", 1_000)]
    pay(given(3, of=new))
    assert reward_referrals(clock.now()).results == {}


def test_a_reward_whose_job_died_after_the_credit_is_given_once(student: User, given: Given) -> None:
    new = came(student, code_of(student))
    pay(given(of=new))
    reward_referrals(clock.now())
    Referral.objects.update(rewarded_at=None, reward_cents=0)

    assert reward_referrals(clock.now()).results == {"rewarded": 1}
    assert CreditLot.objects.count() == 1


def test_a_code_that_cannot_be_redeemed(student: User, given: Given, instructor: User) -> None:
    code = code_of(student)
    assert api_of(student).post("referrals/redeem", 422, code=code)["code"] == "referral_own_code"
    assert api_of(student).post("referrals/redeem", 422, code="NOBODY22")["code"] == "referral_code_unknown"
    for wrong in ({}, {"code": ""}, {"code": "x" * 13}, {"code": "a\x00b"}):
        api_of(student).post("referrals/redeem", 400, **wrong)
    taught = UserFactory.create()
    given(of=taught)
    assert api_of(taught).post("referrals/redeem", 422, code=code)["code"] == "referral_not_new"
    for path in ("referrals", "referrals/people"):
        api_of(instructor).get(path, 403)
    api_of(instructor).post("referrals/redeem", 403, code=code)
    assert Referral.objects.count() == 0


def test_a_person_is_referred_once(student: User) -> None:
    mine, theirs = code_of(student), code_of(UserFactory.create())
    new = came(student, mine)

    api_of(new).post("referrals/redeem", code=mine)
    assert api_of(new).post("referrals/redeem", 409, code=theirs)["code"] == "already_referred"
    assert Referral.objects.get().referrer == student
    with pytest.raises(IntegrityError):
        Referral.objects.create(referrer=student, referred=student, created_at=clock.now())


def test_ten_people_a_day(student: User, monkeypatch: pytest.MonkeyPatch, at: Any) -> None:
    monkeypatch.setattr(referrals, "MOST_A_DAY", 2)
    code, today = code_of(student), clock.now().replace(hour=12)
    at(today)
    for _ in range(2):
        came(student, code)
    late = UserFactory.create()
    assert api_of(late).post("referrals/redeem", 422, code=code)["code"] == "referral_limit"
    at(today.replace(hour=23) + (a_year_after(today) - today))
    api_of(late).post("referrals/redeem", code=code)
    assert Referral.objects.count() == 3
