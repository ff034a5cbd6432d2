"""Reads the contract's state and the log out of a connection: one query for each question, rows to values and back.

Whether what is read is consistent depends on the transaction that the caller has open.
"""

import sqlite3
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any

from ledger_node.contract.digest import Tally, device_item, event_item, fact_item, ticket_item
from ledger_node.contract.facts import KINDS, Fact, FactKey, key_bytes
from ledger_node.contract.state import Act, Device, EventState, F, Record, Ticket, Undo
from ledger_node.log.port import LedgerFault
from scanner.verify.cbor import reread
from scanner.verify.entry import Malformed, canonical, decode_map
from scanner.verify.manifest import EventManifest
from scanner.verify.row import LEASE_BYTE, REFUNDED, Row

_TICKET = "SELECT row, face_value, used_device, used_counter, changed FROM ticket"
_SITTING = (
    "SELECT row, face_value, used_device, used_counter, changed FROM seat CROSS JOIN ticket USING (event, ticket)"
)
_DEVICE = "SELECT event, device, public_key, gate, enrolled_at, revoked_at, position FROM device"
_RECORD = (
    "SELECT event, device, counter, position, digest, type, gate, time_ms, ticket, owner_seq, code_digest, verdict,"
    " cause, first_device, first_counter FROM record"
)
_MISPLACED = """
SELECT (SELECT count(*) FROM ticket WHERE NOT EXISTS (SELECT 1 FROM seat
    WHERE seat.event = ticket.event AND seat.seat = seat_of(ticket.row) AND seat.ticket = ticket.ticket)),
  (SELECT count(*) FROM seat), (SELECT count(*) FROM ticket)
"""
_ROWS_A_CHUNK = 4096
_SEATS_AT_ONCE = 500


class Tables:
    """The questions, over one connection."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._known_numbers: dict[str, int] = {}

    def event(self, event: str) -> EventState | None:
        """The event, or None."""
        found = self._conn.execute("SELECT manifest, issued, changed FROM event WHERE event = ?", (event,)).fetchone()
        return EventState(_manifest(found[0]), found[1], found[2]) if found else None

    def events(self) -> tuple[str, ...]:
        """Their ids, sorted."""
        return tuple(event for (event,) in self._conn.execute("SELECT event FROM event ORDER BY event"))

    def ticket(self, event: str, index: int) -> Ticket | None:
        """The ticket, or None."""
        where = (self._number(event), index)
        found = self._conn.execute(f"{_TICKET} WHERE event = ? AND ticket = ?", where).fetchone()
        return _ticket(event, found) if found else None

    def sitting(self, event: str, seats: Collection[int]) -> Iterator[Ticket]:
        """The tickets that have one of these seat numbers and are not refunded, in no order."""
        wanted, number = list(seats), self._number(event)
        while wanted:
            # Two lengths make two statements, so that SQLite need not read a new one for each entry.
            some = wanted[-_SEATS_AT_ONCE:]
            del wanted[-_SEATS_AT_ONCE:]
            marks = 1 if len(some) == 1 else _SEATS_AT_ONCE
            places = [*some, *[None] * (marks - len(some))]
            query = f"{_SITTING} WHERE seat.event = ? AND seat.seat IN ({', '.join('?' * marks)})"
            found = (_ticket(event, row) for row in self._conn.execute(query, (number, *places)))
            yield from (ticket for ticket in found if ticket.row.state != REFUNDED)

    def misplaced(self) -> int:
        """Seats that are noted for another ticket than the rows say, or not at all: none, in a file that is whole."""
        self._conn.create_function("seat_of", 1, lambda row: Row.unpack(row).seat, deterministic=True)
        missing, noted, tickets = self._conn.execute(_MISPLACED).fetchone()
        return int(missing + noted - (tickets - missing))

    def tickets(self, event: str) -> Iterator[Ticket]:
        """All, in index order, streamed."""
        found = self._conn.execute(f"{_TICKET} WHERE event = ? ORDER BY ticket", (self._number(event),))
        return (_ticket(event, row) for row in found)

    def used_tickets(self, event: str) -> Iterator[Ticket]:
        """Those with a use spent, in index order."""
        query = f"{_TICKET} WHERE event = ? AND used_device IS NOT NULL ORDER BY ticket"
        return (_ticket(event, row) for row in self._conn.execute(query, (self._number(event),)))

    def moved_leases(self, event: str) -> Iterator[Ticket]:
        """Those whose row says where their use was moved to, in index order."""
        query = f"{_TICKET} WHERE event = ? AND substr(row, {LEASE_BYTE + 1}, 1) <> x'00' ORDER BY ticket"
        return (_ticket(event, row) for row in self._conn.execute(query, (self._number(event),)))

    def rows(self, event: str) -> Iterator[bytes]:
        """The packed rows in index order, many a chunk."""
        query = "SELECT row FROM ticket WHERE event = ? ORDER BY ticket"
        found = self._conn.execute(query, (self._number(event),))
        while chunk := found.fetchmany(_ROWS_A_CHUNK):
            yield b"".join(chain.from_iterable(chunk))

    def changed(self, event: str, start: int, stop: int) -> Iterator[Ticket]:
        """Tickets last changed at positions start <= p < stop, oldest change first."""
        query = f"{_TICKET} WHERE event = ? AND changed >= ? AND changed < ? ORDER BY changed, ticket"
        found = self._conn.execute(query, (self._number(event), start, stop))
        return (_ticket(event, row) for row in found)

    def device(self, device: str) -> Device | None:
        """The device, or None."""
        found = self._conn.execute(f"{_DEVICE} WHERE device = ?", (device,)).fetchone()
        return Device(*found) if found else None

    def device_by_key(self, public_key: bytes) -> Device | None:
        """The device with this key, or None."""
        found = self._conn.execute(f"{_DEVICE} WHERE public_key = ?", (public_key,)).fetchone()
        return Device(*found) if found else None

    def devices(self, event: str) -> tuple[Device, ...]:
        """An event's devices, revoked ones too, by id."""
        found = self._conn.execute(f"{_DEVICE} WHERE event = ? ORDER BY device", (event,))
        return tuple(Device(*row) for row in found)

    def acts_at(self, at: int, after: int) -> tuple[int, ...]:
        """Positions beyond `after` of entries that are no device's records and count from the second `at`."""
        query = "SELECT position FROM act WHERE at = ? AND position > ? ORDER BY position"
        return tuple(position for (position,) in self._conn.execute(query, (at, after)))

    def record(self, device: str, counter: int) -> Record | None:
        """The logged record, or None."""
        found = self._conn.execute(f"{_RECORD} WHERE device = ? AND counter = ?", (device, counter)).fetchone()
        return _record(found) if found else None

    def last_counter(self, device: str) -> int:
        """The highest counter of the device's records, 0 for none."""
        found = self._conn.execute("SELECT max(counter) FROM record WHERE device = ?", (device,)).fetchone()
        return found[0] or 0

    def admissions(self, event: str, index: int) -> tuple[Record, ...]:
        """A ticket's admissions in log order."""
        query = f"{_RECORD} WHERE event = ? AND ticket = ? AND type = 'admission' ORDER BY position"
        return tuple(_record(row) for row in self._conn.execute(query, (event, index)))

    def not_accepted(self, event: str) -> Iterator[Record]:
        """Duplicate and stale records in log order."""
        query = f"{_RECORD} WHERE event = ? AND verdict IN ('duplicate', 'stale') ORDER BY position"
        return (_record(row) for row in self._conn.execute(query, (event,)))

    def undone(self, device: str, counter: int) -> Undo | None:
        """Whether and how the record was taken back."""
        query = "SELECT undo FROM undone WHERE device = ? AND counter = ?"
        found = self._conn.execute(query, (device, counter)).fetchone()
        return found[0] if found else None

    def incident(self, device: str, counter: int) -> bool:
        """Whether the record was reported."""
        query = "SELECT 1 FROM incident WHERE device = ? AND counter = ?"
        return self._conn.execute(query, (device, counter)).fetchone() is not None

    def act(self, key: bytes) -> Act | None:
        """The operator's entry, or None."""
        found = self._conn.execute("SELECT position, at FROM act WHERE digest = ?", (key,)).fetchone()
        return Act(*found) if found else None

    def find(self, kind: type[F], event: str, key: FactKey) -> F | None:
        """What is known under this key, or None."""
        query = "SELECT value FROM fact WHERE kind = ? AND event = ? AND key = ?"
        found = self._conn.execute(query, (kind.KIND, event, key_bytes(key))).fetchone()
        return _fact(kind, event, found[0]) if found else None

    def each(self, kind: type[F], event: str) -> Iterator[F]:
        """All of a kind in an event, in the order of their keys, streamed."""
        query = "SELECT value FROM fact WHERE kind = ? AND event = ? ORDER BY key"
        return (_fact(kind, event, value) for (value,) in self._conn.execute(query, (kind.KIND, event)))

    def newest_time(self) -> int:
        """The contract's clock at the newest durable size."""
        found: int = self._conn.execute("SELECT clock FROM head").fetchone()[0]
        return found

    def tally(self) -> Tally:
        """The tally over the state, as the writer kept it."""
        return Tally(self._conn.execute("SELECT total FROM tally").fetchone()[0])

    def tally_anew(self) -> Tally:
        """The same, reckoned from what the tables hold; takes a while for many tickets."""
        tally = Tally()
        for event in self.events():
            known = self.event(event)
            assert known is not None, "it was listed"
            tally.add(event_item(event, known))
            for ticket in self.tickets(event):
                tally.add(ticket_item(ticket))
            for device in self.devices(event):
                tally.add(device_item(device))
            for kind in KINDS.values():
                for fact in self.each(kind, event):
                    tally.add(fact_item(fact))
        return tally

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Raw entries at positions start <= p < stop.

        A flipped bit can change a cell's type, unseen by SQLite; what is no BLOB is given as nothing, and fits no hash.
        """
        query = "SELECT raw FROM entry WHERE position >= ? AND position < ? ORDER BY position"
        return (raw if type(raw) is bytes else b"" for (raw,) in self._conn.execute(query, (start, stop)))

    def hashes(self, level: int, start: int, count: int) -> list[bytes]:
        """Tile hashes, as `HashSource` says."""
        query = "SELECT hash FROM hash WHERE level = ? AND place >= ? AND place < ? ORDER BY place"
        return [
            one if type(one) is bytes else bytes(32)
            for (one,) in self._conn.execute(query, (level, start, start + count))
        ]

    def _number(self, event: str) -> int | None:
        """What the event's tickets are kept under; once there, it stays."""
        known = self._known_numbers.get(event)
        if known is None:
            found = self._conn.execute("SELECT number FROM event WHERE event = ?", (event,)).fetchone()
            if found is None:
                return None
            known = self._known_numbers[event] = int(found[0])
        return known


def ticket_values(number: int | None, ticket: Ticket) -> tuple[Any, ...]:
    """A ticket as the table's columns hold it."""
    device, counter = ticket.used_by or (None, None)
    return (number, ticket.row.ticket, ticket.row.pack(), ticket.face_value, device, counter, ticket.changed)


def record_values(record: Record) -> tuple[Any, ...]:
    """A record as the table's columns hold it."""
    first = record.first or (None, None)
    return (
        record.event, record.device, record.counter, record.position, record.digest, record.type, record.gate,
        record.time_ms, record.ticket, record.owner_seq, record.code_digest, record.verdict, record.cause, *first,
    )  # fmt: skip


def fact_values(fact: Fact) -> tuple[Any, ...]:
    """A fact as the table's columns hold it."""
    return fact.KIND, fact.event, key_bytes(fact.key), canonical([fact.key, *fact.values()])


def _fact(kind: type[F], event: str, value: bytes) -> F:
    try:
        key, *values = reread(value)
        return kind.of(event, key, values)
    except (TypeError, ValueError, AssertionError) as error:
        raise LedgerFault(f"a stored {kind.KIND} is damaged: {error}; rebuild from the log", lasting=True) from error


def _ticket(event: str, found: tuple[Any, ...]) -> Ticket:
    packed, face_value, device, counter, changed = found
    return Ticket(event, Row.unpack(packed), face_value, (device, counter) if device is not None else None, changed)


def _record(found: tuple[Any, ...]) -> Record:
    first = found[-2:] if found[-1] is not None else None
    return Record(*(*found[:-2], first))


@lru_cache(maxsize=256)
def _manifest(packed: bytes) -> EventManifest:
    fields = decode_map(packed)
    manifest = fields if isinstance(fields, Malformed) else EventManifest.from_map(fields)
    if isinstance(manifest, Malformed):
        raise LedgerFault(f"a stored event manifest is damaged: {manifest.reason}; rebuild from the log", lasting=True)
    return manifest
