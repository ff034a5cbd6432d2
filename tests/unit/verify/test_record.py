"""What a device signed can't be changed, moved, dropped or passed off as something else."""

from typing import Any

import pytest

from scanner.verify.entry import Entry, Malformed, open_entry, seal, signature_good
from scanner.verify.keys import SigningKey
from scanner.verify.record import (
    ADMISSION,
    FIRST_PREVIOUS,
    INCIDENT,
    REFUSAL,
    RELEASE,
    TYPES,
    VOID,
    GateIncident,
    Link,
    Scan,
    Settlement,
    Stamp,
    check_record,
    decided,
    record_hash,
    sign_record,
    ways_stated,
)
from tests.fakes.vectors import gate_codes, load

DEVICE = SigningKey(b"d" * 32)
CODE = bytes.fromhex(gate_codes()["compact"]["hex"])
LINK = Link("gate-1", "W1", 2, bytes(range(32)))
STAMP = Stamp(1_800_000_000_999, True, 40, 123)
WHAT: dict[str, Scan | Settlement | GateIncident] = {
    ADMISSION: Scan(12345, 2, CODE, "admit", "ok", ("certificate",)),
    REFUSAL: Scan(12345, 2, CODE, "refuse", "forged"),
    VOID: Settlement(1, "used-elsewhere"),
    RELEASE: Settlement(1, "not-turned"),
    INCIDENT: GateIncident("tamper", {"input": 4}),
}


def record(kind: str) -> Entry:
    entry = open_entry(sign_record(kind, "ev", LINK, STAMP, WHAT[kind], DEVICE))
    assert isinstance(entry, Entry)
    return entry


def with_body(kind: str, changed: dict[str, Any], at: int | None = None) -> Entry:
    body = record(kind).body | changed
    entry = open_entry(seal(kind, "ev", STAMP.time_ms // 1000 if at is None else at, body, DEVICE))
    assert isinstance(entry, Entry)
    return entry


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_record_is_an_entry_that_the_device_signed(kind: str) -> None:
    entry = record(kind)
    assert check_record(entry) is None
    assert signature_good(entry)
    assert (entry.type, entry.event, entry.at, entry.actor) == (kind, "ev", 1_800_000_000, DEVICE.public)
    assert (entry.body["counter"], entry.body["previous"], entry.body["view_size"]) == (2, LINK.previous, 123)


def test_admission_carries_the_code_as_proof() -> None:
    body = record(ADMISSION).body
    assert (body["code"], body["ticket"], body["owner_seq"], body["marks"]) == (CODE, 12345, 2, ["certificate"])


def test_refusal_can_not_be_passed_off_as_an_admission() -> None:
    refusal = record(REFUSAL)
    payload = refusal.raw[64:].replace(b"\x64type\x67refusal", b"\x64type\x69admission")
    forged = open_entry(refusal.raw[:64] + payload)
    assert isinstance(forged, Entry)
    assert forged.type == ADMISSION
    assert not signature_good(forged)


def test_chain_names_every_byte_of_the_record_before() -> None:
    raw = record(ADMISSION).raw
    assert len(record_hash(raw)) == len(FIRST_PREVIOUS) == 32
    assert len({record_hash(raw), record_hash(raw[:-1]), record_hash(bytes(64) + raw[64:])}) == 3


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_missing_or_additional_field_is_named(kind: str) -> None:
    entry = record(kind)
    for body in (entry.body | {"more": 1}, {n: v for n, v in entry.body.items() if n != "counter"}, {}):
        refused = check_record(Entry(kind, "ev", entry.at, entry.actor, body, entry.raw))
        assert isinstance(refused, Malformed)
        assert "fields" in refused.reason


@pytest.mark.parametrize(
    ("kind", "changed", "reason"),
    [
        (ADMISSION, {"ticket": -1}, "ticket"), (ADMISSION, {"owner_seq": "2"}, "owner_seq"),
        (ADMISSION, {"counter": True}, "counter"), (ADMISSION, {"counter": 0}, "counter"),
        (ADMISSION, {"code": CODE[:-1]}, "code"), (ADMISSION, {"code": b""}, "code"),
        (ADMISSION, {"code": "T1"}, "code"),
        (ADMISSION, {"verdict": "yes"}, "verdict"), (ADMISSION, {"verdict": 1}, "verdict"),
        (ADMISSION, {"reason": None}, "reason"), (ADMISSION, {"marks": "certificate"}, "marks"),
        (ADMISSION, {"marks": [1]}, "marks"), (ADMISSION, {"device": b"x"}, "device"), (ADMISSION, {"gate": 1}, "gate"),
        (ADMISSION, {"previous": bytes(31)}, "previous"), (ADMISSION, {"previous": "x" * 32}, "previous"),
        (ADMISSION, {"time_trusted": 1}, "time_trusted"), (ADMISSION, {"time_error_ms": None}, "time_error_ms"),
        (ADMISSION, {"time_ms": 1_800_000_001_000}, "time_ms"), (RELEASE, {"of": 2}, "counter"),
        (RELEASE, {"of": 3}, "counter"), (VOID, {"of": "1"}, "of"), (INCIDENT, {"detail": []}, "detail"),
        (INCIDENT, {"kind": 1}, "kind"),
    ],
)  # fmt: skip
def test_value_of_another_kind_is_named(kind: str, changed: dict[str, Any], reason: str) -> None:
    refused = check_record(with_body(kind, changed))
    assert isinstance(refused, Malformed)
    assert reason in refused.reason


@pytest.mark.parametrize("kind", ["sale", "ticket.issue", "admissio"])
def test_operators_entry_is_no_record(kind: str) -> None:
    entry = open_entry(seal(kind, "ev", 1, {}, DEVICE))
    assert isinstance(entry, Entry)
    assert check_record(entry) == Malformed(f"{kind} is not a record of a device")


def test_time_of_the_entry_is_that_of_the_record() -> None:
    assert check_record(with_body(ADMISSION, {}, at=1_800_000_001)) == Malformed("at and time_ms differ")


# In what way admissions were decided


@pytest.mark.parametrize("vector", load("ways.json"), ids=lambda vector: vector["name"])
def test_the_frozen_records_say_in_what_way_admissions_were_decided(vector: dict[str, Any]) -> None:
    entry = open_entry(bytes.fromhex(vector["record"]))
    assert isinstance(entry, Entry)
    assert signature_good(entry)
    assert check_record(entry) is None
    assert ways_stated(entry) == {int(counter): way for counter, way in vector["ways"].items()}


def test_what_is_stated_is_what_is_read_and_signed_alike() -> None:
    vectors = {vector["name"]: vector["record"] for vector in load("ways.json")}
    link = Link("gate-1", "W1", 9, bytes(range(32)))
    ways = decided({1: "claimed", 8: "claimed", 3: "peers", 4: "alone"})
    assert sign_record(INCIDENT, "ev", link, STAMP, ways, DEVICE).hex() == vectors["decided"]
    alone = Scan(12345, 2, CODE, "admit", "ok", ("certificate", "alone"))
    assert sign_record(ADMISSION, "ev", link, STAMP, alone, DEVICE).hex() == vectors["alone"]


@pytest.mark.parametrize(
    ("detail", "ways"),
    [
        ({}, {}),
        ({"claimed": 1}, {}),
        ({"claimed": {"1": 2}, "alone": [1]}, {1: "alone"}),
        ({"claimed": ["1", b"1", -1, True, 2.0, 2]}, {2: "claimed"}),
        ({"claimed": [1], "peers": [1], "alone": [1]}, {1: "claimed"}),
        ({"claimed": [9, 10, 2**64 - 1, 8]}, {8: "claimed"}),
        ({"guessed": [1]}, {}),
    ],
)
def test_a_device_may_state_anything_and_only_what_can_be_is_read(detail: dict[str, Any], ways: dict[int, str]) -> None:
    said = record(INCIDENT)
    entry = Entry(
        INCIDENT, "ev", said.at, said.actor, {**said.body, "counter": 9, "kind": "decided", "detail": detail}, b""
    )
    assert ways_stated(entry) == ways
    assert ways_stated(Entry(INCIDENT, "ev", said.at, said.actor, {**entry.body, "kind": "tamper"}, b"")) == {}
