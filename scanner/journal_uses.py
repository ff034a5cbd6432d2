"""The uses of tickets in a journal: what this gate spent, what it gave up, and what a claim was lost to.

Functions on the journal's connection; a transaction, a lock and what an error means are the caller's.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from scanner.journal_schema import EVERY_TICKET
from scanner.verify.admit import Use
from scanner.verify.keys import NO_KEY


def use_of(db: sqlite3.Connection, event: str, ticket: int) -> Use | None:
    """This gate's own record of the ticket's use, released or not; or the use that a claim was lost to."""
    mine, elsewhere = (
        db.execute(statement, (event, ticket)).fetchone()
        for statement in (
            "SELECT gate, at, owner_seq, holder_key, released FROM use WHERE event = ? AND ticket = ?",
            "SELECT gate, at, until FROM elsewhere WHERE event = ? AND ticket = ?",
        )
    )
    use = Use(mine[0], mine[1], mine[2], mine[3] or NO_KEY, bool(mine[4])) if mine else None
    if use and use.released and elsewhere:
        return replace(use, gate=elsewhere[0], at=elsewhere[1], until=elsewhere[2], released=False)
    return use


def give_up(db: sqlite3.Connection, event: str, tickets: Sequence[int]) -> list[int]:
    """Give up the uses of these tickets, but for those that this gate has spent, or is about to; which those are."""
    given = [ticket for ticket in tickets if not _spends(db, event, ticket)]
    db.executemany(
        "INSERT OR IGNORE INTO given_up (event, ticket) VALUES (?, ?)", [(event, ticket) for ticket in given]
    )
    return given


def at_hand(db: sqlite3.Connection, event: str, ticket: int) -> bool:
    """Whether this gate has not given the ticket's use up."""
    query = "SELECT 1 FROM given_up WHERE event = ? AND ticket IN (?, ?)"
    return not db.execute(query, (event, ticket, EVERY_TICKET)).fetchone()


def _spends(db: sqlite3.Connection, event: str, ticket: int) -> bool:
    query = "SELECT 1 FROM use WHERE event = ? AND ticket = ? AND released = 0"
    return bool(db.execute(query, (event, ticket)).fetchone())
