"""What another gate told of a ticket's use, and what that changes in a decision here. Pure.

A gate's signed records are believed in one direction: they take rights away. Besides, a gate may take back its own
admission (a release or a void). Who is a gate, how records travel and where they are kept is the sync's business.

An admission spends a use here only if the holder's signature in it is good: then its gate has seen the code. What this
gate cannot check, because its list does not know the holder, is kept as unproven: it refuses no holder. The ticket
is then for the ledger node to decide, and without it for a supervisor. So a stolen gate can slow others, not stop them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scanner.verify.admit import MARK_TOLD, Use, Verdict, View, effective_use
from scanner.verify.entry import Entry, Malformed, open_entry, signature_good
from scanner.verify.gatecode import GateCode, parse_raw
from scanner.verify.keys import NO_KEY
from scanner.verify.manifest import EventManifest
from scanner.verify.record import MOST_RECORD, check_record
from scanner.verify.row import Row

_BOUNDS = {"ticket": 2**32, "owner_seq": 2**16, "counter": 2**53, "of": 2**53, "time_ms": 2**32 * 1000}
"""What rows and codes hold, and what a page or a database can: a record is of 64 bits, and another gate's to choose."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another gate of the event, as the ledger node names it; `address` is "host:port", "" where none is known."""

    device: str
    gate: str
    public_key: bytes
    address: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One admission by another gate. `released`: that gate took it back.

    `until`: the log position by which the ledger knows all that is told here, so that the ticket's row knows better
    once the view is beyond it; 0 = the ledger may not know yet.
    """

    device: str
    gate: str
    counter: int
    ticket: int
    time_ms: int
    released: bool = False
    until: int = 0
    code: bytes = b""
    """The code that the holder is said to have shown, where that could not be checked; empty where it was good."""

    @property
    def at(self) -> int:
        """The unix second, as rows and verdicts carry it."""
        return self.time_ms // 1000

    @property
    def order(self) -> tuple[int, str]:
        """Which of two admissions of a ticket came first, alike for every gate."""
        return self.time_ms, self.device


def read_told(raw: bytes, peer: Peer, event: str) -> Entry | Malformed:
    """A record that is provably this gate's own, whatever it says."""
    entry = open_entry(raw) if len(raw) <= MOST_RECORD else Malformed(f"longer than {MOST_RECORD} bytes")
    if isinstance(entry, Malformed):
        return entry
    if wrong := check_record(entry):
        return wrong
    if entry.event != event:
        return Malformed(f"it is of the event {entry.event[:40]}")
    if entry.actor != peer.public_key or (entry.body["device"], entry.body["gate"]) != (peer.device, peer.gate):
        return Malformed(f"it is not a record of {peer.device} at gate {peer.gate}")
    if beyond := [name for name, most in _BOUNDS.items() if entry.body.get(name, 0) >= most]:
        return Malformed(f"its {beyond[0]} is larger than there can be")
    return entry if signature_good(entry) else Malformed("its signature is not good")


def shows_its_code(admission: Entry, manifest: EventManifest, row: Row | None) -> bool | None:
    """Whether the holder's signature in this admission is good; None if this gate cannot tell. So a gate that is not
    honest can spend only the uses of tickets whose codes it has seen.
    """
    body = admission.body
    code = _code_of(body["ticket"], body["code"], manifest)
    if code is None or code.core.owner_seq != body["owner_seq"]:
        return False
    return _holder_signed(code, manifest, row, None)


def weigh(told: Iterable[Told], manifest: EventManifest, row: Row | None, shown: GateCode | None = None) -> list[Told]:
    """What was told of one ticket, as far as it can be checked by now: with the row as it is, and with the certificate
    of the code that is `shown` here. What turns out to be made up is left out.
    """
    weighed = []
    for one in told:
        code = _code_of(one.ticket, one.code, manifest)
        good = _holder_signed(code, manifest, row, shown) if code else not one.code
        if good is not False:
            weighed.append(replace(one, code=b"") if good else one)
    return weighed


def doubt(verdict: Verdict, told: Iterable[Told], view: View) -> Verdict:
    """An admission that another gate's unproven word speaks against: marked, for the node or a supervisor."""
    against = [one for one in told if one.code and not one.released and (not one.until or view.size <= one.until)]
    if verdict.outcome != "admit" or not against:
        return verdict
    gates = sorted({one.gate for one in against})
    return replace(verdict, marks=(*verdict.marks, MARK_TOLD), detail={**verdict.detail, "gates": gates})


def known_use(own: Use | None, told: Iterable[Told], view: View, manifest: EventManifest) -> Use | None:
    """What the decision is to hold for this gate's own knowledge of the ticket's use: its own record `own`, and before
    the ledger knows them, the admissions that others told of.
    """
    if own and not own.released and not (own.until and view.size > own.until):
        return own
    live = [one for one in told if not one.code and (not one.until or view.size <= one.until)]
    first = min((one for one in live if not one.released), key=lambda one: one.order, default=None)
    if first:
        known = own or Use(first.gate, first.at)
        return replace(known, gate=first.gate, at=first.at, until=first.until, released=False)
    listed = effective_use(view, None, manifest)
    if listed and any((one.gate, one.at) == (listed.gate, listed.at) for one in live):
        return replace(own or listed, gate=listed.gate, at=listed.at, until=0, released=True)
    return own


def _code_of(ticket: int, raw: bytes, manifest: EventManifest) -> GateCode | None:
    """The code, if it is one of this ticket of this event."""
    code = parse_raw(raw)
    if not isinstance(code, GateCode) or (code.core.ticket, code.core.event_tag) != (ticket, manifest.hash[:4]):
        return None
    return code


def _holder_signed(code: GateCode, manifest: EventManifest, row: Row | None, shown: GateCode | None) -> bool | None:
    key = _holder_key(code, manifest, row)
    if key is None and shown and (shown.core.ticket, shown.core.owner_seq) == (code.core.ticket, code.core.owner_seq):
        key = _holder_key(shown, manifest, row)
    beacon = manifest.beacon(code.core.beacon) if code.core.beacon else None
    if key is None or (code.core.beacon and beacon is None):
        return None
    return code.holder_signature_good(manifest.hash, key, beacon.value if beacon else b"")


def _holder_key(code: GateCode, manifest: EventManifest, row: Row | None) -> bytes | None:
    """The key that must have signed; None if this gate's list is older than the ticket's owner."""
    if row and row.owner_seq == code.core.owner_seq and row.holder_key != NO_KEY:
        return row.holder_key
    if code.certificate is None:
        return None
    key = manifest.ledger_key(code.certificate.kid)
    if key is None or not code.ledger_signature_good(manifest.hash, key.public_key):
        return None
    return code.certificate.holder_key
