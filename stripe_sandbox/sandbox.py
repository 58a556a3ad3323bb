"""The sandbox itself: state, clock, ledger and events, as the functions behind the routes use them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stripe_sandbox import API_VERSION
from stripe_sandbox.clock import Clock
from stripe_sandbox.config import PLATFORM_ID, Config
from stripe_sandbox.deliveries import Outbox
from stripe_sandbox.errors import missing
from stripe_sandbox.ids import new_id
from stripe_sandbox.ledger import Ledger
from stripe_sandbox.request import Request
from stripe_sandbox.schedule import Schedule, task
from stripe_sandbox.store import Store
from stripe_sandbox.types import Doc, private, public

_NOUNS = {
    "payment_intent": "payment_intent",
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "account": "account",
    "application_fee": "application fee",
    "balance_transaction": "balance transaction",
    "bank_account": "external account",
    "fee_refund": "application fee refund",
    "transfer_reversal": "transfer reversal",
}


class Sandbox:
    """Everything a request can touch. `now` is the time of the request or of the task at hand, in whole seconds."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.platform = PLATFORM_ID
        self.store = Store(config.state)
        self.clock = Clock(self.store)
        self.now = int(self.clock.now())
        self.request: Request | None = None
        self.schedule = Schedule(self)
        self.ledger = Ledger(self)
        self.outbox = Outbox(self)

    @contextmanager
    def transaction(self, at: float | None = None, request: Request | None = None) -> Iterator[None]:
        """All or nothing, at one moment of the sandbox clock."""
        self.now = int(self.clock.now() if at is None else at)
        self.request = request
        try:
            with self.store.transaction():
                yield
                self.ledger.prove()
        except BaseException:
            self.schedule.reload()
            self.outbox.forget_new()
            raise
        finally:
            self.request = None
        self.outbox.wake()

    def catch_up(self) -> None:
        """Let everything happen that is due by now."""
        self.schedule.run_until(self.clock.now())

    def add(self, kind: str, doc: Doc, owner: str) -> Doc:
        """Keep a new object of an account; the object."""
        private(doc)["owner"] = owner
        self.store.insert(kind, doc, owner)
        return doc

    def save(self, kind: str, doc: Doc) -> None:
        """Keep the changed state of an object."""
        self.store.update(kind, doc)

    def need(self, kind: str, id: Any, owner: str, param: str = "", status: int = 400) -> Doc:
        """An object of an account. Raises resource_missing: 400 when a parameter named it, 404 without `param`."""
        doc = self.store.get(kind, str(id), owner)
        if doc is None:
            noun = _NOUNS.get(kind, kind)
            raise missing(noun, str(id), param or "id", status if param else 404)
        return doc

    def here(self, kind: str, request: Request, name: str = "id") -> Doc:
        """The object the address names. Raises resource_missing (404)."""
        doc = self.store.get(kind, request.args[name], request.account)
        if doc is None:
            param = {"payment_intent": "intent", "setup_intent": "intent", "account": "account"}.get(kind, "id")
            raise missing(_NOUNS.get(kind, kind), request.args[name], param)
        return doc

    def emit(self, type: str, doc: Doc, *, owner: str | None = None, previous: Doc | None = None) -> None:
        """Record an event with a snapshot of the object and put it in the outbox."""
        owner = owner or str(private(doc)["owner"])
        request = self.request
        event: Doc = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": {"object": public(doc)},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {
                "id": request.id if request else None,
                "idempotency_key": request.idempotency_key if request else None,
            },
            "type": type,
        }
        if owner != self.platform:
            event["account"] = owner
        if previous is not None:
            event["data"]["previous_attributes"] = previous
        event["pending_webhooks"] = self.outbox.put(event, owner)
        self.store.insert("event", event, owner)

    def change(self, kind: str, doc: Doc, changes: Doc, event: str | None = None) -> Doc:
        """Set fields of an object, keep it, and emit the event with what they were before; the previous values."""
        previous = {name: doc.get(name) for name, value in changes.items() if doc.get(name) != value}
        doc.update(changes)
        self.save(kind, doc)
        if event and previous:
            self.emit(event, doc, previous=previous)
        return previous


@task("funds_available")
def funds_available(box: Sandbox, ids: list[str]) -> None:
    """Pending funds become available."""
    transactions = [box.store.get("balance_transaction", id) for id in ids]
    box.ledger.release([transaction for transaction in transactions if transaction is not None])
