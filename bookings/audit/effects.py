"""Invariants 8, 10 and 11: nothing unfinished or decided twice, one effect each, one mail each."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from django.db.models import Count

from bookings.models import BookingEvent
from bookings.notifications import INSTRUCTOR, STUDENT, TOLD
from payments import instant_payouts
from payments.models import InstantPayout, LedgerEntry, MoneyMovement, MoneyPlan

from .scope import Scope, Violation

Purpose, Kind = MoneyPlan.Purpose, MoneyMovement.Kind
ONCE = (Purpose.CANCEL, Purpose.EXPIRE, Purpose.ESCALATE, Purpose.SECURE_FUNDS)
OF_A_DISPUTE = (Purpose.OPEN_CHARGEBACK, Purpose.CLOSE_CHARGEBACK)
MAKES = (Kind.CREATE_INTENT, Kind.COLLECT, Kind.CAPTURE, Kind.REVERSE, Kind.TRANSFER, Kind.REFUND)


def i08_nothing_unfinished(scope: Scope) -> Iterator[Violation]:
    """When faults have stopped nothing is unfinished, and nothing was decided twice."""
    if scope.quiet:
        for plan in scope.each(scope.plans().filter(finished_at=None)):
            yield Violation(8, f"plan {plan.pk}", f"{plan.purpose} of booking {plan.booking_id} is unfinished")
        for movement in scope.each(scope.movements().filter(status=MoneyMovement.Status.SENT)):
            yield Violation(8, f"movement {movement.pk}", f"{movement.kind} was sent and never concluded")
        late = scope.movements().filter(status=MoneyMovement.Status.PLANNED, plan__finished_at__isnull=False)
        for movement in scope.each(late):
            yield Violation(8, f"movement {movement.pk}", f"{movement.kind} was planned and never sent")
    if scope.quiet and not scope.payment_id:
        for payout in InstantPayout.objects.filter(instant_payouts.UNFINISHED, fee_refusal="").order_by("pk"):
            yield Violation(8, f"instant payout {payout.pk}", "is unfinished")
    twice = scope.plans().filter(purpose__in=ONCE).values("payment_id", "purpose").annotate(count=Count("pk"))
    for row in twice.filter(count__gt=1).order_by():
        yield Violation(8, f"payment {row['payment_id']}", f"{row['purpose']} was decided {row['count']} times")
    captures = scope.movements_done().filter(kind__in=[Kind.CAPTURE, Kind.COLLECT]).order_by()
    for again in captures.values("payment_id").annotate(count=Count("pk")).filter(count__gt=1):
        yield Violation(8, f"payment {again['payment_id']}", f"captured {again['count']} times")


def i10_one_effect_each(scope: Scope) -> Iterator[Violation]:
    """One effect per Stripe event, one set of parameters per idempotency key, one movement per Stripe object."""
    yield from _one_set_of_parameters(scope)
    done = scope.movements_done().filter(kind__in=MAKES).order_by()
    for row in done.values("kind", "stripe_id").annotate(count=Count("pk")).filter(count__gt=1):
        yield Violation(10, row["stripe_id"], f"belongs to {row['count']} movements ({row['kind']})")
    booked = LedgerEntry.objects.exclude(movement_id="").order_by()
    booked = booked.filter(payment_id=scope.payment_id) if scope.payment_id else booked
    for entry in booked.values("movement_id").annotate(count=Count("pk")).filter(count__gt=1):
        yield Violation(10, f"movement {entry['movement_id']}", f"is in the ledger {entry['count']} times")
    disputes = scope.plans().filter(purpose__in=OF_A_DISPUTE).order_by().values("purpose", "terms__dispute")
    for dispute in disputes.annotate(count=Count("pk")).filter(count__gt=1):
        message = f"{dispute['purpose']} was decided {dispute['count']} times"
        yield Violation(10, dispute["terms__dispute"], message)
    concluded = scope.events().exclude(plan_id="").order_by().values("plan_id", "booking_id", "kind")
    for effect in concluded.annotate(count=Count("pk")).filter(count__gt=1):
        yield Violation(10, f"plan {effect['plan_id']}", f"{effect['kind']} happened {effect['count']} times")


def _one_set_of_parameters(scope: Scope) -> Iterator[Violation]:
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for request in scope.requests:
        if request.get("idempotency_key"):
            form = "&".join(sorted(str(request["form"]).split("&")))  # in another order they are the same
            asked[request.get("account") or "", request["idempotency_key"]].add(f"{request['path']} {form}")
    for (_, key), forms in asked.items():
        if len(forms) > 1:
            yield Violation(10, f"key {key}", f"was used with {len(forms)} sets of parameters")


def i11_one_mail_each(scope: Scope) -> Iterator[Violation]:
    """Every event has each mail it calls for once, to whom it concerns, and no other."""
    told = scope.events().select_related("booking").prefetch_related("mails").order_by("pk")
    for event in scope.each(told):
        wanted = Counter(f"{event.kind}.{role}" for role in TOLD.get(event.kind, ()))
        mails = list(event.mails.all())
        sent = Counter(mail.kind for mail in mails)
        if sent != wanted:
            yield Violation(11, f"event {event.pk}", f"mails {_words(sent)}, not {_words(wanted)}")
        for mail in mails:
            if mail.recipient_id != _recipient(event, mail.kind):
                yield Violation(11, f"mail {mail.pk}", f"{mail.kind} went to somebody else")


def _recipient(event: BookingEvent, kind: str) -> str | None:
    """Whom a kind of mail is for: the student, the instructor, or (None) support's address."""
    people = {STUDENT: event.booking.student_id, INSTRUCTOR: event.booking.instructor_id}
    return people.get(kind.rpartition(".")[2])


def _words(kinds: Counter[str] | Iterable[str]) -> str:
    if isinstance(kinds, Counter):
        kinds = kinds.elements()
    return ", ".join(sorted(kinds)) or "none"
