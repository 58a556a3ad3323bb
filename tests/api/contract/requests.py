"""One good request for every endpoint. A new endpoint needs a row here, in ../permissions.txt, and nothing else:
permissions, replays, query counts and examples are tested from these rows.

A row makes what the request needs and says it: members of the path by name, `body`, `query`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bookings import calendars

from .world import DAY, World


@dataclass(frozen=True)
class Sent:
    """What a request says."""

    path: dict[str, str] = field(default_factory=dict)
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


Row = Callable[[World], Sent]
ROWS: dict[str, Row] = {}


def row(*endpoints: str) -> Callable[[Row], Row]:
    """Register a row under `METHOD path`."""

    def register(make: Row) -> Row:
        for endpoint in endpoints:
            ROWS[endpoint] = make
        return make

    return register


def nothing(world: World) -> Sent:
    return Sent()


def on(booking: Any, **body: Any) -> Sent:
    return Sent({"booking_id": booking.pk}, body or None)


def a_booking(world: World) -> Sent:
    return on(world.lesson)


def a_lesson(world: World) -> dict[str, Any]:
    """Which lesson, when."""
    return {
        "service_id": world.service_id,
        "starts_at": world.start(72).isoformat(),
        "duration_minutes": 60,
        "location_type": "online",
    }


# --- Before booking --------------------------------------------------------------------------------------------------
@row("POST pricing/preview", "POST bookings")
def a_new_lesson(world: World) -> Sent:
    return Sent(body=a_lesson(world))


@row("POST bookings/check-availability")
def a_time(world: World) -> Sent:
    return Sent(body={name: value for name, value in a_lesson(world).items() if name != "location_type"})


@row("GET instructors/{instructor_id}/availability")
def free_times(world: World) -> Sent:
    day = (world.now + 2 * DAY).date()
    return Sent({"instructor_id": world.instructor.user.pk}, query={"from": str(day), "to": str(day)})


# --- Lessons ---------------------------------------------------------------------------------------------------------
row("GET bookings", "GET bookings/upcoming")(nothing)
row(
    "GET bookings/{booking_id}",
    "GET bookings/{booking_id}/pricing",
    "GET bookings/{booking_id}/timeline",
    "GET bookings/{booking_id}/calendar.ics",
    "GET bookings/{booking_id}/cancellation-quote",
    "GET bookings/{booking_id}/reschedule-quote",
)(a_booking)
row("POST bookings/{booking_id}/cancel")(lambda world: on(world.scheduled(), reason="I am ill."))
row("POST bookings/{booking_id}/reschedule")(lambda w: on(w.scheduled(), starts_at=w.start(96).isoformat()))
row("PATCH bookings/{booking_id}/payment-method", "POST bookings/{booking_id}/confirm-payment")(
    lambda world: on(world.scheduled(), payment_method_id="pm_card_mastercard")
)
row("POST bookings/{booking_id}/retry-payment")(lambda world: on(world.unpaid()))
row("POST bookings/{booking_id}/no-show")(
    lambda world: on(world.ended(), no_show_type="instructor", reason="Nobody came.")
)
row("POST bookings/{booking_id}/no-show/dispute")(
    lambda world: on(world.reported(), reason="I was there all the time.")
)
row("POST bookings/{booking_id}/complete", "POST instructor/bookings/{booking_id}/complete")(
    lambda world: on(world.ended(), note="Scales went well.")
)
row("POST bookings/{booking_id}/capture-payment")(lambda world: on(world.ended()))

# --- Instructors -----------------------------------------------------------------------------------------------------
row(
    "GET instructor/bookings",
    "GET instructor/bookings/upcoming",
    "GET instructor/bookings/pending-completion",
    "GET instructor/bookings/completed",
)(nothing)
row("POST instructor/bookings/{booking_id}/dispute")(lambda world: on(world.ended(), reason="It was cut short."))

row("GET instructor/availability")(nothing)


@row("PUT instructor/availability")
def new_hours(world: World) -> Sent:
    read = world.client("instructor").get("/api/v1/instructor/availability")
    return Sent(body={**read.json(), "buffer_minutes": 30}, headers={"If-Match": read.headers["ETag"]})


row(
    "GET instructor/earnings",
    "GET instructor/analytics/payouts",
    "GET instructor/payouts",
    "GET instructor/balance",
    "GET me/calendar-feed",
    "POST me/calendar-feed",
    "DELETE me/calendar-feed",
)(nothing)


@row("GET calendar/{token}.ics")
def a_feed(world: World) -> Sent:
    return Sent({"token": calendars.open_feed(user=world.student.user, now=world.now)})


@row("POST payments/instant-payout", "GET payments/instant-payout/quote")
def a_balance(world: World) -> Sent:
    world.earned(5_000)
    return Sent(body={})


# --- Packages --------------------------------------------------------------------------------------------------------
row("GET packages", "GET packages/mine")(nothing)
row("GET packages/{package_id}")(lambda world: Sent({"package_id": world.package.pk}))
row("POST packages/{package_id}/refund", "POST admin/packages/{package_id}/refund")(
    lambda world: Sent({"package_id": world.bought().pk}, {"reason": "Moving away.", "lessons": 1})
)
row("POST admin/bookings/{booking_id}/give-back")(lambda world: on(world.used(), reason="The lesson was cut short."))


@row("POST payments/create-session", "POST payments/payment-intent")
def a_purchase(world: World) -> Sent:
    wanted = world.shop.wanting(1, world.start(72))
    return Sent(body={**wanted, "starts_at": wanted["starts_at"].isoformat()})


# --- Support ---------------------------------------------------------------------------------------------------------
row("POST admin/bookings/{booking_id}/cancel")(lambda world: on(world.scheduled(), reason="Storm.", refund=True))
row("POST admin/bookings/{booking_id}/no-show/resolve")(
    lambda world: on(world.reported(), resolution="confirmed_after_review", reason="The camera was off.")
)
row("POST admin/bookings/{booking_id}/review/resolve")(
    lambda world: on(world.in_review(), resolution="full_payout", reason="It took place.")
)
row("POST admin/refunds/{booking_id}/refund")(
    lambda world: on(world.taken(), reason="platform_error", amount_cents=1_000)
)

# --- Money -----------------------------------------------------------------------------------------------------------
row("POST payments/checkout")(lambda world: Sent(body={"booking_id": world.pending().pk}))
row("POST payments/setup-intent", "POST payments/connect/onboard", "POST payments/connect/dashboard")(nothing)
row("GET payments/methods", "GET payments/credits", "GET payments/credits/balance", "GET payments/connect/status")(
    nothing
)
row("POST payments/methods")(lambda world: Sent(body={"payment_method_id": "pm_card_mastercard"}))
row("DELETE payments/methods/{method_id}", "POST payments/methods/{method_id}/default")(
    lambda world: Sent({"method_id": world.card().pk})
)

# --- The API about itself --------------------------------------------------------------------------------------------
row("GET errors")(nothing)
row("GET errors/{code}")(lambda world: Sent({"code": "not_found"}))
