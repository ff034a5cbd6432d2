"""One thread that owns the database: acts from many requests share a transaction, and are answered when it is on disk.

An act that raises changes nothing, and the others of its transaction go on.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_MOST = 256
T = TypeVar("T")
Act = Callable[[sqlite3.Connection], T]
_Job = tuple[Act[Any], "Future[Any]"]


class Writer:
    """Use `do` from any thread; `close` ends the thread and the connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sandbox-writer")
        self._thread.start()

    def do(self, act: Act[T]) -> T:
        """What `act` gives, after the commit. Raises what it raises, and sqlite3.Error if the commit fails."""
        future: Future[T] = Future()
        self._jobs.put((act, future))
        return future.result()

    def close(self) -> None:
        """Finish what was asked for before."""
        self._jobs.put(None)
        self._thread.join()
        self._db.close()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs, last = [job], False
            while len(jobs) < _MOST and not self._jobs.empty():
                another = self._jobs.get()
                if another is None:
                    last = True
                    break
                jobs.append(another)
            self._commit(jobs)
            if last:
                return

    def _commit(self, jobs: list[_Job]) -> None:
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            outcomes = [self._try(act) for act, _ in jobs]
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            outcomes = [(None, error)] * len(jobs)
        for (_, future), (result, fault) in zip(jobs, outcomes, strict=True):
            if fault is None:
                future.set_result(result)
            else:
                future.set_exception(fault)

    def _try(self, act: Act[Any]) -> tuple[Any, BaseException | None]:
        self._db.execute("SAVEPOINT act")
        try:
            return act(self._db), None
        except Exception as error:  # noqa: BLE001 - whatever it is goes to the one who asked
            self._db.execute("ROLLBACK TO act")
            return None, error
        finally:
            self._db.execute("RELEASE act")
