"""Where in the log each ticket and each event is spoken of: an index in a file of its own, beside the ledger.

It follows the log and can be made anew from it at any time, so it is no part of the ledger's state and costs the
ledger's writer nothing: whoever asks brings it up to date first (`catch_up`). An entry costs one row, and one for each
ticket that it names, however long the log is. What the entries mean is not looked at.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from ledger_node.log.ledger import View
from ledger_node.services.database import Database, Row
from ledger_node.services.logged import payment_begun, payment_settled, read_logged, records_named, tickets_named
from scanner.verify.entry import Entry
from scanner.verify.merkle import empty_root

SCHEMA = """
CREATE TABLE IF NOT EXISTS reached (only INTEGER PRIMARY KEY CHECK (only = 1), size INTEGER NOT NULL,
    root BLOB NOT NULL, clock INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, event TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS acts (event INTEGER, position INTEGER, type TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (event, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS acts_of_type ON acts (event, type, position);
CREATE TABLE IF NOT EXISTS touched (event INTEGER, ticket INTEGER, position INTEGER,
    PRIMARY KEY (event, ticket, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS payments (event INTEGER, reference TEXT, ticket INTEGER,
    PRIMARY KEY (event, reference, ticket)) WITHOUT ROWID;
"""
_TABLES = ("reached", "events", "acts", "touched", "payments")
_BATCH = 2_048
_LONG = 20_000
"""So many entries to catch up with are worth a line in the log."""
log = structlog.get_logger("chronicle")
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Act:
    """An entry: where it is, of which type, and the time from which it counts (unix seconds)."""

    position: int
    type: str
    at: int


@dataclass(slots=True)
class _Rows:
    """What a batch of entries adds."""

    clock: int
    acts: list[Row] = field(default_factory=list)
    touched: list[Row] = field(default_factory=list)
    payments: dict[tuple[int, str], list[int]] = field(default_factory=dict)


class Chronicle:
    """The index in `database`, whose schema has SCHEMA. Any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._numbers: dict[str, int] = {}
        self._size = self._clock = 0
        self._known = False

    def catch_up(self, view: View, progress: Progress = lambda _done: None) -> None:
        """Take in what `view` has and this has not; `progress` hears how many entries are done. Raises ServiceError."""
        with self._lock:
            if not self._known:
                self._resume(view)
            start, long = self._size, view.size - self._size >= _LONG
            while self._size < view.size:
                self._take(view, min(self._size + _BATCH, view.size))
                progress(self._size)
                if long and (self._size - start) % (_LONG * 5) < _BATCH:
                    log.info("indexing", done=self._size, of=view.size)

    def about_ticket(self, event: str, index: int, start: int, stop: int, limit: int) -> list[Act]:
        """The entries at start <= position < stop that speak of a ticket, in order, at most `limit` of them."""
        statement = (
            "SELECT position, type, acts.at FROM touched JOIN acts USING (event, position)"
            " WHERE event = ? AND ticket = ? AND position >= ? AND position < ? ORDER BY position LIMIT ?"
        )
        rows = self._database.read(statement, self._number(event), index, start, stop, limit)
        return [Act(*row) for row in rows]

    def of_event(self, event: str, start: int, stop: int, limit: int) -> list[Act]:
        """An event's entries at start <= position < stop, in order, at most `limit` of them."""
        statement = (
            "SELECT position, type, at FROM acts WHERE event = ? AND position >= ? AND position < ?"
            " ORDER BY position LIMIT ?"
        )
        return [Act(*row) for row in self._database.read(statement, self._number(event), start, stop, limit)]

    def of_types(self, event: str, types: Sequence[str], start: int, stop: int) -> Iterator[Act]:
        """An event's entries of these types at start <= position < stop, in order."""
        places = ", ".join("?" * len(types))
        statement = (
            f"SELECT position, type, at FROM acts WHERE event = ? AND type IN ({places})"  # noqa: S608 - only marks
            " AND position >= ? AND position < ? ORDER BY position"
        )
        for row in self._database.read(statement, self._number(event), *types, start, stop):
            yield Act(*row)

    def counts(self, event: str, stop: int) -> dict[str, int]:
        """How many entries of each type the event has before position `stop`."""
        statement = "SELECT type, count(*) FROM acts WHERE event = ? AND position < ? GROUP BY type ORDER BY type"
        return dict(self._database.read(statement, self._number(event), stop))

    def _number(self, event: str) -> int:
        with self._lock:
            return self._numbers.get(event, 0)

    def _resume(self, view: View) -> None:
        """Go on from where the last run was, unless the log is not the one that was read then (an older backup)."""
        found = self._database.read("SELECT size, root, clock FROM reached")
        size, root, clock = found[0] if found else (0, empty_root(), 0)
        if size > view.size or view.root_at(size) != root:
            log.warning("another log was indexed here, so it is done anew", size=size)
            with self._database.transaction():
                for table in _TABLES:
                    self._database.write(f"DELETE FROM {table}")  # noqa: S608 - names from above
            size, clock = 0, 0
        self._size, self._clock = size, clock
        self._numbers = {event: n for n, event in self._database.read("SELECT number, event FROM events")}
        self._known = True

    def _take(self, view: View, stop: int) -> None:
        rows = _Rows(self._clock)
        numbers = dict(self._numbers)
        for position, raw in enumerate(view.entries(self._size, stop), self._size):
            self._read(view, position, read_logged(raw), numbers, rows)
        with self._database.transaction():
            for event in numbers.keys() - self._numbers.keys():
                self._database.write("INSERT INTO events VALUES (?, ?)", numbers[event], event)
            self._database.write_many("INSERT INTO acts VALUES (?, ?, ?, ?)", rows.acts)
            self._database.write_many("INSERT OR IGNORE INTO touched VALUES (?, ?, ?)", rows.touched)
            begun = [(*payment, ticket) for payment, tickets in rows.payments.items() for ticket in tickets]
            self._database.write_many("INSERT OR IGNORE INTO payments VALUES (?, ?, ?)", begun)
            reached = (stop, view.root_at(stop), rows.clock)
            self._database.write("INSERT OR REPLACE INTO reached VALUES (1, ?, ?, ?)", *reached)
        self._numbers, self._size, self._clock = numbers, stop, rows.clock

    def _read(self, view: View, position: int, entry: Entry, numbers: dict[str, int], rows: _Rows) -> None:
        at = entry.at
        if "previous" not in entry.body:
            # As the contract reckons: time never runs back, and devices' records leave it alone.
            at = rows.clock = max(at, rows.clock)
        number = numbers.setdefault(entry.event, len(numbers) + 1)
        rows.acts.append((number, position, entry.type, at))
        tickets = tickets_named(entry) or self._by_record(view, entry) or self._by_payment(entry, number, rows)
        rows.touched += [(number, ticket, position) for ticket in tickets]
        reference = payment_begun(entry)
        if reference:
            rows.payments[number, reference] = tickets

    def _by_record(self, view: View, entry: Entry) -> list[int]:
        records = (view.record(*named) for named in records_named(entry))
        tickets = (record.ticket for record in records if record and record.ticket is not None)
        return list(dict.fromkeys(tickets))

    def _by_payment(self, entry: Entry, number: int, rows: _Rows) -> list[int]:
        reference = payment_settled(entry)
        if not reference:
            return []
        statement = "SELECT ticket FROM payments WHERE event = ? AND reference = ?"
        known = [ticket for (ticket,) in self._database.read(statement, number, reference)]
        return known or rows.payments.get((number, reference), [])
