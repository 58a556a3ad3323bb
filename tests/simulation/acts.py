"""What people, banks and support can do to a lesson: through the operation itself, or through the HTTP API."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bookings import jobs, operations
from common.actors import STRIPE, Door
from instainstru.schedules import BY_NAME

from . import bank

if TYPE_CHECKING:
    from .world import World


@dataclass(frozen=True)
class Act:
    """One thing somebody does, in plain values: done again in another world it is the same thing.

    `faults` are Stripe's for the length of the act; `dies_at` is the boundary at which its process is killed; `beside`
    happens at the same time, in turns that `dice` decide, with or without the mutex. `key` is its Idempotency-Key.
    """

    at: datetime
    what: str
    lesson: int = 0
    who: str = "student"
    args: dict[str, Any] = field(default_factory=dict)
    door: str = "operation"
    faults: tuple[dict[str, Any], ...] = ()
    dies_at: int = 0
    beside: tuple["Act", ...] = ()
    mutex: str = "postgres"
    dice: str = ""
    key: str = ""

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value}" for name, value in self.args.items())
        parts = [f"{self.at:%d %b %H:%M:%S}", f"lesson {self.lesson}" if self.lesson else "", f"{self.who}:", self.what]
        parts += [f"({said})" if said else "", "by HTTP" if self.door == "api" else ""]
        parts += [f"[{fault['kind']} {fault.get('method', '*')} {fault['path']}]" for fault in self.faults]
        parts += [f"[killed at boundary {self.dies_at}]" if self.dies_at else ""]
        parts += [f"[beside, mutex {self.mutex}: {'; '.join(act.what for act in self.beside)}]" if self.beside else ""]
        return " ".join(part for part in parts if part)

    def alone(self) -> "Act":
        return replace(self, beside=(), faults=(), dies_at=0)


@dataclass(frozen=True)
class Deed:
    """How an act is done: `operation` calls it; `request` says verb, path and body of the same through the API."""

    operation: Callable[["World", Act], Any]
    request: Callable[["World", Act], tuple[str, str, dict[str, Any]]] | None = None


def _of_lesson(operation: Callable[..., Any]) -> Callable[["World", Act], Any]:
    """An operation that takes a booking, an actor and what the act says."""

    def call(world: "World", act: Act) -> Any:
        return operation(
            booking_id=world.booking_id(act.lesson), actor=world.actor(act), now=world.ground.now, **world.values(act)
        )

    return call


def _path(template: str, verb: str = "post") -> Callable[["World", Act], tuple[str, str, dict[str, Any]]]:
    def request(world: "World", act: Act) -> tuple[str, str, dict[str, Any]]:
        booking_id = world.booking_id(act.lesson)
        body = {"booking_id": booking_id} if "{id}" not in template else {}
        return verb, template.format(id=booking_id), {**body, **world.values(act)}

    return request


def _book_request(world: "World", act: Act) -> tuple[str, str, dict[str, Any]]:
    return "post", "bookings", world.values(act)


def _book(world: "World", act: Act) -> Any:
    return operations.book_lesson(
        actor=world.actor(act), now=world.ground.now, request_key=f"story:{act.lesson}", **world.values(act)
    )


def _job(world: "World", act: Act) -> Any:
    return BY_NAME[act.args["name"]].run(world.ground.now)


def _hold_noted(world: "World", act: Act) -> Any:
    return operations.confirm_hold(booking_id=world.booking_id(act.lesson), actor=STRIPE, now=world.ground.now)


def _late_capture(world: "World", act: Act) -> Any:
    return jobs.capture_late_cancellation(world.ground.now, world.booking_id(act.lesson))


DEEDS: dict[str, Deed] = {
    "book": Deed(_book, _book_request),
    "check_out": Deed(_of_lesson(operations.check_out), _path("payments/checkout")),
    "cancel": Deed(_of_lesson(operations.cancel_booking), _path("bookings/{id}/cancel")),
    "staff_cancel": Deed(_of_lesson(operations.staff_cancel_booking), _path("admin/bookings/{id}/cancel")),
    "reschedule": Deed(_of_lesson(operations.reschedule_booking), _path("bookings/{id}/reschedule")),
    "change_card": Deed(_of_lesson(operations.change_payment_method), _path("bookings/{id}/payment-method", "patch")),
    "retry_payment": Deed(_of_lesson(operations.retry_payment), _path("bookings/{id}/retry-payment")),
    "complete": Deed(_of_lesson(operations.complete_lesson), _path("bookings/{id}/complete")),
    "dispute_completion": Deed(_of_lesson(operations.dispute_completion), _path("instructor/bookings/{id}/dispute")),
    "report_no_show": Deed(_of_lesson(operations.report_no_show), _path("bookings/{id}/no-show")),
    "dispute_no_show": Deed(_of_lesson(operations.dispute_no_show), _path("bookings/{id}/no-show/dispute")),
    "resolve_no_show": Deed(_of_lesson(operations.resolve_no_show), _path("admin/bookings/{id}/no-show/resolve")),
    "resolve_review": Deed(_of_lesson(operations.resolve_review), _path("admin/bookings/{id}/review/resolve")),
    "refund": Deed(_of_lesson(operations.refund_booking), _path("admin/refunds/{id}/refund")),
    "capture_now": Deed(_of_lesson(operations.capture_now), _path("bookings/{id}/capture-payment")),
    "job": Deed(_job),
    "hold_noted": Deed(_hold_noted),
    "late_capture": Deed(_late_capture),
    "authenticate": Deed(bank.authenticate),
    "charge_back": Deed(bank.charge_back),
    "decide_chargeback": Deed(bank.decide_chargeback),
    "card_dies": Deed(bank.card_dies),
    "card_revives": Deed(bank.card_revives),
    "pay_out": Deed(bank.pay_out),
    "return_payout": Deed(bank.return_payout),
    "stripe_down": Deed(bank.stripe_down),
    "stripe_up": Deed(bank.stripe_up),
    "forget_keys": Deed(bank.forget_keys),
    "newcomer": Deed(lambda world, act: world.welcome(act.args["student"])),
    "jobs_rest": Deed(lambda world, act: world.rest_jobs(act.args["hours"])),
}
DOORS = {"student": Door.API, "instructor": Door.API, "staff": Door.ADMIN}
