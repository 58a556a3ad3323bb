"""Refund lessons of a package that nobody took: each is worth its share of the price, back to the card (policy 12)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bookings.models import SupportItem
from bookings.operations._errors import ChargebackOpen, UnderReview
from bookings.operations._history import actor_of, ask_support
from bookings.operations._story import Moves, only, see_through, tells
from common.actors import Actor, Role
from common.mutex import Lease
from common.problems import Refused
from packages import entitlements
from packages.models import Entitlement, Package
from payments.models import MoneyMovement, MoneyPlan
from payments.settlement import Movement, open_plan
from payments.vocabulary import Outcome, PaymentStatus

from ._whole import Whole, find_package, fresh_package, lock_whole, lock_whole_at_rest, one_package_at_a_time

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
S, P = Entitlement.Status, Package.Status


class NoLessonsToRefund(Refused):
    """`refundable_lessons` says how many there are."""

    code, title = "no_lessons_to_refund", "So many lessons of this package cannot be refunded"
    remedy = "Ask for at most the lessons that are available; cancel booked ones first."


@dataclass(frozen=True, slots=True)
class PackageRefunded:
    """The package after a refund, what went back to the card, and Stripe's id of the refund."""

    package: Package
    amount_cents: int
    refund_id: str


def refund_package(
    *, package_id: str, actor: Actor, lessons: int | None, reason: str, now: datetime, request_key: str | None = None
) -> PackageRefunded:
    """Refund so many lessons that can still be booked, all of them when None. Student or staff. The same key refunds once.

    Of a package that was paid and refused, what could not be sent back then. Raises NotFound, NoLessonsToRefund,
    ChargebackOpen, UnderReview (Stripe refused), OperationInProgress, StripeUnavailable.
    """
    only(actor, Role.STUDENT, Role.STAFF)
    find_package(package_id, actor)
    with one_package_at_a_time(package_id, now) as lease:
        plan = _asked_before(package_id, request_key)
        if plan is None:
            plan = _decide(package_id, actor, lessons, reason, lease, now, request_key)
            see_through(plan, lease, now)
    return _answer(package_id, plan)


def _answer(package_id: str, plan: MoneyPlan) -> PackageRefunded:
    refund = Moves(plan).last(Kind.REFUND)
    if refund is None or refund.status != MoneyMovement.Status.DONE:
        raise UnderReview("Stripe refused the refund; it is in the support queue.")
    return PackageRefunded(fresh_package(package_id), refund.amount_cents, refund.stripe_id)


def refund_returned_lessons(*, package_id: str, actor: Actor, now: datetime) -> str:
    """The money of lessons that staff gave back to be refunded, when a crash came in between. `nothing` when there is none."""
    with one_package_at_a_time(package_id, now) as lease:
        with transaction.atomic():
            whole = lock_whole_at_rest(package_id)
            lessons = entitlements.locked(whole.package, S.TO_REFUND)
            if not lessons or whole.package.status != P.PAID:
                return "nothing"
            plan = _plan(whole, lessons, actor, "Given back by support.", lease, now)
        return see_through(plan, lease, now)


def _asked_before(package_id: str, request_key: str | None) -> MoneyPlan | None:
    if request_key is None:
        return None
    plans = MoneyPlan.objects.filter(booking_id=package_id, purpose=Purpose.REFUND_PACKAGE)
    return plans.filter(terms__request_key=request_key).first()


def _decide(
    package_id: str, actor: Actor, lessons: int | None, reason: str, lease: Lease, now: datetime,
    request_key: str | None,
) -> MoneyPlan:  # fmt: skip
    with transaction.atomic():
        whole = lock_whole_at_rest(package_id)
        package = whole.package
        if package.status == P.DISPUTED:
            raise ChargebackOpen()
        if package.status == P.REFUSED and whole.payment.status == PaymentStatus.MANUAL_REVIEW:
            return _plan(whole, [], actor, reason, lease, now, request_key)
        left = entitlements.locked(package, S.AVAILABLE) if package.status == P.PAID else []
        left = [one for one in left if one.expires_at and now < one.expires_at]
        count = len(left) if lessons is None else lessons
        if not 1 <= count <= len(left):
            raise NoLessonsToRefund(refundable_lessons=len(left))
        return _plan(whole, left[-count:], actor, reason, lease, now, request_key)


def _plan(
    whole: Whole, lessons: list[Entitlement], actor: Actor, reason: str, lease: Lease, now: datetime,
    request_key: str | None = None,
) -> MoneyPlan:  # fmt: skip
    """With the lessons named, exactly their worth; with none, everything the card paid and has not back."""
    left = whole.payment.card_charged_cents - whole.payment.refunded_to_card_cents
    amount = sum(one.price_cents for one in lessons) if lessons else left
    entitlements.move(lessons, S.TO_REFUND)
    return open_plan(
        payment=whole.payment,
        booking_id=whole.package.pk,
        purpose=Purpose.REFUND_PACKAGE,
        actor=actor,
        now=now,
        lease=lease,
        terms={"entitlements": [one.pk for one in lessons], "request_key": request_key or ""},
        reason=reason,
        movements=[Movement(Kind.REFUND, amount)],
    )


def _conclude(plan: MoneyPlan, whole: Whole, now: datetime) -> str:
    package, payment = whole.package, whole.payment
    lessons = [one for one in entitlements.locked(package) if one.pk in plan.terms["entitlements"]]
    refund = Moves(plan).last(Kind.REFUND)
    if refund is None or refund.status != MoneyMovement.Status.DONE:
        return _refused(plan, whole, lessons, refund, now)
    if lessons:
        entitlements.end(package, lessons, S.REFUNDED, plan.pk, now)
    else:
        payment.settlement_outcome, payment.settled_at, payment.review_reason = Outcome.PACKAGE_REFUSED, now, ""
        payment.settle()
        payment.save()
        SupportItem.objects.filter(cause=package.pk, closed_at=None).update(closed_at=now)
    whole.note(
        "package_refunded" if lessons else "package_refused",
        actor=actor_of(plan),
        now=now,
        plan=plan,
        reason=plan.reason,
        amounts={"refund_cents": refund.amount_cents},
        details={"lessons": len(lessons)},
    )
    return "refunded"


def _refused(
    plan: MoneyPlan, whole: Whole, lessons: list[Entitlement], refund: MoneyMovement | None, now: datetime
) -> str:
    """Nothing moved: the lessons are the student's again, and support looks at it."""
    entitlements.move(lessons, S.AVAILABLE)
    ask_support(
        kind=SupportItem.Kind.REFUND_FAILED,
        cause=plan.pk,
        booking_id=whole.package.first_booking_id or "",
        money_at_risk_cents=refund.amount_cents if refund else 0,
        now=now,
        detail=f"Package {whole.package.pk}: {refund.error_code if refund else ''} {refund.error_message if refund else ''}",
    )
    return "refund_failed"


tells(Purpose.REFUND_PACKAGE, lock=lock_whole, conclude=_conclude)
