"""The ledger of one node: entries in, outcomes out, and everything that a reader or an auditor may ask.

Puts the parts together (lock, store, writer thread, readers, checkpoints) and has no rules and no SQL of its own.
"""

import fcntl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from ledger_node.contract.state import Device
from ledger_node.log.port import Head, LedgerFault, Store
from ledger_node.log.readers import Readers
from ledger_node.log.sqlite import SqliteStore
from ledger_node.log.view import Changes, Doubt, View
from ledger_node.log.writer import Answer, Sequencer, Submitted, Writer
from scanner.verify.checkpoint import VerifierKey, sign_checkpoint
from scanner.verify.keys import SigningKey
from scanner.verify.log_keys import LogKeys

__all__ = ["DATABASE", "Changes", "Doubt", "Ledger", "LedgerFault", "Shown", "View"]
DATABASE = "ledger.sqlite3"
_LOCK = "ledger.lock"
Listener = Callable[[int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Signing:
    """What signs checkpoints, and the list that says so. Each rotation makes another."""

    keys: tuple[SigningKey, ...]
    lists: tuple[LogKeys, ...] = ()

    @property
    def log_keys(self) -> str:
        """The newest list; empty before the first rotation."""
        return self.lists[-1].note if self.lists else ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A checkpoint, and the list of the log's keys by which it is good; empty while the root key signs."""

    checkpoint: str
    log_keys: str

    def fields(self) -> dict[str, str]:
        """As an answer to a gate carries them."""
        return {"checkpoint": self.checkpoint, **({"log_keys": self.log_keys} if self.log_keys else {})}


class Ledger:
    """One node's ledger on disk. Any thread may call any method. Faults are raised, or set, as `LedgerFault`."""

    def __init__(
        self, store: Store, readers: Readers, key: SigningKey, origin: str, now: Callable[[], int], lock: IO[bytes]
    ) -> None:
        self._store, self._readers, self._key, self._lock = store, readers, key, lock
        self.origin = origin
        self._listeners: list[Listener] = []
        self._grown = threading.Condition()
        sequencer = Sequencer(store, now)
        self._head = sequencer.head
        self._signing = Signing((key,))
        self._signed: tuple[Head, Signing, str] | None = None
        self._writer = Writer(sequencer, self._committed)

    @classmethod
    def open(cls, home: Path, key: SigningKey, origin: str, now: Callable[[], int]) -> Self:
        """Open or create `home`/ledger.sqlite3. `key` is the operator's, and signs checkpoints until `sign_with` says
        otherwise; `now` in unix seconds.

        Raises LedgerFault if another process has it open, if it is another operator's or log's, if the disk fails, or
        if newest entries, hashes and root do not agree.
        """
        lock = _locked(home)
        try:
            store = SqliteStore(home / DATABASE, key.public, origin)
        except BaseException:
            lock.close()
            raise
        return cls(store, Readers(home / DATABASE), key, origin, now, lock)

    def close(self) -> None:
        """Finish what is waiting, then stop; may be called twice. Later submissions fail. End all views before."""
        self._writer.close()
        self._readers.close()
        self._store.close()
        self._lock.close()

    def submit(
        self, entries: Sequence[Submitted], *, urgent: bool = False, whole: bool = False, patient: bool = False
    ) -> Future[list[Answer]]:
        """Apply and log; the future resolves when the accepted ones are durable, one answer an entry, in order.

        Callers that wait at the same time share one commit. `urgent` (claims) goes ahead of uploads; `patient` may wait
        a moment (`writer.GATHER`) for others to share its commit. A long list is
        committed in slices; `whole` = in one transaction, and one refusal refuses all (the others "batch-refused").
        A commit that fails (disk full, I/O error) sets LedgerFault and the ledger goes on; slices committed before
        stay, so submit the same bytes again: a device's record is never logged twice.
        """
        return self._writer.submit(entries, urgent=urgent, whole=whole, patient=patient)

    def hold(self, fault: LedgerFault | None) -> None:
        """Log nothing from now on but what `refill` brings: submissions get this fault. None ends it."""
        self._writer.hold(fault)

    def refill(self, entries: Sequence[Submitted]) -> Future[list[Answer]]:
        """As `submit`, all or none, also while others are held: entries that this log had before."""
        return self._writer.submit(entries, urgent=False, whole=True, anyway=True)

    def probe(self) -> Future[list[Answer]]:
        """Resolves when the writer has come to it: bytes that are no entry go through the whole line, change nothing,
        and are not held.
        """
        return self._writer.submit([b""], urgent=False, whole=False, anyway=True)

    @property
    def size(self) -> int:
        """The newest durable size."""
        return self._head.size

    @property
    def root(self) -> bytes:
        """The root at the newest durable size."""
        return self._head.root

    @property
    def vkey(self) -> str:
        """The log's root key (a C2SP verifier key), which is all that an auditor needs to know of it."""
        return VerifierKey(self.origin, self._key.public).encode()

    def sign_with(self, keys: Sequence[SigningKey], lists: Sequence[LogKeys]) -> None:
        """From now on these keys sign checkpoints, as the last of `lists` says, which is on disk already. `lists` are
        all that this log had.
        """
        self._signing = Signing(tuple(keys), tuple(lists))

    @property
    def log_keys(self) -> str:
        """The list of the keys that sign checkpoints now; empty while the root key does."""
        return self._signing.log_keys

    @property
    def lists(self) -> tuple[LogKeys, ...]:
        """The lists of the keys that sign checkpoints, oldest first; none before the first rotation."""
        return tuple(one for one in self._signing.lists if one.note)

    def checkpoint(self, view: View | None = None) -> str:
        """The signed note (C2SP tlog-checkpoint) of the newest durable size, or of a view's; signed once a size."""
        return self.show(view.head if view else self._head).checkpoint

    def show(self, head: Head) -> Shown:
        """The signed note of a size and root that a view of this ledger had, with the list that its keys stand in."""
        signed, signing = self._signed, self._signing
        if not signing.keys:
            raise LedgerFault("the key that signs checkpoints is gone: restore it, or rotate it", lasting=True)
        if signed is None or signed[:2] != (head, signing):
            note = sign_checkpoint(self.origin, head.size, head.root, *signing.keys)
            signed = self._signed = (head, signing, note)
        return Shown(signed[2], signing.log_keys)

    def view(self) -> AbstractContextManager[View]:
        """A consistent view at the newest durable size, for reading inside a `with` block."""
        return self._readers.view()

    def device_by_key(self, public_key: bytes) -> Device | None:
        """The device with this key at the newest durable size, or None."""
        return self._readers.device_by_key(public_key)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(size)` after every commit, from the writer's thread: it must return at once
        (`loop.call_soon_threadsafe` does). One that raises is called no more. Returns what unsubscribes.
        """
        with self._grown:
            self._listeners.append(listener)

        return lambda: self._unsubscribe(listener)

    def _unsubscribe(self, listener: Listener) -> None:
        with self._grown, suppress(ValueError):
            self._listeners.remove(listener)

    def wait_for_size(self, size: int, timeout: float) -> int:
        """Block until the durable size is at least `size`, or for `timeout` seconds; the size then."""
        with self._grown:
            self._grown.wait_for(lambda: self._head.size >= size, timeout)
        return self.size

    def _committed(self, head: Head) -> None:
        with self._grown:
            grown = head.size != self._head.size
            self._head = head
            self._grown.notify_all()
            listeners = list(self._listeners) if grown else []
        for listener in listeners:
            try:
                listener(head.size)
            except Exception:  # noqa: BLE001 - a web loop that has ended must not end the ledger
                self._unsubscribe(listener)


def _locked(home: Path) -> IO[bytes]:
    """The right to write here; the kernel takes it back when the process ends, however it ends."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / _LOCK).open("ab")
    except OSError as error:
        raise LedgerFault(f"{home} cannot be used: {error}", lasting=True) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise LedgerFault(f"another process has the ledger in {home} open: stop it, or ask it") from error
    return lock
