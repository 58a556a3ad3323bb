"""The queue: everything that waits for a person, from the facts, with what it is about and what to do next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import AccountHold, User
from bookings.models import Booking, ReconciliationDifference, SupportItem
from common.problems import Conflict, NotFound
from payments.models import MoneyMovement, Payment

from .models import DeskAction

Kind = SupportItem.Kind
NEXT: dict[
    str, tuple[str, str]
] = {  # kind: what to do next, and the action that does it ("" when it is done elsewhere)
    Kind.REVERSAL_FAILED: ("Read Stripe's answer, then try again or give up", "retry"),
    Kind.REFUND_FAILED: ("Fill the float or find another way, then try again or give up", "retry"),
    Kind.PAYOUT_FAILED: ("Mend the account or fill the float, then try again", "retry"),
    Kind.CAPTURE_ESCALATED: ("Wait for the student, write it off or take it back", "resolve-review"),
    Kind.CHARGEBACK: ("Send evidence in Stripe's dashboard before the deadline", ""),
    Kind.NO_SHOW_DISPUTED: ("Hear both sides, then resolve the no-show", "resolve-no-show"),
    Kind.COMPLETION_DISPUTED: ("Hear both sides, then resolve the review", "resolve-review"),
    Kind.ACCOUNT_LOCKED: ("It ends with the payment; unlock only with a reason", "lift"),
    Kind.ACCOUNT_RESTRICTED: ("Talk to the person; lift it when it is settled", "lift"),
    Kind.ACCOUNT_NEGATIVE: ("It ends when credit comes back; or clear it", "lift"),
    Kind.BANK_PAYOUT_FAILED: ("The instructor mends their bank account at Stripe", ""),
    Kind.WEBHOOK_STUCK: ("Read the error, then work through the event again", "replay-event"),
    Kind.PLAN_STUCK: ("Mend what is outside (Stripe, float, key), then carry it on", "resume-plan"),
    Kind.LEDGER_DIFFERENCE: ("Find out what it is, then explain it", "explain"),
    Kind.HOLDS_OVERDUE: ("Look at the jobs and at Stripe's status", ""),
    Kind.UNKNOWN_STATE: ("Read the movement's error, then resolve the review", "resolve-review"),
}
HOLDS = {Kind.ACCOUNT_LOCKED: "locked", Kind.ACCOUNT_RESTRICTED: "restricted", Kind.ACCOUNT_NEGATIVE: "negative"}
SORTS = {
    "deadline": ("due_at", "opened_at", "id"),
    "oldest": ("opened_at", "id"),
    "money": ("-money_at_risk_cents", "opened_at", "id"),
}
PAGE = 50


class SomebodyElses(Conflict):
    code, title = "somebody_elses", "Somebody else looks after this"
    remedy = "Talk to them, or choose another item."


@dataclass(frozen=True, slots=True)
class Row:
    """One item as the queue shows it."""

    item: SupportItem
    age: timedelta
    is_late: bool
    next_step: str
    action: str
    subject: str
    student: str = ""
    instructor: str = ""


def open_items(*, q: str = "", kind: str = "", owner: str = "", user: User | None = None) -> QuerySet[SupportItem]:
    """Open items, narrowed: by kind; `mine`, `free`; by a booking, a person, a Stripe id."""
    items = SupportItem.objects.filter(closed_at=None).select_related("owner")
    if kind in Kind.values:
        items = items.filter(kind=kind)
    if owner == "mine":
        items = items.filter(owner=user)
    if owner == "free":
        items = items.filter(owner=None)
    return items.filter(_about(q.strip())) if q.strip() else items


def _about(q: str) -> Q:
    """What somebody types: part of an address or a name, one of our ids, one of Stripe's."""
    q = q.replace("\x00", "")
    people = User.objects.filter(Q(email__icontains=q) | Q(last_name__iexact=q) | Q(pk=q) | Q(stripe_customer_id=q))
    payments = Payment.objects.filter(
        Q(pk=q) | Q(payment_intent_id=q) | Q(charge_id=q) | Q(destination_account_id=q) | Q(chargebacks=q)
    ).values("pk")
    moved = MoneyMovement.objects.filter(stripe_id=q).values("payment_id")
    bookings = Booking.objects.filter(
        Q(pk=q) | Q(student__in=people) | Q(instructor__in=people) | Q(payment__in=payments) | Q(payment__in=moved)
    ).values("pk")
    return Q(pk=q) | Q(booking_id__in=bookings) | Q(cause__icontains=q)


def rows(items: Iterable[SupportItem], *, now: datetime) -> list[Row]:
    """Items with their people and the subject of their next action: a constant number of queries."""
    items = list(items)
    bookings = Booking.objects.select_related("student", "instructor").in_bulk(
        [item.booking_id for item in items if item.booking_id]
    )
    holds = _holds(items)
    differences = _differences(items)
    found = []
    for item in items:
        step, action = NEXT.get(item.kind, ("", ""))
        subject = {
            "lift": holds.get((item.kind, item.cause), ""),
            "explain": differences.get(item.cause, ""),
            "replay-event": item.cause,
            "resume-plan": item.cause,
        }.get(action, item.booking_id)
        booking = bookings.get(item.booking_id)
        found.append(
            Row(
                item,
                age=now - item.opened_at,
                is_late=item.due_at is not None and item.due_at <= now,
                next_step=step,
                action=action if subject else "",
                subject=subject,
                student=_name(booking.student) if booking else "",
                instructor=_name(booking.instructor) if booking else "",
            )
        )
    return found


def _name(person: User) -> str:
    return f"{person.first_name} {person.last_name}".strip()


def _holds(items: list[SupportItem]) -> dict[tuple[str, str], str]:
    causes = [item.cause for item in items if item.kind in HOLDS]
    kinds = {value: kind for kind, value in HOLDS.items()}
    holds = AccountHold.objects.filter(payment_id__in=causes, lifted_at=None) if causes else AccountHold.objects.none()
    return {(kinds[hold.kind], hold.payment_id): hold.pk for hold in holds}


def _differences(items: list[SupportItem]) -> dict[str, str]:
    """The latest difference of each object that items are about."""
    sources = [item.cause.rpartition(":")[2] for item in items if item.kind == Kind.LEDGER_DIFFERENCE]
    if not sources:
        return {}
    known = ReconciliationDifference.objects.filter(stripe_source__in=sources).order_by("id")
    return {f"{d.stripe_account or 'platform'}:{d.stripe_source}": d.pk for d in known}


def counts() -> list[dict[str, object]]:
    """How many items of each kind wait, and how much money with them; those with something first."""
    by_kind = (
        SupportItem.objects.filter(closed_at=None)
        .values("kind")
        .annotate(count=Count("pk"), money_cents=Sum("money_at_risk_cents"))
        .order_by("-count", "kind")
    )
    return [{**row, "words": words(str(row["kind"]))} for row in by_kind]


def words(kind: str) -> str:
    """A kind as a person reads it."""
    return kind.replace("_", " ").capitalize()


def waiting_for_second() -> int:
    return DeskAction.objects.filter(state=DeskAction.State.WAITING).count()


def claim(*, item_id: str, user: User) -> SupportItem:
    """Look after an open item; claimed twice it is claimed once. Raises NotFound or SomebodyElses."""
    taken = SupportItem.objects.filter(pk=item_id, closed_at=None, owner=None).update(owner=user)
    item = SupportItem.objects.select_related("owner").filter(pk=item_id).first()
    if item is None:
        raise NotFound("There is no such item.")
    if not taken and item.owner_id != user.pk:
        raise SomebodyElses(f"{item.owner} looks after this." if item.owner else "This is closed already.")
    return item


def release(*, item_id: str, user: User) -> SupportItem:
    """Give an item back to everybody. Raises NotFound or SomebodyElses."""
    given = SupportItem.objects.filter(pk=item_id, owner=user).update(owner=None)
    item = SupportItem.objects.select_related("owner").filter(pk=item_id).first()
    if item is None:
        raise NotFound("There is no such item.")
    if not given and item.owner_id is not None:
        raise SomebodyElses(f"{item.owner} looks after this.")
    return item
