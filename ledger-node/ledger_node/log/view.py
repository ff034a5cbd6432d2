"""The ledger at one size, for reading: the state, the log, and proofs over it. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger_node.contract.facts import FactKey
from ledger_node.contract.incidents import doubtful
from ledger_node.contract.outcome import Outcome
from ledger_node.contract.records import outcome_of
from ledger_node.contract.state import Device, EventState, F, Record, Ticket, Undo
from ledger_node.log import tiles
from ledger_node.log.port import Head, LedgerFault
from ledger_node.log.tables import Tables
from scanner.verify.entry import open_entry
from scanner.verify.merkle import Frontier
from scanner.verify.revocation import is_revocation
from scanner.verify.row import ROW_BYTES
from scanner.verify.snapshot import StateDigest


@dataclass(frozen=True, slots=True)
class Changes:
    """Tickets that changed, oldest change first, and the log size that a reader of them has reached."""

    tickets: tuple[Ticket, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """An admission that nobody explained: somebody may have entered on it who should not have, and why."""

    record: Record
    cause: str


class View:
    """A consistent view; one thread at a time, inside the `with` block that gave it."""

    def __init__(self, tables: Tables, head: Head) -> None:
        self._tables = tables
        self.head = head
        self.size = head.size
        self.root = head.root
        self._hashes = tiles.WholeTiles(tables)
        self._roots: tiles.Roots = {}

    def event(self, event: str) -> EventState | None:
        """The event, or None."""
        return self._tables.event(event)

    def events(self) -> tuple[str, ...]:
        """All event ids, sorted."""
        return self._tables.events()

    def ticket(self, event: str, index: int) -> Ticket | None:
        """The ticket, or None."""
        return self._tables.ticket(event, index)

    def tickets(self, event: str) -> Iterator[Ticket]:
        """All tickets of an event in index order, streamed."""
        return self._tables.tickets(event)

    def rows(self, event: str) -> Iterator[bytes]:
        """The packed rows in index order, many whole rows a chunk."""
        return self._tables.rows(event)

    def state_digest(self, event: str) -> bytes:
        """The digest of the event's rows at this size, as a snapshot carries it."""
        known = self.event(event)
        digest = StateDigest(event, self.size, known.issued if known else 0)
        for rows in self.rows(event):
            if len(rows) % ROW_BYTES:
                raise LedgerFault(f"a ticket's row of {event} is damaged", lasting=True)
            digest.update(rows)
        return digest.digest()

    def contract_digest(self) -> bytes:
        """The digest of the contract's whole state at this size (`contract.digest`): two nodes with one log agree."""
        return self._tables.tally().digest(self.size, self._tables.newest_time())

    def find(self, kind: type[F], event: str, key: FactKey) -> F | None:
        """What the contract knows of an event under this key (`contract.facts`), or None."""
        return self._tables.find(kind, event, key)

    def each(self, kind: type[F], event: str) -> Iterator[F]:
        """All of a kind in an event, in the order of their keys, streamed."""
        return self._tables.each(kind, event)

    def changed_since(self, event: str, size: int, limit: int, stop: int | None = None) -> Changes:
        """Tickets that changed at positions >= `size`, about `limit` of them: an entry is given whole or not at all.

        Go on from `Changes.size`; it equals the view's size, or `stop`, when nothing is left. A ticket that changed
        before `stop` and after it again is left out: it is among the changes from `stop` on.
        """
        stop = self.size if stop is None else self._within(stop)
        changed: list[Ticket] = []
        for ticket in self._tables.changed(event, size, stop):
            if len(changed) >= limit and ticket.changed != changed[-1].changed:
                return Changes(tuple(changed), changed[-1].changed + 1)
            changed.append(ticket)
        return Changes(tuple(changed), stop)

    def misplaced(self) -> int:
        """Seats in the tables' index that are not as the rows say; 0 in a file that is whole."""
        return self._tables.misplaced()

    def device(self, device: str) -> Device | None:
        """The device with this id, or None."""
        return self._tables.device(device)

    def device_by_key(self, public_key: bytes) -> Device | None:
        """The device with this key, or None."""
        return self._tables.device_by_key(public_key)

    def devices(self, event: str) -> tuple[Device, ...]:
        """An event's devices, revoked ones too, by id."""
        return self._tables.devices(event)

    def revocation(self, device: Device) -> tuple[int, bytes] | None:
        """Where the entry that revoked this device stands, and the entry; None while it is trusted."""
        if device.revoked_at is None:
            return None
        for position in self._tables.acts_at(device.revoked_at, device.position):
            raw = next(iter(self._tables.entries(position, position + 1)))
            if is_revocation(open_entry(raw), device.event, device.device):
                return position, raw
        raise LedgerFault(f"the entry that revoked {device.device} is missing", lasting=True)

    def record(self, device: str, counter: int) -> Record | None:
        """A device's record, or None."""
        return self._tables.record(device, counter)

    def record_outcome(self, device: str, counter: int) -> Outcome | None:
        """What was answered for a device's record, or None."""
        record = self.record(device, counter)
        return outcome_of(self._tables, record) if record else None

    def undone(self, device: str, counter: int) -> Undo | None:
        """Whether the device took its record back, even if that arrived before the record itself."""
        return self._tables.undone(device, counter)

    def last_counter(self, device: str) -> int:
        """The highest counter of a device's records, 0 for none."""
        return self._tables.last_counter(device)

    def admissions(self, event: str, index: int) -> tuple[Record, ...]:
        """A ticket's admissions in log order, whatever became of them."""
        return self._tables.admissions(event, index)

    def doubts(self, event: str) -> tuple[Doubt, ...]:
        """Double entries that were neither taken back by their gate nor reported, in log order."""
        records = [record for record in self._tables.not_accepted(event) if doubtful(self._tables, record)]
        return tuple(Doubt(record, record.cause) for record in records)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Raw entries at positions start <= p < stop."""
        return self._tables.entries(start, min(stop, self.size))

    def tile(self, level: int, n: int, width: int = tiles.WIDTH) -> bytes | None:
        """A hash tile, 32 bytes a hash; None if the log has not so many hashes there."""
        if not 0 < width <= tiles.WIDTH or not 0 <= level <= tiles.TOP_LEVEL:
            return None
        if n * tiles.WIDTH + width > self.size >> tiles.HEIGHT * level:
            return None
        return b"".join(self._tables.hashes(level, n * tiles.WIDTH, width))

    def entry_bundle(self, n: int, width: int = tiles.WIDTH) -> bytes | None:
        """An entry bundle; None if the log has not so many entries there."""
        start = n * tiles.WIDTH
        if not 0 < width <= tiles.WIDTH or start + width > self.size:
            return None
        return tiles.bundle(self._tables.entries(start, start + width))

    def read(self, path: tiles.TilePath) -> bytes | None:
        """What stands at a C2SP tile path."""
        if path.level is None:
            return self.entry_bundle(path.n, path.width)
        return self.tile(path.level, path.n, path.width)

    def frontier(self) -> Frontier:
        """The right edge of the tree, to go on from without changing anything here."""
        return tiles.frontier_of(self._tables, self.size)

    def root_at(self, size: int) -> bytes:
        """The root that the log had at `size`. Raises ValueError if it is not that long."""
        return tiles.frontier_of(self._tables, self._within(size)).root()

    def inclusion(self, position: int, size: int) -> list[bytes]:
        """The proof that the entry is in the log of `size` entries. Raises ValueError if it is not, or size > view."""
        return tiles.inclusion(self._hashes, position, self._within(size), self._roots)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the log of `new` continues that of `old`. Raises ValueError unless 0 <= old <= new <= size."""
        return tiles.consistency(self._hashes, old, self._within(new))

    def _within(self, size: int) -> int:
        if size > self.size:
            raise ValueError(f"a log of {self.size} entries proves nothing about {size}")
        return size
