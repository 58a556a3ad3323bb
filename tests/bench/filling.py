"""Fill a database with lessons by copying one row many times in SQL: 200,000 lessons stand in half a minute."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from accounts.models import User
from bookings.models import Booking, BookingEvent, MailLog
from catalog.models import InstructorProfile, Service
from common.actors import Role
from payments.models import LedgerEntry, LedgerLine, MoneyMovement, MoneyPlan, Payment
from tests.support.factories import InstructorFactory, ServiceFactory, UserFactory

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
INSTRUCTORS, STUDENTS = 200, 1000
OPEN_SHARE = 100  # one lesson in so many is still to come, with its hold to be placed


@dataclass(frozen=True)
class Market:
    """The people to ask as, and one of the lessons."""

    student: User
    instructor: User
    staff: User
    booking: Booking


def people() -> tuple[list[User], list[User], User]:
    """Students, instructors with a service each, and staff."""
    students = [UserFactory.create(email=f"s{n}@bench.example", last_name=f"Student{n}") for n in range(STUDENTS)]
    profiles: list[InstructorProfile] = [
        InstructorFactory.create(user__email=f"i{n}@bench.example", user__last_name=f"Instructor{n}")
        for n in range(INSTRUCTORS)
    ]
    for profile in profiles:
        ServiceFactory.create(instructor=profile)
    staff = UserFactory.create(email="staff@bench.example", role=Role.STAFF, is_superuser=True)
    return students, [profile.user for profile in profiles], staff


def fill(count: int) -> Market:
    """A market with so many lessons; the last hundredth of them is still to come."""
    students, instructors, staff = people()
    service = Service.objects.get(instructor=instructors[0].pk)
    payment = Payment.objects.create(
        student=students[0], instructor=instructors[0], created_at=NOW, lesson_price_cents=12_000,
        student_fee_cents=1_440, commission_bps=1_200, instructor_commission_cents=1_440,
        instructor_payout_full_cents=10_560, card_amount_cents=13_440, application_fee_cents=2_880, top_up_cents=0,
    )  # fmt: skip
    booking = Booking.objects.create(
        student=students[0], instructor=instructors[0], service=service, payment=payment, timezone="America/New_York",
        starts_at=NOW - timedelta(days=9000), ends_at=NOW - timedelta(days=9000) + timedelta(minutes=60),
        duration_minutes=60, location_type="online", created_at=NOW,
    )  # fmt: skip
    _lessons(count, students, instructors, payment, booking)
    newest = Booking.objects.order_by("-pk").first()
    assert newest is not None
    return Market(newest.student, newest.instructor, staff, newest)


def _lessons(count: int, students: list[User], instructors: list[User], payment: Payment, booking: Booking) -> None:
    numbers = f"generate_series(1, {count}) AS n"
    hour = f"(n / {INSTRUCTORS})"
    last = count // INSTRUCTORS
    starts = f"timestamptz '{NOW.isoformat()}' + ({hour} - {last} + {max(last // OPEN_SHARE, 30)}) * interval '1 hour'"
    open_ = f"({starts}) > timestamptz '{NOW.isoformat()}' + interval '24 hours'"
    student = f"(ARRAY[{_quoted(students)}])[1 + mod(n, {INSTRUCTORS}) + {INSTRUCTORS} * mod({hour}, {STUDENTS // INSTRUCTORS})]"
    instructor = f"(ARRAY[{_quoted(instructors)}])[1 + mod(n, {INSTRUCTORS})]"
    who = {"student_id": student, "instructor_id": instructor}
    with connection.cursor() as cursor:
        _copies(cursor, Payment, payment.pk, numbers, who | {
            "id": _id("PAY"), "created_at": starts, "payment_intent_id": "'pi_bench' || n", "charge_id": "'ch_bench' || n",
            "status": f"CASE WHEN {open_} THEN 'scheduled' ELSE 'settled' END",
            "settlement_outcome": f"CASE WHEN {open_} THEN '' ELSE 'lesson_completed_full_payout' END",
            "auth_scheduled_for": f"({starts}) - interval '24 hours'", "capture_due_at": f"({starts}) + interval '25 hours'",
            "card_charged_cents": f"CASE WHEN {open_} THEN 0 ELSE 13440 END",
            "instructor_payout_cents": f"CASE WHEN {open_} THEN 0 ELSE 10560 END",
        })  # fmt: skip
        _copies(cursor, Booking, booking.pk, numbers, who | {
            "id": _id("BKG"), "payment_id": _id("PAY"), "created_at": starts, "starts_at": starts,
            "ends_at": f"({starts}) + interval '1 hour'", "confirmed_at": starts, "request_key": "NULL",
            "status": f"CASE WHEN {open_} THEN 'CONFIRMED' ELSE 'COMPLETED' END",
            "completed_at": f"CASE WHEN {open_} THEN NULL ELSE ({starts}) + interval '1 hour' END",
        })  # fmt: skip
        _history(cursor, booking, payment, numbers, starts)
        Booking.objects.filter(pk=booking.pk).update(status="CANCELLED", holds_slot=False)
        cursor.execute("ANALYZE")


def _history(cursor: CursorWrapper, booking: Booking, payment: Payment, numbers: str, starts: str) -> None:
    event = BookingEvent.objects.create(
        booking=booking, kind="payment_settled", at=NOW, actor_role="system", door="job"
    )  # fmt: skip
    mail = MailLog.objects.create(event=event, to="a@bench.example", kind="payment_settled.student", created_at=NOW)
    plan = MoneyPlan.objects.create(
        payment=payment, booking_id=booking.pk, purpose=MoneyPlan.Purpose.CAPTURE, actor_role="system", door="job",
        decided_at=NOW, finished_at=NOW, next_attempt_at=NOW, result="done", terms={},
    )  # fmt: skip
    movement = MoneyMovement.objects.create(
        plan=plan, payment=payment, position=1, kind=MoneyMovement.Kind.CAPTURE, amount_cents=13_440,
        idempotency_key="bench", status=MoneyMovement.Status.DONE, sent_at=NOW, done_at=NOW,
    )  # fmt: skip
    entry = LedgerEntry.objects.create(key="bench", kind="capture", payment_id=payment.pk, at=NOW)
    line = LedgerLine.objects.create(entry=entry, account="stripe:platform", amount_cents=0)
    _copies(cursor, BookingEvent, event.pk, numbers, {"id": _id("EVT"), "booking_id": _id("BKG"), "at": starts})
    _copies(cursor, MailLog, mail.pk, numbers, {
        "id": _id("MAL"), "event_id": _id("EVT"), "created_at": starts, "sent_at": starts,
    })  # fmt: skip
    _copies(cursor, MoneyPlan, plan.pk, numbers, {
        "id": _id("PLN"), "payment_id": _id("PAY"), "booking_id": _id("BKG"), "decided_at": starts, "finished_at": starts,
    })  # fmt: skip
    _copies(cursor, MoneyMovement, movement.pk, numbers, {
        "id": _id("MVM"), "plan_id": _id("PLN"), "payment_id": _id("PAY"), "idempotency_key": "'bench' || n",
        "stripe_id": "'pi_bench' || n",
    })  # fmt: skip
    _copies(cursor, LedgerEntry, entry.pk, numbers, {
        "id": _id("LED"), "key": "'bench' || n", "payment_id": _id("PAY"), "at": starts,
    })  # fmt: skip
    _copies(cursor, LedgerLine, line.pk, numbers, {"id": f"{line.pk} + n", "entry_id": _id("LED")})


def _copies(
    cursor: CursorWrapper, model: type[models.Model], like: str | int, numbers: str, different: dict[str, str]
) -> None:
    """Insert one row per number, like the row with this key but for some columns, which are SQL over `n`."""
    columns = [str(field.column) for field in model._meta.local_concrete_fields]
    values = ", ".join(different.get(column, f'like_it."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    cursor.execute(
        f'INSERT INTO "{model._meta.db_table}" ({names}) '
        f'SELECT {values} FROM {numbers}, "{model._meta.db_table}" AS like_it WHERE like_it.id = %s',
        [like],
    )


def _id(kind: str) -> str:
    """26 characters that sort by number, like ours do by time."""
    return f"'0{kind.replace('L', 'X').replace('I', 'X').replace('O', 'X').replace('U', 'X')}' || lpad(upper(to_hex(n)), 22, '0')"


def _quoted(users: list[User]) -> str:
    return ", ".join(f"'{user.pk}'" for user in users)
