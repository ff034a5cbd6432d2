"""How a journal reads and writes its file: one at a time, all or nothing, durable now or soon, and the WAL folded.

Whatever SQLite refuses leaves as JournalError. What is written is journal.py's business. Any thread may call.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scanner.errors import JournalError
from scanner.store import checkpoint, transaction

_FOLD_AFTER = 120
"""Commits after which a quiet moment is used to fold the WAL, which then has room for as many again."""
_QUIET = 4
"""Calls of `tidy` with no commit in between after which what is not durable yet is made so."""


class Commits:
    """See the module. `lock` is held in each block; a caller may hold it over several."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.lock = threading.RLock()
        self._db, self._path = connection, path
        # Commits since the WAL was folded, those that wait for a durable one (at first the WAL's zeros do, so that they
        # are not the first holder's to wait for), and calls of `tidy` since the last.
        self._unfolded, self._owing, self._quiet = 0, 1, 0

    @property
    def owing(self) -> int:
        """How many commits a power cut could still take."""
        return self._owing

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nobody else reads or writes."""
        with self.lock:
            try:
                yield
            except sqlite3.Error as error:
                raise JournalError(
                    f"the journal {self._path} failed ({error}); nobody is admitted before it works: check the disk"
                ) from error

    @contextmanager
    def writing(self, *, soon: bool = False) -> Iterator[None]:
        """One transaction; durable at the end of the block, or `soon`: with the next one that is, or a quiet moment."""
        with self.reading():
            before = self._db.total_changes
            with transaction(self._db, soon=soon):
                yield
            if self._db.total_changes == before:
                # Nothing was written, so nothing was made durable: what waits for that goes on waiting.
                return
            self._unfolded += 1
            self._owing = self._owing + 1 if soon else 0
            self._quiet = 0

    def make_durable(self) -> None:
        """Write and commit something that says nothing."""
        with self.writing():
            self._db.execute("INSERT OR REPLACE INTO probe (id, nonce) VALUES (1, randomblob(8))")

    def fold(self) -> None:
        """The WAL into the database; all of it is durable then."""
        with self.reading():
            checkpoint(self._db)
        self._unfolded = self._owing = 0

    def tidy(self) -> None:
        """About once a second while nobody waits: folds the WAL now and then, and makes durable what is not."""
        with self.lock:
            self._quiet += 1
            if self._unfolded >= _FOLD_AFTER:
                self.fold()
            elif self._owing and self._quiet >= _QUIET:
                self.make_durable()

    def close(self) -> None:
        """Give the file back. May be called twice."""
        with self.lock:
            self._db.close()
