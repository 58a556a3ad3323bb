"""A student's money as they see it: what their card paid and got back, what credit they were given and what became of it.

Read from the two books that nobody can alter: the ledger's lines on `card`, and the credit entries. Nothing is added up
a second time here.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

from django.db.models import F, QuerySet

from bookings.models import Booking
from credits.models import CreditEntry
from payments import ledger
from payments.models import LedgerLine, Payment

CARD_KINDS = {"capture": "charge", "refund": "refund", "chargeback": "chargeback"}
CREDIT_KINDS = {
    CreditEntry.Kind.ISSUE: "credit_issued",
    CreditEntry.Kind.CONSUME: "credit_used",
    CreditEntry.Kind.FORFEIT: "credit_forfeited",
    CreditEntry.Kind.EXPIRE: "credit_expired",
    CreditEntry.Kind.REVOKE: "credit_revoked",
}
KINDS = (*CARD_KINDS.values(), *CREDIT_KINDS.values())


@dataclass(frozen=True, slots=True)
class Transaction:
    """One line. `amount_cents` is positive for what comes to the student, negative for what leaves them."""

    id: str
    at: datetime
    kind: str
    paid_with: str
    amount_cents: int
    payment_id: str
    reason: str
    booking: Booking | None

    @property
    def what_for(self) -> str:
        """The lesson, in words; empty when it is about none."""
        if self.booking is None:
            return ""
        return f"{self.booking.service.name} with {self.booking.instructor.public_name}"


class Lines:
    """Rows of both books as one list in the order of time, for a paginator: it can be ordered, filtered and sliced."""

    def __init__(self, *books: QuerySet[Any], ascending: bool = False) -> None:
        self.books, self.ascending = books, ascending

    def order_by(self, *order: str) -> "Lines":
        return Lines(*(book.order_by(*order) for book in self.books), ascending=not order[0].startswith("-"))

    def filter(self, **said: Any) -> "Lines":
        return Lines(*(book.filter(**said) for book in self.books), ascending=self.ascending)

    def __getitem__(self, part: slice) -> list[Any]:
        heads = (book[: part.stop] for book in self.books)
        return list(self._merged(heads))[part]

    def __iter__(self) -> Iterator[Any]:
        return self._merged(book.iterator(chunk_size=500) for book in self.books)

    def _merged(self, books: Iterable[Iterable[Any]]) -> Iterator[Any]:
        """At the same instant the card comes before credits, and each book keeps its own order."""
        marked = [_marked(n, book) for n, book in enumerate(books)]
        for *_, row in merge(*marked, key=lambda one: one[:3], reverse=not self.ascending):
            yield row


def _marked(n: int, book: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    return ((row.at, n, row.pk, row) for row in book)


def lines_of(user_id: str) -> Lines:
    """Everything that happened to somebody's money as a student, latest first. One query for each of the two books."""
    mine = Payment.objects.filter(student=user_id).values("pk")
    card = LedgerLine.objects.filter(account=ledger.CARD, entry__payment_id__in=mine)
    credit = CreditEntry.objects.filter(owner=user_id, kind__in=CREDIT_KINDS)
    return _lines(card, credit)


def lines_of_payment(payment: Payment) -> Lines:
    """The same for one payment, oldest first: what its card paid, and what credit it took and gave."""
    card = LedgerLine.objects.filter(account=ledger.CARD, entry__payment_id=payment.pk)
    credit = CreditEntry.objects.filter(owner=payment.student_id, payment_id=payment.pk, kind__in=CREDIT_KINDS)
    return _lines(card, credit).order_by("at", "pk")


def _lines(card: QuerySet[LedgerLine], credit: QuerySet[CreditEntry]) -> Lines:
    dated = card.annotate(at=F("entry__at")).select_related("entry")
    return Lines(dated, credit.select_related("lot")).order_by("-at", "-pk")


def shown(rows: Collection[LedgerLine | CreditEntry]) -> list[Transaction]:
    """Rows of the books as transactions, with the lesson each is about. One query."""
    lessons = _lessons({_payment_of(row) for row in rows} - {""})
    return [_transaction(row, lessons.get(_payment_of(row))) for row in rows]


def in_batches(lines: Lines, size: int = 500) -> Iterator[Transaction]:
    """All of them, with a query for the lessons of each batch: for files of any length."""
    batch: list[Any] = []
    for row in lines:
        batch.append(row)
        if len(batch) == size:
            yield from shown(batch)
            batch = []
    yield from shown(batch)


def _payment_of(row: LedgerLine | CreditEntry) -> str:
    return row.entry.payment_id if isinstance(row, LedgerLine) else row.payment_id


def _lessons(payment_ids: set[str]) -> dict[str, Booking]:
    """The booking that each payment belongs to now: the last of its chain."""
    found = Booking.objects.filter(payment__in=payment_ids, rescheduled_to=None)
    return {one.payment_id: one for one in found.select_related("service", "instructor").order_by("created_at", "id")}


def _transaction(row: LedgerLine | CreditEntry, booking: Booking | None) -> Transaction:
    if isinstance(row, LedgerLine):
        kind, amount, reason = CARD_KINDS.get(row.entry.kind, "charge"), row.amount_cents, ""
        return Transaction(row.entry_id, row.entry.at, kind, "card", amount, row.entry.payment_id, reason, booking)
    kind = CREDIT_KINDS[CreditEntry.Kind(row.kind)]
    amount = row.amount_cents if row.kind == CreditEntry.Kind.ISSUE else -row.amount_cents
    return Transaction(row.pk, row.at, kind, "credit", amount, row.payment_id, row.lot.source, booking)
