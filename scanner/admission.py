"""One scan, from the text to a durable verdict: decide -> record -> claim -> outcome. The turnstile is not here.

The order of the writes is the promise (docs/offline.md): an admission is in the journal before the claim is made, its
outcome before anybody moves the turnstile. A claim goes to the ledger node, or, if none answers, to the other gates;
without anybody to ask, record and outcome are one commit. Whatever this returns may be
acted on at once; a JournalError means that nothing may.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from scanner.clock import ClockReading
from scanner.ports import Asking, Claims, Knowledge, Neighbours, Receipt, Records
from scanner.verify.admit import Now, Use, Verdict, View, alone, decide
from scanner.verify.gatecode import GateCode, Unreadable, parse
from scanner.verify.manifest import EventManifest
from scanner.verify.reasons import Reason
from scanner.verify.record import Scan, Stamp
from scanner.verify.told import Told, known_use

MARK_VIEW_OLD = "view-old"

_CLAIM_LOST = {"duplicate": Reason.USED_ELSEWHERE, "stale": Reason.TRANSFERRED, "revoked": Reason.BLOCKED}


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

    @contextmanager
    def asking(self) -> Iterator[Asking]:
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
        local = known_use(local, self._neighbours.told(ticket), view, manifest)
        now = Now(int(time.seconds), time.trusted)
        verdict = decide(code, manifest, view, now, local, self._gate)
        if verdict.reason in {Reason.OTHER_EVENT, Reason.REPEAT}:
            return Decision(verdict)
        if time.seconds - self._view.at > manifest.policy.view_limit:
            verdict = replace(verdict, marks=(*verdict.marks, MARK_VIEW_OLD))
        return self._settle(code, verdict, manifest, stamp(time, view.size))

    def _settle(self, code: GateCode, verdict: Verdict, manifest: EventManifest, at: Stamp) -> Decision:
        if verdict.outcome == "admit" and self._claims.available():
            return self._claim(code, verdict, manifest, at)
        verdict = alone(verdict, manifest, self._gate)
        if verdict.outcome != "admit":
            return Decision(verdict, self._journal.refuse(_scan(code, verdict), at).counter)
        if self._neighbours.near():
            return self._ask(code, verdict, manifest, at)
        record = self._journal.admit(_scan(code, verdict), verdict.holder_key, at, "alone")
        return Decision(verdict, record.counter)

    def _claim(self, code: GateCode, verdict: Verdict, manifest: EventManifest, at: Stamp) -> Decision:
        record = self._journal.admit(_scan(code, verdict), verdict.holder_key, at, "pending")
        receipt = self._claims.claim(record, manifest.policy.claim_deadline_ms / 1000)
        if receipt is None:
            return self._unanswered(record.counter, verdict, manifest, at)
        if receipt.verdict == "accepted":
            self._journal.decided(record.counter, "claimed")
            return Decision(verdict, record.counter)
        lost = _lost(verdict, receipt)
        self._journal.void(record.counter, str(lost.reason), at, _elsewhere(receipt))
        return Decision(lost, record.counter)

    def _unanswered(self, counter: int, verdict: Verdict, manifest: EventManifest, at: Stamp) -> Decision:
        """The node may have taken the claim and its answer got lost: what is not acted on is released, not voided."""
        verdict = self._unless_told(alone(verdict, manifest, self._gate), manifest)
        if verdict.outcome == "admit":
            self._journal.decided(counter, "alone")
        else:
            self._journal.release(counter, str(verdict.reason), at)
        return Decision(verdict, counter)

    def _ask(self, code: GateCode, verdict: Verdict, manifest: EventManifest, at: Stamp) -> Decision:
        """No node, but other gates: they are asked with the record that is already on disk."""
        with self._neighbours.asking() as ask:
            record = self._journal.admit(_scan(code, verdict), verdict.holder_key, at, "pending")
            deadline = manifest.policy.claim_deadline_ms / 1000
            rival = ask(record.counter, code.core.ticket, at.time_ms, deadline)
        if rival is None:
            self._journal.decided(record.counter, "alone")
            return Decision(verdict, record.counter)
        lost = _used_at(verdict, rival.gate, rival.at)
        self._journal.void(record.counter, str(lost.reason), at)
        return Decision(lost, record.counter)

    def _unless_told(self, verdict: Verdict, manifest: EventManifest) -> Verdict:
        """The verdict, unless another gate told of an admission while the node was being asked."""
        if verdict.outcome != "admit" or verdict.ticket is None:
            return verdict
        ticket = verdict.ticket
        use = known_use(None, self._neighbours.told(ticket), self._view.of(ticket), manifest)
        return verdict if use is None or use.released else _used_at(verdict, use.gate, use.at)


def stamp(time: ClockReading, view_size: int) -> Stamp:
    """The scanner's time as a record carries it."""
    return Stamp(int(time.seconds * 1000), time.trusted, int(time.error_s * 1000), view_size)


def _scan(code: GateCode, verdict: Verdict) -> Scan:
    core = code.core
    return Scan(core.ticket, core.owner_seq, code.raw, verdict.outcome, str(verdict.reason), verdict.marks)


def _elsewhere(receipt: Receipt) -> Use | None:
    if receipt.first is None or receipt.position is None:
        return None
    return Use(*receipt.first, until=receipt.position)


def _used_at(verdict: Verdict, gate: str, at: int) -> Verdict:
    return replace(verdict, outcome="refuse", reason=Reason.USED_ELSEWHERE, detail={"gate": gate, "at": at})


def _lost(verdict: Verdict, receipt: Receipt) -> Verdict:
    reason = _CLAIM_LOST.get(receipt.verdict, Reason.BLOCKED)
    gate, at = receipt.first or ("", 0)
    detail = {"gate": gate, "at": at, "ledger": receipt.verdict} if gate else {"ledger": receipt.verdict}
    return replace(verdict, outcome="refuse", reason=reason, detail=detail)
