"""Decides who does what next, at random from one seed, looking at where things stand as people do."""

import heapq
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from accounts.models import AccountHold
from bookings.models import SupportItem
from bookings.state_machine import BookingStatus
from payments.models import Chargeback, MoneyMovement, Payment
from payments.vocabulary import PaymentStatus

from . import choices
from .acts import Act
from .choices import REASON
from .trouble import LAST_BOUNDARY, some_faults
from .world import World

S, B = PaymentStatus, BookingStatus
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Wish = Callable[[], object]


class Director:
    """Wishes wait on an agenda; when the time of one comes, it looks at the lesson and becomes an act, or nothing."""

    def __init__(self, world: World, random: Random) -> None:
        self.world, self.random = world, random
        self._agenda: list[tuple[datetime, int, Wish]] = []
        self._wishes = self.booked = 0

    # --- The agenda --------------------------------------------------------------------------------------------------
    def wish(self, at: datetime, wish: Wish) -> None:
        self._wishes += 1
        heapq.heappush(self._agenda, (max(at, self.world.ground.now + SECOND), self._wishes, wish))

    def play_until(self, until: datetime) -> None:
        """Let the marketplace live until then."""
        while self._agenda and self._agenda[0][0] <= until:
            at, _, wish = heapq.heappop(self._agenda)
            self.world.run_until(at)
            wish()
        self.world.run_until(until)

    def plan_day(self, day: datetime, bookings: int) -> None:
        """What somebody will do today that does not follow from a lesson."""
        for _ in range(bookings):
            self.wish(day + self.random.random() * DAY, self._book)
        for hour in range(2, 24, 5):
            self.wish(day + hour * HOUR, self._support_works)
        self.wish(day + 15 * HOUR, self._banks_decide)
        self.wish(day + 1 * HOUR, self._newcomers)
        if self.random.random() < 0.15:
            forget = lambda: self._now("forget_keys", who="bank")  # noqa: E731
            self.wish(day + self.random.random() * 22 * HOUR, forget)
        if self.random.random() < 0.3:
            instructor = self.random.randrange(len(self.world.instructors))
            self.wish(day + 11 * HOUR, lambda: self._pay_out(instructor))
        if self.random.random() < 0.2:
            self.wish(day + self.random.random() * 22 * HOUR, self._storm)
        if self.random.random() < 0.15:
            hours = self.random.choice((1, 3, 6, 14))
            rest = lambda: self._now("jobs_rest", who="nobody", args={"hours": hours})  # noqa: E731
            self.wish(day + self.random.random() * 20 * HOUR, rest)

    def _storm(self) -> None:
        args = {
            "kind": self.random.choice(("429", "500", "500_after", "lost_request", "lost_response", "409")),
            "probability": self.random.choice((0.2, 0.5, 1.0)),
            "seed": self.random.randrange(10**6),
        }
        self._now("stripe_down", who="bank", args=args)
        self.wish(
            self.world.ground.now + self.random.choice((2, 10, 45)) * MINUTE, lambda: self._now("stripe_up", who="bank")
        )

    def _pay_out(self, instructor: int) -> None:
        if self._now("pay_out", who="bank", args={"instructor": instructor}) == "done" and self.random.random() < 0.2:
            returned = lambda: self._now("return_payout", who="bank", args={"instructor": instructor})  # noqa: E731
            self.wish(self.world.ground.now + 9 * HOUR, returned)

    # --- Acts --------------------------------------------------------------------------------------------------------
    def _now(self, what: str, lesson: int = 0, **rest: Any) -> str:
        return self.world.perform(Act(self.world.ground.now, what, lesson, **rest))

    def act(self, what: str, lesson: int, who: str = "student", **args: Any) -> str:
        """Do it now, by one door or the other, with or without something going wrong."""
        random = self.random
        act = Act(self.world.ground.now, what, lesson, who, args)
        if what in choices.BY_PEOPLE and random.random() < 0.3:
            act = replace(act, door="api", key=str(self.world.ground.now.timestamp()))
        fate = random.random()
        if fate < 0.18:
            act = replace(act, faults=some_faults(random))
        elif fate < 0.28:
            act = replace(act, dies_at=random.randint(1, LAST_BOUNDARY))
        elif fate < 0.40:
            act = self._with_rival(act) if what == "book" else self._with_others(act)
        result = self.world.perform(act)
        if result.startswith("killed") and random.random() < 0.6:  # whoever asked tries again
            again = replace(act.alone(), at=self.world.ground.now)
            at = self.world.ground.now + random.choice((2 * SECOND, 40 * SECOND, 4 * MINUTE))
            self.wish(at, lambda: self.world.perform(replace(again, at=self.world.ground.now)))
        return result

    def _with_rival(self, act: Act) -> Act:
        """Somebody else wants the same time."""
        self.booked += 1
        student = self.random.randrange(len(self.world.students))
        rival = replace(act.alone(), lesson=self.booked, args={**act.args, "student": student}, key=f"{act.key}:rival")
        return replace(act, beside=(rival,), dice=str(self.random.randrange(10**9)))

    def _with_others(self, act: Act) -> Act:
        """Somebody else does something to the same lesson at the same moment."""
        payment = self.world.payment(act.lesson)
        others = [act.alone()]
        others += [Act(act.at, *other) for other in choices.conflicting(act.lesson, payment.status)]
        beside = tuple(self.random.sample(others, k=min(len(others), self.random.choice((1, 1, 2)))))
        mutex = self.random.choice(("postgres", "off", "off"))
        return replace(act, beside=beside, mutex=mutex, dice=str(self.random.randrange(10**9)))

    # --- A lesson ----------------------------------------------------------------------------------------------------
    def _book(self) -> None:
        random, now = self.random, self.world.ground.now
        self.booked += 1
        lesson = self.booked
        instructor = random.randrange(len(self.world.instructors))
        start = choices.some_start(random, now)
        result = self.act(
            "book",
            lesson,
            student=random.randrange(len(self.world.students)),
            instructor=instructor,
            service=random.randrange(2),
            starts_at=start,
            duration_minutes=random.choice((30, 45, 60, 60, 60, 90)),
            location_type="online",
        )
        for booked in range(lesson, self.booked + 1):
            self._plan_checkout(booked, "killed" in result)

    def _plan_checkout(self, lesson: int, killed: bool) -> None:
        random, now = self.random, self.world.ground.now
        if lesson not in self.world.lessons:
            return
        if random.random() < 0.96 or killed:
            self.wish(now + random.randint(20, 1500) * SECOND, lambda: self._check_out(lesson))
        else:
            self.wish(now + random.randint(1, 50) * MINUTE, lambda: self._cancel(lesson))

    def _check_out(self, lesson: int) -> None:
        random = self.random
        credit = random.choices((0, 1_000_000, random.randint(1, 9000)), (55, 20, 25))[0]
        card = random.choices([card for card, _ in choices.CARDS], [weight for _, weight in choices.CARDS])[0]
        result = self.act("check_out", lesson, payment_method_id=card, requested_credit_cents=credit)
        booking = self.world.booking(lesson)
        self._plan_looks(lesson)
        if booking.status == B.CONFIRMED:
            self._plan_life(lesson, booking.starts_at, booking.ends_at)
        elif "refused" in result or "killed" in result:
            self.wish(self.world.ground.now + random.randint(1, 35) * MINUTE, lambda: self._look(lesson))
        if random.random() < 0.05:
            again = lambda: self._act_if(lesson, "check_out", requested_credit_cents=500)  # noqa: E731
            self.wish(self.world.ground.now + random.randint(0, 900) * SECOND, again)

    def _plan_looks(self, lesson: int) -> None:
        """When the student looks after the lesson: soon, and around the moments at which a card may fail."""
        starts_at, now = self.world.booking(lesson).starts_at, self.world.ground.now
        for hours in (23.9, 22.5, 18.5, 13.2, 12.01):
            if self.random.random() < 0.4 and starts_at - hours * HOUR > now:
                self.wish(starts_at - hours * HOUR, lambda: self._look(lesson))
        self.wish(now + self.random.randint(30, 1200) * SECOND, lambda: self._look(lesson))
        self.wish(starts_at + self.random.randint(26, 110) * HOUR, lambda: self._look(lesson))

    def _plan_life(self, lesson: int, starts_at: datetime, ends_at: datetime) -> None:
        random, now = self.random, self.world.ground.now
        before = choices.some_moment(random, now, starts_at)
        after = ends_at + random.randint(10, 26 * 60) * MINUTE
        late = ends_at + random.randint(25, 260) * HOUR
        for chance, at, wish in (
            (0.20, before, lambda: self._cancel(lesson)),
            (0.06, before, lambda: self._act_if(lesson, "cancel", "instructor", reason=REASON)),
            (
                0.04,
                before,
                lambda: self._act_if(lesson, "staff_cancel", "staff", reason=REASON, refund=random.random() < 0.5),
            ),
            (0.28, before, lambda: self._move(lesson)),
            (0.05, before, lambda: self._act_if(lesson, "change_card", payment_method_id="pm_card_mastercard")),
            (0.12, choices.some_moment(random, now, late), lambda: self._anything(lesson)),
            (0.50, after, lambda: self._act_if(lesson, "complete", "instructor")),
            (0.18, starts_at + random.randint(0, 26 * 60) * MINUTE, lambda: self._no_show(lesson)),
            (0.08, after, lambda: self._act_if(lesson, "dispute_completion", "instructor", reason=REASON)),
            (0.02, after, lambda: self._act_if(lesson, "capture_now", "staff")),
            (0.07, starts_at - HOUR, lambda: self._lose_card(lesson)),
            (0.10, random.choice((before, late)), lambda: self._charge_back(lesson)),
            (0.12, late, lambda: self._refund(lesson)),
        ):
            if random.random() < chance:
                self.wish(at, wish)

    def _act_if(self, lesson: int, what: str, who: str = "student", **args: Any) -> None:
        self.act(what, lesson, who, **args)

    def _cancel(self, lesson: int) -> None:
        self.act("cancel", lesson, reason=REASON)

    def _move(self, lesson: int) -> None:
        old = self.world.booking_id(lesson)
        self.act("reschedule", lesson, starts_at=choices.some_start(self.random, self.world.ground.now))
        booking = self.world.booking(lesson)
        if booking.pk != old and booking.status == B.CONFIRMED:
            self._plan_looks(lesson)
            self._plan_life(lesson, booking.starts_at, booking.ends_at)

    def _look(self, lesson: int) -> None:
        """The student sees how the lesson stands and does something about it, or not."""
        random, payment, booking = self.random, self.world.payment(lesson), self.world.booking(lesson)
        last = payment.movements.filter(kind=MoneyMovement.Kind.AUTHORIZE).order_by("-id").first()
        if (
            payment.auth_last_error == "authentication_required"
            and last
            and last.result.get("status") == "requires_action"
        ):
            if random.random() < 0.85:
                self.act(
                    "authenticate", lesson, "bank", result=random.choice(("succeed", "succeed", "succeed", "fail"))
                )
        elif payment.capture_failed_at and payment.status != S.SETTLED:
            if random.random() < 0.6:
                self._now("card_revives", lesson, who="bank")
                self.act("retry_payment", lesson)
        elif booking.status == B.PENDING and random.random() < 0.7:
            self._check_out(lesson)
        elif payment.status == S.PAYMENT_METHOD_REQUIRED and booking.status == B.CONFIRMED and random.random() < 0.6:
            if random.random() < 0.4:
                self.act("retry_payment", lesson)
            else:
                self.act("change_card", lesson, payment_method_id=random.choice(choices.SECOND_CARDS))
                self.wish(self.world.ground.now + 3 * MINUTE, lambda: self._look(lesson))

    def _anything(self, lesson: int) -> None:
        """Something nobody would expect now."""
        payment = self.world.payment(lesson)
        what, _, who, args = self.random.choice(choices.anything(lesson, payment.card_amount_cents))
        self.act(what, lesson, who, **args)

    def _no_show(self, lesson: int) -> None:
        random = self.random
        who, accused = random.choice((("student", "instructor"), ("instructor", "student"), ("staff", "student")))
        if self.act("report_no_show", lesson, who, no_show_type=accused, reason=REASON) != "done":
            return
        now = self.world.ground.now
        if random.random() < 0.25 and who != "staff":
            back = lambda: self._act_if(lesson, "report_no_show", accused, no_show_type=who, reason=REASON)  # noqa: E731
            self.wish(now + random.randint(5, 600) * MINUTE, back)
        if random.random() < 0.5:
            answer = lambda: self._act_if(lesson, "dispute_no_show", accused, reason=REASON)  # noqa: E731
            self.wish(now + random.randint(5, 1500) * MINUTE, answer)

    def _lose_card(self, lesson: int) -> None:
        if self.world.payment(lesson).payment_intent_id:
            self._now("card_dies", lesson, who="bank")
            revived = lambda: self._now("card_revives", lesson, who="bank")  # noqa: E731
            self.wish(self.world.ground.now + self.random.randint(20, 140) * HOUR, revived)

    def _charge_back(self, lesson: int) -> None:
        inquiry = self.random.random() < 0.15
        self.act("charge_back", lesson, "bank", reason=self.random.choice(("fraudulent", "duplicate")), inquiry=inquiry)

    def _refund(self, lesson: int) -> None:
        left = self.world.payment(lesson).card_charged_cents
        amount = self.random.choice((None, None, 1, left // 3 or 1, left // 2 or 1, left or 1))
        self.act("refund", lesson, "staff", amount_cents=amount, reason=self.random.choice(choices.REFUND_REASONS))

    # --- Support and banks -------------------------------------------------------------------------------------------
    def _support_works(self) -> None:
        """Support goes through its queue; some things wait for days."""
        numbers = {payment: lesson for lesson, payment in self.world.lessons.items()}
        for item in SupportItem.objects.filter(closed_at=None).exclude(booking_id="").order_by("opened_at", "id"):
            payment = Payment.objects.filter(bookings=item.booking_id).first()
            lesson = numbers.get(payment.pk) if payment else None
            if payment is None or lesson is None or self.random.random() > 0.3:
                continue
            if payment.review_reason == "no_show":
                resolution = self.random.choice(("confirmed_after_review", "dispute_upheld", "cancelled"))
                self.act("resolve_no_show", lesson, "staff", resolution=resolution, reason=REASON)
            elif payment.status == S.MANUAL_REVIEW:
                resolution = self.random.choice(("full_payout", "full_refund", "split_50_50", "resume", "resume"))
                self.act("resolve_review", lesson, "staff", resolution=resolution, reason=REASON)

    def _newcomers(self) -> None:
        """Students who may not book any more give up; others come."""
        held = set(AccountHold.objects.filter(lifted_at=None).values_list("user_id", flat=True))
        for place, student in enumerate(self.world.students):
            if student.user.pk in held and self.random.random() < 0.3:
                self._now("newcomer", who="student", args={"student": place})

    def _banks_decide(self) -> None:
        numbers = {payment: lesson for lesson, payment in self.world.lessons.items()}
        for chargeback in Chargeback.objects.filter(closed_at=None).order_by("opened_at", "payment_id"):
            if self.random.random() < 0.25 and chargeback.payment_id in numbers:
                status = self.random.choice(("won", "lost"))
                self.act("decide_chargeback", numbers[chargeback.payment_id], "bank", status=status)
