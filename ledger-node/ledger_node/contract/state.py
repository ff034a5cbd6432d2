"""What the contract knows: events, tickets, devices and their records, behind a port. No rule is here.

`State` is the port; `MemoryState` keeps everything in dictionaries (audits, tests), `log.state` keeps it in a database.
A rule reads what it needs, decides, and only then puts; so a refusal has put nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from ledger_node.contract.facts import Fact, FactKey
from ledger_node.contract.outcome import Verdict
from scanner.verify.manifest import EventManifest
from scanner.verify.row import Row

Ref = tuple[str, int]
"""A device's record: (device id, counter)."""
Undo = Literal["release", "void"]
F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class EventState:
    """An event as its newest manifest says it; `issued` tickets, its manifest set at log position `changed`."""

    manifest: EventManifest
    issued: int
    changed: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket: what a snapshot carries (`row`) and what only the ledger needs.

    `face_value` is in cents; `used_by` is the admission that holds the use; `changed` is the log position of the last
    entry that changed it.
    """

    event: str
    row: Row
    face_value: int
    used_by: Ref | None
    changed: int


@dataclass(frozen=True, slots=True)
class Device:
    """A gate's device; its id and its key are unique in the ledger. Times in seconds; `revoked_at` None = trusted."""

    event: str
    device: str
    public_key: bytes
    gate: str
    enrolled_at: int
    revoked_at: int | None
    position: int


@dataclass(frozen=True, slots=True)
class Record:
    """A device's record as it was logged, with what became of it. Never changes once it is put.

    `digest` = SHA-256 of the raw entry, `code_digest` = SHA-256 of the code bytes (empty for records without a code);
    `first` is the admission that held the use when this one was a duplicate.
    """

    event: str
    device: str
    counter: int
    position: int
    digest: bytes
    type: str
    gate: str
    time_ms: int
    ticket: int | None
    owner_seq: int
    code_digest: bytes
    verdict: Verdict
    cause: str
    first: Ref | None


@dataclass(frozen=True, slots=True)
class Act:
    """An entry that is in the log and is no device's record: where, and from when it counts (unix seconds)."""

    position: int
    at: int


class Finder(Protocol):
    """What looks facts up by their keys, and does nothing else."""

    def find(self, kind: type[F], event: str, key: FactKey) -> F | None:
        """What the ledger knows under this key, or None."""


class Facts(Finder, Protocol):
    """What the contract has made of the log so far, for reading. One thread at a time."""

    def event(self, event: str) -> EventState | None:
        """The event, or None."""

    def ticket(self, event: str, index: int) -> Ticket | None:
        """The ticket, or None."""

    def sitting(self, event: str, seats: Collection[int]) -> Iterable[Ticket]:
        """The tickets that have one of these seat numbers and are not refunded, in no order."""

    def used_tickets(self, event: str) -> Iterable[Ticket]:
        """The tickets with a use spent, in index order."""

    def moved_leases(self, event: str) -> Iterable[Ticket]:
        """The tickets whose use was moved to where their row says (`lease`), in index order."""

    def device(self, device: str) -> Device | None:
        """The device with this id, or None."""

    def device_by_key(self, public_key: bytes) -> Device | None:
        """The device with this key, or None."""

    def devices(self, event: str) -> Iterable[Device]:
        """The devices of an event, revoked ones too, by id."""

    def record(self, device: str, counter: int) -> Record | None:
        """The logged record, or None."""

    def admissions(self, event: str, index: int) -> Iterable[Record]:
        """The admissions of a ticket, whatever their verdict, in log order."""

    def undone(self, device: str, counter: int) -> Undo | None:
        """Whether the device took its record back, even if that arrived before the record itself."""

    def incident(self, device: str, counter: int) -> bool:
        """Whether the operator has reported this record as an incident."""

    def each(self, kind: type[F], event: str) -> Iterable[F]:
        """All of a kind in an event, in the order of their keys."""


class State(Facts, Protocol):
    """What a rule may read and put. One thread at a time; a put is seen by the next read."""

    @property
    def operator(self) -> bytes:
        """The public key that signs what the operator does, and the log's checkpoints."""

    @property
    def clock(self) -> int:
        """The newest time of an entry that is no device's record, in seconds: it never runs back."""

    def act(self, key: bytes) -> Act | None:
        """The logged entry (no device's record) with this key (`apply.act_key`), or None."""

    def put_act(self, key: bytes, act: Act) -> None:
        """Note that the entry with this key is in the log."""

    def set_clock(self, at: int) -> None:
        """Move the clock."""

    def put_event(self, event: str, state: EventState) -> None:
        """Create or replace."""

    def put_ticket(self, ticket: Ticket) -> None:
        """Create or replace."""

    def put_device(self, device: Device) -> None:
        """Create or replace."""

    def put_record(self, record: Record) -> None:
        """Create; the rule has made sure that it is new."""

    def put_undone(self, device: str, counter: int, undo: Undo) -> None:
        """Note that a record was taken back."""

    def put_incident(self, device: str, counter: int) -> None:
        """Note that a record was reported."""

    def put(self, fact: Fact) -> None:
        """Create or replace."""

    def drop(self, kind: type[Fact], event: str, key: FactKey) -> None:
        """Forget, if it is known."""
