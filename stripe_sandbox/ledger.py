"""Double entry behind every balance.

Each account has a pending and an available side; outside stand `cards` (the card networks), `bank` (where payouts go)
and `stripe_fees`. A posting's lines sum to zero, so money in is always money out plus balances.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stripe_sandbox.ids import new_id
from stripe_sandbox.types import Doc

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

CARDS, BANK, STRIPE_FEES = "cards", "bank", "stripe_fees"

_CATEGORIES = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "payment_refund": "refund",
    "transfer": "transfer",
    "transfer_refund": "transfer_reversal",
    "application_fee": "platform_earning",
    "application_fee_refund": "platform_earning_refund",
    "payout": "payout",
    "payout_failure": "payout_reversal",
    "payout_cancel": "payout_reversal",
    "reserved_funds": "connect_reserved_funds",
    "adjustment": "other_adjustment",
}


class LedgerError(AssertionError):
    """Money would appear or vanish."""


@dataclass
class Posting:
    """One entry of the journal in the making: balance transactions of accounts, and what stands against them."""

    kind: str
    source: str
    currency: str
    lines: list[tuple[str, int]] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)

    def line(self, account: str, amount: int) -> None:
        """Add a line; positive is more for that side."""
        self.lines.append((account, amount))


class Ledger:
    """Balances of the platform and of every connected account."""

    def __init__(self, box: "Sandbox") -> None:
        self._box = box
        self._unchecked = False

    def prove(self) -> None:
        """Before a commit that moved money: all balances together are zero. Raises LedgerError."""
        if not self._unchecked:
            return
        self._unchecked = False
        rows = self._box.store.db.execute("SELECT currency, SUM(amount) FROM balances GROUP BY currency").fetchall()
        if any(total for _, total in rows):
            raise LedgerError(f"money in is not money out plus balances: {rows}")

    def transact(
        self,
        posting: Posting,
        owner: str,
        type: str,
        amount: int,
        *,
        source: str | None,
        available_on: int = 0,
        fee: int = 0,
        fee_details: list[Doc] | None = None,
        description: str | None = None,
        category: str | None = None,
    ) -> Doc:
        """Write a balance transaction of an account and its line. Funds before `available_on` are pending."""
        box = self._box
        now = box.now
        available_on = max(available_on, now)
        pending = available_on > now
        transaction: Doc = {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": available_on,
            "balance_type": "payments",
            "created": now,
            "currency": posting.currency,
            "description": description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": fee_details or [],
            "net": amount - fee,
            "reporting_category": category or _CATEGORIES[type],
            "source": source,
            "status": "pending" if pending else "available",
            "type": type,
        }
        box.store.insert("balance_transaction", transaction, owner)
        posting.line(f"{owner}:{'pending' if pending else 'available'}", amount - fee)
        posting.owners.append(owner)
        if pending:
            box.schedule.add(available_on, "funds_available", transaction["id"])
        return transaction

    def post(self, posting: Posting) -> None:
        """Write the posting. Raises LedgerError when its lines do not sum to zero."""
        self._write(posting)
        for owner in dict.fromkeys(posting.owners):
            if owner != self._box.platform:
                self._reserve(owner, posting.currency)

    def _write(self, posting: Posting) -> None:
        if sum(amount for _, amount in posting.lines):
            raise LedgerError(f"{posting.kind} of {posting.source} does not balance: {posting.lines}")
        self._unchecked = True
        db = self._box.store.db
        journal = db.execute(
            "INSERT INTO journal (at, kind, source) VALUES (?, ?, ?)", (self._box.now, posting.kind, posting.source)
        ).lastrowid
        currency = posting.currency
        db.executemany(
            "INSERT INTO lines VALUES (?, ?, ?, ?)",
            [(journal, account, currency, amount) for account, amount in posting.lines],
        )
        db.executemany(
            "INSERT INTO balances VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
            [(account, currency, amount) for account, amount in posting.lines],
        )

    def _reserve(self, owner: str, currency: str) -> None:
        """Hold on the platform what a connected account owes, and let go of it when it owes less."""
        platform = self._box.platform
        held_by = f"{platform}:reserved:{owner}"
        owed = max(0, -self.amount(f"{owner}:available", currency) - self.amount(f"{owner}:pending", currency))
        change = owed - self.amount(held_by, currency)
        if not change:
            return
        posting = Posting("reserve", owner, currency)
        self.transact(
            posting,
            platform,
            "reserved_funds",
            -change,
            source=None,
            description=f"Funds {'reserved for' if change > 0 else 'released from'} the negative balance of {owner}",
        )
        posting.line(held_by, change)
        self._write(posting)

    def amount(self, account: str, currency: str) -> int:
        """The balance of one account of the ledger."""
        row = self._box.store.db.execute(
            "SELECT amount FROM balances WHERE account = ? AND currency = ?", (account, currency)
        ).fetchone()
        return int(row[0]) if row else 0

    def available(self, owner: str, currency: str) -> int:
        """What an account can spend."""
        return self.amount(f"{owner}:available", currency)

    def pending(self, owner: str, currency: str) -> int:
        """What an account will be able to spend later."""
        return self.amount(f"{owner}:pending", currency)

    def release(self, transactions: list[Doc]) -> None:
        """Make pending funds available; one `balance.available` for each account."""
        box = self._box
        owners: dict[str, list[Doc]] = {}
        for transaction in transactions:
            owner = box.store.owner_of("balance_transaction", transaction["id"])
            if owner is not None:
                owners.setdefault(owner, []).append(transaction)
        for owner, released in owners.items():
            for currency in sorted({transaction["currency"] for transaction in released}):
                mine = [transaction for transaction in released if transaction["currency"] == currency]
                net = sum(transaction["net"] for transaction in mine)
                posting = Posting("funds_available", owner, currency)
                posting.line(f"{owner}:pending", -net)
                posting.line(f"{owner}:available", net)
                self._write(posting)
            for transaction in released:
                transaction["status"] = "available"
                box.store.update("balance_transaction", transaction)
            box.emit("balance.available", self.balance(owner), owner=owner)

    def balance(self, owner: str) -> Doc:
        """Stripe's balance object of an account."""
        currencies = {self._box.config.currency}
        rows = self._box.store.db.execute(
            "SELECT account, currency, amount FROM balances WHERE account >= ? AND account < ?",
            (f"{owner}:", f"{owner};"),
        ).fetchall()
        sides: dict[str, dict[str, int]] = {"available": {}, "pending": {}, "reserved": {}}
        for account, currency, amount in rows:
            currencies.add(currency)
            side = sides[account.split(":")[1]]
            side[currency] = side.get(currency, 0) + amount

        def entries(side: str) -> list[Doc]:
            return [
                {"amount": amount, "currency": currency, "source_types": {"card": amount}}
                for currency in sorted(currencies)
                for amount in [sides[side].get(currency, 0)]
            ]

        instant = [{**entry, "amount": max(entry["amount"], 0)} for entry in entries("available")]
        for entry in instant:
            entry["source_types"] = {"card": entry["amount"]}
        balance: Doc = {"object": "balance", "available": entries("available"), "livemode": False}
        if owner == self._box.platform:
            balance["connect_reserved"] = [
                {"amount": entry["amount"], "currency": entry["currency"]} for entry in entries("reserved")
            ]
        balance["instant_available"] = instant
        balance["pending"] = entries("pending")
        balance["refund_and_dispute_prefunding"] = {
            side: [{"amount": 0, "currency": currency, "source_types": {"card": 0}} for currency in sorted(currencies)]
            for side in ("available", "pending")
        }
        return balance
