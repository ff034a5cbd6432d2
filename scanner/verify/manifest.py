"""The event manifest: what a gate must know of an event besides its tickets.

An organiser puts it on the ledger with the event and changes it only by a signed entry with a higher version. Parsing
is strict; the signature is that of the entry or the snapshot that carries it.
"""

import re
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from scanner.verify.entry import Malformed, is_uint
from scanner.verify.gatecode import BEACON_BYTES, event_hash
from scanner.verify.keys import valid_public_key
from scanner.verify.policy import LIST_EXPIRES, Policy
from scanner.verify.zones import HONG_KONG

_EVENT = re.compile(r"[!-~]{1,64}")
_LONGEST_NAME = 200
_WEEK = 7 * 86_400
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_MOST = {
    "early_opens": _WEEK,
    "claim_deadline_ms": 10_000,
    "view_limit": _WEEK,
    "untrusted_widening": 360,
    "list_expires": 31 * 86_400,
}
"""A typing slip here would make holders wait, or make an old screenshot good while a gate's clock is in doubt."""
_MOST_NUMBERED = 256
"""Keys, groups and beacons each have a number of one byte of their own."""
_USUAL: dict[str, object] = {"zone": HONG_KONG, "leases_paused": False}
_LEAST = {"list_expires": 3_600}
"""A typing slip here would stop every gate in a short outage."""


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """A key that signs certificates; a retired one is no longer trusted."""

    kid: int
    public_key: bytes
    retired: bool = False


@dataclass(frozen=True, slots=True)
class GateGroup:
    """Gates that admit to the same part of the house. Number 0 is never a group: on a ticket it means any."""

    number: int
    name_en: str
    name_zh: str
    gates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beacon:
    """A value shown or sent in the venue, mixed into codes that name its number, from and until unix seconds."""

    number: int
    value: bytes
    not_before: int
    not_after: int


@dataclass(frozen=True, slots=True)
class EventManifest:
    """One event's times, keys, gates and policy. Times are unix seconds, `step` is seconds, windows are steps."""

    event: str
    name: str
    doors: int
    starts: int
    capacity: int
    version: int = 1
    step: int = 10
    behind: int = 3
    ahead: int = 2
    tolerance: int = 900
    repeat: int = 8
    keys: tuple[LedgerKey, ...] = ()
    gate_groups: tuple[GateGroup, ...] = ()
    closed_groups: tuple[int, ...] = ()
    policy: Policy = field(default_factory=Policy)
    beacons: tuple[Beacon, ...] = ()
    zone: str = HONG_KONG
    """The IANA time zone in which people are told times; left out of the map where it is Hong Kong's."""
    leases_paused: bool = False
    """Whether no gate holds the use of any ticket for now, because by an earlier version others held them, and gates
    may still go by it. Left out of the map where it is not so.
    """

    @property
    def hash(self) -> bytes:
        """The event hash that holders and the ledger sign."""
        return event_hash(self.event)

    def gates(self) -> list[str]:
        """All gates in one fixed order; a row's `used_gate` is a place in it, from 1."""
        return list(_in_order(self.gate_groups))

    def groups_of(self, gate: str) -> set[int]:
        """The numbers of the groups that `gate` belongs to."""
        return {group.number for group in self.gate_groups if gate in group.gates}

    def group(self, number: int) -> GateGroup | None:
        """The gate group with this number."""
        return next((group for group in self.gate_groups if group.number == number), None)

    def ledger_key(self, kid: int) -> LedgerKey | None:
        """The certificate key with this number, retired or not."""
        return next((key for key in self.keys if key.kid == kid), None)

    def beacon(self, number: int) -> Beacon | None:
        """The beacon with this number, current or not."""
        return next((beacon for beacon in self.beacons if beacon.number == number), None)

    def to_map(self) -> dict[str, Any]:
        """As the ledger and the snapshot carry it."""
        made = {item.name: _plain(getattr(self, item.name)) for item in fields(self)}
        made["policy"] = _unless(made["policy"], "list_expires", LIST_EXPIRES)
        for name, usual in _USUAL.items():
            made = _unless(made, name, usual)
        return made

    @classmethod
    def from_map(cls, value: object) -> "EventManifest | Malformed":
        """Strict: every field, no other, each of its type and range."""
        try:
            for name, usual in _USUAL.items():
                value = _with(value, name, usual)
            return _read_manifest(_fields(value, cls))
        except _WrongError as wrong:
            return Malformed(f"manifest: {wrong}")


@lru_cache(maxsize=256)
def _in_order(groups: tuple[GateGroup, ...]) -> tuple[str, ...]:
    """Asked of every admission, and the same for the whole night."""
    return tuple(sorted({gate for group in groups for gate in group.gates}))


class _WrongError(Exception):
    """Carries the reason out of the nested readers below; never leaves this module."""


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes | str | int):
        return value
    return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}


def _unless(made: dict[str, Any], name: str, usual: object) -> dict[str, Any]:
    return made if made[name] != usual else {one: made[one] for one in made if one != name}


def _with(value: object, name: str, usual: object) -> object:
    """One map for one manifest: what is usual is said by leaving it out."""
    if not isinstance(value, dict):
        return value
    _check(value.get(name) != usual, f"{name} is left out where it is {usual}")
    return {name: usual, **value}


def _fields(value: object, kind: type) -> dict[str, Any]:
    names = {item.name for item in fields(kind)}
    if not isinstance(value, dict) or value.keys() != names:
        raise _WrongError(f"{kind.__name__} has the fields {', '.join(sorted(names))} and no other")
    return value


def _read_manifest(m: dict[str, Any]) -> EventManifest:
    _check(
        isinstance(m["event"], str) and _EVENT.fullmatch(m["event"]) is not None,
        "event is 1 to 64 printable characters without spaces",
    )
    manifest = EventManifest(
        event=m["event"],
        name=_text(m["name"], "name"),
        doors=_uint(m["doors"], 2**32 - 1, "doors"),
        starts=_uint(m["starts"], 2**32 - 1, "starts"),
        capacity=_uint(m["capacity"], 2**32 - 1, "capacity"),
        version=_uint(m["version"], 2**32 - 1, "version"),
        step=_uint(m["step"], 3600, "step"),
        behind=_uint(m["behind"], 90, "behind"),
        ahead=_uint(m["ahead"], 90, "ahead"),
        tolerance=_uint(m["tolerance"], 86_400, "tolerance"),
        repeat=_uint(m["repeat"], 60, "repeat"),
        keys=tuple(_key(item) for item in _list(m["keys"], "keys")),
        gate_groups=tuple(_group(item) for item in _list(m["gate_groups"], "gate_groups")),
        closed_groups=tuple(
            _uint(item, 255, "closed_groups") for item in _list(m["closed_groups"], "closed_groups", 4_096)
        ),
        policy=_policy(m["policy"]),
        beacons=tuple(_beacon(item) for item in _list(m["beacons"], "beacons")),
        zone=_text(m["zone"], "zone"),
        leases_paused=_bool(m["leases_paused"], "leases_paused"),
    )
    _check(_ZONE.fullmatch(manifest.zone) is not None, f"zone is the name of a time zone, like {HONG_KONG}")
    _check(manifest.step > 0, "step is at least 1 s")
    _check(manifest.doors <= manifest.starts, "doors open after the start")
    _distinct([key.kid for key in manifest.keys], "kid")
    _distinct([group.number for group in manifest.gate_groups], "gate group")
    _distinct([beacon.number for beacon in manifest.beacons], "beacon")
    return manifest


def _key(value: object) -> LedgerKey:
    m = _fields(value, LedgerKey)
    _check(
        isinstance(m["public_key"], bytes) and valid_public_key(m["public_key"]),
        "a ledger key is not a valid Ed25519 key",
    )
    return LedgerKey(_uint(m["kid"], 255, "kid"), m["public_key"], _bool(m["retired"], "retired"))


def _group(value: object) -> GateGroup:
    m = _fields(value, GateGroup)
    number = _uint(m["number"], 255, "gate group")
    _check(number > 0, "gate group 0 means any gate and can't be declared")
    gates = tuple(_text(gate, "gate") for gate in _list(m["gates"], "gates", 4_096))
    return GateGroup(number, _text(m["name_en"], "name_en"), _text(m["name_zh"], "name_zh"), gates)


def _beacon(value: object) -> Beacon:
    m = _fields(value, Beacon)
    number = _uint(m["number"], 255, "beacon")
    _check(number > 0, "beacon 0 means none")
    _check(isinstance(m["value"], bytes) and len(m["value"]) == BEACON_BYTES, f"a beacon has {BEACON_BYTES} bytes")
    return Beacon(
        number,
        m["value"],
        _uint(m["not_before"], 2**32 - 1, "not_before"),
        _uint(m["not_after"], 2**32 - 1, "not_after"),
    )


def _policy(value: object) -> Policy:
    m = _fields(_with(value, "list_expires", LIST_EXPIRES), Policy)
    choices = Policy.choices()
    for name, allowed in choices.items():
        _check(m[name] in allowed, f"policy.{name} is one of {', '.join(allowed)}")
    for name in m.keys() - choices.keys():
        if name == "beacon_required":
            _bool(m[name], name)
        else:
            least = _LEAST.get(name, 0)
            _check(_uint(m[name], _MOST[name], f"policy.{name}") >= least, f"policy.{name} is at least {least}")
    return Policy(**m)


def _check(good: bool, reason: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not good:
        raise _WrongError(reason)


def _uint(value: object, most: int, name: str) -> int:
    _check(is_uint(value, most), f"{name} is an integer from 0 to {most}")
    assert isinstance(value, int)
    return value


def _bool(value: object, name: str) -> bool:
    _check(isinstance(value, bool), f"{name} is true or false")
    return value is True


def _text(value: object, name: str) -> str:
    _check(
        isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME,
        f"{name} is a text of 1 to {_LONGEST_NAME} characters",
    )
    return str(value)


def _list(value: object, name: str, most: int = _MOST_NUMBERED) -> list[Any]:
    _check(isinstance(value, list), f"{name} is a list")
    assert isinstance(value, list)
    _check(len(value) <= most, f"{name} has at most {most} items")
    return value


def _distinct(values: list[int], name: str) -> None:
    _check(len(set(values)) == len(values), f"the same {name} twice")
