"""Everything that can be asked for a booking's money, each through the call that its door or job makes.

A verb runs on any staged booking, whatever it was staged for; where it does not apply, the operation's refusal says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bookings import jobs, operations
from common.problems import NotFound

from .world import HOUR, Staged

BY_STUDENT, BY_INSTRUCTOR, BY_STAFF, BY_JOB, BY_STRIPE = "student", "instructor", "staff", "job", "stripe"


@dataclass(frozen=True, slots=True)
class Verb:
    """`run(staged, now)` does it. A job or Stripe asks again by itself until it is done; a person may or may not."""

    name: str
    by: str
    run: Callable[[Staged, datetime], Any]

    @property
    def asks_again(self) -> bool:
        return self.by in (BY_JOB, BY_STRIPE)


VERBS: dict[str, Verb] = {}
Run = Callable[[Staged, datetime], Any]


def verb(by: str, name: str = "") -> Callable[[Run], Run]:
    """Register a function as a verb under its own or another name."""

    def register(run: Run) -> Run:
        VERBS[name or run.__name__] = Verb(name or run.__name__, by, run)
        return run

    return register


# --- The student -----------------------------------------------------------------------------------------------------
def _check_out(credits: int) -> Run:
    return lambda s, now: operations.check_out(
        booking_id=s.booking_id, actor=s.cast.as_student, requested_credit_cents=credits, now=now
    )


verb(BY_STUDENT, "check_out")(_check_out(0))
verb(BY_STUDENT, "check_out_with_credits")(_check_out(5000))


@verb(BY_STUDENT)
def cancel_by_student(s: Staged, now: datetime) -> Any:
    return operations.cancel_booking(booking_id=s.booking_id, actor=s.cast.as_student, reason="Ill", now=now)


def _reschedule(hours: float) -> Run:
    def run(s: Staged, now: datetime) -> Any:
        start = s.booking.starts_at + hours * HOUR
        return operations.reschedule_booking(booking_id=s.booking_id, actor=s.cast.as_student, starts_at=start, now=now)

    return run


verb(BY_STUDENT, "reschedule_to_later")(_reschedule(96))
verb(BY_STUDENT, "reschedule_to_sooner")(_reschedule(-15))


@verb(BY_STUDENT)
def retry_payment(s: Staged, now: datetime) -> Any:
    return operations.retry_payment(booking_id=s.booking_id, actor=s.cast.as_student, now=now)


@verb(BY_STUDENT)
def change_card(s: Staged, now: datetime) -> Any:
    return operations.change_payment_method(
        booking_id=s.booking_id, actor=s.cast.as_student, payment_method_id="pm_card_mastercard", now=now
    )


@verb(BY_STUDENT)
def report_instructor(s: Staged, now: datetime) -> Any:
    return operations.report_no_show(
        booking_id=s.current_id, actor=s.cast.as_student, no_show_type="instructor", reason="Nobody came", now=now
    )


# --- The instructor --------------------------------------------------------------------------------------------------
@verb(BY_INSTRUCTOR)
def cancel_by_instructor(s: Staged, now: datetime) -> Any:
    return operations.cancel_booking(booking_id=s.current_id, actor=s.cast.as_instructor, reason="Ill", now=now)


@verb(BY_INSTRUCTOR)
def complete(s: Staged, now: datetime) -> Any:
    return operations.complete_lesson(booking_id=s.current_id, actor=s.cast.as_instructor, now=now)


@verb(BY_INSTRUCTOR)
def report_student(s: Staged, now: datetime) -> Any:
    return operations.report_no_show(
        booking_id=s.current_id, actor=s.cast.as_instructor, no_show_type="student", reason="Nobody came", now=now
    )


@verb(BY_INSTRUCTOR)
def dispute_no_show(s: Staged, now: datetime) -> Any:
    return operations.dispute_no_show(
        booking_id=s.current_id, actor=s.cast.as_instructor, reason="I was there all the time.", now=now
    )


@verb(BY_INSTRUCTOR)
def dispute_completion(s: Staged, now: datetime) -> Any:
    return operations.dispute_completion(
        booking_id=s.current_id, actor=s.cast.as_instructor, reason="It took place otherwise.", now=now
    )


# --- Staff -----------------------------------------------------------------------------------------------------------
def _staff_cancel(refund: bool) -> Run:
    return lambda s, now: operations.staff_cancel_booking(
        booking_id=s.current_id, actor=s.cast.as_staff, reason="Asked by phone", refund=refund, now=now
    )


verb(BY_STAFF, "staff_cancel_with_refund")(_staff_cancel(True))
verb(BY_STAFF, "staff_cancel_without_refund")(_staff_cancel(False))


@verb(BY_STAFF)
def capture_now(s: Staged, now: datetime) -> Any:
    return operations.capture_now(booking_id=s.current_id, actor=s.cast.as_staff, now=now)


def _resolve_no_show(resolution: str) -> Run:
    return lambda s, now: operations.resolve_no_show(
        booking_id=s.current_id, actor=s.cast.as_staff, resolution=resolution, reason="Both were heard", now=now
    )


verb(BY_STAFF, "confirm_no_show")(_resolve_no_show("confirmed_after_review"))
verb(BY_STAFF, "reject_no_show")(_resolve_no_show("dispute_upheld"))
verb(BY_STAFF, "withdraw_no_show")(_resolve_no_show("cancelled"))


def _resolve_review(resolution: str) -> Run:
    return lambda s, now: operations.resolve_review(
        booking_id=s.current_id, actor=s.cast.as_staff, resolution=resolution, reason="Looked into it", now=now
    )


for _resolution in ("full_payout", "full_refund", "split_50_50", "resume"):
    verb(BY_STAFF, f"review_{_resolution}")(_resolve_review(_resolution))


@verb(BY_STAFF)
def give_up(s: Staged, now: datetime) -> Any:
    return operations.give_up_movement(
        booking_id=s.booking_id, actor=s.cast.as_staff, reason="Not worth another try", now=now
    )


def _refund(cents: int | None) -> Run:
    return lambda s, now: operations.refund_booking(
        booking_id=s.current_id, actor=s.cast.as_staff, amount_cents=cents, reason="platform_error", now=now
    )


verb(BY_STAFF, "refund_in_full")(_refund(None))
verb(BY_STAFF, "refund_in_part")(_refund(3333))


# --- Packages --------------------------------------------------------------------------------------------------------
@verb(BY_STUDENT)
def book_with_package(s: Staged, now: datetime) -> Any:
    """Another lesson, a day after the first."""
    return operations.book_with_package(
        package_id=s.package_id,
        actor=s.cast.as_student,
        service_id=s.cast.instructor.services[0].pk,
        starts_at=s.booking.starts_at + 24 * HOUR,
        duration_minutes=60,
        location_type="online",
        now=now,
        request_key=f"again:{s.package_id}",
    )


@verb(BY_STUDENT)
def refund_package(s: Staged, now: datetime) -> Any:
    return operations.refund_package(
        package_id=s.package_id,
        actor=s.cast.as_student,
        lessons=None,
        reason="Moving away",
        now=now,
        request_key=f"refund:{s.package_id}",
    )


def _give_back(to_card: bool) -> Run:
    return lambda s, now: operations.give_lesson_back(
        booking_id=s.current_id, actor=s.cast.as_staff, to_card=to_card, reason="Sorry", now=now
    )


verb(BY_STAFF, "give_lesson_back")(_give_back(False))
verb(BY_STAFF, "give_lesson_back_to_card")(_give_back(True))


# --- Jobs ------------------------------------------------------------------------------------------------------------
JOBS: dict[str, Callable[[datetime], jobs.Run]] = {
    "place_hold": jobs.process_scheduled_authorizations,
    "retry_hold": jobs.retry_failed_authorizations,
    "expire_checkout": jobs.check_immediate_auth_timeout,
    "expire_pending": jobs.expire_pending_bookings,
    "expire_package": jobs.expire_unpaid_packages,
    "expire_entitlements": jobs.expire_entitlements,
    "capture": jobs.capture_completed_lessons,
    "retry_capture": jobs.retry_failed_captures,
    "confirm_undisputed": jobs.resolve_undisputed_no_shows,
    "secure_funds": jobs.guard_expiring_holds,
    "stripe_events": jobs.process_stripe_events,
}


def _job(job: Callable[[datetime], jobs.Run]) -> Run:
    def run(s: Staged, now: datetime) -> Any:
        with s.world.only_for(s):
            return job(now).as_dict()

    return run


for _name, _work in JOBS.items():
    verb(BY_STRIPE if _name == "stripe_events" else BY_JOB, _name)(_job(_work))


@verb(BY_JOB)
def capture_late_cancellation(s: Staged, now: datetime) -> Any:
    with s.world.only_for(s):
        return jobs.capture_late_cancellation(now, s.current_id).as_dict()


# --- Stripe ----------------------------------------------------------------------------------------------------------
@verb(BY_STRIPE)
def chargeback(s: Staged, now: datetime) -> Any:
    """What the webhook of a dispute does, whichever of its events it is."""
    from common.actors import STRIPE

    if not s.dispute_id or s.package_id:
        raise NotFound("There is no dispute about this lesson.")
    return operations.note_chargeback(dispute_id=s.dispute_id, booking_id=s.current_id, actor=STRIPE, now=now)


@verb(BY_STRIPE)
def package_chargeback(s: Staged, now: datetime) -> Any:
    """What the webhook of a dispute about a package does."""
    from common.actors import STRIPE

    if not s.dispute_id:
        raise NotFound("There is no dispute.")
    return operations.note_package_chargeback(dispute_id=s.dispute_id, package_id=s.package_id, actor=STRIPE, now=now)


@verb(BY_STRIPE)
def read_package_back(s: Staged, now: datetime) -> Any:
    """What the webhook of a package's payment does."""
    from common.actors import STRIPE

    return operations.note_package_payment(package_id=s.package_id, actor=STRIPE, now=now)


@verb(BY_STRIPE)
def read_hold_back(s: Staged, now: datetime) -> Any:
    """What the webhook of a payment intent does."""
    from common.actors import STRIPE

    return operations.confirm_hold(booking_id=s.current_id, actor=STRIPE, now=now)
