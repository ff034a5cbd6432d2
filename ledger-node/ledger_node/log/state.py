"""The contract's state inside the writer's transaction: reads through to the tables, puts are kept back and written in
bulk. Rules are in the contract; begin, commit and rollback are the store's.
"""

import sqlite3
from collections.abc import Collection, Iterator

from ledger_node.contract.digest import Tally, device_item, event_item, fact_item, ticket_item
from ledger_node.contract.facts import Actor, ActorKey, Books, Fact, FactKey, PolicyVersion, key_bytes
from ledger_node.contract.state import Act, Device, EventState, F, Record, Ref, Ticket, Undo
from ledger_node.log.tables import Tables, fact_values, record_values, ticket_values
from scanner.verify.entry import canonical
from scanner.verify.row import REFUNDED

_PUT_EVENT = (
    "INSERT INTO event (event, manifest, issued, changed) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (event) DO UPDATE SET manifest = excluded.manifest, issued = excluded.issued,"
    " changed = excluded.changed"
)
_PUT_TICKET = "INSERT OR REPLACE INTO ticket VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT_DEVICE = (
    "INSERT INTO device (event, device, public_key, gate, enrolled_at, revoked_at, position)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (device) DO UPDATE SET revoked_at = excluded.revoked_at"
)
_PUT_RECORD = "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


_PUT_FACT = "INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?)"
_DROP_FACT = "DELETE FROM fact WHERE kind = ? AND event = ? AND key = ?"
_Change = tuple[bytes | None, bytes | None]
"""An item of the tally as it was, and as it is; None where there is none."""
_FactId = tuple[str, str, FactKey]
_OFTEN = (Actor, ActorKey, Books, PolicyVersion)
"""Kinds that most entries ask for and that are few, so they are kept between transactions."""


class SqliteState(Tables):
    """A `State` over the writer's connection."""

    def __init__(self, conn: sqlite3.Connection, operator: bytes) -> None:
        super().__init__(conn)
        self.operator = operator
        self.clock = 0
        self._events: dict[str, EventState] = {}
        self._devices: dict[str, Device] = {}
        self._numbers: dict[str, int | None] = {}
        self._often: dict[_FactId, Fact | None] = {}
        self._tally: Tally | None = None
        self._forget_puts()

    def event(self, event: str) -> EventState | None:
        """As the port says."""
        known = self._events.get(event) or super().event(event)
        if known is not None:
            self._events[event] = known
        return known

    def ticket(self, event: str, index: int) -> Ticket | None:
        """As the port says."""
        known = self._tickets.get((event, index))
        if known is None:
            known = self._stored_tickets[event, index] = super().ticket(event, index)
        return known

    def sitting(self, event: str, seats: Collection[int]) -> Iterator[Ticket]:
        """As the port says. What was put since the last flush counts, not what the tables say of the same tickets."""
        put = [index for seat in seats if (index := self._seats.get((event, seat))) is not None]
        stored = [ticket.row.ticket for ticket in super().sitting(event, seats)]
        for index in {*put, *stored}:
            ticket = self.ticket(event, index)
            if ticket is not None and ticket.row.seat in seats and ticket.row.state != REFUNDED:
                yield ticket

    def used_tickets(self, event: str) -> Iterator[Ticket]:
        """As the port says."""
        self.flush()
        return super().used_tickets(event)

    def moved_leases(self, event: str) -> Iterator[Ticket]:
        """As the port says."""
        self.flush()
        return super().moved_leases(event)

    def device(self, device: str) -> Device | None:
        """As the port says."""
        known = self._devices.get(device) or super().device(device)
        if known is not None:
            self._devices[device] = known
        return known

    def device_by_key(self, public_key: bytes) -> Device | None:
        """As the port says."""
        put = (device for device in self._new_devices.values() if device.public_key == public_key)
        return next(put, None) or super().device_by_key(public_key)

    def devices(self, event: str) -> tuple[Device, ...]:
        """As the port says."""
        self.flush()
        return super().devices(event)

    def record(self, device: str, counter: int) -> Record | None:
        """As the port says."""
        return self._records.get((device, counter)) or super().record(device, counter)

    def admissions(self, event: str, index: int) -> tuple[Record, ...]:
        """As the port says."""
        self.flush()
        return super().admissions(event, index)

    def undone(self, device: str, counter: int) -> Undo | None:
        """As the port says."""
        return self._undone.get((device, counter)) or super().undone(device, counter)

    def incident(self, device: str, counter: int) -> bool:
        """As the port says."""
        return (device, counter) in self._incidents or super().incident(device, counter)

    def act(self, key: bytes) -> Act | None:
        """As the port says."""
        return self._acts.get(key) or super().act(key)

    def put_act(self, key: bytes, act: Act) -> None:
        """As the port says."""
        self._acts[key] = act

    def set_clock(self, at: int) -> None:
        """As the port says."""
        self.clock = at

    def put_event(self, event: str, state: EventState) -> None:
        """As the port says."""
        self._events[event] = self._new_events[event] = state

    def put_ticket(self, ticket: Ticket) -> None:
        """As the port says."""
        row = ticket.row
        self._tickets[ticket.event, row.ticket] = ticket
        if row.seat and row.state != REFUNDED:
            self._seats[ticket.event, row.seat] = row.ticket

    def put_device(self, device: Device) -> None:
        """As the port says."""
        self._devices[device.device] = self._new_devices[device.device] = device

    def put_record(self, record: Record) -> None:
        """As the port says."""
        self._records[record.device, record.counter] = record

    def put_undone(self, device: str, counter: int, undo: Undo) -> None:
        """As the port says."""
        self._undone[device, counter] = undo

    def put_incident(self, device: str, counter: int) -> None:
        """As the port says."""
        self._incidents.add((device, counter))

    def find(self, kind: type[F], event: str, key: FactKey) -> F | None:
        """As the port says."""
        name = (kind.KIND, event, key)
        for kept in (self._facts, self._often, self._stored):
            if name in kept:
                known = kept[name]
                return known if isinstance(known, kind) else None
        found = super().find(kind, event, key)
        (self._often if kind in _OFTEN else self._stored)[name] = found
        return found

    def each(self, kind: type[F], event: str) -> Iterator[F]:
        """As the port says."""
        self.flush()
        return super().each(kind, event)

    def put(self, fact: Fact) -> None:
        """As the port says."""
        self.find(type(fact), fact.event, fact.key)
        self._facts[fact.KIND, fact.event, fact.key] = fact

    def drop(self, kind: type[Fact], event: str, key: FactKey) -> None:
        """As the port says."""
        if self.find(kind, event, key) is not None:
            self._facts[kind.KIND, event, key] = None

    @property
    def waiting(self) -> int:
        """Changes that were put and are not written yet."""
        return len(self._tickets) + len(self._facts) + len(self._records)

    def flush(self) -> None:
        """Write what was put into the open transaction."""
        many = self._conn.executemany
        self._keep_tally()
        self._flush_facts()
        if self._new_events:
            events = self._new_events.items()
            many(_PUT_EVENT, [(e, canonical(s.manifest.to_map()), s.issued, s.changed) for e, s in events])
        if self._new_devices:
            devices = self._new_devices.values()
            many(
                _PUT_DEVICE,
                [(d.event, d.device, d.public_key, d.gate, d.enrolled_at, d.revoked_at, d.position) for d in devices],
            )
        if self._tickets:
            self._flush_seats()
            many(_PUT_TICKET, [ticket_values(self._number(t.event), t) for t in self._tickets.values()])
        if self._records:
            many(_PUT_RECORD, map(record_values, self._records.values()))
        if self._undone:
            many("INSERT INTO undone VALUES (?, ?, ?)", [(*ref, undo) for ref, undo in self._undone.items()])
        if self._incidents:
            many("INSERT INTO incident VALUES (?, ?)", self._incidents)
        if self._acts:
            many("INSERT INTO act VALUES (?, ?, ?)", [(d, act.position, act.at) for d, act in self._acts.items()])
        self._forget_puts()

    def forget(self, clock: int) -> None:
        """Believe nothing but the tables again, after a rollback; the clock stands in the log's head."""
        self._events.clear()
        self._devices.clear()
        self._numbers.clear()
        self._often.clear()
        self._tally = None
        self._forget_puts()
        self.clock = clock

    def _forget_puts(self) -> None:
        self._new_events: dict[str, EventState] = {}
        self._new_devices: dict[str, Device] = {}
        self._tickets: dict[tuple[str, int], Ticket] = {}
        self._seats: dict[tuple[str, int], int] = {}
        self._records: dict[Ref, Record] = {}
        self._undone: dict[Ref, Undo] = {}
        self._incidents: set[Ref] = set()
        self._acts: dict[bytes, Act] = {}
        self._stored_tickets: dict[tuple[str, int], Ticket | None] = {}
        self._facts: dict[_FactId, Fact | None] = {}
        self._stored: dict[_FactId, Fact | None] = {}

    def _flush_facts(self) -> None:
        put = [fact_values(fact) for fact in self._facts.values() if fact is not None]
        gone = [(kind, event, key_bytes(key)) for (kind, event, key), fact in self._facts.items() if fact is None]
        if put:
            self._conn.executemany(_PUT_FACT, put)
        if gone:
            self._conn.executemany(_DROP_FACT, gone)
        self._often.update({name: fact for name, fact in self._facts.items() if name in self._often})

    def _flush_seats(self) -> None:
        """Those that changed: a ticket changes often, its seat hardly ever."""
        both = [(self._before(name), ticket) for name, ticket in self._tickets.items()]
        moved = [(old, new) for old, new in both if old is None or old.row.seat != new.row.seat]
        left = [(self._number(old.event), old.row.seat, old.row.ticket) for old, _ in moved if old]
        taken = [(self._number(new.event), new.row.seat, new.row.ticket) for _, new in moved]
        self._conn.executemany("DELETE FROM seat WHERE event = ? AND seat = ? AND ticket = ?", left)
        self._conn.executemany("INSERT INTO seat VALUES (?, ?, ?)", taken)

    def _keep_tally(self) -> None:
        """Take out of the tally what is replaced, and put in what replaces it."""
        changes = [*self._event_changes(), *self._ticket_changes(), *self._device_changes(), *self._fact_changes()]
        if not changes:
            return
        tally = self._tally = self._tally or super().tally()
        for before, after in changes:
            if before is not None:
                tally.remove(before)
            if after is not None:
                tally.add(after)
        self._conn.execute("UPDATE tally SET total = ?", (tally.pack(),))

    def _event_changes(self) -> Iterator[_Change]:
        for event, state in self._new_events.items():
            before = super().event(event)
            yield event_item(event, before) if before else None, event_item(event, state)

    def _ticket_changes(self) -> Iterator[_Change]:
        for name, ticket in self._tickets.items():
            before = self._before(name)
            yield ticket_item(before) if before else None, ticket_item(ticket)

    def _before(self, name: tuple[str, int]) -> Ticket | None:
        """The ticket as the tables have it."""
        if name not in self._stored_tickets:
            self._stored_tickets[name] = super().ticket(*name)
        return self._stored_tickets[name]

    def _device_changes(self) -> Iterator[_Change]:
        for name, device in self._new_devices.items():
            before = super().device(name)
            yield device_item(before) if before else None, device_item(device)

    def _fact_changes(self) -> Iterator[_Change]:
        for name, fact in self._facts.items():
            before = self._often[name] if name in self._often else self._stored[name]
            yield fact_item(before) if before else None, fact_item(fact) if fact else None

    def _number(self, event: str) -> int | None:
        number = self._numbers.get(event)
        if number is None:
            number = self._numbers[event] = super()._number(event)
        return number
