"""The contract's state inside the writer's transaction: reads through to the tables, puts are kept back and written in
bulk. Rules are in the contract; begin, commit and rollback are the store's.
"""

import sqlite3
from collections.abc import Iterator

from ledger_node.contract.state import Act, Device, EventState, Record, Ref, Ticket, Undo
from ledger_node.log.tables import Tables, record_values, ticket_values
from scanner.verify.entry import canonical

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


class SqliteState(Tables):
    """A `State` over the writer's connection."""

    def __init__(self, conn: sqlite3.Connection, operator: bytes) -> None:
        super().__init__(conn)
        self.operator = operator
        self.clock = 0
        self._events: dict[str, EventState] = {}
        self._devices: dict[str, Device] = {}
        self._numbers: dict[str, int | None] = {}
        self._forget_puts()

    def event(self, event: str) -> EventState | None:
        """As the port says."""
        known = self._events.get(event) or super().event(event)
        if known is not None:
            self._events[event] = known
        return known

    def ticket(self, event: str, index: int) -> Ticket | None:
        """As the port says."""
        return self._tickets.get((event, index)) or super().ticket(event, index)

    def used_tickets(self, event: str) -> Iterator[Ticket]:
        """As the port says."""
        self.flush()
        return super().used_tickets(event)

    def device(self, device: str) -> Device | None:
        """As the port says."""
        known = self._devices.get(device) or super().device(device)
        if known is not None:
            self._devices[device] = known
        return known

    def device_by_key(self, public_key: bytes) -> Device | None:
        """As the port says."""
        self.flush()
        return super().device_by_key(public_key)

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

    def act(self, digest: bytes) -> Act | None:
        """As the port says."""
        return self._acts.get(digest) or super().act(digest)

    def put_act(self, digest: bytes, act: Act) -> None:
        """As the port says."""
        self._acts[digest] = act

    def set_clock(self, at: int) -> None:
        """As the port says."""
        self.clock = at

    def put_event(self, event: str, state: EventState) -> None:
        """As the port says."""
        self._events[event] = self._new_events[event] = state

    def put_ticket(self, ticket: Ticket) -> None:
        """As the port says."""
        self._tickets[ticket.event, ticket.row.ticket] = ticket

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

    def flush(self) -> None:
        """Write what was put into the open transaction."""
        many = self._conn.executemany
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
        self._forget_puts()
        self.clock = clock

    def _forget_puts(self) -> None:
        self._new_events: dict[str, EventState] = {}
        self._new_devices: dict[str, Device] = {}
        self._tickets: dict[tuple[str, int], Ticket] = {}
        self._records: dict[Ref, Record] = {}
        self._undone: dict[Ref, Undo] = {}
        self._incidents: set[Ref] = set()
        self._acts: dict[bytes, Act] = {}

    def _number(self, event: str) -> int | None:
        number = self._numbers.get(event)
        if number is None:
            number = self._numbers[event] = super()._number(event)
        return number
