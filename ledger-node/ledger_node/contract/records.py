"""Rules for what devices sign. A record that is provably the device's is never refused: it has happened. It is logged
with a verdict that says what it meant; only an accepted admission spends a ticket's use, one use a ticket.

Records are known by (device, counter) and may come in any order, repeatedly and with gaps: the same bytes have the same
outcome for ever. Whether a device's chain has no gap and no branch is for the audit, when the chain is complete.
"""

import hashlib
from dataclasses import dataclass

from ledger_node.contract.facts import Books
from ledger_node.contract.incidents import cause_of
from ledger_node.contract.outcome import First, Outcome, Rejected, Verdict
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.shape import record_fault
from ledger_node.contract.state import Device, Facts, Record, Ref, State, Ticket, Undo
from ledger_node.contract.values import but
from scanner.verify.entry import Entry, signature_good
from scanner.verify.gatecode import GateCode, Unreadable, parse_raw
from scanner.verify.keys import NO_KEY
from scanner.verify.manifest import EventManifest
from scanner.verify.record import ADMISSION, RELEASE, VOID, check_record
from scanner.verify.row import ACTIVE, BLOCKED, CANCELLED, REFUNDED

_UNDO: dict[str, Undo] = {RELEASE: "release", VOID: "void"}
_STATE_WORD = {CANCELLED: "cancelled", REFUNDED: "refunded", BLOCKED: "blocked"}
_LATEST_USE = 2**32 - 1


@dataclass(frozen=True, slots=True)
class _Finding:
    verdict: Verdict = "accepted"
    cause: str = ""
    first: Ref | None = None


def apply(state: State, position: int, entry: Entry, *, signed: bool | None = None) -> Outcome | Rejected:
    """The outcome of a device's record, its changes put; or why it cannot be believed to be the device's.

    `signed` = whether the signature is good, if somebody has looked already.
    """
    malformed = check_record(entry)
    wrong = malformed.reason if malformed else record_fault(entry)
    if wrong is not None:
        return Rejected(Refusal.MALFORMED_BODY, wrong)
    body = entry.body
    device = state.device(body["device"])
    if device is None or device.public_key != entry.actor or device.event != entry.event:
        return Rejected(Refusal.UNKNOWN_DEVICE, body["device"])
    digest = hashlib.sha256(entry.raw).digest()
    known = state.record(device.device, body["counter"])
    if known is not None and known.digest == digest:
        return but(outcome_of(state, known), new=False)
    if not (signature_good(entry) if signed is None else signed):
        return Rejected(Refusal.BAD_SIGNATURE, body["device"])
    if known is not None:
        return Rejected(Refusal.CONFLICT, f"device {device.device}, counter {known.counter}")
    return _log(state, position, entry, device, digest)


def outcome_of(state: Facts, record: Record) -> Outcome:
    """What was answered when the record was logged."""
    held = state.record(*record.first) if record.first else None
    first = First(held.device, held.counter, held.gate, held.time_ms, held.position) if held else None
    return Outcome(record.position, record.verdict, record.cause, first, record.time_ms // 1000)


def _log(state: State, position: int, entry: Entry, device: Device, digest: bytes) -> Outcome:
    body = entry.body
    ticket = body.get("ticket")
    if device.revoked_at is not None:
        finding = _Finding("revoked")
    elif entry.type == ADMISSION:
        finding = _admit(state, position, entry, device)
    elif entry.type in _UNDO:
        finding, ticket = _take_back(state, position, entry, device)
    else:
        finding = _Finding()
    record = Record(
        event=entry.event,
        device=device.device,
        counter=body["counter"],
        position=position,
        digest=digest,
        type=entry.type,
        gate=body["gate"],
        time_ms=body["time_ms"],
        ticket=ticket,
        owner_seq=body.get("owner_seq", 0),
        code_digest=hashlib.sha256(body["code"]).digest() if "code" in body else b"",
        verdict=finding.verdict,
        cause=finding.cause,
        first=finding.first,
    )
    state.put_record(record)
    return outcome_of(state, record)


def _admit(state: State, position: int, entry: Entry, device: Device) -> _Finding:
    event, body = state.event(entry.event), entry.body
    assert event is not None, "a device is enrolled for an event, and events are never removed"
    ticket = state.ticket(entry.event, body["ticket"])
    if ticket is None:
        return _Finding("unknown", "no-such-ticket")
    books = state.find(Books, entry.event, "books")
    if books is not None and books.standing == "cancelled":
        return _Finding("stale", "event-cancelled")
    held = _holder(event.manifest, ticket, body["code"], body["owner_seq"])
    if isinstance(held, _Finding):
        return held
    if held is not ticket:
        held = but(held, changed=position)
        state.put_ticket(held)
    if held.row.state != ACTIVE:
        return _Finding("stale", _STATE_WORD[held.row.state])
    if held.used_by is not None:
        return _duplicate(state, held.used_by, body["code"], body["owner_seq"])
    undo = state.undone(device.device, body["counter"])
    if undo is not None:
        return _Finding("accepted", f"{undo}-came-first")
    ref, gates = (device.device, body["counter"]), event.manifest.gates()
    gate = body["gate"] if body["gate"] in gates else device.gate
    state.put_ticket(_used(held, ref, gates.index(gate) + 1, body["time_ms"], position))
    return _Finding()


def _holder(manifest: EventManifest, ticket: Ticket, raw: bytes, owner_seq: int) -> Ticket | _Finding:
    """The ticket with the owner who made this code: as the ledger has it, or as a certificate proves it; or why not."""
    code, row = parse_raw(raw), ticket.row
    if isinstance(code, Unreadable) or code.core.event_tag != manifest.hash[:4]:
        return _Finding("unknown", "not-a-code-of-this-event")
    if (code.core.ticket, code.core.owner_seq) != (row.ticket, owner_seq):
        return _Finding("unknown", "code-of-another-ticket")
    if owner_seq < row.owner_seq:
        return _Finding("stale", "sold-then-entered")
    if owner_seq > row.owner_seq or row.holder_key == NO_KEY:
        if code.certificate is None or not _certified(manifest, code):
            return _Finding("unknown", "no-good-certificate")
        ticket = but(ticket, row=row._replace(owner_seq=owner_seq, holder_key=code.certificate.holder_key))
    beacon = manifest.beacon(code.core.beacon) if code.core.beacon else None
    if code.core.beacon and beacon is None:
        return _Finding("unknown", "no-such-beacon")
    if not code.holder_signature_good(manifest.hash, ticket.row.holder_key, beacon.value if beacon else b""):
        return _Finding("unknown", "forged")
    return ticket


def _certified(manifest: EventManifest, code: GateCode) -> bool:
    assert code.certificate is not None
    key = manifest.ledger_key(code.certificate.kid)
    return key is not None and not key.retired and code.ledger_signature_good(manifest.hash, key.public_key)


def _duplicate(state: State, first: Ref, code: bytes, owner_seq: int) -> _Finding:
    held = state.record(*first)
    assert held is not None, "a use is held by a logged admission"
    return _Finding("duplicate", cause_of(held, hashlib.sha256(code).digest(), owner_seq), first)


def _take_back(state: State, position: int, entry: Entry, device: Device) -> tuple[_Finding, int | None]:
    """A release or a void: a use that its admission held goes to whoever entered besides, or is free again."""
    ref = (device.device, entry.body["of"])
    target = state.record(*ref)
    if target is not None and target.type != ADMISSION:
        return _Finding("unknown", "not-an-admission"), None
    if state.undone(*ref) is not None:
        return _Finding("accepted", "taken-back-before"), target.ticket if target else None
    state.put_undone(*ref, _UNDO[entry.type])
    if target is None or target.ticket is None:
        return _Finding("accepted", "before-its-admission"), None
    ticket = state.ticket(entry.event, target.ticket)
    if ticket is not None and ticket.used_by == ref:
        state.put_ticket(_passed_on(state, ticket, position))
    return _Finding(), target.ticket


def _passed_on(state: State, ticket: Ticket, position: int) -> Ticket:
    event = state.event(ticket.event)
    assert event is not None, "a ticket is of an event, and events are never removed"
    for other in state.admissions(ticket.event, ticket.row.ticket):
        ref = (other.device, other.counter)
        if other.verdict == "duplicate" and ref != ticket.used_by and state.undone(*ref) is None:
            gates, device = event.manifest.gates(), state.device(other.device)
            gate = other.gate if other.gate in gates or device is None else device.gate
            freed = but(ticket, row=ticket.row._replace(uses=ticket.row.uses - 1))
            return _used(freed, ref, gates.index(gate) + 1, other.time_ms, position)
    row = ticket.row._replace(uses=ticket.row.uses - 1, used_gate=0, used_at=0)
    return but(ticket, row=row, used_by=None, changed=position)


def _used(ticket: Ticket, by: Ref, place: int, time_ms: int, position: int) -> Ticket:
    at = min(time_ms // 1000, _LATEST_USE)
    row = ticket.row._replace(uses=ticket.row.uses + 1, used_gate=place, used_at=at)
    return but(ticket, row=row, used_by=by, changed=position)
