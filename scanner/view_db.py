"""What a view keeps beside its snapshot: rows that are newer, and single values. Each has a checksum; SQLite has none.

Durable when a method returns, or soon after if the caller says that this will do (see store.transaction). Whatever
fails leaves as SnapshotError. What the values mean is view.py's business.
"""

import hashlib
import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from scanner import store
from scanner.errors import SnapshotError
from scanner.verify.row import ROW_BYTES, Row

MIGRATIONS = Migrations("view")
_CHANGE = struct.Struct(f">IQ{ROW_BYTES}s")


@MIGRATIONS()
def first(db: Database) -> None:
    """change: rows newer than the snapshot's, with the ledger size they are of. fact: single values. sum: eight bytes
    of a hash of all that stands in the row.
    """
    db.table("change").create(
        {"ticket": int, "row": bytes, "size": int, "sum": bytes}, pk="ticket", not_null={"row", "size", "sum"}
    )
    db.table("fact").create({"name": str, "value": bytes, "sum": bytes}, pk="name", not_null={"value", "sum"})


class Changed(NamedTuple):
    """A ticket's row, and the ledger size that it is of."""

    size: int
    row: Row


class ViewDb:
    """See the module. Any thread may call; the caller serialises writes."""

    def __init__(self, path: Path, stamp: str, connector: store.Connect) -> None:
        """Open; a damaged file is set aside under `stamp`, and `damage` says why."""
        self._path = path
        try:
            store.check_format(path)
            self.damage = _damage(path, connector)
            if self.damage:
                store.set_aside(path, stamp)
            self._db = store.open_store(path, MIGRATIONS, connector)
        except (sqlite3.Error, OSError) as error:
            raise SnapshotError(f"{path} cannot be opened ({error}); check the disk") from error

    def close(self) -> None:
        """Give the file back. May be called twice."""
        self._db.close()

    def fact(self, name: str) -> bytes:
        """The value kept under this name, or b""."""
        with self._storing():
            row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return row[0] if row else b""

    def number(self, name: str) -> int:
        """A value that is a number, or 0."""
        return int(self.fact(name) or b"0")

    def set_facts(self, *, soon: bool = False, **facts: bytes | int) -> None:
        """Keep these values, all or none."""
        with self._storing(), store.transaction(self._db, soon=soon):
            self._write_facts(facts)

    def changes(self) -> dict[int, Changed]:
        """All rows that are kept, by ticket."""
        with self._storing():
            found = self._db.execute("SELECT ticket, size, row FROM change").fetchall()
        return {ticket: Changed(size, Row.unpack(row)) for ticket, size, row in found}

    def add(self, rows: Iterable[Row], size: int, /, *, soon: bool, **facts: bytes | int) -> None:
        """Keep rows of this ledger size, and values with them, all or none."""
        packed = [(row.ticket, row.pack()) for row in rows]
        with self._storing(), store.transaction(self._db, soon=soon):
            self._db.executemany(
                "INSERT OR REPLACE INTO change (ticket, row, size, sum) VALUES (?, ?, ?, ?)",
                [(ticket, row, size, _change_sum(ticket, size, row)) for ticket, row in packed],
            )
            self._write_facts(facts)

    def drop(self, size: int) -> None:
        """Forget the rows that a snapshot of this size holds."""
        with self._storing(), store.transaction(self._db):
            self._db.execute("DELETE FROM change WHERE size <= ?", (size,))

    def wipe(self, keep: Sequence[str]) -> None:
        """Forget all rows, and all values but these."""
        with self._storing(), store.transaction(self._db):
            self._db.execute("DELETE FROM change")
            self._db.execute("DELETE FROM fact WHERE name NOT IN (SELECT value FROM json_each(?))", (json.dumps(keep),))

    def _write_facts(self, facts: dict[str, bytes | int]) -> None:
        values = {name: b"%d" % value if isinstance(value, int) else value for name, value in facts.items()}
        self._db.executemany(
            # In its place: as a new row it would move, and each page that it leaves or enters is written.
            "INSERT INTO fact (name, value, sum) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value, sum = excluded.sum",
            [(name, value, _fact_sum(name, value)) for name, value in values.items()],
        )

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SnapshotError(f"{self._path} failed ({error}); check the disk") from error


def _damage(path: Path, connector: store.Connect) -> str:
    if not path.exists() or not path.stat().st_size:
        return "it is gone, and its -wal is still there" if store.held_something(path) else ""
    try:
        with store.looking(path, connector) as connection:
            return _read(path, connection)
    except store.UNREADABLE as error:
        return store.told(error)


def _read(path: Path, connection: sqlite3.Connection) -> str:
    wrong = store.damage(path, connection, MIGRATIONS)
    if wrong or not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone():
        return wrong
    try:
        return _read_sums(connection)
    except (TypeError, AttributeError, struct.error):
        return "a value is not of its kind"


def _read_sums(connection: sqlite3.Connection) -> str:
    for ticket, size, row, kept in connection.execute("SELECT ticket, size, row, sum FROM change"):
        if len(row) != ROW_BYTES or kept != _change_sum(ticket, size, row):
            return f"the row of ticket {ticket} was changed"
    for name, value, kept in connection.execute("SELECT name, value, sum FROM fact"):
        if kept != _fact_sum(name, value):
            return f"the value of {name} was changed"
    return ""


def _change_sum(ticket: int, size: int, row: bytes) -> bytes:
    return hashlib.blake2b(_CHANGE.pack(ticket, size, row), digest_size=8).digest()


def _fact_sum(name: str, value: bytes) -> bytes:
    return hashlib.blake2b(name.encode() + b"\0" + value, digest_size=8).digest()
