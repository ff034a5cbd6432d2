"""The decision: may this code pass, here and now? Pure: everything that it depends on is an argument.

The order of the rules is that of the table in docs/gate-code.md, and it matters: who signed comes before when, when
before what state the ticket is in, and that before which gate. What becomes of the verdict (the record, the claim, the
turnstile) is decided elsewhere; `alone` says what a gate may do when no ledger node answers its claim.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from scanner.verify.gatecode import GateCode, Problem, Unreadable
from scanner.verify.keys import NO_KEY
from scanner.verify.leases import lease_holders
from scanner.verify.manifest import EventManifest
from scanner.verify.policy import Strictness
from scanner.verify.reasons import Outcome, Reason
from scanner.verify.row import ACTIVE, BLOCKED, CANCELLED, REFUNDED, Row

MARK_TIME_UNTRUSTED = "time-untrusted"
MARK_CERTIFICATE = "certificate"
MARK_TOLD = "told-elsewhere"
"""Another gate says that this ticket entered there, and what it shows for it cannot be checked here."""
MARK_UNLEASED = "offline-unleased"


@dataclass(frozen=True, slots=True)
class Now:
    """Trusted time in unix seconds, or the best there is."""

    seconds: int
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """What the gate knows: the ledger size of its snapshot and changes, and this ticket's row in them."""

    size: int
    row: Row | None


@dataclass(frozen=True, slots=True)
class Use:
    """That a ticket was used, from this gate's journal or from the ledger; and whose key it was used with.

    `until`: a use that the ledger told of in answer to a claim stands only until the view reaches that log position,
    because from then on the ticket's row knows better; 0 = this gate's own use.
    """

    gate: str
    at: int
    owner_seq: int = 0
    holder_key: bytes = NO_KEY
    released: bool = False
    until: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, why, and what the next steps need to know. `detail` holds plain values for people and logs."""

    outcome: Outcome
    reason: Reason
    ticket: int | None = None
    owner_seq: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    gate_group: int = 0
    lease: int = 0
    category: int = 0
    seat: int = 0
    holder_key: bytes = NO_KEY


@dataclass(frozen=True, slots=True)
class _Standing:
    """The facts about a ticket that a verified code may lean on."""

    holder_key: bytes
    state: int
    gate_group: int
    category: int
    seat: int
    lease: int
    certified: bool = False


_UNREADABLE: dict[Problem, tuple[Outcome, Reason]] = {
    "not-a-code": ("refuse", Reason.NOT_A_CODE),
    "malformed": ("refuse", Reason.MALFORMED),
    "older-version": ("refuse", Reason.UNSUPPORTED_VERSION),
    "newer-version": ("amber", Reason.UPDATE_GATE),
}
_STATE = {CANCELLED: Reason.CANCELLED, REFUNDED: Reason.REFUNDED, BLOCKED: Reason.BLOCKED}


def decide(
    code: GateCode | Unreadable,
    manifest: EventManifest,
    view: View,
    now: Now,
    local: Use | None = None,
    gate: str | None = None,
) -> Verdict:
    """The verdict on `code` at `gate` (None: any gate). `local` is this gate's own record of the ticket's use.

    Never raises: any text and any well-formed manifest, row and use have a verdict.
    """
    if isinstance(code, Unreadable):
        outcome, reason = _UNREADABLE[code.problem]
        return Verdict(outcome, reason, detail={"problem": code.detail})
    core = code.core
    blank = Verdict("refuse", Reason.OTHER_EVENT, core.ticket, core.owner_seq)
    if core.event_tag != manifest.hash[:4]:
        return blank
    standing = _standing(code, manifest, view, now, local)
    if isinstance(standing, Verdict):
        return replace(standing, ticket=core.ticket, owner_seq=core.owner_seq)
    verdict = replace(
        blank,
        gate_group=standing.gate_group,
        category=standing.category,
        seat=standing.seat,
        lease=standing.lease,
        holder_key=standing.holder_key,
        marks=_marks(standing, now),
    )
    against = (
        _signature(code, manifest, standing)
        or _time(code, manifest, now)
        or _state(standing)
        or _used(effective_use(view, local, manifest), manifest, now, gate)
        or _place(standing, manifest, now, gate)
        or _beacon(code, manifest, now)
        or _Finding("admit", Reason.OK)
    )
    return replace(verdict, outcome=against.outcome, reason=against.reason, detail=against.detail)


def alone(
    verdict: Verdict, manifest: EventManifest, gate: str, *, given_up: bool = False, unheard: float = 0.0
) -> Verdict:
    """What an admission becomes when no ledger node answers: a gate spends only the uses that are leased to it, and
    none by a list that has expired.

    `given_up`: this gate gave the ticket's use up when the ledger node called it back. `unheard`: seconds for which no
    node has confirmed the list.
    """
    if verdict.outcome != "admit" or verdict.reason != Reason.OK:
        return verdict
    if MARK_TOLD in verdict.marks:
        return replace(verdict, outcome="amber", reason=Reason.ASK_SUPERVISOR)
    if manifest.policy.list_expired(unheard):
        return replace(verdict, outcome="amber", reason=Reason.LIST_EXPIRED, detail={"unheard": int(unheard)})
    gates = leased_to(verdict, manifest)
    if gate in gates and not given_up:
        return verdict
    match manifest.policy.offline:
        case "admit-marked":
            return replace(verdict, marks=(*verdict.marks, MARK_UNLEASED))
        case "refuse" if gate not in gates:
            return held_elsewhere(verdict, manifest)
        case _:
            # Also where this gate gave the use up: no other one may have it, so there is none to be sent to.
            return _ask_supervisor(verdict, gates)


def held_elsewhere(verdict: Verdict, manifest: EventManifest) -> Verdict:
    """An admission whose use another gate holds: the holder is sent there. While leases are paused there is none."""
    gates = leased_to(verdict, manifest)
    if manifest.leases_paused:
        return _ask_supervisor(verdict, gates)
    return replace(verdict, outcome="amber", reason=Reason.OTHER_LEASE, detail={"gates": gates})


def _ask_supervisor(verdict: Verdict, gates: list[str]) -> Verdict:
    return replace(verdict, outcome="amber", reason=Reason.ASK_SUPERVISOR, detail={"gates": gates})


def leased_to(verdict: Verdict, manifest: EventManifest) -> list[str]:
    """The gates that may spend this ticket's use while they are cut off."""
    if verdict.ticket is None:
        return manifest.gates()
    return lease_holders(verdict.ticket, verdict.gate_group, verdict.lease, manifest)


def effective_use(view: View, local: Use | None, manifest: EventManifest) -> Use | None:
    """The use that stands: this gate's own, or the ledger's unless it is the one that this gate has released since."""
    row = view.row
    if local and local.until and view.size > local.until:
        local = None
    if local and not local.released:
        return local
    if row is None or not row.used_gate:
        return None
    gates = manifest.gates()
    gate = gates[row.used_gate - 1] if row.used_gate <= len(gates) else f"no. {row.used_gate}"
    if local and (local.gate, local.at) == (gate, row.used_at):
        return None
    return Use(gate, row.used_at, row.owner_seq, row.holder_key)


@dataclass(frozen=True, slots=True)
class _Finding:
    outcome: Outcome
    reason: Reason
    detail: dict[str, Any] = field(default_factory=dict)


def _standing(code: GateCode, manifest: EventManifest, view: View, now: Now, local: Use | None) -> _Standing | Verdict:
    """Which key must have signed: the snapshot's, a certificate's, or none because the ticket has moved on."""
    row, seq = view.row, code.core.owner_seq
    newest = max(row.owner_seq if row else 0, local.owner_seq if local else 0)
    if seq < newest:
        return Verdict("refuse", Reason.TRANSFERRED, detail={"newest_owner_seq": newest})
    if row and seq == row.owner_seq and row.holder_key != NO_KEY:
        return _Standing(row.holder_key, row.state, row.gate_group, row.category, row.seat, row.lease)
    if local and row and seq == local.owner_seq and local.holder_key != NO_KEY:
        state = _state_of(row, seq)
        return _Standing(local.holder_key, state, row.gate_group, row.category, row.seat, row.lease)
    return _certified(code, manifest, view, now)


def _certified(code: GateCode, manifest: EventManifest, view: View, now: Now) -> _Standing | Verdict:
    """A ticket, or an owner, that the snapshot does not know: only the ledger's certificate can vouch for it."""
    certificate, row = code.certificate, view.row
    if certificate is None:
        return Verdict("amber", Reason.SHOW_FULL_CODE)
    key = manifest.ledger_key(certificate.kid)
    if key is None or key.retired:
        return Verdict("refuse", Reason.UNTRUSTED_CERTIFICATE, detail={"kid": certificate.kid})
    if not code.ledger_signature_good(manifest.hash, key.public_key):
        return Verdict("refuse", Reason.FORGED)
    if now.seconds >= certificate.expires_at():
        return Verdict("refuse", Reason.CERTIFICATE_EXPIRED, detail={"expired_at": certificate.expires_at()})
    if certificate.ledger_size <= view.size:
        return Verdict("refuse", Reason.CERTIFICATE_OLDER, detail={"view_size": view.size})
    lease = row.lease if row else 0
    return _Standing(
        certificate.holder_key,
        _state_of(row, code.core.owner_seq),
        certificate.gate_group,
        certificate.category,
        certificate.seat,
        lease,
        certified=True,
    )


def _state_of(row: Row | None, owner_seq: int) -> int:
    """A newer owner_seq overrides what the snapshot says of the ticket's state; the same one never does."""
    return row.state if row and row.owner_seq == owner_seq else ACTIVE


def _marks(standing: _Standing, now: Now) -> tuple[str, ...]:
    marks = [MARK_CERTIFICATE] if standing.certified else []
    return tuple(marks if now.trusted else [*marks, MARK_TIME_UNTRUSTED])


def _signature(code: GateCode, manifest: EventManifest, standing: _Standing) -> _Finding | None:
    number = code.core.beacon
    beacon = manifest.beacon(number) if number else None
    if number and beacon is None:
        return _Finding("amber", Reason.BEACON_MISSING, {"beacon": number})
    if code.holder_signature_good(manifest.hash, standing.holder_key, beacon.value if beacon else b""):
        return None
    return _Finding("refuse", Reason.FORGED)


def _time(code: GateCode, manifest: EventManifest, now: Now) -> _Finding | None:
    steps = code.core.time_step - now.seconds // manifest.step
    widening = 0 if now.trusted else manifest.policy.untrusted_widening
    if -manifest.behind - widening <= steps <= manifest.ahead + widening:
        return None
    seconds = steps * manifest.step
    if abs(seconds) <= manifest.tolerance:
        return _Finding("amber", Reason.CLOCK_OFF, {"seconds": seconds})
    return _Finding("refuse", Reason.EXPIRED, {"seconds": seconds})


def _state(standing: _Standing) -> _Finding | None:
    if standing.state == ACTIVE:
        return None
    return _Finding("refuse", _STATE.get(standing.state, Reason.BLOCKED))


def _used(use: Use | None, manifest: EventManifest, now: Now, gate: str | None) -> _Finding | None:
    if use is None:
        return None
    detail = {"gate": use.gate, "at": use.at}
    if gate == use.gate and 0 <= now.seconds - use.at <= manifest.repeat:
        return _Finding("admit", Reason.REPEAT, detail)
    return _Finding("refuse", Reason.ALREADY_USED, detail)


def _place(standing: _Standing, manifest: EventManifest, now: Now, gate: str | None) -> _Finding | None:
    policy, number = manifest.policy, standing.gate_group
    if gate is not None and number and number not in manifest.groups_of(gate):
        group = manifest.group(number)
        detail = {
            "gate_group": number,
            "name_en": group.name_en if group else f"gate group {number}",
            "name_zh": group.name_zh if group else f"{number} 號閘口",
            "gates": list(group.gates) if group else [],
        }
        return _Finding(_outcome(policy.wrong_gate), Reason.WRONG_GATE, detail)
    opens = manifest.doors - policy.early_opens
    if now.seconds < opens:
        return _Finding(_outcome(policy.too_early), Reason.TOO_EARLY, {"opens": opens})
    if number in manifest.closed_groups:
        return _Finding(_outcome(policy.zone_closed), Reason.ZONE_CLOSED, {"gate_group": number})
    return None


def _beacon(code: GateCode, manifest: EventManifest, now: Now) -> _Finding | None:
    if not manifest.policy.beacon_required:
        return None
    beacon = manifest.beacon(code.core.beacon)
    if beacon and beacon.not_before <= now.seconds < beacon.not_after:
        return None
    return _Finding("amber", Reason.BEACON_MISSING, {"beacon": code.core.beacon})


def _outcome(strictness: Strictness) -> Outcome:
    return strictness
