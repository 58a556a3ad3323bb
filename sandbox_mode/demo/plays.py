"""The plays: every way the money of a lesson paid by itself can end (policy 3), each acted out by people of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from bookings import operations
from payments.vocabulary import Outcome

from .scene import HOUR, Scene

# How packages end, and lessons given from them: not played here, told by the stories of packages.
OF_PACKAGES = frozenset(
    {Outcome.ENTITLEMENT_RETURNED, Outcome.PACKAGE_PAID, Outcome.PACKAGE_NOT_PAID, Outcome.PACKAGE_REFUSED}
)


@dataclass(frozen=True, slots=True)
class Play:
    """A story and the outcome it must end with. `refund` is the refund to the card, where the policy leaves it open."""

    title: str
    outcome: Outcome
    act: Callable[[Scene], None]
    refund_cents: int | None = None


def completed(scene: Scene) -> None:
    scene.cast()
    scene.taken()


def completed_with_credits(scene: Scene) -> None:
    scene.cast(credits=5000)
    scene.taken(credits=5000)


def checkout_with_3d_secure(scene: Scene) -> None:
    scene.cast(card="pm_card_threeDSecure2Required")
    scene.book(hours=20)
    scene.check_out("Checkout less than 24 hours before: the bank wants 3-D Secure.")
    scene.bank(
        "The student confirms at the bank; Stripe's webhook says so.",
        f"authentications/{scene.payment.payment_intent_id}",
        result="succeed",
    )
    scene.turn(scene.after(25), "The lesson takes place; 24 hours later the job completes it, charges and pays out.")


def cancelled_free(scene: Scene) -> None:
    scene.cast(credits=2000)
    scene.booked(credits=2000)
    _cancels(scene, "30 hours before, {student} cancels: free of charge.", hours=30)


def cancelled_late(scene: Scene) -> None:
    scene.cast()
    scene.held()
    _cancels(scene, "18 hours before, {student} cancels: charged, taken back from the instructor, given as credit.", 18)


def cancelled_last_minute(scene: Scene) -> None:
    scene.cast()
    scene.held()
    _cancels(scene, "6 hours before, {student} cancels: half credit, half payout.", 6)


def _cancels(scene: Scene, words: str, hours: float) -> None:
    scene.turn(scene.before(hours), "Time passes.")
    scene.do(
        words.format(student=scene.student_name), operations.cancel_booking, scene.student, reason="Something came up."
    )


def _locked(scene: Scene) -> None:
    """Moved 18 hours before: LOCK."""
    scene.cast()
    scene.held()
    scene.turn(scene.before(18), "Time passes.")
    scene.do(
        f"18 hours before, {scene.student_name} moves the lesson by two days: the price is locked in.",
        operations.reschedule_booking,
        scene.student,
        starts_at=scene.booking.starts_at + 48 * HOUR,
    )


def locked_then_cancelled(scene: Scene) -> None:
    _locked(scene)
    _cancels(scene, "20 hours before the new lesson, {student} cancels it.", 20)


def locked_then_cancelled_last_minute(scene: Scene) -> None:
    _locked(scene)
    _cancels(scene, "5 hours before the new lesson, {student} cancels it.", 5)


def locked_then_taken(scene: Scene) -> None:
    _locked(scene)
    scene.turn(scene.after(25), "The new lesson takes place; a day later the instructor is paid from the locked money.")


def instructor_cancels_a_hold(scene: Scene) -> None:
    scene.cast()
    scene.held()
    _instructor_cancels(scene, "The instructor cancels: the hold is let go.")


def instructor_cancels_after_lock(scene: Scene) -> None:
    _locked(scene)
    _instructor_cancels(scene, "The instructor cancels: everything is refunded.")


def _instructor_cancels(scene: Scene, words: str) -> None:
    scene.do(words, operations.cancel_booking, scene.instructor, reason="I am ill.")


def instructor_missed(scene: Scene) -> None:
    _missed(scene, ("instructor",))


def student_missed(scene: Scene) -> None:
    _missed(scene, ("student",))


def both_missed(scene: Scene) -> None:
    _missed(scene, ("instructor", "student"))


def _missed(scene: Scene, types: tuple[str, ...]) -> None:
    scene.cast()
    scene.held()
    scene.turn(scene.booking.starts_at + HOUR / 3, "The lesson begins.")
    for missing in types:
        reporter = scene.student if missing == "instructor" else scene.instructor
        scene.do(
            f"It is reported that the {missing} did not come: the money freezes.",
            operations.report_no_show,
            reporter,
            no_show_type=missing,
            reason="I waited for twenty minutes.",
        )
    scene.turn(scene.booking.starts_at + 26 * HOUR, "Nobody disputes it for 24 hours: the job confirms it.")


def missed_and_rejected(scene: Scene) -> None:
    scene.cast()
    scene.held()
    scene.turn(scene.after(0.25), "The lesson is over.")
    scene.do("The student says that the instructor did not come.", operations.report_no_show, scene.student,
             no_show_type="instructor", reason="Nobody was there.")  # fmt: skip
    scene.do("The instructor disputes it.", operations.dispute_no_show, scene.instructor,
             reason="I was there the whole hour.")  # fmt: skip
    scene.do("Support hears both and rejects the report: charged and paid out.", operations.resolve_no_show,
             scene.staff, resolution="dispute_upheld", reason="The call log shows both.")  # fmt: skip


def completion_disputed(scene: Scene) -> None:
    scene.cast()
    scene.held()
    scene.turn(scene.after(1), "The lesson is over.")
    scene.do("The instructor disputes how it went.", operations.dispute_completion, scene.instructor,
             reason="The connection broke after ten minutes.")  # fmt: skip
    scene.do("Support decides for the student: the hold is let go.", operations.resolve_review, scene.staff,
             resolution="full_refund", reason="No lesson took place.")  # fmt: skip


def chargeback_won(scene: Scene) -> None:
    _charged_back(scene, "won", "The bank decides for us: the instructor is paid again.")


def chargeback_lost(scene: Scene) -> None:
    _charged_back(scene, "lost", "The bank decides for the student: the money is gone, the account is restricted.")


def _charged_back(scene: Scene, result: str, words: str) -> None:
    scene.cast()
    scene.taken()
    dispute = scene.bank(
        "A week later the student's bank takes the money back: the payout is clawed back.",
        "disputes",
        charge=scene.payment.charge_id,
        reason="fraudulent",
    )
    scene.bank(words, f"disputes/{dispute['id']}/close", status=result)


def never_charged(scene: Scene) -> None:
    _escalated(scene)
    scene.do("Support writes it off: the instructor keeps the advance.", operations.resolve_review, scene.staff,
             resolution="full_payout", reason="Not worth pursuing.")  # fmt: skip


def charged_after_all(scene: Scene) -> None:
    _escalated(scene)
    scene.do("The student pays after all: the money replaces the advance, the account is open again.",
             operations.retry_payment, scene.student, payment_method_id="pm_card_mastercard")  # fmt: skip


def _escalated(scene: Scene) -> None:
    """The card refuses to be charged for 72 hours. Held by the student themselves, a hold lasts long enough for that."""
    scene.cast()
    scene.booked(hours=20)
    with scene.card_refuses_capture():
        scene.turn(scene.after(25), "The lesson took place, and the card refuses to be charged. Retries every 4 hours.")
        scene.turn(scene.after(98), "72 hours later the platform advances the payout and locks the student's account.")


def refunded_in_part(scene: Scene) -> None:
    scene.cast()
    scene.taken()
    scene.do("Support refunds $60.00: the instructor gives their part of it back.", operations.refund_booking,
             scene.staff, amount_cents=6000, reason="platform_error")  # fmt: skip


def cancelled_by_staff(scene: Scene) -> None:
    scene.cast()
    scene.held()
    scene.do("Support cancels with a refund: the hold is let go.", operations.staff_cancel_booking, scene.staff,
             reason="The instructor's account was closed.", refund=True)  # fmt: skip


def never_paid(scene: Scene) -> None:
    scene.cast(card="pm_card_chargeCustomerFail")
    scene.booked()
    scene.turn(
        scene.before(24), "24 hours before, the card declines the hold; the student is told and retries are planned."
    )
    scene.turn(scene.before(13), "Retries at 23, 19 and 13 hours before; then the final warning.")
    scene.turn(scene.before(12), "12 hours before, exactly: cancelled, nothing charged.")


def rescued_by_another_card(scene: Scene) -> None:
    scene.cast(card="pm_card_chargeCustomerFail")
    scene.booked()
    scene.turn(scene.before(24), "24 hours before, the card declines the hold.")
    scene.do("The student uses another card: the hold is placed.", operations.change_payment_method, scene.student,
             payment_method_id="pm_card_visa")  # fmt: skip
    scene.turn(scene.after(25), "The lesson takes place, is charged and paid out.")


STORY = (
    Play("A lesson", Outcome.LESSON_COMPLETED, completed),
    Play("A lesson with $50.00 of credit: topped up", Outcome.LESSON_COMPLETED, completed_with_credits),
)
PLAYS = (
    *STORY,
    Play("3-D Secure at checkout", Outcome.LESSON_COMPLETED, checkout_with_3d_secure),
    Play("Declined, rescued by another card", Outcome.LESSON_COMPLETED, rescued_by_another_card),
    Play("Declined and never paid", Outcome.CANCEL_NO_CHARGE, never_paid),
    Play("Cancelled more than 24 hours before", Outcome.CANCEL_NO_CHARGE, cancelled_free),
    Play("Cancelled 12 to 24 hours before", Outcome.CANCEL_LATE, cancelled_late),
    Play("Cancelled less than 12 hours before", Outcome.CANCEL_LAST_MINUTE, cancelled_last_minute),
    Play("Moved late, taken", Outcome.LESSON_COMPLETED, locked_then_taken),
    Play("Moved late, cancelled in time", Outcome.LOCKED_CANCEL_LATE, locked_then_cancelled),
    Play("Moved late, cancelled last minute", Outcome.LOCKED_CANCEL_LAST_MINUTE, locked_then_cancelled_last_minute),
    Play("The instructor cancels, only held", Outcome.INSTRUCTOR_CANCEL, instructor_cancels_a_hold, 0),
    Play("The instructor cancels, charged", Outcome.INSTRUCTOR_CANCEL, instructor_cancels_after_lock, 13440),
    Play("The instructor did not come", Outcome.INSTRUCTOR_NO_SHOW, instructor_missed, 0),
    Play("The student did not come", Outcome.STUDENT_NO_SHOW, student_missed),
    Play("Nobody came", Outcome.MUTUAL_NO_SHOW, both_missed, 0),
    Play("No-show reported and rejected", Outcome.LESSON_COMPLETED, missed_and_rejected),
    Play("Completion disputed", Outcome.STUDENT_WINS_DISPUTE, completion_disputed, 0),
    Play("Chargeback won", Outcome.DISPUTE_WON, chargeback_won, 0),
    Play("Chargeback lost", Outcome.STUDENT_WINS_DISPUTE, chargeback_lost, 13440),
    Play("Never charged, written off", Outcome.CAPTURE_FAILURE_PAID, never_charged),
    Play("Charged after all", Outcome.CAPTURE_FAILURE_PAID, charged_after_all),
    Play("Refunded in part by support", Outcome.ADMIN_REFUND, refunded_in_part, 6000),
    Play("Cancelled by support", Outcome.ADMIN_REFUND, cancelled_by_staff, 0),
)
