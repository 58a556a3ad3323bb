"""State in SQLite: one table per kind of object, JSON documents, and columns for what lists are filtered by."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stripe_sandbox.types import Doc

FILTERS: dict[str, tuple[str, ...]] = {
    "account": (),
    "application_fee": ("charge",),
    "balance_transaction": ("source", "type", "currency"),
    "bank_account": ("account",),
    "charge": ("payment_intent", "customer", "transfer_group"),
    "customer": ("email",),
    "dispute": ("charge", "payment_intent"),
    "event": ("type",),
    "fee_refund": ("fee",),
    "payment_intent": ("customer",),
    "payment_method": ("customer",),
    "payout": ("status", "destination"),
    "price": ("product", "active", "type", "currency", "lookup_key"),
    "product": ("active",),
    "refund": ("charge", "payment_intent"),
    "setup_intent": ("customer", "payment_method"),
    "setup_attempt": ("setup_intent",),
    "transfer": ("destination", "transfer_group"),
    "transfer_reversal": ("transfer",),
    "webhook_endpoint": (),
}

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS schedule (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, task TEXT NOT NULL,
    ref TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS schedule_at ON schedule (at, seq);
CREATE TABLE IF NOT EXISTS idempotency (
    account TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, at REAL NOT NULL, status INTEGER NOT NULL,
    body TEXT NOT NULL, request TEXT NOT NULL, PRIMARY KEY (account, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    query TEXT NOT NULL, form TEXT NOT NULL, idempotency_key TEXT, status INTEGER, account TEXT, at REAL NOT NULL,
    replayed INTEGER NOT NULL, fault TEXT);
CREATE TABLE IF NOT EXISTS faults (id TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, source TEXT);
CREATE TABLE IF NOT EXISTS lines (
    journal INTEGER NOT NULL REFERENCES journal, account TEXT NOT NULL, currency TEXT NOT NULL,
    amount INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS lines_journal ON lines (journal);
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (account, currency)
    ) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, type TEXT NOT NULL, endpoint TEXT NOT NULL,
    subject TEXT NOT NULL, account TEXT, status TEXT NOT NULL, not_before REAL NOT NULL, next_at REAL NOT NULL,
    attempts INTEGER NOT NULL, answers TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (next_at, seq) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
"""

_CREATED = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    created: tuple[tuple[str, int], ...] = ()


class Store:
    """One SQLite file. All access is from the event loop's thread; a request's changes are one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=400)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA cache_size = -65536")
        self.db.executescript(_TABLES)
        for kind, columns in FILTERS.items():
            self._create_table(kind, columns)

    def _create_table(self, kind: str, columns: tuple[str, ...]) -> None:
        extra = "".join(f", f_{name} TEXT" for name in columns)
        self.db.execute(
            f"CREATE TABLE IF NOT EXISTS o_{kind} (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, "
            f"owner TEXT NOT NULL, created INTEGER NOT NULL, doc TEXT NOT NULL{extra})"
        )
        self.db.execute(f"CREATE INDEX IF NOT EXISTS o_{kind}_created ON o_{kind} (owner, created, seq)")
        for name in columns:
            self.db.execute(f"CREATE INDEX IF NOT EXISTS o_{kind}_{name} ON o_{kind} (f_{name}, created, seq)")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, or nothing of it. Not to be nested."""
        self.db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def meta(self, name: str, default: Any = None) -> Any:
        """A setting of the sandbox itself."""
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else default

    def set_meta(self, name: str, value: Any) -> None:
        """Keep a setting of the sandbox itself."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def insert(self, kind: str, doc: Doc, owner: str) -> None:
        """Keep a new object of an account."""
        columns = FILTERS[kind]
        names = "".join(f", f_{name}" for name in columns)
        marks = ", ?" * len(columns)
        self.db.execute(
            f"INSERT INTO o_{kind} (id, owner, created, doc{names}) VALUES (?, ?, ?, ?{marks})",  # noqa: S608
            (doc["id"], owner, doc.get("created", 0), json.dumps(doc), *(_column(doc.get(name)) for name in columns)),
        )

    def update(self, kind: str, doc: Doc) -> None:
        """Keep the changed state of an object."""
        columns = FILTERS[kind]
        names = "".join(f", f_{name} = ?" for name in columns)
        self.db.execute(
            f"UPDATE o_{kind} SET doc = ?{names} WHERE id = ?",  # noqa: S608
            (json.dumps(doc), *(_column(doc.get(name)) for name in columns), doc["id"]),
        )

    def delete(self, kind: str, id: str) -> None:
        """Forget an object."""
        self.db.execute(f"DELETE FROM o_{kind} WHERE id = ?", (id,))  # noqa: S608

    def get(self, kind: str, id: str, owner: str | None = None) -> Doc | None:
        """An object by its id, when it belongs to the account (any account when none is named)."""
        row = self.db.execute(f"SELECT doc, owner FROM o_{kind} WHERE id = ?", (id,)).fetchone()  # noqa: S608
        if row is None or (owner is not None and row[1] != owner):
            return None
        doc: Doc = json.loads(row[0])
        return doc

    def owner_of(self, kind: str, id: str) -> str | None:
        """The account an object belongs to."""
        row = self.db.execute(f"SELECT owner FROM o_{kind} WHERE id = ?", (id,)).fetchone()  # noqa: S608
        return row[0] if row else None

    def find(self, kind: str, **filters: Any) -> list[Doc]:
        """All objects with these values, oldest first, of any account."""
        where = " AND ".join(f"f_{name} = ?" for name in filters) or "1"
        rows = self.db.execute(
            f"SELECT doc FROM o_{kind} WHERE {where} ORDER BY created, seq",  # noqa: S608
            [_column(value) for value in filters.values()],
        )
        return [json.loads(row[0]) for row in rows]

    def page(self, kind: str, owner: str, filters: dict[str, Any], page: Page) -> tuple[list[Doc], bool] | None:
        """One page, newest first, and whether there is more; None when the cursor names no object."""
        where = ["owner = ?"]
        values: list[Any] = [owner]
        for name, value in filters.items():
            if isinstance(value, (list, tuple)):
                where.append(f"f_{name} IN ({', '.join('?' * len(value))})")
                values.extend(value)
            else:
                where.append(f"f_{name} = ?")
                values.append(_column(value))
        for operator, at in page.created:
            where.append(f"created {_CREATED[operator]} ?")
            values.append(at)
        backwards = page.ending_before is not None
        cursor = page.ending_before or page.starting_after
        if cursor is not None:
            row = self.db.execute(f"SELECT created, seq FROM o_{kind} WHERE id = ?", (cursor,)).fetchone()  # noqa: S608
            if row is None:
                return None
            where.append(f"(created, seq) {'>' if backwards else '<'} (?, ?)")
            values.extend(row)
        order = "ASC" if backwards else "DESC"
        rows = self.db.execute(
            f"SELECT doc FROM o_{kind} WHERE {' AND '.join(where)} "  # noqa: S608
            f"ORDER BY created {order}, seq {order} LIMIT ?",
            (*values, page.limit + 1),
        ).fetchall()
        docs = [json.loads(row[0]) for row in rows[: page.limit]]
        return docs[::-1] if backwards else docs, len(rows) > page.limit

    def wipe(self) -> None:
        """Forget everything."""
        tables = [row[0] for row in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        with self.transaction():
            for table in tables:
                if not table.startswith("sqlite_"):
                    self.db.execute(f"DELETE FROM {table}")  # noqa: S608


def _column(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("id")
    return str(value).lower() if isinstance(value, bool) else value
