"""Protections switched off, one at a time, inside this process and its children. Production code has no such switches."""

import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from django.db import connection, transaction
from django.db.models import QuerySet

from bookings import due, operations
from bookings.models import Booking
from bookings.operations import _conclusions, _story
from credits import lots
from payments import gateway, settlement, webhook_inbox
from payments.models import Payment, StripeEventInbox
from payments.movements import HANDLERS, NotThere

from .races_play import NO_MUTEX, mutex_mode

Kind = _story.Kind
OURS = ("bookings", "payments", "credits", "common", "accounts")


@contextmanager
def everywhere(real: Callable[..., Any], instead: Callable[..., Any]) -> Iterator[None]:
    """Put a function in the place of another under every name it was imported by."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] in OURS:
                for attribute, value in list(vars(module).items()):
                    if value is real:
                        stack.enter_context(patch.object(module, attribute, instead))
        yield


@contextmanager
def handler(kind: Kind, *without: str) -> Iterator[None]:
    """Requests of one kind leave without some of their parameters."""
    real = HANDLERS[kind]

    def request(movement: Any, payment: Payment) -> dict[str, Any]:
        asked = real.request(movement, payment)
        asked["params"] = {name: value for name, value in asked["params"].items() if name not in without}
        return asked

    with patch.dict(HANDLERS, {kind: replace(real, request=request)}):
        yield


# --- One at a time ---------------------------------------------------------------------------------------------------
@contextmanager
def no_lock() -> Iterator[None]:
    """Neither the mutex nor row locks."""
    with (
        mutex_mode(NO_MUTEX),
        patch.object(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all()),
        patch("django.db.models.manager.Manager.select_for_update", lambda self, *a, **k: self.all(), create=True),
    ):
        yield


@contextmanager
def no_fresh_read() -> Iterator[None]:
    """What was read before the lock was waited for is used after it."""
    real = _story.lock_booking

    def stale(booking_id: str) -> Booking:
        before: Booking = Booking.objects.select_related("payment").get(pk=booking_id)
        real(booking_id)
        return before

    with mutex_mode(NO_MUTEX), everywhere(real, stale):
        yield


UNIQUE = "one_unfinished_plan_per_payment"


@contextmanager
def no_unique_plan() -> Iterator[None]:
    """As many unfinished decisions about a payment as there are people; nobody looks for another before deciding."""
    look = everywhere(_story.lock_at_rest, lambda booking_id: _story.lock_booking(booking_id))
    with mutex_mode(NO_MUTEX), look, connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [UNIQUE])
        (made_by,) = cursor.fetchone()
        cursor.execute(f"DROP INDEX {UNIQUE}")
        try:
            yield
        finally:
            cursor.execute("UPDATE payments_moneyplan SET finished_at = decided_at WHERE finished_at IS NULL")
            cursor.execute(made_by)


@contextmanager
def no_protection() -> Iterator[None]:
    """Nothing of all that, and nobody looks whether an earlier decision stands: what races do to naive code."""
    with no_lock(), no_fresh_read(), no_unique_plan(), everywhere(_story.carry_on, lambda *a: None), no_fence():
        yield


@contextmanager
def no_fence() -> Iterator[None]:
    """A holder of the mutex whom a younger one has overtaken goes on."""
    with (
        patch.object(settlement, "stay_youngest", lambda plan, lease: None),
        patch.object(_story, "stay_youngest", lambda plan, lease: None),
    ):
        yield


@contextmanager
def no_wallet_lock() -> Iterator[None]:
    with patch.object(lots, "_lock", lambda owners: None):
        yield


# --- Once ------------------------------------------------------------------------------------------------------------
@contextmanager
def no_lookup() -> Iterator[None]:
    """What was sent and never answered is sent again without asking what exists."""

    def blind(movement: Any) -> None:
        raise NotThere

    with patch.object(settlement, "_look_up", blind):
        yield


@contextmanager
def new_key_every_time() -> Iterator[None]:
    real = gateway._call

    def call(*args: Any, key: str = "", **kwargs: Any) -> Any:
        return real(*args, key=key and f"{key}:{secrets.token_hex(4)}", **kwargs)

    with patch.object(gateway, "_call", call):
        yield


@contextmanager
def key_without_attempt() -> Iterator[None]:
    """Every try to place a hold has the same key: Stripe replays the first decline."""
    real = gateway.confirm_intent

    def confirm(intent: str, *, params: Any, key: str) -> Any:
        return real(intent, params=params, key=f"authorize:{intent}")

    with patch.object(gateway, "confirm_intent", confirm):
        yield


@contextmanager
def in_one_transaction(real: Callable[..., Any]) -> Iterator[None]:
    """A function runs in one transaction, its calls to Stripe too."""

    def together(*args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            return real(*args, **kwargs)

    with everywhere(real, together), patch.object(gateway, "connection", SimpleNamespace(in_atomic_block=False)):
        yield


def decision_not_committed() -> Any:
    return in_one_transaction(operations.cancel_booking)


def results_not_committed() -> Any:
    return in_one_transaction(settlement.carry_out)


@contextmanager
def credit_outside_the_commit() -> Iterator[None]:
    """Credits are given by a transaction of their own, before the one that concludes."""
    real = _conclusions.apply_credits

    def apart(payment: Payment, *args: Any) -> None:
        failed: list[BaseException] = []

        def give() -> None:
            try:
                with transaction.atomic():
                    real(payment, *args)
            except BaseException as error:
                failed.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=give)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]

    with everywhere(real, apart):
        yield


@contextmanager
def concluded_twice() -> Iterator[None]:
    """Whoever comes to a decision's end applies it, concluded or not."""

    def see_through(plan: Any, lease: Any, now: datetime) -> str:
        story = _story.STORIES[plan.purpose]
        while True:
            settlement.carry_out(plan, lease, now)
            with transaction.atomic():
                booking = _story.lock_booking(plan.booking_id)
                more = story.follow_up(plan, booking, now)
                if more:
                    settlement.extend_plan(plan, more)
                    continue
                plan.result, plan.finished_at = story.conclude(plan, booking, now)[:60], now
                plan.save(update_fields=["finished_at", "result"])
                return str(plan.result)

    with everywhere(_story.see_through, see_through):
        yield


@contextmanager
def transfer_twice() -> Iterator[None]:
    real = gateway.create_transfer

    def twice(*, params: Any, key: str) -> Any:
        real(params=params, key=f"{key}:again")
        return real(params=params, key=key)

    with patch.object(gateway, "create_transfer", twice):
        yield


@contextmanager
def event_stored_every_time() -> Iterator[None]:
    """A repeated event is another event."""

    def store(event: dict[str, Any]) -> bool:
        event_id = f"{event['id']}{StripeEventInbox.objects.count()}"
        return real({**event, "id": event_id})

    real = webhook_inbox.store
    with patch.object(webhook_inbox, "store", store):
        yield


@contextmanager
def old_event_trusted() -> Iterator[None]:
    """What an event said of an intent when it was sent is taken for what is."""

    def told(intent: str, **_: Any) -> Any:
        event = StripeEventInbox.objects.filter(object_id=intent).first()
        return event.payload["data"]["object"] if event else gateway.intent(intent)

    with patch.object(
        sys.modules["bookings.operations.confirm_hold"], "gateway", SimpleNamespace(**{**vars(gateway), "intent": told})
    ):
        yield


@contextmanager
def no_recovery() -> Iterator[None]:
    with patch.object(due, "plans_to_resume", list):
        yield
