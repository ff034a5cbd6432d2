"""The ledger of one node: entries in, outcomes out, and everything that a reader or an auditor may ask.

Interface first; see each docstring for what it promises.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.state import Device, EventState, Record, Ticket
from scanner.verify.keys import SigningKey


@dataclass(frozen=True, slots=True)
class Changes:
    """Tickets that changed, oldest change first, and the log size that a reader of them has reached."""

    tickets: tuple[Ticket, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """An admission that nobody explained: a duplicate or stale one whose turnstile may have moved, and why."""

    record: Record
    cause: str


class View:
    """The ledger at ONE size, for as long as the `with` block lasts. One thread at a time; never blocks the writer."""

    size: int
    root: bytes

    def event(self, event: str) -> EventState | None: ...
    def events(self) -> tuple[str, ...]: ...
    def ticket(self, event: str, index: int) -> Ticket | None: ...
    def tickets(self, event: str) -> Iterator[Ticket]:
        """In index order, streamed."""

    def rows(self, event: str) -> Iterator[bytes]:
        """The snapshot's packed rows in index order, many rows (a multiple of 54 bytes) a chunk; the fast way."""

    def changed_since(self, event: str, size: int, limit: int) -> Changes:
        """What changed at positions >= `size`. About `limit` tickets: the entry that reaches it is given whole.
        `Changes.size` is where to go on from; equal to `self.size` when nothing is left."""

    def device(self, device: str) -> Device | None: ...
    def device_by_key(self, public_key: bytes) -> Device | None: ...
    def devices(self, event: str) -> tuple[Device, ...]: ...
    def record(self, device: str, counter: int) -> Record | None: ...
    def record_outcome(self, device: str, counter: int) -> Outcome | None: ...
    def admissions(self, event: str, index: int) -> tuple[Record, ...]: ...
    def doubts(self, event: str) -> tuple[Doubt, ...]: ...
    def entries(self, start: int, stop: int) -> Iterator[bytes]: ...
    def tile(self, level: int, n: int, width: int = 256) -> bytes | None: ...
    def entry_bundle(self, n: int, width: int = 256) -> bytes | None: ...
    def inclusion(self, position: int, size: int) -> list[bytes]: ...
    def consistency(self, old: int, new: int) -> list[bytes]: ...
    def state_digest(self, event: str) -> bytes: ...


class Ledger:
    """One node's ledger on disk. All methods may be called from any thread. Faults are raised as `LedgerFault`."""

    @classmethod
    def open(cls, home: Path, key: SigningKey, origin: str, now: Callable[[], int]) -> Self:
        """Open or create `home`/ledger.sqlite3. `key` is the operator's and signs checkpoints; `now` in unix seconds.
        Raises LedgerFault if another process has it open, the disk fails, or root and entries do not agree."""

    def close(self) -> None:
        """Finish what is waiting, then stop; may be called twice. Later submissions fail."""

    def submit(
        self, entries: Sequence[bytes], *, urgent: bool = False, whole: bool = False
    ) -> Future[list[Outcome | Rejected]]:
        """Apply and log; the future resolves when the accepted ones are durable, one answer an entry, in order.

        Waiting callers share one commit. `urgent` (claims) goes ahead of uploads that wait. Long lists are committed in
        slices; `whole` = all in one transaction, and one refusal refuses all (the others say "batch-refused").
        A failed commit (disk full, I/O error) sets LedgerFault: of the slice nothing was kept; the ledger goes on.
        """

    size: int
    root: bytes
    vkey: str

    def checkpoint(self) -> str:
        """The signed note (C2SP tlog-checkpoint) of the newest durable size; signed once a size."""

    def view(self) -> AbstractContextManager[View]:
        """A consistent view at the newest durable size, for several reads. Single reads are also methods here."""

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener(size)` after every commit, from the writer thread: it must return at once
        (e.g. `loop.call_soon_threadsafe`). Returns what unsubscribes."""

    def wait_for_size(self, size: int, timeout: float) -> int:
        """Block until the durable size is at least `size` or `timeout` seconds have gone; the size then."""
