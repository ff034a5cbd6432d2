"""Rules for what devices sign. A record that is provably the device's is never refused: it has happened. It is logged
with a verdict that says what it meant; only an accepted admission spends a ticket's use, one use a ticket.

Records are known by (device, counter) and may come in any order, repeatedly and with gaps: the same bytes have the same
outcome for ever. Whether a device's chain has no gap and no branch is for the audit, when the chain is complete.
"""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from ledger_node.contract.facts import Books
from ledger_node.contract.incidents import cause_of
from ledger_node.contract.outcome import First, Outcome, Rejected, Verdict
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.shape import record_fault
from ledger_node.contract.state import Device, EventState, Facts, Record, Ref, State, Ticket, Undo
from ledger_node.contract.values import but
from scanner.verify.entry import Entry, Malformed, open_entry, signature_good
from scanner.verify.gatecode import GateCode, Unreadable, parse_raw
from scanner.verify.keys import NO_KEY
from scanner.verify.manifest import EventManifest
from scanner.verify.record import ADMISSION, RELEASE, VOID, check_record
from scanner.verify.row import ACTIVE, BLOCKED, CANCELLED, REFUNDED

_UNDO: dict[str, Undo] = {RELEASE: "release", VOID: "void"}
CONTRADICTS = "contradicts-"
"""Begins the cause of a void that follows a release of the same admission, or the other way round."""
_STATE_WORD = {CANCELLED: "cancelled", REFUNDED: "refunded", BLOCKED: "blocked"}
_LATEST_USE = 2**32 - 1


@dataclass(frozen=True, slots=True)
class _Finding:
    verdict: Verdict = "accepted"
    cause: str = ""
    first: Ref | None = None


def apply(
    state: State, position: int, entry: Entry, *, signed: bool | None = None, held: bytes = b""
) -> Outcome | Rejected:
    """The outcome of a device's record, its changes put; or why it cannot be believed to be the device's.

    `signed` = whether the signature is good, if somebody has looked already; `held` = what `holder_seen` gave.
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
    return _log(state, position, entry, device, digest, held)


def holder_seen(event: EventState | None, ticket: Ticket | None, entry: Entry) -> bytes:
    """What the holder's signature in an admission was found good for, ahead of `apply`, which looks again if the ledger
    then has another holder; empty if it is good for nothing.
    """
    if event is None or ticket is None or record_fault(entry) or check_record(entry):
        return b""
    owned = _owned(event.manifest, ticket, entry.body["code"], entry.body["owner_seq"])
    if isinstance(owned, _Finding) or not owned.signature_good(event.manifest):
        return b""
    return owned.seen(event.manifest)


def would_enter(event: EventState, ticket: Ticket, raw: bytes) -> bool:
    """Whether this admission, as a device claims it, would spend the ticket's use by what the ledger knows now.

    That the event goes on is not looked at.
    """
    entry = open_entry(raw)
    if isinstance(entry, Malformed) or ticket.used_by is not None or ticket.row.state != ACTIVE:
        return False
    return signature_good(entry) and bool(holder_seen(event, ticket, entry))


def outcome_of(state: Facts, record: Record) -> Outcome:
    """What was answered when the record was logged."""
    held = state.record(*record.first) if record.first else None
    first = First(held.device, held.counter, held.gate, held.time_ms, held.position) if held else None
    return Outcome(record.position, record.verdict, record.cause, first, record.time_ms // 1000)


def _log(state: State, position: int, entry: Entry, device: Device, digest: bytes, held: bytes) -> Outcome:
    body = entry.body
    ticket = body.get("ticket")
    if device.revoked_at is not None:
        finding = _Finding("revoked")
    elif entry.type == ADMISSION:
        finding = _admit(state, position, entry, device, held)
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


def _admit(state: State, position: int, entry: Entry, device: Device, seen: bytes) -> _Finding:
    event, body = state.event(entry.event), entry.body
    assert event is not None, "a device is enrolled for an event, and events are never removed"
    ticket = state.ticket(entry.event, body["ticket"])
    if ticket is None:
        return _Finding("unknown", "no-such-ticket")
    books = state.find(Books, entry.event, "books")
    if books is not None and books.standing == "cancelled":
        return _Finding("stale", "event-cancelled")
    owned = _owned(event.manifest, ticket, body["code"], body["owner_seq"])
    if isinstance(owned, _Finding):
        return owned
    if seen != owned.seen(event.manifest) and not owned.signature_good(event.manifest):
        return _Finding("unknown", "forged")
    held = owned.ticket
    if held is not ticket:
        held = but(held, changed=position)
        state.put_ticket(held)
    if held.row.state != ACTIVE:
        return _Finding("stale", _STATE_WORD[held.row.state])
    if held.used_by is not None:
        return _duplicate(state, held.used_by, body["code"], body["owner_seq"])
    undo = state.undone(device.device, body["counter"])
    if undo is not None:
        return _Finding("stale", f"{undo}-came-first")
    ref, gates = (device.device, body["counter"]), event.manifest.gates()
    gate = body["gate"] if body["gate"] in gates else device.gate
    state.put_ticket(_used(held, ref, gates.index(gate) + 1, body["time_ms"], position))
    return _Finding()


class _Owned(NamedTuple):
    """The ticket with the owner by whom a code has to be signed, and the value of the beacon in it."""

    ticket: Ticket
    code: GateCode
    beacon: bytes

    def signature_good(self, manifest: EventManifest) -> bool:
        return self.code.holder_signature_good(manifest.hash, self.ticket.row.holder_key, self.beacon)

    def seen(self, manifest: EventManifest) -> bytes:
        """All that the holder's signature on this code is checked with."""
        return manifest.hash + self.ticket.row.holder_key + self.beacon


def _owned(manifest: EventManifest, ticket: Ticket, raw: bytes, owner_seq: int) -> _Owned | _Finding:
    """The ticket with the owner who should have made this code: as the ledger has it, or as a certificate proves it; or
    why nobody could.
    """
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
    return _Owned(ticket, code, beacon.value if beacon else b"")


def _certified(manifest: EventManifest, code: GateCode) -> bool:
    assert code.certificate is not None
    key = manifest.ledger_key(code.certificate.kid)
    return key is not None and not key.retired and code.ledger_signature_good(manifest.hash, key.public_key)


def _duplicate(state: State, first: Ref, code: bytes, owner_seq: int) -> _Finding:
    held = state.record(*first)
    assert held is not None, "a use is held by a logged admission"
    return _Finding("duplicate", cause_of(held, hashlib.sha256(code).digest(), owner_seq), first)


def _take_back(state: State, position: int, entry: Entry, device: Device) -> tuple[_Finding, int | None]:
    """A release or a void: a use that its admission held goes to whoever entered besides, or is free again. The first
    of an admission counts; one of the other kind after it contradicts it, which no sound gate does.
    """
    ref = (device.device, entry.body["of"])
    target = state.record(*ref)
    if target is not None and target.type != ADMISSION:
        return _Finding("unknown", "not-an-admission"), None
    if (undo := state.undone(*ref)) is not None:
        again = _Finding("accepted", "taken-back-before")
        finding = again if undo == _UNDO[entry.type] else _Finding("unknown", f"{CONTRADICTS}{undo}")
        return finding, target.ticket if target else None
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
