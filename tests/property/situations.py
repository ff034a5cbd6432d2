"""Everything that a decision depends on, as knobs: each stands as usual, or on one of its rare positions.

`build` turns a choice of rare positions into a code by some phone, honest or not, and into what a gate knows. A rule
late in the table is only reached if all before it are satisfied, so a situation departs from the usual in few places.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from scanner.verify.admit import Now, Use, View
from scanner.verify.gatecode import (
    COMPACT,
    FULL,
    Certificate,
    Core,
    GateCode,
    event_hash,
    sign_certificate,
    sign_compact,
    sign_full,
)
from scanner.verify.keys import NO_KEY, SigningKey
from scanner.verify.manifest import Beacon, EventManifest, GateGroup, LedgerKey
from scanner.verify.policy import Policy
from scanner.verify.row import Row

EVENT, OTHER = "ev:1", "ev:2"
NOW = 1_800_000_000
TICKET, SEQ = 70_000, 5
HOLDER, NEXT, THIEF, LEDGER, RETIRED = (SigningKey(bytes([n]) * 32) for n in range(1, 6))
IDENTITY = b"\1" + bytes(31)
BEACONS = (
    Beacon(1, b"1" * 16, NOW - 300, NOW + 300),
    Beacon(2, b"2" * 16, 0, NOW),
    Beacon(3, b"3" * 16, NOW + 1, NOW + 900),
)
MANIFEST = EventManifest(
    EVENT,
    "Event",
    NOW,
    NOW + 3600,
    10,
    keys=(LedgerKey(1, LEDGER.public), LedgerKey(2, RETIRED.public, retired=True)),
    gate_groups=(GateGroup(1, "North", "北", ("N1", "B")), GateGroup(2, "South", "南", ("S1", "A"))),
    beacons=BEACONS,
)

Knobs = dict[str, Any]
USUAL: Knobs = {
    "full": False, "event": EVENT, "tag": None, "seq": SEQ, "drift": 0, "beacon": 0, "mixed": None, "holder": HOLDER,
    "kid": 1, "group": 1, "size": 1001, "issued": NOW - 600, "ttl": 60, "key": HOLDER.public,
    "issuer": LEDGER, "certified_seq": SEQ,
    "row": True, "row_seq": SEQ, "state": 0, "row_group": 1, "row_key": HOLDER.public, "used": (0, 0),
    "use": False, "use_gate": "N1", "use_at": NOW - 5, "use_seq": SEQ, "use_key": HOLDER.public, "released": False,
    "doors": -600, "early": 0, "closed": (), "step": 10, "widening": 30, "wrong_gate": "amber", "too_early": "amber",
    "zone_closed": "refuse", "beacon_required": False, "trusted": True, "gate": "N1",
}  # fmt: skip
RARE: Knobs = {
    "event": [OTHER], "tag": [event_hash(EVENT)[:4]], "seq": [SEQ + 1, 65535], "beacon": [1, 2, 3, 9],
    "mixed": [b"", BEACONS[1].value], "holder": [NEXT, THIEF],
    "drift": [-3, 2, -4, 3, -33, 32, -34, 33, -90, 90, -91, 91, 10**9],
    "kid": [2, 3], "group": [0, 2, 77], "size": [0, 999, 1000, 2**32 - 1], "issued": [NOW - 3600, NOW - 3601, NOW],
    "ttl": [0, 10, 65535], "key": [NEXT.public, IDENTITY], "issuer": [THIEF, RETIRED], "certified_seq": [SEQ + 1],
    "row": [False], "row_seq": [0, SEQ - 1, SEQ + 1, 65535], "state": [1, 2, 3, 9], "row_group": [0, 2, 77],
    "row_key": [NO_KEY, NEXT.public, IDENTITY],
    "used": [(1, NOW - 5), (2, NOW - 8), (3, NOW - 8), (3, NOW - 9), (4, NOW + 1), (60_000, NOW)],
    "use": [True], "use_gate": ["B", "S1", "gone"], "use_at": [NOW - 3600, NOW - 9, NOW - 8, NOW, NOW + 1],
    "use_seq": [SEQ - 1, SEQ + 1], "use_key": [NO_KEY, NEXT.public], "released": [True],
    "doors": [1, 60, 61], "early": [60], "closed": [(1,), (2,), (1, 2)], "step": [1, 7, 60], "widening": [0, 1],
    "wrong_gate": ["refuse"], "too_early": ["refuse"], "zone_closed": ["amber"], "beacon_required": [True],
    "trusted": [False], "gate": ["B", "S1", "nowhere", None],
}  # fmt: skip
CHANGES = [(name, value) for name, values in RARE.items() for value in values]
CERTIFICATE = {"kid", "group", "size", "issued", "ttl", "key", "issuer", "certified_seq"}
BASES: dict[str, Knobs] = {
    "compact": {},
    "full, known": {"full": True},
    "full, unknown": {"full": True, "row": False},
    "full, new owner": {"full": True, "row_seq": SEQ - 1, "row_key": THIEF.public},
    "compact, used": {"use": True},
    "compact, released": {"use": True, "released": True},
    "compact, learned": {"use": True, "released": True, "row_key": NO_KEY},
    "compact, beacon": {"beacon": 1, "beacon_required": True},
}


@dataclass(frozen=True, slots=True)
class Situation:
    """One situation, ready for `decide` and for the reference."""

    text: str
    manifest: EventManifest
    view: View
    use: Use | None
    now: Now
    gate: str | None


def pairs(base: str) -> Iterator[Knobs]:
    """This base with every two changes of different knobs that it has."""
    changes = [change for change in CHANGES if change[0] not in CERTIFICATE or BASES[base].get("full")]
    for one, two in combinations(changes, 2):
        if one[0] != two[0]:
            yield BASES[base] | dict([one, two])


def build(changed: Knobs) -> Situation:
    """The situation in which `changed` knobs stand elsewhere than usual."""
    k = USUAL | changed
    manifest = _manifest(k)
    row = (
        Row(TICKET, k["row_seq"], k["state"], k["row_group"], 1, 0, 9, k["row_key"], 0, 0, *k["used"])
        if k["row"]
        else None
    )
    use = Use(k["use_gate"], k["use_at"], k["use_seq"], k["use_key"], k["released"]) if k["use"] else None
    return Situation(_code(k).text(), manifest, View(1000, row), use, Now(NOW, k["trusted"]), k["gate"])


def _manifest(k: Knobs) -> EventManifest:
    policy = Policy(
        wrong_gate=k["wrong_gate"],
        too_early=k["too_early"],
        zone_closed=k["zone_closed"],
        early_opens=k["early"],
        beacon_required=k["beacon_required"],
        untrusted_widening=k["widening"],
    )
    return replace(MANIFEST, doors=NOW + k["doors"], closed_groups=k["closed"], step=k["step"], policy=policy)


def _code(k: Knobs) -> GateCode:
    event = event_hash(k["event"])
    step = max(0, NOW // k["step"] + k["drift"]) % 2**32
    core = Core(FULL if k["full"] else COMPACT, k["tag"] or event[:4], TICKET, k["seq"], step, k["beacon"])
    named = MANIFEST.beacon(k["beacon"])
    beacon = k["mixed"] if k["mixed"] is not None else named.value if named else b""
    if not k["full"]:
        return sign_compact(event, core, k["holder"], beacon)
    certificate = Certificate(k["kid"], 0, k["group"], 1, 9, k["size"], k["issued"], k["ttl"], k["key"])
    vouched = sign_certificate(event, TICKET, k["certified_seq"], certificate, k["issuer"])
    return sign_full(event, core, certificate, vouched, k["holder"], beacon)
