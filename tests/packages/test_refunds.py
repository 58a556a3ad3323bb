"""Money of a package that goes back: lessons not taken, lessons given back by support (policy 12)."""

from datetime import datetime

import pytest

from bookings import jobs, operations
from bookings.models import SupportItem
from bookings.operations._errors import UnderReview
from bookings.operations.packages.give_back import NotGivenBack
from bookings.operations.packages.refund import NoLessonsToRefund
from bookings.operations.refund import PackageLesson
from common.problems import NotFound, PermissionDenied
from packages.models import Package
from payments import gateway
from payments.models import MoneyMovement
from sandbox_mode.people import make_person
from tests.stories.acts import in_account
from tests.support.cast import HOUR, Cast, mails_to, money_of, soon
from tests.support.sandbox import Sandbox

from .shop import DAY, Shop, lessons_of, owed, purchase, states
from .test_buying import Killed, killed, refuse_refunds, resume
from .test_lessons import cancel, entitlement_of, given


def refund(package: Package, cast: Cast, now: datetime, lessons: int | None = None, key: str | None = None) -> int:
    done = operations.refund_package(
        package_id=package.pk, actor=cast.as_student, lessons=lessons, reason="Moving away", now=now, request_key=key
    )
    return done.amount_cents


def refunds_at_stripe(package: Package) -> list[int]:
    return sorted(one["amount"] for one in gateway.refunds_of(package.payment.payment_intent_id))


def test_lessons_not_taken_are_refunded_at_their_share(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    assert refund(package, cast, now, 1) == 10_000
    assert (states(package), owed()) == ({"booked": 1, "available": 1, "refunded": 1}, 20_001)
    assert refund(package, cast, now) == 10_001
    assert purchase(package) == {
        "package": "paid", "payment": "settled", "outcome": "package_paid", "charged": 30_001, "refunded": 20_001,
    }  # fmt: skip
    assert (refunds_at_stripe(package), owed()) == ([10_000, 10_001], 10_000)
    with pytest.raises(NoLessonsToRefund) as refusal:
        refund(package, cast, now)
    assert refusal.value.fields["refundable_lessons"] == 0
    assert mails_to(cast.student.user).count("package_refunded.student") == 2


def test_a_whole_package_comes_back_to_the_cent(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    cancel(lessons_of(package)[0], cast, 24)
    assert refund(package, cast, now) == 30_001
    assert (states(package), owed(), purchase(package)["refunded"]) == ({"refunded": 3}, 0, 30_001)


def test_the_same_request_refunds_once(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(5, now=now)
    assert [refund(package, cast, now, 1, key="again") for _ in range(2)] == [10_000, 10_000]
    assert refunds_at_stripe(package) == [10_000]


def test_nobody_else_and_nothing_else_is_refunded(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    stranger = make_person(role=cast.as_student.role, now=now).user.as_actor(cast.as_student.door)
    about = {"package_id": package.pk, "lessons": None, "reason": "?", "now": now}
    with pytest.raises(NotFound):
        operations.refund_package(actor=stranger, **about)  # type: ignore[arg-type]
    with pytest.raises(PermissionDenied):
        operations.refund_package(actor=cast.as_instructor, **about)  # type: ignore[arg-type]
    with pytest.raises(NoLessonsToRefund):
        refund(package, cast, now, 3)
    unpaid = shop.session(5, now=now, hours=72).package
    assert unpaid
    with pytest.raises(NoLessonsToRefund):
        refund(unpaid, cast, now)
    assert states(package) == {"booked": 1, "available": 2}
    assert MoneyMovement.objects.filter(kind="refund").count() == 0


def test_after_its_date_nothing_is_refunded(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    assert package.expires_at
    with pytest.raises(NoLessonsToRefund):
        refund(package, cast, package.expires_at)
    assert refund(package, cast, package.expires_at - HOUR) == 20_001


def test_a_refund_that_stripe_refuses_leaves_the_lessons(
    shop: Shop, cast: Cast, now: datetime, sandbox: Sandbox
) -> None:
    package = shop.bought(3, now=now)
    refuse_refunds(sandbox)
    with pytest.raises(UnderReview):
        refund(package, cast, now)
    assert (states(package), owed()) == ({"booked": 1, "available": 2}, 30_001)
    assert SupportItem.objects.filter(kind="refund_failed", closed_at=None).count() == 1
    assert refund(package, cast, now) == 20_001


# --- Given back by support -------------------------------------------------------------------------------------------
def give_back(cast: Cast, booking_id: str, now: datetime, *, to_card: bool = False) -> None:
    operations.give_lesson_back(booking_id=booking_id, actor=cast.as_staff, to_card=to_card, reason="Sorry", now=now)


def test_a_given_lesson_is_given_back(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    lesson = lessons_of(package)[0]
    given(lesson)
    later = lesson.ends_at + 2 * DAY
    for _ in range(2):
        give_back(cast, lesson.pk, later)
    money = money_of(lesson)
    assert (money["booking"], money["outcome"], money["payout"]) == ("COMPLETED", "admin_refund", 0)
    assert (in_account(cast), states(package), owed()) == (0, {"available": 3}, 30_001)
    assert refunds_at_stripe(package) == []
    assert mails_to(cast.instructor.user).count("lesson_given_back.instructor") == 1


def test_or_its_share_goes_back_to_the_card(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now, more_starts_at=[soon(72)])
    lesson = lessons_of(package)[1]
    cancel(lesson, cast, 6)
    give_back(cast, lesson.pk, lesson.starts_at, to_card=True)
    assert (money_of(lesson)["payout"], money_of(lesson)["credit"], in_account(cast)) == (0, 0, 0)
    assert (states(package), owed()) == ({"booked": 1, "available": 1, "refunded": 1}, 20_000)
    assert (refunds_at_stripe(package), purchase(package)["refunded"]) == ([10_001], 10_001)


def test_killed_between_giving_back_and_refunding_the_job_refunds(
    shop: Shop, cast: Cast, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = shop.bought(3, now=now)
    lesson = lessons_of(package)[0]
    given(lesson)
    with monkeypatch.context() as patched:
        patched.setattr("bookings.operations.packages.give_back.refund_returned_lessons", killed)
        with pytest.raises(Killed):
            give_back(cast, lesson.pk, now + 5 * DAY, to_card=True)
    assert states(package) == {"to_refund": 1, "available": 2}
    assert jobs.resume_unfinished_settlements(now + 5 * DAY).results == {"refunded": 1}
    assert jobs.resume_unfinished_settlements(now + 5 * DAY).results == {}
    assert (states(package), refunds_at_stripe(package)) == ({"refunded": 1, "available": 2}, [10_000])


def test_killed_before_the_refund_is_concluded_it_is_refunded_once(
    shop: Shop, cast: Cast, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = shop.bought(3, now=now)
    with monkeypatch.context() as patched:
        patched.setattr("packages.entitlements.end", killed)
        with pytest.raises(Killed):
            refund(package, cast, now)
    assert states(package) == {"booked": 1, "to_refund": 2}
    assert resume(now) == {"refunded": 1}
    assert (states(package), refunds_at_stripe(package)) == ({"booked": 1, "refunded": 2}, [20_001])


def test_only_used_lessons_of_packages_are_given_back(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    lesson = lessons_of(package)[0]
    with pytest.raises(NotGivenBack):
        give_back(cast, lesson.pk, now)
    cancel(lesson, cast, 24)
    with pytest.raises(NotGivenBack):
        give_back(cast, lesson.pk, now)
    with pytest.raises(PermissionDenied):
        operations.give_lesson_back(booking_id=lesson.pk, actor=cast.as_student, to_card=True, reason="?", now=now)
    with pytest.raises(PackageLesson):
        operations.refund_booking(
            booking_id=lesson.pk, actor=cast.as_staff, amount_cents=None, reason="platform_error", now=now
        )
    assert states(package) == {"available": 3}


def test_a_pay_that_stripe_does_not_take_back_waits_for_support(
    shop: Shop, cast: Cast, now: datetime, sandbox: Sandbox
) -> None:
    package = shop.bought(3, now=now)
    lesson = lessons_of(package)[0]
    given(lesson)
    error = {"type": "invalid_request_error", "code": "balance_insufficient", "message": "No."}
    sandbox.control(
        "POST",
        "faults",
        method="POST",
        path="/v1/transfers/*/reversals",
        count=1,
        kind="refuse",
        status=400,
        error=error,
    )
    give_back(cast, lesson.pk, now + 5 * DAY, to_card=True)
    assert (money_of(lesson)["payment"], entitlement_of(lesson).status) == ("manual_review", "used")
    assert (in_account(cast), refunds_at_stripe(package)) == (8_800, [])
    operations.resolve_review(
        booking_id=lesson.pk, actor=cast.as_staff, resolution="full_refund", reason="Again", now=now + 6 * DAY
    )
    assert (in_account(cast), entitlement_of(lesson).status, owed()) == (0, "available", 30_001)
