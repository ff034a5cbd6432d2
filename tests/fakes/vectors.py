"""Reads tests/vectors: the frozen gate codes, Ed25519 edge cases and decisions. Judges nothing."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from scanner.verify.admit import Now, Use, View
from scanner.verify.entry import Malformed
from scanner.verify.manifest import EventManifest
from scanner.verify.row import Row

_FOLDER = Path(__file__).parents[1] / "vectors"


@dataclass(frozen=True, slots=True)
class Situation:
    """One frozen decision: everything that it depends on, and what was expected when it was written down by hand."""

    name: str
    code: str
    manifest: EventManifest
    view: View
    use: Use | None
    now: Now
    gate: str | None
    expect: dict[str, Any]


@cache
def gate_codes() -> dict[str, Any]:
    """gate-codes.json: keys, fields and three codes, made by an implementation that is not ours."""
    codes: dict[str, Any] = load("gate-codes.json")
    return codes


@cache
def situations() -> tuple[Situation, ...]:
    """decisions.json, all cases."""
    frozen = load("decisions.json")
    manifests = {name: _manifest(value) for name, value in frozen["manifests"].items()}
    return tuple(_situation(case, manifests) for case in frozen["cases"])


def load(name: str) -> Any:
    """One file of tests/vectors."""
    return json.loads((_FOLDER / name).read_text(encoding="utf-8"))


def row_from(value: dict[str, Any]) -> Row:
    """A row whose key is in hexadecimal."""
    return Row(**value | {"holder_key": bytes.fromhex(value["holder_key"])})


def _situation(case: dict[str, Any], manifests: dict[str, EventManifest]) -> Situation:
    use = case["use"]
    return Situation(
        case["name"],
        case["code"],
        manifests[case["manifest"]],
        View(case["view_size"], row_from(case["row"]) if case["row"] else None),
        Use(**use | {"holder_key": bytes.fromhex(use["holder_key"])}) if use else None,
        Now(case["now"], case["trusted"]),
        case["gate"],
        case["expect"],
    )


def _manifest(value: dict[str, Any]) -> EventManifest:
    keys = [key | {"public_key": bytes.fromhex(key["public_key"])} for key in value["keys"]]
    beacons = [beacon | {"value": bytes.fromhex(beacon["value"])} for beacon in value["beacons"]]
    manifest = EventManifest.from_map(value | {"keys": keys, "beacons": beacons})
    if isinstance(manifest, Malformed):
        raise TypeError(manifest.reason)
    return manifest
