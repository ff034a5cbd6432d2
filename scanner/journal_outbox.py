"""What of a journal goes out: records that wait for the ledger's receipt, receipts, and the chain as gates are told it.

Functions on the journal's connection; a transaction, a lock and what an error means are the caller's.
"""

import sqlite3
from collections.abc import Sequence

from scanner import journal_tally as tally
from scanner.ports import CONFLICT, ChainPage, Receipt, Waiting

_COPIED = "conflict: "


def waiting(db: sqlite3.Connection, limit: int) -> list[Waiting]:
    """The oldest records without a receipt, up to an admission whose claim is out."""
    rows = db.execute(
        "SELECT counter, coalesce(record.raw, older.raw) FROM outbox"
        " LEFT JOIN record USING (counter) LEFT JOIN older USING (counter)"
        " WHERE aside IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM admission WHERE outcome = 'pending' AND admission.counter <= outbox.counter)"
        " ORDER BY counter LIMIT ?",
        (limit,),
    ).fetchall()
    return [Waiting(*row) for row in rows]


def settle(db: sqlite3.Connection, receipts: Sequence[Receipt], log_size: int) -> None:
    """Keep receipts, the first for each record that waits; a rejected one sets its record aside with the reason."""
    for receipt in receipts:
        if receipt.position is None:
            reason = receipt.reason or "rejected"
            aside = f"{_COPIED}{reason}" if receipt.verdict == CONFLICT else reason
            db.execute("UPDATE outbox SET aside = ? WHERE counter = ?", (aside, receipt.counter))
        elif db.execute("DELETE FROM outbox WHERE counter = ?", (receipt.counter,)).rowcount:
            gate, at = receipt.first or (None, None)
            db.execute(
                "INSERT INTO receipt (counter, verdict, position, log_size, first_gate, first_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (receipt.counter, receipt.verdict, receipt.position, log_size, gate, at),
            )


def send_again(db: sqlite3.Connection) -> int:
    """Have every record wait again; how many had been settled."""
    again = db.execute("INSERT OR IGNORE INTO outbox (counter) SELECT counter FROM receipt").rowcount
    db.execute("DELETE FROM receipt")
    tally.forget_position(db)
    return again


def copied(db: sqlite3.Connection) -> bool:
    """Whether a record was set aside because the ledger has another one under its counter."""
    return bool(db.execute("SELECT 1 FROM outbox WHERE aside GLOB ? LIMIT 1", (f"{_COPIED}*",)).fetchone())


def page(db: sqlite3.Connection, after: int, most: int) -> ChainPage:
    """Records above the counter `after`. One that was set aside, or waits, ends what counts as settled."""
    rows = db.execute(
        "SELECT counter, raw FROM record WHERE counter > ?1 UNION ALL"
        " SELECT counter, raw FROM older WHERE counter > ?1 ORDER BY counter LIMIT ?2",
        (after, most),
    ).fetchall()
    newest, waiting, pending = db.execute(
        "SELECT (SELECT max(counter) FROM record), (SELECT min(counter) FROM outbox),"
        " (SELECT max(counter) FROM admission WHERE outcome = 'pending')"
    ).fetchone()
    position = tally.position(db)
    newest = newest or 0
    settled = newest if waiting is None else waiting - 1
    return ChainPage(tuple(raw for _, raw in rows), newest, settled, position, pending or 0)
