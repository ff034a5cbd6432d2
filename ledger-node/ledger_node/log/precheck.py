"""Looks at the signatures of uploads on another core, before the writer's one thread gets them.

A signature is half of what an uploaded record costs, and the interpreter lets one thread run at a time. The other
process is a help, not a need: where it is missing, dead or late, entries go on unlooked at and the writer looks itself.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context

from ledger_node.log.replay import check, claim_of
from ledger_node.log.writer import Looked, Submitted
from scanner.verify.entry import open_entry

LEAST = 32
"""Entries for which it is worth the way to another process."""
PATIENCE_S = 5.0
_PARENT_LOOK_S = 1.0


class Precheck:
    """See the module. `look` may be called from any thread; the process is started by the first large batch."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._pool: Executor | None = None
        self._warm: Future[list[bool]] | None = None
        self._closed = False

    def look(self, batch: Sequence[bytes]) -> Sequence[Submitted]:
        """The batch with what is known of its signatures; blocks for as long as that takes, five seconds at most."""
        pool = self._ready() if len(batch) >= LEAST else None
        if pool is None:
            return batch
        opened = [open_entry(raw) for raw in batch]
        try:
            good = pool.submit(check, [claim_of(entry) for entry in opened]).result(PATIENCE_S)
        except (BrokenExecutor, TimeoutError, RuntimeError):
            self._drop(pool)
            return batch
        return [Looked(entry, signed) for entry, signed in zip(opened, good, strict=True)]

    def close(self) -> None:
        """End the other process."""
        with self._guard:
            self._closed, pool, self._pool = True, self._pool, None
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)

    def _ready(self) -> Executor | None:
        """The process, once it has answered; nobody waits for its start."""
        with self._guard:
            if self._closed:
                return None
            if self._pool is None:
                try:
                    self._pool = ProcessPoolExecutor(1, get_context("spawn"), _settle_in, (os.getpid(),))
                    self._warm = self._pool.submit(check, [])
                except OSError:
                    self._pool = None
                    return None
            if self._warm is None or not self._warm.done():
                return None
            if self._warm.exception():
                self._pool = None
            return self._pool

    def _drop(self, pool: Executor) -> None:
        with self._guard:
            if self._pool is pool:
                self._pool = None
        pool.shutdown(wait=False, cancel_futures=True)


def _settle_in(parent: int) -> None:
    """In the other process: Ctrl-C is the node's to act on, and a node that was killed leaves nobody behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_LOOK_S)
    os._exit(0)
