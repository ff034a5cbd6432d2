"""The contract's state in dictionaries: for audits, which replay a log once, and for tests. Nothing is kept on disk."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from ledger_node.contract.digest import Tally, device_item, event_item, fact_item, ticket_item
from ledger_node.contract.facts import Fact, FactKey, key_bytes
from ledger_node.contract.state import Act, Device, EventState, F, Record, Ref, Ticket, Undo
from scanner.verify.row import REFUNDED


class MemoryState:
    """A `State` that forgets when the program ends; about 0.5 KB a ticket."""

    def __init__(self, operator: bytes) -> None:
        self.operator = operator
        self.clock = 0
        self._events: dict[str, EventState] = {}
        self._tickets: defaultdict[str, dict[int, Ticket]] = defaultdict(dict)
        self._seats: dict[tuple[str, int], int] = {}
        self._devices: dict[str, Device] = {}
        self._by_key: dict[bytes, Device] = {}
        self._records: dict[Ref, Record] = {}
        self._admissions: defaultdict[tuple[str, int], list[Ref]] = defaultdict(list)
        self._undone: dict[Ref, Undo] = {}
        self._incidents: set[Ref] = set()
        self._acts: dict[bytes, Act] = {}
        self._facts: dict[tuple[str, str, FactKey], Fact] = {}

    def event(self, event: str) -> EventState | None:
        """As the port says."""
        return self._events.get(event)

    def events(self) -> tuple[str, ...]:
        """Their ids, sorted."""
        return tuple(sorted(self._events))

    def ticket(self, event: str, index: int) -> Ticket | None:
        """As the port says."""
        return self._tickets.get(event, {}).get(index)

    def tickets(self, event: str) -> Iterator[Ticket]:
        """In index order."""
        return (ticket for _, ticket in sorted(self._tickets[event].items()))

    def sitting(self, event: str, seats: Collection[int]) -> Iterator[Ticket]:
        """As the port says."""
        known = [index for seat in seats if (index := self._seats.get((event, seat))) is not None]
        tickets = (self._tickets[event][index] for index in known)
        return (ticket for ticket in tickets if ticket.row.seat in seats and ticket.row.state != REFUNDED)

    def used_tickets(self, event: str) -> Iterator[Ticket]:
        """As the port says."""
        return (ticket for ticket in self.tickets(event) if ticket.row.uses)

    def moved_leases(self, event: str) -> Iterator[Ticket]:
        """As the port says."""
        return (ticket for ticket in self.tickets(event) if ticket.row.lease)

    def device(self, device: str) -> Device | None:
        """As the port says."""
        return self._devices.get(device)

    def device_by_key(self, public_key: bytes) -> Device | None:
        """As the port says."""
        return self._by_key.get(public_key)

    def devices(self, event: str) -> list[Device]:
        """As the port says."""
        return sorted((d for d in self._devices.values() if d.event == event), key=lambda device: device.device)

    def record(self, device: str, counter: int) -> Record | None:
        """As the port says."""
        return self._records.get((device, counter))

    def records(self) -> Iterator[Record]:
        """All, in log order."""
        return iter(self._records.values())

    def admissions(self, event: str, index: int) -> list[Record]:
        """As the port says."""
        return [self._records[ref] for ref in self._admissions.get((event, index), ())]

    def undone(self, device: str, counter: int) -> Undo | None:
        """As the port says."""
        return self._undone.get((device, counter))

    def incident(self, device: str, counter: int) -> bool:
        """As the port says."""
        return (device, counter) in self._incidents

    def act(self, key: bytes) -> Act | None:
        """As the port says."""
        return self._acts.get(key)

    def put_act(self, key: bytes, act: Act) -> None:
        """As the port says."""
        self._acts[key] = act

    def set_clock(self, at: int) -> None:
        """As the port says."""
        self.clock = at

    def put_event(self, event: str, state: EventState) -> None:
        """As the port says."""
        self._events[event] = state

    def put_ticket(self, ticket: Ticket) -> None:
        """As the port says."""
        row = ticket.row
        self._tickets[ticket.event][row.ticket] = ticket
        if row.seat and row.state != REFUNDED:
            self._seats[ticket.event, row.seat] = row.ticket

    def put_device(self, device: Device) -> None:
        """As the port says."""
        self._devices[device.device] = self._by_key[device.public_key] = device

    def put_record(self, record: Record) -> None:
        """As the port says."""
        ref = (record.device, record.counter)
        self._records[ref] = record
        if record.type == "admission" and record.ticket is not None:
            self._admissions[record.event, record.ticket].append(ref)

    def put_undone(self, device: str, counter: int, undo: Undo) -> None:
        """As the port says."""
        self._undone[device, counter] = undo

    def put_incident(self, device: str, counter: int) -> None:
        """As the port says."""
        self._incidents.add((device, counter))

    def find(self, kind: type[F], event: str, key: FactKey) -> F | None:
        """As the port says."""
        found = self._facts.get((kind.KIND, event, key))
        return found if isinstance(found, kind) else None

    def each(self, kind: type[F], event: str) -> Iterator[F]:
        """As the port says."""
        found = [fact for fact in self._facts.values() if isinstance(fact, kind) and fact.event == event]
        return iter(sorted(found, key=lambda fact: key_bytes(fact.key)))

    def put(self, fact: Fact) -> None:
        """As the port says."""
        self._facts[fact.KIND, fact.event, fact.key] = fact

    def drop(self, kind: type[Fact], event: str, key: FactKey) -> None:
        """As the port says."""
        self._facts.pop((kind.KIND, event, key), None)

    def contract_digest(self, size: int) -> bytes:
        """The digest of everything here, at a log of `size` entries (`digest.Tally`), reckoned from the start."""
        tally = Tally()
        for event, state in self._events.items():
            tally.add(event_item(event, state))
        for tickets in self._tickets.values():
            for ticket in tickets.values():
                tally.add(ticket_item(ticket))
        for device in self._devices.values():
            tally.add(device_item(device))
        for fact in self._facts.values():
            tally.add(fact_item(fact))
        return tally.digest(size, self.clock)
