"""SQLite connections whose disk fails when told to: before a commit, after it, or because it is full."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

Moment = Literal["before", "after"]


class FailingConnection(sqlite3.Connection):
    """A real connection; `fail` makes its next commits answer with an I/O error, before or after they are durable."""

    _failing: list[Moment]
    statements: list[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._failing, self.statements = [], []

    def fail(self, *moments: Moment) -> None:
        """Arm one failure for each of the next commits."""
        self._failing.extend(moments)

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> sqlite3.Cursor:  # type: ignore[override]
        """As SQLite, but for an armed COMMIT."""
        self.statements.append(sql)
        if sql != "COMMIT" or not self._failing:
            return super().execute(sql, parameters)
        if self._failing.pop(0) == "after":
            super().execute(sql, parameters)
        raise sqlite3.OperationalError("disk I/O error")


class Disk:
    """A connector, for `Journal.open` and `GateView`, that keeps the connections it made."""

    def __init__(self, prepare: Callable[[sqlite3.Connection], object] = lambda _: None) -> None:
        self._prepare = prepare
        self.connections: list[FailingConnection] = []

    def __call__(self, path: Path) -> sqlite3.Connection:
        """One connection, prepared."""
        made = sqlite3.connect(path, check_same_thread=False, timeout=5, factory=FailingConnection)
        self.connections.append(made)
        self._prepare(made)
        return made

    @property
    def last(self) -> FailingConnection:
        """The one that is in use."""
        return self.connections[-1]

    def fill(self, spare_pages: int = 0) -> None:
        """No more room on the disk than `spare_pages`."""
        pages = self.last.execute("PRAGMA page_count").fetchone()[0]
        self.last.execute(f"PRAGMA max_page_count={pages + spare_pages}")

    def empty(self) -> None:
        """Room again."""
        self.last.execute("PRAGMA max_page_count=1073741823")


def read_only(connection: sqlite3.Connection) -> None:
    """What a disk does that was mounted read-only after an error; also for tests that run as root."""
    connection.execute("PRAGMA query_only=ON")
