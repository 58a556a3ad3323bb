"""One lesson on stage: its people, what they do, and the money after each step."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.padding import Padding

from bookings import operations
from bookings.models import Booking
from common import clock
from common.actors import Actor, Door, Role
from common.ids import new_id
from common.money import dollars
from common.problems import CardRefused, OperationInProgress
from payments.models import Payment
from sandbox_mode import walker
from sandbox_mode.people import Person, make_person
from sandbox_mode.stripe_side import stripe_side

from . import tables

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
CAPTURE = "/v1/payment_intents/{}/capture"
STUDENTS = ("Stella", "Theo", "Mira", "Jonas", "Amara", "Yuki", "Pablo", "Nadia")
TEACHERS = ("Ines", "Ravi", "Lena", "Omar", "Chiara", "Mei")
PATIENCE_SECONDS = 60


class Scene:
    """The stage of one play. Every step says what happens, does it, and shows the money."""

    booking: Booking

    def __init__(self, console: Console, staff: Person, number: int) -> None:
        self.console, self.staff_person = console, staff
        self._number = number

    # --- People ------------------------------------------------------------------------------------------------------
    def cast(self, *, card: str = "pm_card_visa", credits: int = 0, commission_bps: int = 1200) -> None:
        """A student, with a card and perhaps credit, and an instructor whose account at Stripe is ready."""
        now = clock.now()
        self.student_person = make_person(
            role=Role.STUDENT,
            now=now,
            email=_address("student"),
            first_name=STUDENTS[self._number % len(STUDENTS)],
            last_name="Demo",
            card=card,
            credits=[{"amount_cents": credits}] if credits else None,
        )
        self.instructor_person = make_person(
            role=Role.INSTRUCTOR,
            now=now,
            email=_address("instructor"),
            first_name=TEACHERS[self._number % len(TEACHERS)],
            last_name="Demo",
            commission_bps=commission_bps,
        )

    @property
    def student(self) -> Actor:
        return self.student_person.user.as_actor(Door.COMMAND)

    @property
    def instructor(self) -> Actor:
        return self.instructor_person.user.as_actor(Door.COMMAND)

    @property
    def staff(self) -> Actor:
        return self.staff_person.user.as_actor(Door.COMMAND)

    @property
    def student_name(self) -> str:
        return self.student_person.user.first_name

    @property
    def instructor_name(self) -> str:
        return self.instructor_person.user.first_name

    @property
    def payment(self) -> Payment:
        return self.booking.payment

    # --- Steps -------------------------------------------------------------------------------------------------------
    def step(self, words: str, work: Callable[[], Any] | None = None) -> None:
        """Say it, do it, let webhooks arrive, show the money."""
        self.console.print(f"\n[bold cyan]{tables.when(clock.now())}[/]  {words}")
        if work is not None:
            _patiently(work)
            walker.settle()
        self.refresh()
        self.console.print(f" {tables.states_of(self.booking)}")
        self.console.print(Padding(tables.money_of(self.booking), (0, 0, 0, 1)))

    def refresh(self) -> None:
        """Read the lesson anew; a moved one as what it became."""
        found = Booking.objects.select_related("payment", "student", "instructor", "service")
        self.booking = found.filter(payment_id=self.booking.payment_id, rescheduled_to=None).latest("created_at", "pk")

    def book(self, *, hours: float = 48) -> None:
        """Book an hour so far ahead, on a quarter hour."""
        ahead = clock.now() + timedelta(hours=hours)
        starts_at = datetime.fromtimestamp(-(-ahead.timestamp() // 900) * 900, tz=ahead.tzinfo)

        def work() -> None:
            self.booking = operations.book_lesson(
                actor=self.student,
                service_id=self.instructor_person.services[0].pk,
                starts_at=starts_at,
                duration_minutes=60,
                location_type="online",
                now=clock.now(),
            ).booking

        work()
        self.step(f"{self.student_name} books {self.instructor_name} for {tables.when(starts_at)}.")

    def check_out(self, words: str = "", *, credits: int = 0, card: str | None = None) -> operations.CheckedOut:
        done: list[operations.CheckedOut] = []
        self.step(
            words or f"{self.student_name} checks out{f' with {dollars(credits)} of credit' if credits else ''}.",
            lambda: done.append(
                operations.check_out(
                    booking_id=self.booking.pk,
                    actor=self.student,
                    payment_method_id=card,
                    requested_credit_cents=credits,
                    now=clock.now(),
                )
            ),
        )
        return done[0]

    def booked(self, *, hours: float = 48, credits: int = 0) -> None:
        """The beginning of most stories."""
        self.book(hours=hours)
        self.check_out(credits=credits)

    def held(self, *, credits: int = 0) -> None:
        """Booked, and the hold placed at T−24 h."""
        self.booked(credits=credits)
        self.turn(self.before(24), "24 hours before the lesson the job places the hold on the card.")

    def taken(self, *, credits: int = 0) -> None:
        """Held, taken, completed, charged and paid out."""
        self.held(credits=credits)
        self.turn(self.booking.ends_at + 5 * HOUR / 60, "The lesson takes place.")
        self.do(f"{self.instructor_name} marks it complete.", operations.complete_lesson, self.instructor)
        self.turn(self.booking.ends_at + 25 * HOUR, "24 hours after its end the job charges the card and pays out.")

    def do(self, words: str, operation: Callable[..., Any], actor: Actor, **details: Any) -> None:
        """Somebody does something to the lesson."""
        self.step(words, lambda: operation(booking_id=self.booking.pk, actor=actor, now=clock.now(), **details))

    def turn(self, to: datetime, words: str) -> None:
        """Turn the clock: everything due on the way happens."""
        _patiently(lambda: walker.walk(max(to, clock.now())))
        self.step(words)

    def before(self, hours: float) -> datetime:
        """So many hours before the lesson."""
        return self.booking.starts_at - timedelta(hours=hours)

    def after(self, hours: float) -> datetime:
        """So many hours after its end."""
        return self.booking.ends_at + timedelta(hours=hours)

    def declined(self, words: str, work: Callable[[], Any]) -> None:
        """Something the card refuses."""

        def tried() -> None:
            try:
                work()
            except CardRefused as refusal:
                self.console.print(f"  [red]{refusal.detail}[/]")
            else:
                raise AssertionError("The card was not declined.")

        self.step(words, tried)

    # --- The bank and Stripe -----------------------------------------------------------------------------------------
    def bank(self, words: str, control: str, **body: Any) -> dict[str, Any]:
        """Something happens at the bank: the sandbox's controls make it so."""
        answers: list[dict[str, Any]] = []

        def work() -> None:
            with stripe_side() as stripe:
                answers.append(stripe.control(control, body))

        self.step(words, work)
        return answers[0]

    def card_refuses_capture(self) -> AbstractContextManager[None]:
        """Within the block, this lesson's card refuses to be charged."""
        return _refusing(CAPTURE.format(self.payment.payment_intent_id))


@contextmanager
def _refusing(path: str) -> Any:
    error = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
    refusal = {"method": "POST", "path": path, "count": 1000, "kind": "refuse", "status": 402, "error": error}
    with stripe_side() as stripe:
        fault = stripe.control("faults", refusal)
        try:
            yield
        finally:
            stripe.remove(f"faults/{fault['id']}")


def _address(who: str) -> str:
    return f"demo-{who}-{new_id().lower()}@example.com"


def _patiently(work: Callable[[], Any]) -> None:
    """Again when somebody else is at the booking or at the clock right now, as a running site may be."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            work()
        except (OperationInProgress, walker.WalkInProgress):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
