"""The people of the contract tests, and bookings in whatever state a request needs them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import transaction
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens import access_token_for
from bookings.models import Booking
from bookings.operations import (
    book_lesson,
    capture_lesson,
    check_out,
    complete_lesson,
    dispute_completion,
    place_hold,
    report_no_show,
    upkeep,
)
from common import clock
from common.actors import Door, Role, job
from common.ids import new_id
from community.models import Conversation
from community.operations import conversations, favorites, referrals, reviews
from packages.models import Package
from payments import gateway, webhook_inbox
from payments.funding import fund_platform
from payments.gateway import client
from payments.models import PaymentMethod
from sandbox_mode.people import Person, make_person
from tests.api.conftest import client_of
from tests.packages.shop import Shop, lessons_of, open_shop, pay
from tests.support.cast import Cast
from tests.support.snapshot import Snapshot

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# `by_password` is whoever plays `finance`, without the second factor.
ROLES = ("anonymous", "other_student", "other_instructor", "student", "instructor", "staff", "by_password", "finance")
SECRET_NAMES = {"student": "Quillfeather", "instructor": "Thistlewood"}  # nobody else may read them


@dataclass
class World:
    """The people of the contract tests. Everything that belongs to somebody is the student's and the instructor's."""

    student: Person
    instructor: Person
    other_student: Person
    other_instructor: Person
    staff: Person
    finance: Person
    now: datetime = field(default_factory=clock.now)
    booked: int = 0  # lessons to come, and lessons that took place
    given: int = 0
    built: tuple[int, int] = (0, 0)
    lesson: Booking = field(init=False, repr=False)
    package: Package = field(init=False, repr=False)
    talked: Conversation = field(init=False, repr=False)
    shop: Shop = field(init=False, repr=False)
    clients: dict[str, APIClient] = field(default_factory=dict, repr=False)
    snapshot: Snapshot = field(init=False, repr=False)

    def user(self, role: str) -> User | None:
        """The person who plays a role; None is nobody."""
        played = {"by_password": "finance"}.get(role, role)
        return None if role == "anonymous" else getattr(self, played).user

    def client(self, role: str) -> APIClient:
        """Somebody at the API: the same session all the time."""
        if role not in self.clients:
            user = self.user(role)
            self.clients[role] = client_of(None if role == "by_password" else user)
            if role == "by_password" and user:
                self.clients[role].credentials(HTTP_AUTHORIZATION=f"Bearer {access_token_for(user)}")
        return self.clients[role]

    @property
    def service_id(self) -> str:
        return self.instructor.services[0].pk

    # --- Bookings, in the order of their life ------------------------------------------------------------------------
    def start(self, hours: float) -> datetime:
        """A whole hour about so many hours from now, of its own for every booking."""
        self.booked += 1
        return self.hour + (hours + 2 * self.booked) * HOUR

    @property
    def hour(self) -> datetime:
        return self.now.replace(minute=0, second=0, microsecond=0)

    def restore(self) -> None:
        """Everything as it was built."""
        self.snapshot.restore()
        cache.clear()
        self.booked, self.given = self.built

    def book(self, starts_at: datetime, now: datetime | None = None) -> Booking:
        """PENDING."""
        return book_lesson(
            actor=self.student.user.as_actor(Door.API),
            service_id=self.service_id,
            starts_at=starts_at,
            duration_minutes=60,
            location_type="online",
            now=now or self.now,
        ).booking

    def pending(self) -> Booking:
        return self.book(self.start(48))

    def scheduled(self) -> Booking:
        """Paid for, two days and more ahead."""
        return self._paid(self.start(48), self.now)

    def unpaid(self) -> Booking:
        """Less than a day ahead, and the card declined the hold."""
        starts_at = self.hour + 18 * HOUR
        booking = self._paid(starts_at, self.now - DAY, "pm_card_chargeCustomerFail")
        place_hold(booking_id=booking.pk, actor=job("contract"), now=starts_at - DAY)
        return booking

    def ended(self) -> Booking:
        """Took place some hours ago; the money is held."""
        return self._given(self.hour - (2 + 2 * self.given) * HOUR)

    def taken(self) -> Booking:
        """Took place three days ago, was charged and paid out."""
        starts_at = self.hour - 3 * DAY - 2 * self.given * HOUR
        booking = self._given(starts_at)
        teacher = self.instructor.user.as_actor(Door.API)
        complete_lesson(booking_id=booking.pk, actor=teacher, note="", now=starts_at + 2 * HOUR)
        capture_lesson(booking_id=booking.pk, actor=job("contract"), now=starts_at + DAY + HOUR)
        return booking

    def _given(self, starts_at: datetime) -> Booking:
        self.given += 1
        booking = self._paid(starts_at, starts_at - 3 * DAY)
        place_hold(booking_id=booking.pk, actor=job("contract"), now=starts_at - DAY)
        return booking

    def reported(self) -> Booking:
        """The student says that the instructor did not come."""
        booking = self.ended()
        report_no_show(
            booking_id=booking.pk,
            actor=self.student.user.as_actor(Door.API),
            no_show_type="instructor",
            reason="Nobody came.",
            now=self.now,
        )
        return booking

    def in_review(self) -> Booking:
        """The instructor says that the lesson went otherwise."""
        booking, teacher = self.ended(), self.instructor.user.as_actor(Door.API)
        dispute_completion(booking_id=booking.pk, actor=teacher, reason="It was cut short.", now=self.now)
        return booking

    def _paid(self, starts_at: datetime, now: datetime, card: str | None = None) -> Booking:
        booking, student = self.book(starts_at, now), self.student.user.as_actor(Door.API)
        return check_out(booking_id=booking.pk, actor=student, payment_method_id=card, now=now).booking

    # --- Packages ----------------------------------------------------------------------------------------------------
    def bought(self) -> Package:
        """Three lessons, paid, the first of them booked."""
        return self._bought(self.start(96), self.now)

    def used(self) -> Booking:
        """A lesson of a package that took place two days ago."""
        starts_at = self.hour - 2 * DAY
        package = self._bought(starts_at, starts_at - 3 * DAY)
        booking = lessons_of(package)[0]
        capture_lesson(booking_id=booking.pk, actor=job("contract"), now=starts_at + DAY + HOUR)
        return booking

    def _bought(self, starts_at: datetime, now: datetime) -> Package:
        session = self.shop.session(3, now=now, starts_at=starts_at)
        pay(session)
        page = client().v1.events.list(params={"types": ["payment_intent.succeeded"], "limit": 5})
        [event] = [event for event in page.data if event.data.object["id"] == session.payment_intent_id]
        with transaction.atomic():
            webhook_inbox.store(event._to_dict_recursive())
        upkeep.handle_stripe_event(event.id, now)
        return Package.objects.get(pk=session.session_id)

    # --- Money -------------------------------------------------------------------------------------------------------
    def earned(self, cents: int) -> None:
        """So much more on the instructor's balance at Stripe."""
        account, key = self.instructor.stripe_account_id, f"earned:{new_id()}"
        gateway.create_transfer(params={"amount": cents, "currency": "usd", "destination": account}, key=key)

    def paid_out(self) -> None:
        """Five dollars to the instructor's bank."""
        self.earned(500)
        answer = self.client("instructor").post("/api/v1/payments/instant-payout", {"amount_cents": 500}, format="json")
        assert answer.status_code == 201, answer.content

    def card(self, stripe_id: str = "pm_card_mastercard") -> PaymentMethod:
        """One more card of the student."""
        from payments import cards

        return cards.save_card(user=self.student.user, payment_method_id=stripe_id, set_as_default=False)


def build() -> World:
    """The people, and one booking of each kind that lists show."""
    now = clock.now()
    fund_platform(amount_cents=10_000_000, payment_method="pm_card_bypassPending", now=now, key="float:contract")
    credits: list[dict[str, Any]] = [{"amount_cents": 2000, "expires_at": now + 60 * DAY}]
    world = World(
        student=make_person(
            role=Role.STUDENT, now=now, card="pm_card_visa", credits=credits, last_name=SECRET_NAMES["student"]
        ),
        instructor=make_person(
            role=Role.INSTRUCTOR, now=now, commission_bps=1200, last_name=SECRET_NAMES["instructor"]
        ),
        other_student=make_person(role=Role.STUDENT, now=now, card="pm_card_visa"),
        other_instructor=make_person(role=Role.INSTRUCTOR, now=now),
        staff=make_person(role=Role.STAFF, now=now),
        finance=make_person(role=Role.STAFF, now=now),
        now=now,
    )
    world.staff.user.user_permissions.remove(*Permission.objects.filter(codename__endswith="_financials"))
    world.lesson = world.scheduled()
    world.ended()
    world.reported()
    taken = world.taken()
    world.shop = open_shop(Cast(world.student, world.instructor, world.finance))
    world.package = world.bought()
    student = world.student.user.as_actor(Door.API)
    world.talked = conversations.open_conversation(actor=student, person_id=world.instructor.user.pk, now=now)
    conversations.send_message(actor=student, conversation_id=world.talked.pk, text="Hello.", now=now)
    favorites.keep_favorite(actor=student, instructor_id=world.instructor.user.pk, now=now)
    reviews.write_review(actor=student, booking_id=taken.pk, rating=5, text="Patient.", now=now)
    referrals.redeem(
        actor=world.other_student.user.as_actor(Door.API),
        code=referrals.code_of(student=world.student.user, now=now).code,
        now=now,
    )
    for role in ROLES:
        world.client(role)
    world.paid_out()
    world.built = (world.booked, world.given)
    return world
