"""Packages in a session: the draft first, then the browser pays, fails or goes away (policy 12)."""

from datetime import datetime, timedelta

import pytest

from accounts.holds import AccountLocked, open_hold
from accounts.models import AccountHold
from bookings import jobs, operations
from bookings.models import Booking
from bookings.operations._errors import BookingConflict, PaidByPackage
from bookings.policy.pricing import PriceBelowFloor
from common.actors import STRIPE, job
from common.problems import Invalid, NotFound
from packages.models import Entitlement, Package
from packages.price_list import PriceNotForSale, PriceNotForThisService
from payments import gateway
from payments.models import MoneyMovement, Payment
from tests.support.cast import HOUR, Cast, mails_to, money_of, soon
from tests.support.sandbox import Sandbox

from .shop import DAY, FAILING, SECURE, Shop, intent_status, lessons_of, owed, pay, purchase, states, told

MINUTE = timedelta(minutes=1)


def test_a_paid_package_confirms_its_lessons_and_owes_the_rest(shop: Shop, cast: Cast, now: datetime) -> None:
    session = shop.session(5, now=now, hours=48, more_starts_at=[soon(72)])
    drafts = [(b.status, b.payment_status, b.holds_slot) for b in session.bookings]
    assert drafts == [("PENDING", "payment_method_required", True)] * 2
    assert (session.amount_cents, session.pay_by) == (50_000, now + 30 * MINUTE)
    assert states(session) == {"pending": 5}
    assert owed() == 0

    assert pay(session) == "succeeded"
    assert told(now, "payment_intent.succeeded") == ["succeeded"]
    assert purchase(session) == {
        "package": "paid", "payment": "settled", "outcome": "package_paid", "charged": 50_000, "refunded": 0,
    }  # fmt: skip
    assert states(session) == {"booked": 2, "available": 3}
    assert owed() == 50_000
    assert session.package
    for lesson in lessons_of(session.package):
        assert (lesson.status, lesson.payment_status, lesson.payment.has_locked_funds) == ("CONFIRMED", "locked", True)
        assert (lesson.payment.lesson_price_cents, lesson.payment.card_amount_cents) == (10_000, 0)
        assert (lesson.payment.instructor_payout_full_cents, lesson.payment.student_fee_cents) == (8_800, 0)
    assert mails_to(cast.student.user).count("package_paid.student") == 1
    assert mails_to(cast.student.user).count("booking_confirmed.student") == 2
    charge = gateway.intent(session.payment_intent_id)["latest_charge"]
    assert not charge.get("transfer")


def test_the_cents_of_a_package_add_up_over_its_lessons(shop: Shop, now: datetime) -> None:
    package = shop.bought(3, now=now)
    lessons = Entitlement.objects.filter(package=package).order_by("number")
    assert [one.price_cents for one in lessons] == [10_000, 10_001, 10_000]
    assert [one.payout_cents for one in lessons] == [8_800, 8_801, 8_800]
    assert package.expires_at == now + 365 * DAY


def test_everything_at_stripe_says_what_was_bought(shop: Shop, cast: Cast, now: datetime) -> None:
    session = shop.session(3, now=now, note="Scales, please")
    metadata = gateway.intent(session.payment_intent_id)["metadata"]
    lesson = session.bookings[0]
    assert {name: metadata[name] for name in metadata if name not in ("payment", "movement")} == {
        "student_id": cast.student.user.pk,
        "user_id": cast.student.user.pk,
        "service_type": "piano",
        "teacher_id": cast.instructor.user.pk,
        "start_at": lesson.starts_at.isoformat(),
        "end_at": lesson.ends_at.isoformat(),
        "product_id": shop.product.stripe_product_id,
        "price_id": shop.price_of[3],
        "session_id": session.session_id,
        "booking_id": lesson.pk,
        "notes": "Scales, please",
        "source": "create_session",
    }


def test_a_declined_card_gives_the_draft_up_with_its_reason(shop: Shop, cast: Cast, now: datetime) -> None:
    session = shop.session(5, now=now)
    assert pay(session, FAILING) == "card_declined"
    assert told(now, "payment_intent.payment_failed") == ["requires_payment_method"]
    lesson = Booking.objects.get(pk=session.bookings[0].pk)
    assert (lesson.status, lesson.holds_slot, lesson.cancelled_by) == ("CANCELLED", False, "system")
    assert lesson.cancellation_reason.startswith("The card was declined")
    assert money_of(lesson)["outcome"] == "student_cancel_gt24_no_charge"
    assert purchase(session)["package"] == "not_paid"
    assert purchase(session)["outcome"] == "package_not_paid"
    assert (states(session), intent_status(session), owed()) == ({"void": 5}, "canceled", 0)
    assert mails_to(cast.student.user) == ["booking_expired.student"]
    assert shop.session(5, now=now).bookings[0].status == "PENDING"


def test_3d_secure_keeps_the_draft_until_the_bank_has_answered(shop: Shop, sandbox: Sandbox, now: datetime) -> None:
    session = shop.session(5, now=now)
    assert pay(session, SECURE) == "requires_action"
    assert told(now, "payment_intent.requires_action") == ["requires_action"]
    assert purchase(session)["package"] == "awaiting_payment"
    sandbox.control("POST", f"authentications/{session.payment_intent_id}", result="succeed")
    assert told(now, "payment_intent.succeeded") == ["succeeded"]
    assert purchase(session)["package"] == "paid"


def test_an_intent_cancelled_at_stripe_cancels_the_draft(shop: Shop, now: datetime) -> None:
    session = shop.session(3, now=now)
    gateway.cancel_intent(session.payment_intent_id, params={}, key="by hand")
    assert told(now, "payment_intent.canceled") == ["canceled"]
    assert Booking.objects.get(pk=session.bookings[0].pk).cancellation_reason == "The payment was cancelled."
    assert purchase(session)["package"] == "not_paid"


def test_an_abandoned_draft_expires_and_lets_go_of_everything(shop: Shop, now: datetime) -> None:
    session = shop.session(5, now=now)
    assert jobs.expire_unpaid_packages(now + 29 * MINUTE).results == {}
    assert jobs.expire_unpaid_packages(now + 30 * MINUTE).results == {"given_up": 1}
    assert jobs.expire_pending_bookings(now + 60 * MINUTE).results == {}
    assert Booking.objects.get(pk=session.bookings[0].pk).cancellation_reason == "It was not paid within 30 minutes."
    assert (purchase(session)["package"], intent_status(session)) == ("not_paid", "canceled")
    assert jobs.expire_unpaid_packages(now + 2 * HOUR).results == {}


def test_paid_in_the_last_moment_counts(shop: Shop, now: datetime) -> None:
    session = shop.session(5, now=now)
    pay(session)
    assert jobs.expire_unpaid_packages(now + 31 * MINUTE).results == {}
    assert (purchase(session)["package"], purchase(session)["charged"]) == ("paid", 50_000)
    assert states(session) == {"booked": 1, "available": 4}
    assert told(now + 32 * MINUTE, "payment_intent.succeeded") == ["nothing"]


def test_paid_while_it_was_being_given_up_is_refunded_in_full(
    shop: Shop, cast: Cast, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = shop.session(5, now=now)
    cancel = gateway.cancel_intent

    def paid_just_before(intent: str, **about: object) -> gateway.Fields:
        pay(session)
        return cancel(intent, **about)  # type: ignore[arg-type]

    monkeypatch.setattr(gateway, "cancel_intent", paid_just_before)
    assert jobs.expire_unpaid_packages(now + 30 * MINUTE).results == {"refunded": 1}
    assert purchase(session) == {
        "package": "refused", "payment": "settled", "outcome": "package_refused_full_refund",
        "charged": 50_000, "refunded": 50_000,
    }  # fmt: skip
    assert (states(session), owed()) == ({"void": 5}, 0)
    assert told(now + HOUR, "payment_intent.succeeded") == ["nothing"]
    assert "package_refused.student" in mails_to(cast.student.user)


def test_a_refund_that_stripe_refuses_waits_for_support_and_is_not_lost(
    shop: Shop, cast: Cast, now: datetime, sandbox: Sandbox
) -> None:
    session = shop.session(5, now=now)
    gateway.client().v1.payment_intents.update(session.payment_intent_id, params={"amount": 60_000})
    pay(session)
    refuse_refunds(sandbox)
    told(now, "payment_intent.succeeded")
    assert (purchase(session)["payment"], purchase(session)["refunded"]) == ("manual_review", 0)
    done = operations.refund_package(
        package_id=session.session_id, actor=cast.as_staff, lessons=None, reason="By hand", now=now
    )
    assert done.amount_cents == 60_000
    assert (purchase(session)["payment"], purchase(session)["refunded"]) == ("settled", 60_000)


def refuse_refunds(sandbox: Sandbox) -> None:
    error = {"type": "invalid_request_error", "code": "charge_already_refunded", "message": "No."}
    sandbox.control(
        "POST", "faults", method="POST", path="/v1/refunds", count=1, kind="refuse", status=400, error=error
    )


def test_another_amount_than_the_price_is_refused_and_refunded(shop: Shop, now: datetime) -> None:
    session = shop.session(5, now=now)
    gateway.client().v1.payment_intents.update(session.payment_intent_id, params={"amount": 100})
    pay(session)
    assert told(now, "payment_intent.succeeded") == ["succeeded"]
    assert purchase(session) == {
        "package": "refused", "payment": "settled", "outcome": "package_refused_full_refund",
        "charged": 100, "refunded": 100,
    }  # fmt: skip
    assert Booking.objects.get(pk=session.bookings[0].pk).status == "CANCELLED"


def test_a_draft_holds_its_time(shop: Shop, cast: Cast, now: datetime) -> None:
    start = shop.session(3, now=now, hours=48).bookings[0].starts_at
    before = Package.objects.count(), Payment.objects.count(), Booking.objects.count(), MoneyMovement.objects.count()
    with pytest.raises(BookingConflict):
        shop.session(5, now=now, starts_at=start)
    with pytest.raises(BookingConflict):
        cast.book(start, now=now)
    after = Package.objects.count(), Payment.objects.count(), Booking.objects.count(), MoneyMovement.objects.count()
    assert after == before


def test_a_cancelled_draft_leaves_its_lesson_in_the_package(shop: Shop, cast: Cast, now: datetime) -> None:
    session = shop.session(3, now=now)
    lesson = session.bookings[0]
    with pytest.raises(PaidByPackage):
        cast.check_out(lesson, now=now)
    operations.cancel_booking(booking_id=lesson.pk, actor=cast.as_student, reason="Another time", now=now)
    assert money_of(lesson)["outcome"] == "student_cancel_gt24_no_charge"
    assert states(session) == {"pending": 3}
    pay(session)
    told(now, "payment_intent.succeeded")
    assert (states(session), owed()) == ({"available": 3}, 30_001)
    assert money_of(lesson)["booking"] == "CANCELLED"


def test_the_same_request_buys_once(shop: Shop, cast: Cast, now: datetime) -> None:
    wanted = shop.wanting(3, soon(48))
    made = [operations.create_session(actor=cast.as_student, now=now, request_key="again", **wanted) for _ in range(2)]
    assert made[0].client_secret == made[1].client_secret
    assert made[0].session_id == made[1].session_id
    assert (Package.objects.count(), Booking.objects.count()) == (1, 1)


def test_an_intent_that_stripe_refuses_leaves_nothing_behind(shop: Shop, sandbox: Sandbox, now: datetime) -> None:
    from common.problems import StripeFailed

    error = {"type": "invalid_request_error", "code": "amount_too_large", "message": "No."}
    sandbox.control(
        "POST", "faults", method="POST", path="/v1/payment_intents", count=1, kind="refuse", status=400, error=error
    )
    with pytest.raises(StripeFailed):
        shop.session(3, now=now)
    package = Package.objects.get()
    assert (package.status, states(package)) == ("not_paid", {"void": 3})
    assert Booking.objects.get().status == "CANCELLED"


def test_a_decision_that_stopped_half_way_is_carried_on(
    shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the charge was noted at Stripe and before it was concluded: the recovery job ends it, once."""
    session = shop.session(5, now=now)
    pay(session)
    with monkeypatch.context() as patched:
        patched.setattr("packages.entitlements.open_up", killed)
        with pytest.raises(Killed):
            operations.note_package_payment(package_id=session.session_id, actor=STRIPE, now=now)
    assert (purchase(session)["charged"], purchase(session)["package"]) == (50_000, "awaiting_payment")
    run = resume(now)
    assert run == {"paid": 1}
    assert (purchase(session)["package"], states(session)) == ("paid", {"booked": 1, "available": 4})
    assert MoneyMovement.objects.filter(kind="collect").count() == 1


class Killed(Exception):
    """As if the process had died here."""


def killed(*args: object, **kwargs: object) -> None:
    raise Killed


def resume(now: datetime) -> dict[str, int]:
    from common import clock
    from payments.models import MoneyPlan

    MoneyPlan.objects.filter(finished_at=None).update(next_attempt_at=clock.system_now())
    return jobs.resume_unfinished_settlements(now).results


# --- What is refused -------------------------------------------------------------------------------------------------
def test_only_what_is_on_the_price_list_is_sold(shop: Shop, cast: Cast, now: datetime) -> None:
    def refused(expected: type[Exception], **wanted: object) -> Exception:
        with pytest.raises(expected) as error:
            operations.create_session(
                actor=cast.as_student,
                now=now,
                **{**shop.wanting(3, soon(48)), **wanted},
            )
        return error.value

    refused(NotFound, price_id="price_unknown")
    refused(NotFound, service_id="01JZZZZZZZZZZZZZZZZZZZZZZZ")
    refused(Invalid, ends_at=soon(48) + 90 * MINUTE)
    refused(Invalid, more_starts_at=[soon(72)] * 2)
    refused(Invalid, more_starts_at=[soon(72), soon(96), soon(120)])
    shop.product.services.clear()
    refused(PriceNotForThisService)
    shop.product.services.add(cast.instructor.services[0])
    gateway.client().v1.prices.update(shop.price_of[3], params={"active": False})
    refused(PriceNotForSale)
    open_hold(
        user_id=cast.student.user.pk, kind=AccountHold.Kind.LOCKED, payment_id="x", amount_cents=1, now=now, reason=""
    )
    refused(AccountLocked, price_id=shop.price_of[5])
    assert (Package.objects.count(), Booking.objects.count(), Payment.objects.count()) == (0, 0, 0)


def test_a_package_is_no_way_below_the_floor(shop: Shop, cast: Cast, now: datetime) -> None:
    cheap = gateway.client().v1.prices.create(
        params={
            "product": shop.product.stripe_product_id,
            "currency": "usd",
            "unit_amount": 17_999,
            "metadata": {"lessons": "3", "minutes": "60"},
        }
    )
    with pytest.raises(PriceBelowFloor):
        operations.create_session(actor=cast.as_student, now=now, **{**shop.wanting(3, soon(48)), "price_id": cheap.id})
    assert Package.objects.count() == 0


def test_giving_up_needs_no_intent(shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before Stripe was asked: the draft exists, the plan makes its intent later, and it expires like any other."""
    monkeypatch.setattr("bookings.operations.packages.buy.see_through", killed)
    with pytest.raises(Killed):
        shop.session(3, now=now)
    monkeypatch.undo()
    assert resume(now) == {"awaiting_payment": 1}
    package = Package.objects.get()
    later = now + 31 * MINUTE
    assert operations.expire_package(package_id=package.pk, actor=job("test"), now=later) == "given_up"
    assert states(package) == {"void": 3}
