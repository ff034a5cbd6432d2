"""What a device signs: admissions, refusals, voids, releases and incidents, each a ledger entry of the device's chain.

Every record carries the device's counter and the SHA-256 of the raw record before it, so one that is missing, doubled
or moved shows. The scanner writes them, the ledger node and the auditor read them; whether an admission is the first
use of its ticket is the contract's business.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from scanner.verify.entry import Entry, Malformed, is_uint, seal
from scanner.verify.gatecode import COMPACT_BYTES, FULL_BYTES
from scanner.verify.keys import SigningKey
from scanner.verify.reasons import Outcome

ADMISSION, REFUSAL, VOID, RELEASE, INCIDENT = "admission", "refusal", "void", "release", "incident"
TYPES = frozenset({ADMISSION, REFUSAL, VOID, RELEASE, INCIDENT})
FIRST_PREVIOUS = bytes(32)
Way = Literal["claimed", "peers", "alone"]
WAYS: tuple[Way, ...] = get_args(Way)
"""In what way an admission was decided: the ledger node granted its claim; other gates heard of it in time and none
had let the ticket in; or neither, and the gate went by leases and policy alone.
"""
MARK_ALONE: Way = "alone"
"""The mark of an admission for which there was no one to ask."""
MOST_STATED = 64
"""Ways that one record states, of each kind: what it names is looked up by those who read it."""
DECIDED = "decided"
"""The kind of the incident that states the ways of the admissions that were signed before they were decided."""

_COMMON = {"device", "gate", "counter", "previous", "time_ms", "time_trusted", "time_error_ms", "view_size"}
_SCAN = {"ticket", "owner_seq", "code", "verdict", "reason", "marks"}
_BODY = {
    ADMISSION: _COMMON | _SCAN,
    REFUSAL: _COMMON | _SCAN,
    VOID: _COMMON | {"of", "reason"},
    RELEASE: _COMMON | {"of", "reason"},
    INCIDENT: _COMMON | {"kind", "detail"},
}
_UINTS = {"counter", "time_ms", "time_error_ms", "view_size", "ticket", "owner_seq", "of"}
_TEXTS = {"device", "gate", "verdict", "reason", "kind"}


@dataclass(frozen=True, slots=True)
class Link:
    """Where a record stands in its device's chain."""

    device: str
    gate: str
    counter: int
    previous: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """The scanner's time at a decision, whether it was trusted, and the ledger size the decision was made on."""

    time_ms: int
    trusted: bool
    error_ms: int
    view_size: int


@dataclass(frozen=True, slots=True)
class Scan:
    """A verdict on a code; `code` holds its 80 or 194 bytes."""

    ticket: int
    owner_seq: int
    code: bytes
    verdict: str
    reason: str
    marks: tuple[str, ...] = ()

    def body(self) -> dict[str, Any]:
        """The fields of an admission or a refusal."""
        return {
            "ticket": self.ticket,
            "owner_seq": self.owner_seq,
            "code": self.code,
            "verdict": self.verdict,
            # A reason may come as a member of the enum; what is signed is its plain text.
            "reason": str(self.reason),
            "marks": list(self.marks),
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """A void or a release: what became of the admission with counter `of`."""

    of: int
    reason: str

    def body(self) -> dict[str, Any]:
        """The fields of a void or a release."""
        return {"of": self.of, "reason": str(self.reason)}


@dataclass(frozen=True, slots=True)
class GateIncident:
    """Something that a gate saw and that is nobody's admission: a passage without one, tampering, a fire release."""

    kind: str
    detail: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The fields of an incident."""
        return {"kind": self.kind, "detail": self.detail}


def decided(ways: Mapping[int, Way]) -> GateIncident:
    """What states the ways of these admissions, by counter."""
    by_way = {way: sorted(counter for counter, one in ways.items() if one == way) for way in WAYS}
    return GateIncident(DECIDED, {way: counters for way, counters in by_way.items() if counters})


def ways_stated(entry: Entry) -> dict[int, Way]:
    """In what way this record says that admissions of its device were decided, by counter; a record may say anything,
    and what is none of that is passed over.
    """
    body = entry.body
    if entry.type == ADMISSION and MARK_ALONE in body["marks"]:
        return {body["counter"]: MARK_ALONE}
    if entry.type != INCIDENT or body.get("kind") != DECIDED or not isinstance(body.get("detail"), dict):
        return {}
    said: dict[int, Way] = {}
    for way in WAYS:
        counters = body["detail"].get(way)
        for counter in counters[:MOST_STATED] if isinstance(counters, list) else []:
            if is_uint(counter) and counter < body["counter"]:
                said.setdefault(counter, way)
    return said


def sign_record(
    kind: str, event: str, link: Link, stamp: Stamp, what: Scan | Settlement | GateIncident, key: SigningKey
) -> bytes:
    """The raw bytes of one record, signed by the device. Raises ValueError for one that nobody would read."""
    body = {
        "device": link.device,
        "gate": link.gate,
        "counter": link.counter,
        "previous": link.previous,
        "time_ms": stamp.time_ms,
        "time_trusted": stamp.trusted,
        "time_error_ms": stamp.error_ms,
        "view_size": stamp.view_size,
        **what.body(),
    }
    at = stamp.time_ms // 1000
    if wrong := check_record(Entry(kind, event, at, key.public, body, b"")):
        raise ValueError(f"not a record: {wrong.reason}")
    return seal(kind, event, at, body, key)


MOST_RECORD = 8_192
"""Bytes that are read of a record that a stranger, or another gate, shows. Honest ones have some hundred."""


def record_hash(raw: bytes) -> bytes:
    """What the next record names as `previous`."""
    return hashlib.sha256(raw).digest()


def check_record(entry: Entry) -> Malformed | None:
    """None if the entry has the shape of a record. The signature and the chain are not looked at."""
    fields = _BODY.get(entry.type)
    if fields is None:
        return Malformed(f"{entry.type} is not a record of a device")
    body = entry.body
    if body.keys() != fields:
        return Malformed(f"{entry.type} has the fields {sorted(body)}, not {sorted(fields)}")
    for name in _UINTS & fields:
        if not is_uint(body[name]):
            return Malformed(f"{name} is not an unsigned integer")
    for name in _TEXTS & fields:
        if not isinstance(body[name], str):
            return Malformed(f"{name} is not a text")
    return _check_rest(entry)


def _check_rest(entry: Entry) -> Malformed | None:
    body = entry.body
    if not isinstance(body["previous"], bytes) or len(body["previous"]) != len(FIRST_PREVIOUS):
        return Malformed("previous is not a SHA-256")
    if not isinstance(body["time_trusted"], bool):
        return Malformed("time_trusted is not a truth value")
    if entry.at != body["time_ms"] // 1000:
        return Malformed("at and time_ms differ")
    if body["counter"] == 0 or body.get("of", 0) >= body["counter"]:
        return Malformed("counter is not after what it speaks of")
    if "code" in body and (not isinstance(body["code"], bytes) or len(body["code"]) not in {COMPACT_BYTES, FULL_BYTES}):
        return Malformed("code is not the bytes of a gate code")
    if "marks" in body and not (isinstance(body["marks"], list) and all(isinstance(m, str) for m in body["marks"])):
        return Malformed("marks is not a list of texts")
    if "verdict" in body and body["verdict"] not in get_args(Outcome):
        return Malformed(f"verdict is not one of {', '.join(get_args(Outcome))}")
    if "detail" in body and not isinstance(body["detail"], dict):
        return Malformed("detail is not a map")
    return None
