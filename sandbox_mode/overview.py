"""What the page shows: people, lessons with their money, mails, and the ledger beside Stripe's. A constant number of queries."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, F, IntegerField, Q, Sum, Value, When

from accounts.models import User
from bookings.models import Booking, BookingEvent
from bookings.state_machine import BookingStatus
from common.actors import Role
from common.problems import StripeUnavailable
from credits.models import CreditLot
from payments import ledger
from payments.models import ConnectAccount
from payments.vocabulary import Outcome, PaymentStatus

from .stripe_side import stripe_side

B, S = BookingStatus, PaymentStatus
MOST_PEOPLE, MOST_LESSONS, MOST_EVENTS, MOST_ACCOUNTS = 12, 14, 40, 8
STEPS = ("booked", "held", "lesson", "24 hours", "settled")
ENDINGS = {
    Outcome.LESSON_COMPLETED: "Took place: the instructor is paid",
    Outcome.CANCEL_NO_CHARGE: "Ended before anything was charged",
    Outcome.CANCEL_LATE: "Cancelled 12 to 24 h before: the price came back as credit",
    Outcome.CANCEL_LAST_MINUTE: "Cancelled under 12 h before: half credit, half payout",
    Outcome.LOCKED_CANCEL_LATE: "Moved late, then cancelled 12 h or more before: full credit",
    Outcome.LOCKED_CANCEL_LAST_MINUTE: "Moved late, then cancelled under 12 h before: half and half",
    Outcome.INSTRUCTOR_CANCEL: "The instructor cancelled: everything went back",
    Outcome.INSTRUCTOR_NO_SHOW: "The instructor did not come: everything went back",
    Outcome.MUTUAL_NO_SHOW: "Nobody came: everything went back",
    Outcome.STUDENT_NO_SHOW: "The student did not come: the instructor is paid",
    Outcome.STUDENT_WINS_DISPUTE: "Decided for the student: everything went back",
    Outcome.DISPUTE_WON: "Chargeback won: the payment stands",
    Outcome.CAPTURE_FAILURE_PAID: "The card failed: the platform paid the instructor",
    Outcome.ADMIN_REFUND: "Refunded by support",
}


@dataclass(frozen=True, slots=True)
class PersonCard:
    """Somebody one can be, and the one thing to know of them."""

    id: str
    name: str
    email: str
    role: str
    zone: str
    word: str


@dataclass(frozen=True, slots=True)
class LessonRow:
    """A lesson and its money in cents; `reached` counts the steps of its life that are behind it."""

    booking: Booking
    steps: tuple[str, ...]
    reached: int
    next: str
    next_at: datetime | None
    money: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Account:
    """A balance at Stripe: what Stripe says and what our ledger says, in cents."""

    name: str
    stripe_id: str
    stripe_cents: int
    our_cents: int

    @property
    def equal(self) -> bool:
        return self.stripe_cents == self.our_cents


@dataclass(frozen=True, slots=True)
class Books:
    """Every balance side by side; `trouble` says why there are none."""

    accounts: list[Account] = field(default_factory=list)
    trouble: str = ""

    @property
    def equal(self) -> bool:
        return all(account.equal for account in self.accounts)

    @property
    def shown(self) -> list[Account]:
        """The platform, what differs, and the first others; what is left is one line, so that nothing is left out."""
        first = sorted(self.accounts[1:], key=lambda account: account.equal)
        shown, rest = [*self.accounts[:1], *first[:MOST_ACCOUNTS]], first[MOST_ACCOUNTS:]
        if rest:
            together = Account(
                name=f"{len(rest)} others together",
                stripe_id="",
                stripe_cents=sum(account.stripe_cents for account in rest),
                our_cents=sum(account.our_cents for account in rest),
            )
            shown.append(together)
        return shown

    @property
    def stripe_cents(self) -> int:
        return sum(account.stripe_cents for account in self.accounts)

    @property
    def our_cents(self) -> int:
        return sum(account.our_cents for account in self.accounts)


def people(first: tuple[str, ...], now: datetime) -> list[PersonCard]:
    """Those to be first, then the latest others."""
    demo = Case(When(email__in=first, then=Value(0)), default=Value(1), output_field=IntegerField())
    role = Case(
        When(role=Role.STUDENT, then=Value(0)), When(role=Role.INSTRUCTOR, then=Value(1)), default=Value(2),
        output_field=IntegerField(),
    )  # fmt: skip
    found = User.objects.select_related("instructor_profile", "connect_account").annotate(demo=demo, order=role)
    users = list(found.order_by("demo", "order", "-pk")[:MOST_PEOPLE])
    usable = CreditLot.objects.filter(owner__in=users, status=CreditLot.Status.AVAILABLE, expires_at__gt=now)
    wallets = dict(usable.order_by().values_list("owner").annotate(cents=Sum("amount_cents")))
    return [
        PersonCard(user.pk, user.public_name, user.email, user.role, user.timezone, _word(user, wallets))
        for user in users
    ]


def _word(user: User, wallets: dict[str, int]) -> str:
    if user.is_student:
        cents = wallets.get(user.pk, 0)
        return f"${cents / 100:,.2f} credit" if cents else "no credit"
    if user.is_instructor:
        profile, account = getattr(user, "instructor_profile", None), getattr(user, "connect_account", None)
        rate = f"{profile.commission_bps / 100:g} % commission" if profile else "no profile"
        ready = account is not None and account.charges_enabled
        return f"{'founding, ' if profile and profile.is_founding else ''}{rate}{'' if ready else ', not payable yet'}"
    return "may do everything" if user.is_superuser else "support"


def lessons(now: datetime) -> list[LessonRow]:
    """The lessons nearest to now, the latest first; a moved lesson only as what it became."""
    rows = Booking.objects.select_related("payment", "student", "instructor", "service").filter(rescheduled_to=None)
    near = list(rows.annotate(distance=_distance(now)).order_by("distance", "pk")[:MOST_LESSONS])
    return [_row(booking, now) for booking in sorted(near, key=lambda b: (b.starts_at, b.pk), reverse=True)]


def _distance(now: datetime) -> Case:
    return Case(When(starts_at__gte=now, then=F("starts_at") - Value(now)), default=Value(now) - F("starts_at"))


def _row(booking: Booking, now: datetime) -> LessonRow:
    payment = booking.payment
    next_word, next_at = _next(booking)
    steps, reached = _life(booking, now)
    figures = [
        ("charged", payment.card_charged_cents),
        ("held", payment.card_amount_cents if payment.status == S.AUTHORIZED else 0),
        ("to be held", payment.card_amount_cents if payment.status == S.SCHEDULED else 0),
        ("to pay", payment.card_amount_cents if payment.status == S.PAYMENT_METHOD_REQUIRED else 0),
        ("frozen", payment.card_amount_cents if payment.status == S.MANUAL_REVIEW and not payment.is_captured else 0),
        ("from credit", payment.credits_reserved_cents),
        ("refunded", payment.refunded_to_card_cents),
        ("credit back", payment.student_credit_cents),
        ("instructor", payment.instructor_payout_cents),
    ]
    money = [(name, cents) for name, cents in figures if cents]
    return LessonRow(booking, steps, reached, next_word, next_at, money)


def _life(booking: Booking, now: datetime) -> tuple[tuple[str, ...], int]:
    """The steps of a lesson's life, and how many of them are behind it."""
    settled = booking.payment.status == S.SETTLED
    if booking.status in (B.CANCELLED, B.NO_SHOW):
        return ("booked", str(booking.status).replace("_", "-").lower(), "settled"), 3 if settled else 2
    if settled:
        return STEPS, len(STEPS)
    if now >= booking.ends_at:
        return STEPS, 3
    if booking.payment.status in (S.AUTHORIZED, S.LOCKED, S.MANUAL_REVIEW):
        return STEPS, 2
    return STEPS, int(booking.status != B.PENDING)


def _next(booking: Booking) -> tuple[str, datetime | None]:
    """What happens next by itself."""
    payment = booking.payment
    match payment.status:
        case S.SCHEDULED:
            return "hold", payment.auth_scheduled_for
        case S.AUTHORIZED | S.LOCKED:
            return "paid out", payment.capture_due_at
        case S.PAYMENT_METHOD_REQUIRED if booking.status == B.CONFIRMED and not payment.capture_failed_at:
            return "given up unless paid", payment.auth_cancel_at
        case S.PAYMENT_METHOD_REQUIRED if payment.capture_failed_at:
            return "charged again", (payment.capture_last_attempt_at or payment.capture_failed_at) + timedelta(hours=4)
        case S.PAYMENT_METHOD_REQUIRED:
            return "given up unless checked out", booking.created_at + timedelta(minutes=30)
        case S.MANUAL_REVIEW:
            return f"somebody decides: {payment.review_reason.replace('_', ' ')}", None
    return ENDINGS[Outcome(payment.settlement_outcome)], None


def happened(since: datetime, until: datetime) -> list[BookingEvent]:
    """What happened to lessons between two instants, oldest first."""
    events = BookingEvent.objects.filter(at__gte=since, at__lte=until).select_related(
        "booking__student", "booking__instructor", "booking__service"
    )
    return list(events.order_by("at", "id")[:MOST_EVENTS])


def books() -> Books:
    """Our ledger beside Stripe's, for the platform and every connected account."""
    try:
        with stripe_side() as stripe:
            report = stripe.ledger()
    except StripeUnavailable as trouble:
        return Books(trouble=trouble.detail)
    ours, platform = ledger.trial_balance(), report["platform"]
    known = ConnectAccount.objects.filter(~Q(stripe_account_id=None)).select_related("instructor")
    names = {account.stripe_account_id: account.instructor.public_name for account in known}
    found = {platform, *(name for name in report["accounts"])} | {
        account.removeprefix("stripe:") for account in ours if account.startswith("stripe:acct_")
    }
    accounts = [
        Account(
            name="Platform" if stripe_id == platform else names.get(stripe_id, "somebody else's"),
            stripe_id=stripe_id,
            stripe_cents=_held(report["accounts"].get(stripe_id, {})),
            our_cents=ours.get(ledger.PLATFORM if stripe_id == platform else ledger.connected(stripe_id), 0),
        )
        for stripe_id in found
    ]
    return Books(sorted(accounts, key=lambda account: (account.stripe_id != platform, account.name)))


def _held(balance: dict[str, Any]) -> int:
    return int(balance.get("available", {}).get("usd", 0) + balance.get("pending", {}).get("usd", 0))
