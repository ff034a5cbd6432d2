"""Group commit for a small database: one thread does what everybody asks, all that waits in one transaction, so that a
crowd shares each fsync. What is asked is a function of the database; what it gives is durable when it is given. What no
one waits for takes part in the next transaction that is waited for, or makes one a moment later.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError

_T = TypeVar("_T")
_MOST = 256
SOON = 0.05
"""Seconds from something that no one waits for to its transaction, at most."""
_Job = tuple[Callable[[Database], Any], "Future[Any]"]


class Grouped:
    """Owns the database. Any thread but its own may ask."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs: deque[_Job] = deque()
        self._awaited = False
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="grouped", daemon=True)
        self._thread.start()

    def do(self, act: Callable[[Database], _T]) -> _T:
        """What `act` gives, once it is durable. Raises what the database raises."""
        return self.begin(act).result()

    def begin(self, act: Callable[[Database], _T]) -> "Future[_T]":
        """The same without waiting."""
        return self._add(act, awaited=True)

    def soon(self, act: Callable[[Database], object]) -> None:
        """It is done and durable within a moment; what the database raises is lost."""
        self._add(act, awaited=False)

    def _add(self, act: Callable[[Database], _T], *, awaited: bool) -> "Future[_T]":
        future: Future[_T] = Future()
        with self._ready:
            if self._closed:
                raise ServiceError("closing", "the node is stopping: ask again when it is back", 503)
            self._jobs.append((act, future))
            self._awaited = self._awaited or awaited
            # The first wakes the thread, which then waits out the moment; the next ones need not.
            if awaited or len(self._jobs) == 1:
                self._ready.notify()
        return future

    def close(self) -> None:
        """Do what waits, and close the database; may be called twice."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()
        self._database.close()

    def _run(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._jobs or self._closed)
                if not self._jobs:
                    return
                self._ready.wait_for(lambda: self._awaited or self._closed, SOON)
                self._awaited = len(self._jobs) > _MOST
                jobs = [self._jobs.popleft() for _ in range(min(_MOST, len(self._jobs)))]
            self._together(jobs)

    def _together(self, jobs: list[_Job]) -> None:
        try:
            with self._database.transaction():
                given = [act(self._database) for act, _ in jobs]
        except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
            self._apart(jobs, error)
            return
        for (_, future), value in zip(jobs, given, strict=True):
            future.set_result(value)

    def _apart(self, jobs: list[_Job], error: Exception) -> None:
        """Nothing was kept: whose fault it was is found by doing them one at a time."""
        if len(jobs) == 1:
            jobs[0][1].set_exception(error)
            return
        for job in jobs:
            self._together([job])
