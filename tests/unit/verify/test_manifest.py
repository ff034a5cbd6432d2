"""A wrong manifest is refused with the field that is wrong; a gate never runs on half of one."""

from dataclasses import replace
from typing import Any

import pytest

from scanner.verify.entry import Malformed, canonical, decode_map
from scanner.verify.keys import SigningKey
from scanner.verify.manifest import Beacon, EventManifest, GateGroup, LedgerKey
from scanner.verify.policy import Policy

KEY = SigningKey(b"k" * 32).public
FULL = EventManifest(
    "hkc:2026-11-21:evening",
    "紅館",
    1_800_000_000,
    1_800_003_600,
    12_500,
    version=7,
    keys=(LedgerKey(1, KEY), LedgerKey(2, SigningKey(b"r" * 32).public, retired=True)),
    gate_groups=(GateGroup(3, "West", "西", ("W2", "W1")), GateGroup(1, "North", "北", ("N1", "W1"))),
    closed_groups=(3,),
    policy=Policy(offline="admit-marked", wrong_gate="refuse", beacon_required=True),
    beacons=(Beacon(5, bytes(16), 0, 2**32 - 1),),
)
IDENTITY = b"\1" + bytes(31)


def changed(path: str, value: object) -> dict[str, Any]:
    """The manifest's map with the field at `path` (names and places with dots between) set to `value`."""
    whole = FULL.to_map()
    *parents, last = path.split(".")
    at: Any = whole
    for name in parents:
        at = at[int(name) if isinstance(at, list) else name]
    at[last] = value
    return whole


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in FULL.to_map().items() if key != name}


@pytest.mark.parametrize("manifest", [FULL, EventManifest("e", "E", 0, 0, 0)], ids=["full", "least"])
def test_manifest_survives_the_ledger(manifest: EventManifest) -> None:
    carried = decode_map(canonical(manifest.to_map()))
    assert EventManifest.from_map(carried) == manifest


@pytest.mark.parametrize("value", [None, [], "x", 1, {}, {"event": "e"}, b""])
def test_something_else_is_no_manifest(value: object) -> None:
    assert isinstance(EventManifest.from_map(value), Malformed)


@pytest.mark.parametrize("name", sorted(FULL.to_map()))
def test_missing_field_is_refused(name: str) -> None:
    refused = EventManifest.from_map(without(name))
    assert isinstance(refused, Malformed)
    assert name in refused.reason


@pytest.mark.parametrize("path", ["unknown", "policy.unknown", "keys.0.unknown", "gate_groups.0.unknown"])
def test_unknown_field_is_refused(path: str) -> None:
    assert isinstance(EventManifest.from_map(changed(path, 1)), Malformed)


@pytest.mark.parametrize("name", sorted(FULL.to_map()))
@pytest.mark.parametrize("value", [None, -1, 1.5, "", [-1], {}, [None], True])
def test_field_of_another_kind_is_refused(name: str, value: object) -> None:
    if value == "" and name == "closed_groups":
        value = "3"
    assert isinstance(EventManifest.from_map(changed(name, value)), Malformed) or (name, value) == (
        "closed_groups",
        [1],
    )


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("event", "two words", "event"), ("event", "e" * 65, "event"), ("event", "紅館", "event"),
        ("event", "e\n", "event"),
        ("name", "n" * 201, "name"), ("doors", 2**32, "doors"), ("doors", 1_800_003_601, "doors open after"),
        ("step", 0, "step"), ("step", 3601, "step"), ("behind", 91, "behind"), ("ahead", 91, "ahead"),
        ("tolerance", 86_401, "tolerance"), ("repeat", 61, "repeat"), ("closed_groups", [256], "closed_groups"),
        ("keys.0.public_key", IDENTITY, "ledger key"), ("keys.0.public_key", bytes(32), "ledger key"),
        ("keys.0.public_key", KEY[:31], "ledger key"), ("keys.0.public_key", KEY.hex(), "ledger key"),
        ("keys.0.kid", 256, "kid"), ("keys.0.kid", 2, "same kid twice"), ("keys.0.retired", 0, "retired"),
        ("gate_groups.0.number", 0, "gate group 0"), ("gate_groups.0.number", 1, "same gate group twice"),
        ("gate_groups.0.number", 256, "gate group"), ("gate_groups.0.name_zh", "", "name_zh"),
        ("gate_groups.0.gates", [""], "gate"), ("gate_groups.0.gates", "W1", "gates"),
        ("beacons.0.number", 0, "beacon 0"), ("beacons.0.number", 256, "beacon"), ("beacons.0.value", bytes(15), "16"),
        ("beacons.0.value", bytes(17), "16"), ("beacons.0.not_after", 2**32, "not_after"),
        ("policy.offline", "admit", "policy.offline"), ("policy.offline", ["refuse"], "policy.offline"),
        ("policy.lease", "", "policy.lease"), ("policy.wrong_gate", "red", "policy.wrong_gate"),
        ("policy.beacon_required", 1, "beacon_required"), ("policy.early_opens", -1, "policy.early_opens"),
        ("policy.claim_deadline_ms", 10_001, "claim_deadline_ms"), ("policy.view_limit", 604_801, "view_limit"),
        ("policy.untrusted_widening", 361, "untrusted_widening"), ("policy.untrusted_widening", True, "widening"),
        ("policy.list_expires", 3_599, "list_expires is at least 3600"), ("policy.list_expires", True, "list_expires"),
        ("policy.list_expires", 31 * 86_400 + 1, "list_expires"),
    ],
)  # fmt: skip
def test_wrong_value_is_named(path: str, value: object, reason: str) -> None:
    refused = EventManifest.from_map(changed(path, value))
    assert isinstance(refused, Malformed)
    assert reason in refused.reason


def test_a_zone_is_told_where_it_is_not_hong_kongs_and_one_manifest_has_one_map() -> None:
    """Manifests of before have no zone, and their digests stand in signed statements."""
    assert "zone" not in FULL.to_map()
    elsewhere = replace(FULL, zone="Europe/London")
    assert EventManifest.from_map(elsewhere.to_map()) == elsewhere
    assert isinstance(EventManifest.from_map({**FULL.to_map(), "zone": "Asia/Hong_Kong"}), Malformed)
    for wrong in ("", "../etc/passwd", "Asia Hong Kong", 8, None):
        assert isinstance(EventManifest.from_map({**FULL.to_map(), "zone": wrong}), Malformed), wrong


def test_when_the_list_expires_is_told_where_it_is_unusual_and_one_manifest_has_one_map() -> None:
    """Policies of before have no such field; gates of before refuse one that has."""
    assert "list_expires" not in FULL.to_map()["policy"]
    sooner = replace(FULL, policy=replace(FULL.policy, list_expires=7_200))
    assert sooner.to_map()["policy"]["list_expires"] == 7_200
    assert EventManifest.from_map(sooner.to_map()) == sooner
    assert isinstance(EventManifest.from_map(changed("policy.list_expires", 86_400)), Malformed)


def test_a_manifest_of_more_keys_than_there_are_numbers_is_refused_before_one_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Attack: 64 KB of keys were a tenth of a second of point checks."""
    monkeypatch.setattr("scanner.verify.manifest.valid_public_key", lambda _: pytest.fail("a key was looked at"))
    keys = [{"kid": 1, "public_key": KEY, "retired": False}] * 257
    refused = EventManifest.from_map({**FULL.to_map(), "keys": keys})
    assert isinstance(refused, Malformed)
    assert refused.reason == "manifest: keys has at most 256 items"


def test_gates_have_one_order_on_every_machine() -> None:
    assert FULL.gates() == ["N1", "W1", "W2"]
    assert FULL.groups_of("W1") == {1, 3}
    assert FULL.groups_of("X") == set()


def test_numbers_lead_to_their_things_or_to_nothing() -> None:
    assert FULL.group(3) == FULL.gate_groups[0]
    assert FULL.ledger_key(2) == FULL.keys[1]
    assert FULL.beacon(5) == FULL.beacons[0]
    assert (FULL.group(0), FULL.group(9), FULL.ledger_key(0), FULL.beacon(0)) == (None, None, None, None)
