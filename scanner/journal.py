"""The journal: what this gate did, on disk before it was done. One signed, hash-chained record for each act.

An admission is written with its use mark and its outbox row in one transaction, and the turnstile moves after the
commit. Every method is durable on return, may be called from any thread, and raises JournalError when the disk says no;
then nothing may be admitted, and an admission that is on disk all the same is released. What a record means to the rest
of the world is the ledger's business; whether to admit was decided before.

An admission's outcome: pending -> claimed | alone -> pulsed -> passed | released; or pending -> voided | released.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scanner import journal_rebuild as rebuild
from scanner import journal_recovery as recovery
from scanner.errors import JournalError
from scanner.journal_recovery import Identity
from scanner.journal_schema import MIGRATIONS
from scanner.ports import AdmissionOutcome, ChainPage, Counts, Receipt, Unsettled, Waiting
from scanner.store import Connect, checkpoint, connect, open_store, transaction
from scanner.verify.admit import Use
from scanner.verify.keys import NO_KEY
from scanner.verify.record import (
    ADMISSION,
    INCIDENT,
    REFUSAL,
    RELEASE,
    VOID,
    GateIncident,
    Link,
    Scan,
    Settlement,
    Stamp,
    record_hash,
    sign_record,
)

__all__ = ["Identity", "Journal"]


class Journal:
    """See the module. Open with `Journal.open`; close it, or use it as a context manager."""

    def __init__(self, connection: sqlite3.Connection, path: Path, identity: Identity, head: recovery.Head) -> None:
        self._db = connection
        self._path = path
        self._identity = identity
        self._head = head
        self._failed: tuple[str, Stamp] | None = None
        self._owed: tuple[int, Stamp] | None = None
        self._lock = threading.RLock()
        self._wakers: list[Callable[[], None]] = []

    @classmethod
    def open(
        cls, path: Path, identity: Identity, stamp: Callable[[], Stamp], connector: Connect = connect, used: int = 0
    ) -> "Journal":
        """Open and verify all of it. A damaged journal is set aside and reported, never overwritten: the new one keeps
        its records and uses, carries on after its highest counter and says so in its first record. `used` is a counter
        that this device is known, elsewhere than here, to have come to: a journal that falls short of it is damaged.
        """
        try:
            rebuild.finish(path)
            damage, salvage = recovery.inspect(path, identity.key.public, connector, used)
            if damage:
                salvage.head = rebuild.begin_anew(path, identity, stamp(), damage, salvage, connector)
            connection = open_store(path, MIGRATIONS, connector)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"the journal {path} cannot be opened ({error}); check that the disk is there, writable and not full"
            ) from error
        recovery.note_head(path, salvage.head.counter - 1)
        return cls(connection, path, identity, salvage.head)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back; what was written stays. May be called twice."""
        with self._lock:
            self._db.close()

    def on_record(self, wake: Callable[[], None]) -> None:
        """Call `wake`, too, after each new record, so that the outbox need not be polled."""
        self._wakers.append(wake)

    # What the gate does

    def admit(self, scan: Scan, holder_key: bytes, stamp: Stamp, outcome: AdmissionOutcome) -> Waiting:
        """Record an admission and mark the ticket used. `outcome` is pending before a claim, alone without one."""
        who = self._identity
        with self._appending(ADMISSION, scan, stamp) as record:
            self._db.execute(
                "INSERT INTO admission (counter, ticket, outcome) VALUES (?, ?, ?)",
                (record.counter, scan.ticket, outcome),
            )
            self._db.execute(
                "INSERT OR REPLACE INTO use (event, ticket, counter, owner_seq, holder_key, gate, at, released)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                (who.event, scan.ticket, record.counter, scan.owner_seq, holder_key, who.gate, stamp.time_ms // 1000),
            )
            self._db.execute("DELETE FROM elsewhere WHERE event = ? AND ticket = ?", (who.event, scan.ticket))
        return record

    def refuse(self, scan: Scan, stamp: Stamp) -> Waiting:
        """Record an amber or red verdict on a code of this event."""
        with self._appending(REFUSAL, scan, stamp) as record:
            pass
        return record

    def incident(self, incident: GateIncident, stamp: Stamp) -> Waiting:
        """Record something that is nobody's admission."""
        with self._appending(INCIDENT, incident, stamp) as record:
            pass
        return record

    def decided(self, counter: int, outcome: AdmissionOutcome) -> None:
        """The claim was won, or no node answered and the gate goes alone: from here on a pulse is possible."""
        self._change("UPDATE admission SET outcome = ? WHERE counter = ? AND outcome = 'pending'", (outcome, counter))
        self._on_record()

    def pulsed(self, counter: int, time_ms: int) -> None:
        """The relay was released for this admission."""
        self._change(
            "UPDATE admission SET outcome = 'pulsed', pulse_ms = ?"
            " WHERE counter = ? AND outcome IN ('claimed', 'alone')",
            (time_ms, counter),
        )

    def passed(self, counter: int) -> None:
        """Somebody went through."""
        self._change("UPDATE admission SET outcome = 'passed' WHERE counter = ? AND outcome = 'pulsed'", (counter,))

    def void(self, counter: int, reason: str, stamp: Stamp, elsewhere: Use | None = None) -> Waiting:
        """The claim was lost: the turnstile did not move. `elsewhere` is the use that the ledger told of, kept so
        that the answer is not forgotten if the network goes before the change arrives.
        """
        with self._appending(VOID, Settlement(counter, reason), stamp) as record:
            self._end_admission(counter, "voided")
            if elsewhere:
                self._db.execute(
                    "INSERT OR REPLACE INTO elsewhere (event, ticket, gate, at, until)"
                    " SELECT event, ticket, ?, ?, ? FROM use WHERE counter = ?",
                    (elsewhere.gate, elsewhere.at, elsewhere.until, counter),
                )
        return record

    def release(self, counter: int, reason: str, stamp: Stamp) -> Waiting:
        """Nobody turned: the ticket may enter again."""
        with self._appending(RELEASE, Settlement(counter, reason), stamp) as record:
            self._end_admission(counter, "released")
        return record

    # What the gate asks

    def use_of(self, ticket: int) -> Use | None:
        """This gate's own record of the ticket's use, released or not; or the use that a claim was lost to."""
        with self._reading():
            self._catch_up()
            mine, elsewhere = (
                self._db.execute(statement, (self._identity.event, ticket)).fetchone()
                for statement in (
                    "SELECT gate, at, owner_seq, holder_key, released FROM use WHERE event = ? AND ticket = ?",
                    "SELECT gate, at, until FROM elsewhere WHERE event = ? AND ticket = ?",
                )
            )
        use = Use(mine[0], mine[1], mine[2], mine[3] or NO_KEY, bool(mine[4])) if mine else None
        if use and use.released and elsewhere:
            return replace(use, gate=elsewhere[0], at=elsewhere[1], until=elsewhere[2], released=False)
        return use

    def unsettled(self) -> list[Unsettled]:
        """Admissions with no end, oldest first: what a restart must settle."""
        with self._reading():
            rows = self._db.execute(
                "SELECT counter, ticket, outcome FROM admission"
                " WHERE outcome IN ('pending', 'claimed', 'alone') ORDER BY counter"
            ).fetchall()
        return [Unsettled(*row) for row in rows]

    def counts(self) -> Counts:
        """Totals of this journal."""
        with self._reading():
            row = self._db.execute(
                "SELECT (SELECT count(*) FROM admission WHERE outcome NOT IN ('pending', 'voided', 'released')),"
                " (SELECT count(*) FROM record WHERE type = 'refusal'),"
                " (SELECT count(*) FROM outbox WHERE aside IS NULL),"
                " (SELECT count(*) FROM outbox WHERE aside IS NOT NULL)"
            ).fetchone()
        return Counts(*row)

    def records(self) -> Iterator[bytes]:
        """Every record of this journal's chain, oldest first."""
        with self._reading():
            rows = self._db.execute("SELECT raw FROM record ORDER BY counter").fetchall()
        return (raw for (raw,) in rows)

    def settle_restart(self, stamp: Stamp) -> list[Unsettled]:
        """After a crash: an admission that never left `pending` moved nothing and is released; one that was decided may
        have moved the turnstile, counts as entered, and is shown as in doubt. Returns what was found.
        """
        found = self.unsettled()
        for admission in found:
            if admission.outcome == "pending":
                self.release(admission.counter, "restart", stamp)
            else:
                detail = {"of": admission.counter, "ticket": admission.ticket}
                with self._appending(INCIDENT, GateIncident("pulse-in-doubt", detail), stamp):
                    self._db.execute(
                        "UPDATE admission SET outcome = 'in-doubt' WHERE counter = ?", (admission.counter,)
                    )
        return found

    def probe(self) -> None:
        """Write and commit something that says nothing: does the disk take it again?"""
        with self._lock:
            self._catch_up()
        self._change("INSERT OR REPLACE INTO probe (id, nonce) VALUES (1, randomblob(8))", ())

    def tidy(self) -> None:
        """Move the WAL into the database; call when nobody waits."""
        with self._reading():
            checkpoint(self._db)

    # The outbox (ports.Outbox)

    def waiting(self, limit: int) -> list[Waiting]:
        """The oldest records without a receipt, up to an admission whose claim is out: the node takes an upload as word
        that the holder was let in, which nobody knows of that one yet.
        """
        with self._reading():
            rows = self._db.execute(
                "SELECT counter, coalesce(record.raw, older.raw) FROM outbox"
                " LEFT JOIN record USING (counter) LEFT JOIN older USING (counter)"
                " WHERE aside IS NULL AND NOT EXISTS"
                " (SELECT 1 FROM admission WHERE outcome = 'pending' AND admission.counter <= outbox.counter)"
                " ORDER BY counter LIMIT ?",
                (limit,),
            ).fetchall()
        return [Waiting(*row) for row in rows]

    def settle(self, receipts: Sequence[Receipt], log_size: int) -> None:
        """Keep verified receipts; a rejected one sets its record aside with the reason. The first that is kept for a
        record stays; one for a record that does not wait is passed over.
        """
        with self._writing():
            for receipt in receipts:
                if receipt.position is None:
                    self._db.execute(
                        "UPDATE outbox SET aside = ? WHERE counter = ?", (receipt.reason or "rejected", receipt.counter)
                    )
                elif self._db.execute("DELETE FROM outbox WHERE counter = ?", (receipt.counter,)).rowcount:
                    gate, at = receipt.first or (None, None)
                    self._db.execute(
                        "INSERT INTO receipt (counter, verdict, position, log_size, first_gate, first_at)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        (receipt.counter, receipt.verdict, receipt.position, log_size, gate, at),
                    )

    def queue_length(self) -> int:
        """How many records wait for a receipt."""
        return self.counts().waiting

    # The chain as other gates are told of it (ports.OwnChain)

    def page(self, after: int, most: int) -> ChainPage:
        """Records above the counter `after`. One that was set aside, or waits, ends what counts as settled."""
        with self._reading():
            self._catch_up()
            rows = self._db.execute(
                "SELECT counter, raw FROM record WHERE counter > ?1 UNION ALL"
                " SELECT counter, raw FROM older WHERE counter > ?1 ORDER BY counter LIMIT ?2",
                (after, most),
            ).fetchall()
            newest, waiting, position, pending = self._db.execute(
                "SELECT (SELECT max(counter) FROM record), (SELECT min(counter) FROM outbox),"
                " (SELECT max(position) FROM receipt),"
                " (SELECT max(counter) FROM admission WHERE outcome = 'pending')"
            ).fetchone()
        newest = newest or 0
        settled = newest if waiting is None else waiting - 1
        return ChainPage(tuple(raw for _, raw in rows), newest, settled, position or 0, pending or 0)

    # Inside

    def _on_record(self) -> None:
        for wake in self._wakers:
            wake()

    def _end_admission(self, counter: int, outcome: AdmissionOutcome) -> None:
        self._db.execute("UPDATE admission SET outcome = ? WHERE counter = ?", (outcome, counter))
        self._db.execute("UPDATE use SET released = 1 WHERE counter = ?", (counter,))

    @contextmanager
    def _appending(self, kind: str, what: Scan | Settlement | GateIncident, stamp: Stamp) -> Iterator[Waiting]:
        who = self._identity
        with self._lock:
            self._catch_up()
            counter = self._head.counter
            link = Link(who.device, who.gate, counter, self._head.previous)
            raw = sign_record(kind, who.event, link, stamp, what, who.key)
            self._failed = (kind, stamp)
            with self._writing():
                self._db.execute("INSERT INTO record (counter, type, raw) VALUES (?, ?, ?)", (counter, kind, raw))
                self._db.execute("INSERT INTO outbox (counter) VALUES (?)", (counter,))
                yield Waiting(counter, raw)
            self._failed = None
            self._head = recovery.Head(counter + 1, record_hash(raw))
            recovery.note_head(self._path, counter)
        self._on_record()

    def _catch_up(self) -> None:
        """A commit that failed may be on disk all the same: then the chain goes on after it, and an admission, on which
        nobody acted, is released.
        """
        if self._failed:
            with self._reading():
                row = self._db.execute("SELECT raw FROM record WHERE counter = ?", (self._head.counter,)).fetchone()
            (kind, stamp), self._failed = self._failed, None
            if row:
                self._owed = (self._head.counter, stamp) if kind == ADMISSION else None
                self._head = recovery.Head(self._head.counter + 1, record_hash(row[0]))
        if self._owed:
            (counter, stamp), self._owed = self._owed, None
            try:
                self.release(counter, "journal-fault", stamp)
            except JournalError:
                self._owed = (counter, stamp)
                raise

    def _change(self, statement: str, values: tuple[object, ...]) -> None:
        with self._writing():
            self._db.execute(statement, values)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._reading(), transaction(self._db):
            yield

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise JournalError(
                    f"the journal {self._path} failed ({error}); nobody is admitted before it works: check the disk"
                ) from error
