"""The journal: what this gate did, on disk before it was done. One signed, hash-chained record for each act.

An admission is written with its use mark and its outbox row in one transaction, and the turnstile moves after the
commit. Every method may be called from any thread, and raises JournalError when the disk says no; then nothing may be
admitted, and an admission that is on disk all the same is released. What a record means to the rest of the world is the
ledger's business; whether to admit was decided before.

What is durable on return is all of which the loss would be felt: each record, and the outcome that lets the turnstile
move. `pulsed`, `passed` and receipts are durable with the next of those, or when the gate has had some quiet seconds: a
power cut that takes them leaves an admission that counts as entered and is shown as in doubt, and a record that is sent
again, for the same receipt. Each flush that is saved so is one that no holder waits for, and that no card wears out by.

What an admission may become is in scanner.admission_life; a method that asks for anything else raises ImpossibleMove,
and writes nothing. One on which the gate did not act because the disk said no is released as soon as the disk takes it.
"""

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from scanner import journal_moves as moves
from scanner import journal_outbox as outbox
from scanner import journal_rebuild as rebuild
from scanner import journal_recovery as recovery
from scanner import journal_tally as tally
from scanner import journal_uses as uses
from scanner.admission_life import Act, AdmissionOutcome, ImpossibleMove
from scanner.errors import JournalError
from scanner.journal_commits import Commits
from scanner.journal_recovery import Identity
from scanner.journal_schema import MIGRATIONS
from scanner.ports import ChainPage, Counts, Receipt, Unsettled, Waiting
from scanner.store import Connect, check_format, connect, open_store
from scanner.verify.admit import Use
from scanner.verify.entry import reopen
from scanner.verify.record import (
    ADMISSION,
    INCIDENT,
    MARK_ALONE,
    MOST_STATED,
    REFUSAL,
    RELEASE,
    VOID,
    GateIncident,
    Link,
    Scan,
    Settlement,
    Stamp,
    Way,
    decided,
    record_hash,
    sign_record,
)

__all__ = ["Identity", "Journal"]
_TELL_AFTER = 60
"""Calls of `tell_ways` for which the oldest way may wait to be signed."""


@dataclass(frozen=True, slots=True)
class _Unsure:
    """A record whose commit failed, and may be on disk all the same; `of`: the admission that it is or ends, if any."""

    kind: str
    of: int = 0
    reason: str = "journal-fault"


class Journal:
    """See the module. Open with `Journal.open`; close it, or use it as a context manager."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        identity: Identity,
        head: recovery.Head,
        told: Mapping[int, Way],
    ) -> None:
        self._db = connection
        self._path = path
        self._identity = identity
        self._head = head
        self._failed: _Unsure | None = None
        # Admissions on which this gate did not act, and why: to be released when the disk takes it.
        self._owed: dict[int, str] = {}
        self._commits = Commits(connection, path)
        # Decided admissions whose way no signed record states yet; what the last run left is told at once.
        self._untold = {counter: way for counter, way in moves.ways(connection).items() if counter not in told}
        self._untold_for = _TELL_AFTER if self._untold else 0
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
            check_format(path)
            rebuild.finish(path)
            damage, salvage = recovery.inspect(path, identity.key.public, connector, used)
            if damage:
                salvage.head = rebuild.begin_anew(path, identity, stamp(), damage, salvage, connector)
            connection = open_store(path, MIGRATIONS, connector)
            tally.keep(connection)
            journal = cls(connection, path, identity, salvage.head, recovery.ways_told(salvage))
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"the journal {path} cannot be opened ({error}); check that the disk is there, writable and not full"
            ) from error
        recovery.note_head(path, salvage.head.counter - 1)
        return journal

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back; what was written stays. May be called twice."""
        self._commits.close()

    def on_record(self, wake: Callable[[], None]) -> None:
        """Call `wake`, too, after each new record, so that the outbox need not be polled."""
        self._wakers.append(wake)

    # What the gate does

    def admit(self, scan: Scan, holder_key: bytes, stamp: Stamp, outcome: AdmissionOutcome) -> Waiting:
        """Record an admission and mark the ticket used. `outcome` is pending before a claim, alone without one."""
        use = Use(self._identity.gate, stamp.time_ms // 1000, scan.owner_seq, holder_key)
        if outcome == "alone":
            scan = replace(scan, marks=(*scan.marks, MARK_ALONE))
        with self._appending(ADMISSION, scan, stamp) as record:
            moves.begin(self._db, record.counter, self._identity.event, scan.ticket, outcome, use)
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

    def decided(self, counter: int, way: Way) -> None:
        """The claim was won, or no node answered and the gate goes by its peers, or alone: from here on a pulse is
        possible. The way is signed within a minute or so (`tell_ways`).
        """
        with self._commits.lock:
            try:
                with self._commits.writing():
                    moves.decide(self._db, counter, way)
            except JournalError:
                self._owed.setdefault(counter, "journal-fault")
                raise
            self._untold[counter] = way
        self._on_record()

    def tell_ways(self, stamp: Stamp) -> None:
        """Call about once a second while nobody waits: signs in what way admissions were decided, many in one record,
        when the oldest has waited for a minute, or there are enough.
        """
        with self._commits.lock:
            self._untold_for += bool(self._untold)
            if not self._untold or (self._untold_for < _TELL_AFTER and len(self._untold) < MOST_STATED):
                return
            told = dict(itertools.islice(self._untold.items(), MOST_STATED))
            with self._appending(INCIDENT, decided(told), stamp):
                pass
            self._untold = {counter: way for counter, way in self._untold.items() if counter not in told}
            self._untold_for = 0

    def pulsed(self, counter: int, time_ms: int) -> None:
        """The relay was released for this admission. Durable soon, see the module."""
        self._move(counter, "pulse", time_ms, soon=True)

    def passed(self, counter: int) -> None:
        """Somebody went through. Durable soon, see the module."""
        self._move(counter, "passage", soon=True)

    def void(self, counter: int, reason: str, stamp: Stamp, elsewhere: Use | None = None) -> Waiting:
        """The claim was lost: the turnstile did not move. `elsewhere` is the use that the ledger told of, kept so
        that the answer is not forgotten if the network goes before the change arrives.
        """
        with self._appending(VOID, Settlement(counter, reason), stamp) as record:
            moves.end(self._db, counter, "void", elsewhere)
        return record

    def release(self, counter: int, reason: str, stamp: Stamp) -> Waiting:
        """Nobody turned: the ticket may enter again."""
        with self._appending(RELEASE, Settlement(counter, reason), stamp) as record:
            moves.end(self._db, counter, "release")
        return record

    def give_up(self, tickets: Sequence[int]) -> list[int]:
        """The uses of these tickets are another gate's to spend now; those that are given up, durably. One that this
        gate has spent, or is about to, is not among them.
        """
        with self._commits.writing():
            return uses.give_up(self._db, self._identity.event, tickets)

    @contextmanager
    def use_at_hand(self, ticket: int) -> Iterator[bool]:
        """Whether this gate has not given the ticket's use up; inside the block it cannot."""
        with self._commits.reading():
            yield uses.at_hand(self._db, self._identity.event, ticket)

    # What the gate asks

    def use_of(self, ticket: int) -> Use | None:
        """This gate's own record of the ticket's use, released or not; or the use that a claim was lost to."""
        with self._commits.reading():
            self._catch_up()
            return uses.use_of(self._db, self._identity.event, ticket)

    def unsettled(self) -> list[Unsettled]:
        """Admissions with no end, oldest first: what a restart must settle."""
        with self._commits.reading():
            return moves.unsettled(self._db)

    def counts(self) -> Counts:
        """Totals of this journal. Costs the same however long it is."""
        with self._commits.reading():
            return tally.counts(self._db)

    def records(self) -> Iterator[bytes]:
        """Every record of this journal's chain, oldest first."""
        with self._commits.reading():
            rows = self._db.execute("SELECT raw FROM record ORDER BY counter").fetchall()
        return (raw for (raw,) in rows)

    def settle_restart(self, stamp: Stamp) -> list[Unsettled]:
        """After a crash: an admission that never left `pending` moved nothing and is released; one that was decided may
        have moved the turnstile, counts as entered, and is shown as in doubt. Returns what was found.
        """
        with self._commits.lock:
            self._catch_up()
        found = self.unsettled()
        for admission in found:
            if admission.outcome == "pending":
                self.release(admission.counter, "restart", stamp)
            else:
                detail = {"of": admission.counter, "ticket": admission.ticket}
                with self._appending(INCIDENT, GateIncident("pulse-in-doubt", detail), stamp):
                    moves.move(self._db, admission.counter, "restart")
        return found

    def probe(self) -> None:
        """Write and commit something that says nothing, and fold the WAL: does the disk take it again?"""
        with self._commits.lock:
            self._catch_up()
            self._commits.make_durable()
            self._commits.fold()

    def tidy(self) -> None:
        """Call about once a second while nobody waits: folds the WAL now and then, and makes durable what is not."""
        self._commits.tidy()

    # The outbox (ports.Outbox)

    def waiting(self, limit: int) -> list[Waiting]:
        """The oldest records without a receipt, up to an admission whose claim is out: the node takes an upload as word
        that the holder was let in, which nobody knows of that one yet.
        """
        with self._commits.reading():
            return outbox.waiting(self._db, limit)

    def settle(self, receipts: Sequence[Receipt], log_size: int) -> None:
        """Keep verified receipts; a rejected one sets its record aside with the reason. The first that is kept for a
        record stays; one for a record that does not wait is passed over. Durable soon, see the module.
        """
        with self._commits.writing(soon=True):
            outbox.settle(self._db, receipts, log_size)

    def send_again(self) -> int:
        """Have every record wait again, because the log lost some of them; how many had been settled."""
        with self._commits.writing():
            return outbox.send_again(self._db)

    def copied(self) -> bool:
        """Whether a record was set aside because the ledger has another one under its counter."""
        if not self.counts().set_aside:
            return False
        with self._commits.reading():
            return outbox.copied(self._db)

    def queue_length(self) -> int:
        """How many records wait for a receipt."""
        return self.counts().waiting

    # The chain as other gates are told of it (ports.OwnChain)

    def page(self, after: int, most: int) -> ChainPage:
        """Records above the counter `after`. One that was set aside, or waits, ends what counts as settled."""
        with self._commits.reading():
            self._catch_up()
            return outbox.page(self._db, after, most)

    # Inside

    def _on_record(self) -> None:
        for wake in self._wakers:
            wake()

    def _move(self, counter: int, act: Act, pulse_ms: int | None = None, *, soon: bool = False) -> None:
        with self._commits.writing(soon=soon):
            moves.move(self._db, counter, act, pulse_ms)

    @contextmanager
    def _appending(self, kind: str, what: Scan | Settlement | GateIncident, stamp: Stamp) -> Iterator[Waiting]:
        who = self._identity
        with self._commits.lock:
            self._catch_up()
            counter = self._head.counter
            link = Link(who.device, who.gate, counter, self._head.previous)
            raw = sign_record(kind, who.event, link, stamp, what, who.key)
            self._failed = _unsure(kind, counter, what)
            try:
                with self._commits.writing():
                    self._db.execute("INSERT INTO record (counter, type, raw) VALUES (?, ?, ?)", (counter, kind, raw))
                    self._db.execute("INSERT INTO outbox (counter) VALUES (?)", (counter,))
                    yield Waiting(counter, raw)
            except ImpossibleMove:
                self._failed = None
                raise
            self._failed = None
            self._head = recovery.Head(counter + 1, record_hash(raw))
            recovery.note_head(self._path, counter)
        self._on_record()

    def _catch_up(self) -> None:
        """A commit that failed may be on disk all the same: then the chain goes on after it. An admission on which
        nobody acted for it is released.
        """
        if self._failed:
            with self._commits.reading():
                row = self._db.execute("SELECT raw FROM record WHERE counter = ?", (self._head.counter,)).fetchone()
            failed, self._failed = self._failed, None
            if row:
                self._head = recovery.Head(self._head.counter + 1, record_hash(row[0]))
            if failed.of and (row or failed.kind != ADMISSION):
                self._owed.setdefault(failed.of, failed.reason)
        while self._owed:
            self._release_owed(*next(iter(self._owed.items())))

    def _release_owed(self, counter: int, reason: str) -> None:
        with self._commits.reading():
            query = "SELECT raw FROM record WHERE counter = ?"
            row = self._db.execute(query, (counter,)).fetchone() if moves.may_end(self._db, counter) else None
        del self._owed[counter]
        if row is None:
            return
        said = reopen(row[0]).body
        stamp = Stamp(said["time_ms"], said["time_trusted"], said["time_error_ms"], said["view_size"])
        try:
            self.release(counter, reason, stamp)
        except JournalError:
            self._owed.setdefault(counter, reason)
            raise


def _unsure(kind: str, counter: int, what: Scan | Settlement | GateIncident) -> _Unsure:
    if isinstance(what, Settlement):
        return _Unsure(kind, what.of, what.reason)
    return _Unsure(kind, counter) if kind == ADMISSION else _Unsure(kind)
