"""What was counted against whom (`tally`), so that a restart forgets none of it: a part of the market's file.

Nobody's address or contact is here: who it is counts as a keyed hash.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from ledger_node.services.database import Database
from ledger_node.services.grouped import Grouped

SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (id INTEGER PRIMARY KEY, act TEXT NOT NULL, counted_by TEXT NOT NULL,
    who BLOB NOT NULL, until REAL NOT NULL, ref TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS charges_until ON charges (until);
"""


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """One act that counts until `until` (unix seconds). `ref` names what it was for, if that can end it earlier."""

    id: int
    act: str
    by: str
    who: bytes
    until: float
    ref: str


class ChargeBook:
    """The table, in the file that `line` writes."""

    def __init__(self, line: Grouped) -> None:
        self._line = line

    def live(self, now: float) -> list[ChargeRow]:
        """What still counts, oldest first."""
        query = "SELECT id, act, counted_by, who, until, ref FROM charges WHERE until > ? ORDER BY id"
        return [ChargeRow(*row) for row in self._line.do(lambda database: database.read(query, now))]

    def add(self, rows: Sequence[ChargeRow], now: float) -> "Future[None]":
        """Durable once the future is done. What has ended goes."""
        return self._line.begin(self._adding(rows, now))

    def add_soon(self, rows: Sequence[ChargeRow], now: float) -> None:
        """The same within a moment (`grouped.SOON`); a kill or a power cut takes the counts of that moment."""
        self._line.soon(self._adding(rows, now))

    def drop(self, ids: Sequence[int]) -> None:
        """They count no more; written soon, because to count one too long is no harm."""
        self._line.soon(lambda database: database.write_many("DELETE FROM charges WHERE id = ?", [(n,) for n in ids]))

    @staticmethod
    def _adding(rows: Sequence[ChargeRow], now: float) -> Callable[[Database], None]:
        values = [(one.id, one.act, one.by, one.who, one.until, one.ref) for one in rows]

        def act(database: Database) -> None:
            database.write("DELETE FROM charges WHERE until <= ?", now)
            database.write_many("INSERT OR REPLACE INTO charges VALUES (?, ?, ?, ?, ?, ?)", values)

        return act
