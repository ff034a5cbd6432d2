"""The admissions in a journal: each row's state, moved only as scanner.admission_life has it.

Call within a transaction: the look and the write are one. Raises ImpossibleMove, with nothing written, and
sqlite3.Error.
"""

import sqlite3

from scanner.admission_life import TABLE, Act, AdmissionOutcome, after, begun
from scanner.ports import Unsettled
from scanner.verify.admit import Use
from scanner.verify.record import Way


def begin(db: sqlite3.Connection, counter: int, event: str, ticket: int, state: AdmissionOutcome, use: Use) -> None:
    """An admission and its use mark, in place of what was known of the ticket's use."""
    way = "alone" if begun(counter, state) == "alone" else None
    db.execute(
        "INSERT INTO admission (counter, ticket, outcome, way) VALUES (?, ?, ?, ?)", (counter, ticket, state, way)
    )
    db.execute(
        "INSERT OR REPLACE INTO use (event, ticket, counter, owner_seq, holder_key, gate, at, released)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
        (event, ticket, counter, use.owner_seq, use.holder_key, use.gate, use.at),
    )
    db.execute("DELETE FROM elsewhere WHERE event = ? AND ticket = ?", (event, ticket))


def move(db: sqlite3.Connection, counter: int, act: Act, pulse_ms: int | None = None) -> None:
    """One act of an admission's life."""
    state = after(counter, _state(db, counter), act)
    db.execute(
        "UPDATE admission SET outcome = ?, pulse_ms = coalesce(?, pulse_ms) WHERE counter = ?",
        (state, pulse_ms, counter),
    )


def decide(db: sqlite3.Connection, counter: int, way: Way) -> None:
    """A pending admission may pulse from here on."""
    move(db, counter, "claimed" if way == "claimed" else "alone")
    db.execute("UPDATE admission SET way = ? WHERE counter = ?", (way, counter))


def ways(db: sqlite3.Connection) -> dict[int, Way]:
    """In what way each admission was decided, as far as it is known."""
    return dict(db.execute("SELECT counter, way FROM admission WHERE way IS NOT NULL"))


def end(db: sqlite3.Connection, counter: int, act: Act, elsewhere: Use | None = None) -> None:
    """A void or a release: the use mark stands no more. `elsewhere` is the use that the ledger told of."""
    move(db, counter, act)
    db.execute("UPDATE use SET released = 1 WHERE counter = ?", (counter,))
    if elsewhere:
        db.execute(
            "INSERT OR REPLACE INTO elsewhere (event, ticket, gate, at, until)"
            " SELECT event, ticket, ?, ?, ? FROM use WHERE counter = ?",
            (elsewhere.gate, elsewhere.at, elsewhere.until, counter),
        )


def may_end(db: sqlite3.Connection, counter: int) -> bool:
    """Whether it can still be released."""
    state = _state(db, counter)
    return state is not None and (state, "release") in TABLE


def unsettled(db: sqlite3.Connection) -> list[Unsettled]:
    """Those that a restart must settle, oldest first."""
    rows = db.execute(
        "SELECT counter, ticket, outcome FROM admission"
        " WHERE outcome IN ('pending', 'claimed', 'alone') ORDER BY counter"
    ).fetchall()
    return [Unsettled(*row) for row in rows]


def _state(db: sqlite3.Connection, counter: int) -> AdmissionOutcome | None:
    row = db.execute("SELECT outcome FROM admission WHERE counter = ?", (counter,)).fetchone()
    return row[0] if row else None
