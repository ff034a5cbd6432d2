"""Group commit: one thread applies what waits, in the order of arrival, and makes it durable in one transaction.

`Sequencer.step` is one transaction, testable without the thread. Rules are the contract's, storage is the store's.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from ledger_node.contract.apply import apply_opened
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.log.looks import Looked
from ledger_node.log.port import Head, LedgerFault, Store
from scanner.verify.entry import Entry, open_entry

Answer = Outcome | Rejected
GATHER = 0.002
"""Seconds that what can wait for others waits: a crowd of buyers shares commits, and no buyer sees the difference."""
SLICE = 256
"""Entries of waiting uploads in one transaction: about 40 ms, which is what a claim may have to wait."""
MOST_WAITING = 200_000
CLOCK_TOLERANCE = 300
"""Seconds that an operator's entry may be dated ahead of this node's clock."""


Submitted = bytes | Looked


@dataclass(slots=True, eq=False)
class Job:
    """What one caller submitted; `answers` grows slice by slice. `anyway`: also while others are held. `patient`: may
    wait for others to share its commit.
    """

    entries: Sequence[Submitted]
    whole: bool
    anyway: bool = False
    patient: bool = False
    future: Future[list[Answer]] = field(default_factory=Future)
    answers: list[Answer] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Entries without an answer."""
        return len(self.entries) - len(self.answers)


class Sequencer:
    """Turns entries into committed answers. One thread."""

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        self._store = store
        self._now = now
        self.head = store.recover()

    def step(self, entries: Sequence[Submitted], *, whole: bool, again: bool = False) -> list[Answer]:
        """One transaction: an answer an entry; `head` moves if anything was logged. Raises LedgerFault if it could not
        be made durable; `head` is then what the disk has, which may include it. `again`: entries that were in this log,
        and are judged as a replay does, which asks nothing of their dates.
        """
        try:
            return self._transact(entries, whole=whole, again=again)
        except Exception as error:
            # If the disk cannot even be read, the store tries again at the next `begin`.
            with suppress(Exception):
                self.head = self._store.recover()
            raise self._store.explain(error) from error

    def _transact(self, entries: Sequence[Submitted], *, whole: bool, again: bool) -> list[Answer]:
        store, latest = self._store, None if again else self._now() + CLOCK_TOLERANCE
        start = position = store.begin()
        answers: list[Answer] = []
        for submitted in entries:
            if isinstance(submitted, Looked):
                entry = submitted.open()
                answer = submitted.apply(store.state, position, entry, latest)
            else:
                entry = open_entry(submitted)
                answer = apply_opened(store.state, position, entry, latest)
            if isinstance(answer, Outcome) and answer.new and isinstance(entry, Entry):
                store.append(entry.raw)
                position += 1
            answers.append(answer)
        if whole and any(isinstance(answer, Rejected) for answer in answers):
            store.recover()
            return _refuse_all(answers)
        if position == start:
            store.recover()
        else:
            self.head = store.commit()
        return answers


class Writer:
    """The thread and the line before it. `on_commit` is called after each transaction, before its futures resolve."""

    def __init__(self, sequencer: Sequencer, on_commit: Callable[[Head], None]) -> None:
        self._sequencer = sequencer
        self._on_commit = on_commit
        self._urgent: deque[Job] = deque()
        self._bulk: deque[Job] = deque()
        self._waiting = 0
        self._closed = False
        self._held: LedgerFault | None = None
        self._ready = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def hold(self, fault: LedgerFault | None) -> None:
        """From now on, what waits and what comes gets this fault, unless it is to be done anyway; None ends that."""
        with self._ready:
            self._held = fault

    def submit(
        self, entries: Sequence[Submitted], *, urgent: bool, whole: bool, anyway: bool = False, patient: bool = False
    ) -> Future[list[Answer]]:
        """Get in line. Raises nothing: a ledger that is closed or has too much waiting sets LedgerFault."""
        job = Job(entries, whole, anyway, patient)
        job.future.set_running_or_notify_cancel()
        if not entries:
            job.future.set_result([])
            return job.future
        with self._ready:
            if self._closed:
                job.future.set_exception(LedgerFault("the ledger is closed", lasting=True))
            elif self._waiting + len(entries) > MOST_WAITING and self._waiting:
                job.future.set_exception(LedgerFault(f"{self._waiting} entries wait already: try again in a moment"))
            else:
                # While all that waits is patient, one more of them is no reason to wake the thread.
                wake = not patient or not self._waiting
                (self._urgent if urgent else self._bulk).append(job)
                self._waiting += len(entries)
                if wake:
                    self._ready.notify()
        return job.future

    def close(self) -> None:
        """Finish the line and stop."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._urgent or self._bulk or self._closed)
                if not self._urgent and not self._bulk:
                    return
                self._ready.wait_for(self._is_hurried, GATHER)
                shares, held = self._next_shares(), self._held
            stopped = [(job, count) for job, count in shares if held and not job.anyway]
            if stopped:
                self._leave(stopped, held)
            else:
                self._do(shares)

    def _is_hurried(self) -> bool:
        """Whether something in line is not to wait for others."""
        return self._closed or bool(self._bulk) or not all(job.patient for job in self._urgent)

    def _next_shares(self) -> list[tuple[Job, int]]:
        """The next transaction: jobs, with how many entries of each. A job stays in line until all of it is done."""
        shares: list[tuple[Job, int]] = []
        room = SLICE
        for job in (*self._urgent, *self._bulk):
            if job.whole:
                return shares or [(job, job.left)]
            if room == 0:
                break
            count = min(room, job.left)
            shares.append((job, count))
            room -= count
        return shares

    def _do(self, shares: list[tuple[Job, int]]) -> None:
        entries = [raw for job, n in shares for raw in job.entries[len(job.answers) : len(job.answers) + n]]
        whole, anyway = shares[0][0].whole, shares[0][0].anyway
        try:
            answers = self._sequencer.step(entries, whole=whole, again=whole and anyway)
        except LedgerFault as fault:
            self._on_commit(self._sequencer.head)
            self._leave(shares, fault)
            return
        self._on_commit(self._sequencer.head)
        given = iter(answers)
        for job, n in shares:
            job.answers += [next(given) for _ in range(n)]
        self._leave([(job, n) for job, n in shares if job.left == 0], None)

    def _leave(self, shares: list[tuple[Job, int]], fault: LedgerFault | None) -> None:
        with self._ready:
            for job, _ in shares:
                (self._urgent if job in self._urgent else self._bulk).remove(job)
                self._waiting -= len(job.entries)
        for job, _ in shares:
            if fault is None:
                job.future.set_result(job.answers)
            else:
                job.future.set_exception(fault)


def _refuse_all(answers: Sequence[Answer]) -> list[Answer]:
    """What each one that was refused by itself was refused for, and that the others were because of the first of them.
    All are judged: who mends a whole hears at once of everything that is wrong with it.
    """
    first = next(place for place, answer in enumerate(answers, 1) if isinstance(answer, Rejected))
    others = Rejected(Refusal.BATCH_REFUSED, f"because of entry {first}")
    return [answer if isinstance(answer, Rejected) else others for answer in answers]
