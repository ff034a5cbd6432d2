"""Looks at entries ahead of the rules, on another core: form, signature, and the keys that an entry brings.

That is more than half of what an entry costs, and needs no state. Python's threads would wait for each other for longer
than libsodium takes, so it goes to a helper process; whoever has to wait for it looks at what it has not begun. The
other process is a help, not a need: without one, or when it dies, everything is looked at here.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from ledger_node.contract.apply import apply_opened
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.proofs import proven
from ledger_node.contract.state import State
from scanner.verify.entry import Entry, Malformed, open_entry, reopen, signature_good

ALONE = 20_000
"""Entries up to which one process does it all: another one would start for longer than it could save."""
_BATCH_BYTES = 100_000
_AHEAD = 6
"""Batches that wait for their turn: enough that nobody idles, few enough that a long log stays out of memory."""
_FORM, _SIGNED, _PROVEN = 1, 2, 4
_PARENT_LOOK_S = 1.0


class Looked(NamedTuple):
    """An entry with what is known of it: whether it has the form of one, its signature is good, and the keys that it
    brings are (`contract.proofs`).
    """

    raw: bytes
    formed: bool
    signed: bool
    proven: bool

    def open(self) -> Entry | Malformed:
        """The entry, or what is wrong with it."""
        return reopen(self.raw) if self.formed else open_entry(self.raw)

    def apply(
        self, state: State, position: int, entry: Entry | Malformed, latest: int | None = None
    ) -> Outcome | Rejected:
        """What `contract.apply` says of it; `entry` is what `open` gave."""
        return apply_opened(state, position, entry, latest, signed=self.signed, proven=self.proven)


class _Batch:
    """Entries that are looked at by somebody, or will be."""

    def __init__(self, raws: list[bytes], pool: Executor | None) -> None:
        self.raws = raws
        self._found: bytes | None = None
        self._future: Future[bytes] | None = None
        if pool is not None:
            try:
                self._future = pool.submit(look, raws)
            except (BrokenExecutor, RuntimeError):
                self._future = None

    @property
    def ready(self) -> bool:
        """Whether nobody would have to wait."""
        return self._found is not None or (self._future is not None and self._future.done())

    def take_back(self) -> bool:
        """Look here, if nobody has begun to."""
        if self._found is not None or (self._future is not None and not self._future.cancel()):
            return False
        self._found = look(self.raws)
        return True

    def looked(self) -> list[Looked]:
        """All of them, after waiting for whoever looks."""
        if self._found is None and self._future is not None:
            try:
                self._found = self._future.result()
            except BrokenExecutor:
                self._found = None
        return with_looks(self.raws, look(self.raws) if self._found is None else self._found)


def looked(entries: Iterable[bytes], pool: Executor | None = None) -> Iterator[Looked]:
    """The entries in order, read a little ahead."""
    source = iter(entries)
    waiting: deque[_Batch] = deque()
    while True:
        while len(waiting) < _AHEAD and (raws := _next_batch(source)):
            waiting.append(_Batch(raws, pool))
        if not waiting:
            return
        # The newest first: the helper is about to begin with the oldest.
        while not waiting[0].ready and any(batch.take_back() for batch in reversed(waiting)):
            pass
        yield from waiting.popleft().looked()


def look(raws: Sequence[bytes]) -> bytes:
    """What is to be known of each, one byte each, for `with_looks`. Runs in another process, too."""
    return bytes(map(_look, raws))


def with_looks(raws: Sequence[bytes], found: bytes) -> list[Looked]:
    """The entries with what `look` found."""
    return [
        Looked(raw, bool(one & _FORM), bool(one & _SIGNED), bool(one & _PROVEN))
        for raw, one in zip(raws, found, strict=True)
    ]


def helper() -> ProcessPoolExecutor:
    """A process that looks. Spawned, because a fork of a process with threads may never move again."""
    return ProcessPoolExecutor(1, get_context("spawn"), _settle_in, (os.getpid(),))


def _look(raw: bytes) -> int:
    entry = open_entry(raw)
    if isinstance(entry, Malformed):
        return 0
    return _FORM | _SIGNED * signature_good(entry) | _PROVEN * proven(entry)


def _next_batch(source: Iterator[bytes]) -> list[bytes]:
    batch, size = [], 0
    for raw in source:
        batch.append(raw)
        size += len(raw)
        if size >= _BATCH_BYTES:
            break
    return batch


def _settle_in(parent: int) -> None:
    """In the other process: Ctrl-C is the caller's to act on, and one that was killed leaves nobody behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_LOOK_S)
    os._exit(0)
