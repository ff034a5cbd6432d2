"""One scan, from the text to a durable verdict: decide -> record -> claim -> outcome. The turnstile is not here.

The order of the writes is the promise (docs/offline.md): an admission is in the journal before the claim is made, its
outcome before anybody moves the turnstile. A claim goes to the ledger node, and the record to the other gates at the
same moment: the node's answer decides if it comes, else the other gates, within the one deadline. With neither
to ask, record and outcome are one commit. Whatever this returns may be
acted on at once; a JournalError means that nothing may.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from scanner.admission_life import AdmissionOutcome
from scanner.clock import ClockReading
from scanner.ports import CONFLICT, Asking, Claims, Knowledge, Neighbours, Receipt, Records
from scanner.verify.admit import Now, Use, Verdict, View, alone, decide, held_elsewhere
from scanner.verify.gatecode import GateCode, Unreadable, parse
from scanner.verify.leases import OTHER_LEASE
from scanner.verify.manifest import EventManifest
from scanner.verify.reasons import Reason
from scanner.verify.record import Scan, Stamp, Way
from scanner.verify.sightings import Sightings
from scanner.verify.told import Told, doubt, known_use, weigh

MARK_VIEW_OLD = "view-old"

NODES_SHARE = 2 / 3
"""Of the claim deadline, while other gates are near: what is left is theirs, if the node has not answered by then."""

_CLAIM_LOST = {"duplicate": Reason.USED_ELSEWHERE, "revoked": Reason.BLOCKED}
_STALE = {
    "sold-then-entered": Reason.TRANSFERRED,
    "cancelled": Reason.CANCELLED,
    "refunded": Reason.REFUNDED,
    "blocked": Reason.BLOCKED,
    "event-cancelled": Reason.EVENT_CANCELLED,
}
"""What became of a ticket that the ledger knows better, by the cause that it gives. A cause of a later release says no
more than that this ticket does not enter.
"""
_OVER = {"void-came-first", "release-came-first", "taken-back"}
"""What the ledger says of an admission that this device took back before it claimed it: only a broken gate, or an old
copy of its card, does.
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and, if it is in the journal, the counter of its record."""

    verdict: Verdict
    counter: int | None = None

    @property
    def opens(self) -> bool:
        """Whether the turnstile is to be released for it."""
        return self.verdict.outcome == "admit" and self.verdict.reason == Reason.OK


class Nobody:
    """Implements ports.Neighbours for a gate that speaks to no other."""

    def told(self, _ticket: int) -> Sequence[Told]:
        """Nothing."""
        return ()

    def near(self) -> bool:
        """Never."""
        return False

    def have(self, _counter: int) -> bool:
        """None does."""
        return False

    @contextmanager
    def asking(self, *, told: bool = False) -> Iterator[Asking]:  # noqa: ARG002 - there is no one to tell
        """Nothing stands in the way."""
        yield lambda *_: None


class Admission:
    """See the module. One thread calls `decide`."""

    def __init__(
        self,
        gate: str,
        view: Knowledge,
        journal: Records,
        claims: Claims,
        neighbours: Neighbours = Nobody(),  # noqa: B008 - it has no state
    ) -> None:
        self._gate, self._view, self._journal, self._claims = gate, view, journal, claims
        self._neighbours = neighbours
        self._sightings = Sightings()

    def decide(self, text: str, time: ClockReading) -> Decision:
        """The verdict on the text of a QR, durable. Raises JournalError; LookupError before the first snapshot."""
        manifest = self._view.manifest
        if manifest is None:
            raise LookupError("no snapshot yet")
        code = parse(text)
        if isinstance(code, Unreadable):
            return Decision(decide(code, manifest, View(0, None), Now(int(time.seconds), time.trusted)))
        ticket = code.core.ticket
        view = self._view.of(ticket)
        local = self._journal.use_of(ticket) if code.core.event_tag == manifest.hash[:4] else None
        told = weigh(self._neighbours.told(ticket), manifest, view.row, code)
        local = known_use(local, told, view, manifest)
        now = Now(int(time.seconds), time.trusted)
        verdict = decide(code, manifest, view, now, local, self._gate)
        verdict = self._sightings.tell_apart(verdict, code, manifest, now)
        if verdict.reason in {Reason.OTHER_EVENT, Reason.REPEAT}:
            return Decision(verdict)
        verdict = doubt(verdict, told, view)
        if time.seconds - self._view.at > manifest.policy.view_limit:
            verdict = replace(verdict, marks=(*verdict.marks, MARK_VIEW_OLD))
        return self._settle(code, verdict, manifest, stamp(time, view.size))

    def _settle(self, code: GateCode, verdict: Verdict, manifest: EventManifest, at: Stamp) -> Decision:
        if verdict.outcome == "admit" and self._claims.available():
            return self._claim(code, verdict, manifest, at)
        if self._neighbours.near():
            with self._neighbours.asking() as ask:
                made = self._go_alone(code, verdict, manifest, at, "pending")
                return self._ask(ask, made, manifest, at) if made.opens else made
        return self._go_alone(code, verdict, manifest, at, "alone")

    def _go_alone(
        self, code: GateCode, verdict: Verdict, manifest: EventManifest, at: Stamp, outcome: AdmissionOutcome
    ) -> Decision:
        """By leases and policy. Looking and recording are one step: a use is not given up between them."""
        with self._journal.use_at_hand(code.core.ticket) as mine:
            verdict = self._alone(verdict, manifest, mine=mine)
            if verdict.outcome != "admit":
                return Decision(verdict, self._journal.refuse(_scan(code, verdict), at).counter)
            record = self._journal.admit(_scan(code, verdict), verdict.holder_key, at, outcome)
            return Decision(verdict, record.counter)

    def _alone(self, verdict: Verdict, manifest: EventManifest, *, mine: bool) -> Verdict:
        """By the leases that the list has now: it may have moved on since the verdict, and the node goes by it.

        The sync tells the node that this gate heard of a change only after it had this lock once more (downloader).
        """
        if verdict.ticket is None:
            return alone(verdict, manifest, self._gate, given_up=not mine, unheard=self._view.unheard)
        newest, row = self._view.manifest, self._view.of(verdict.ticket).row
        moved_on = newest is None or (row is not None and row.owner_seq > (verdict.owner_seq or 0))
        verdict = replace(verdict, lease=row.lease if row else verdict.lease)
        return alone(verdict, newest or manifest, self._gate, given_up=not mine or moved_on, unheard=self._view.unheard)

    def _claim(self, code: GateCode, verdict: Verdict, manifest: EventManifest, at: Stamp) -> Decision:
        deadline = manifest.policy.claim_deadline_ms / 1000
        nodes = deadline * NODES_SHARE if self._neighbours.near() else deadline
        record = self._journal.admit(_scan(code, verdict), verdict.holder_key, at, "pending")
        receipt = self._claims.claim(record, nodes)
        if receipt is None:
            return self._unanswered(record.counter, verdict, manifest, at, deadline - nodes)
        if receipt.verdict == "accepted":
            self._journal.decided(record.counter, "claimed")
            return Decision(verdict, record.counter)
        lost = held_elsewhere(verdict, manifest) if receipt.verdict == OTHER_LEASE else claim_lost(verdict, receipt)
        self._journal.void(record.counter, str(lost.reason), at, _elsewhere(receipt))
        return Decision(lost, record.counter)

    def _unanswered(
        self, counter: int, verdict: Verdict, manifest: EventManifest, at: Stamp, left_s: float
    ) -> Decision:
        """The node may have taken the claim and its answer got lost: what is not acted on is released, not voided.

        The claim is given up before the others are asked: what they are told as undecided must be theirs to decide.
        """
        # What is recorded is not given up any more; it may have been before.
        with self._journal.use_at_hand(_ticket(verdict)) as mine:
            verdict = self._alone(verdict, manifest, mine=mine)
        if verdict.outcome == "admit":
            with self._neighbours.asking(told=True) as ask:
                rival = ask(counter, _ticket(verdict), at.time_ms, left_s)
            verdict = _used_at(verdict, rival.gate, rival.at) if rival else verdict
        # For those who ask why: the node, or the way to it, was slower than the holder may wait.
        verdict = replace(verdict, detail={**verdict.detail, "deadline": "missed"})
        if verdict.outcome == "admit":
            self._journal.decided(counter, self._way(counter))
        else:
            self._journal.release(counter, str(verdict.reason), at)
        return Decision(verdict, counter)

    def _way(self, counter: int) -> Way:
        """No node decided: did another gate hear of it, and let it be?"""
        return "peers" if self._neighbours.have(counter) else "alone"

    def _ask(self, ask: Asking, made: Decision, manifest: EventManifest, at: Stamp) -> Decision:
        """No node, but other gates: they are asked with the record that is already on disk."""
        verdict, counter = made.verdict, made.counter
        assert counter is not None, "an admission has a record"
        deadline = manifest.policy.claim_deadline_ms / 1000
        rival = ask(counter, _ticket(verdict), at.time_ms, deadline)
        if rival is None:
            self._journal.decided(counter, self._way(counter))
            return made
        lost = _used_at(verdict, rival.gate, rival.at)
        self._journal.void(counter, str(lost.reason), at)
        return Decision(lost, counter)


def stamp(time: ClockReading, view_size: int) -> Stamp:
    """The scanner's time as a record carries it."""
    return Stamp(int(time.seconds * 1000), time.trusted, int(time.error_s * 1000), view_size)


def _ticket(verdict: Verdict) -> int:
    assert verdict.ticket is not None, "a verdict on a code of this event names its ticket"
    return verdict.ticket


def _scan(code: GateCode, verdict: Verdict) -> Scan:
    core = code.core
    return Scan(core.ticket, core.owner_seq, code.raw, verdict.outcome, str(verdict.reason), verdict.marks)


def _elsewhere(receipt: Receipt) -> Use | None:
    if receipt.first is None or receipt.position is None:
        return None
    return Use(*receipt.first, until=receipt.position)


def _used_at(verdict: Verdict, gate: str, at: int) -> Verdict:
    return replace(verdict, outcome="refuse", reason=Reason.USED_ELSEWHERE, detail={"gate": gate, "at": at})


def claim_lost(verdict: Verdict, receipt: Receipt) -> Verdict:
    """An admission whose claim the ledger refused by this receipt, and why the holder does not enter."""
    if receipt.verdict == CONFLICT:
        # The gate's trouble and not the ticket's: the gate closes, and the visitor enters at another one.
        return replace(verdict, outcome="amber", reason=Reason.ASK_SUPERVISOR, detail={"ledger": CONFLICT})
    if receipt.verdict == "stale" and receipt.reason in _OVER:
        return replace(verdict, outcome="amber", reason=Reason.ASK_SUPERVISOR, detail={"ledger": receipt.reason})
    told = _STALE.get(receipt.reason) if receipt.verdict == "stale" else _CLAIM_LOST.get(receipt.verdict)
    reason = told or Reason.BLOCKED
    gate, at = receipt.first or ("", 0)
    detail = {"gate": gate, "at": at, "ledger": receipt.verdict} if gate else {"ledger": receipt.verdict}
    return replace(verdict, outcome="refuse", reason=reason, detail=detail)
