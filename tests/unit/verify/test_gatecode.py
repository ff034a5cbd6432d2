"""The gate code byte for byte: what other implementations send is read, and nothing near it is."""

import hashlib
import struct

import pytest

from scanner.verify import base45
from scanner.verify.gatecode import (
    COMPACT,
    COMPACT_BYTES,
    FULL,
    FULL_BYTES,
    Certificate,
    Core,
    GateCode,
    Unreadable,
    event_hash,
    parse,
    parse_raw,
    possession_message,
    sign_certificate,
    sign_compact,
    sign_full,
)
from scanner.verify.keys import SigningKey, verify
from tests.fakes.vectors import gate_codes

V = gate_codes()
EVENT = bytes.fromhex(V["event_hash"])
HOLDER, LEDGER = SigningKey(bytes.fromhex(V["holder_seed"])), SigningKey(bytes.fromhex(V["ledger_seed"]))
BEACON = bytes.fromhex(V["compact_beacon5"]["beacon"])
CERTIFICATE = Certificate(1, 0, 3, 2, 12648430, 123456, 1795200000, 1440, HOLDER.public)
KINDS = ["compact", "compact_beacon5", "full"]


def core(kind: int, beacon: int = 0) -> Core:
    return Core(kind, EVENT[:4], V["fields"]["ticket_index"], V["fields"]["owner_seq"], V["T"], beacon)


def read(name: str) -> GateCode:
    code = parse(V[name]["text"])
    assert isinstance(code, GateCode)
    return code


def test_keys_and_event_hash_of_the_vectors() -> None:
    assert event_hash(V["event_id"]) == EVENT
    assert (HOLDER.public.hex(), LEDGER.public.hex()) == (V["holder_pk"], V["ledger_pk"])


def test_our_phone_makes_the_very_bytes_of_the_vectors() -> None:
    vouched = sign_certificate(EVENT, 12345, 2, CERTIFICATE, LEDGER)
    made = {
        "compact": sign_compact(EVENT, core(COMPACT), HOLDER),
        "compact_beacon5": sign_compact(EVENT, core(COMPACT, 5), HOLDER, BEACON),
        "full": sign_full(EVENT, core(FULL), CERTIFICATE, vouched, HOLDER),
    }
    for name, code in made.items():
        assert code.raw.hex() == V[name]["hex"]
        assert code.text() == V[name]["text"]
        assert code == read(name)


@pytest.mark.parametrize(("name", "length", "characters"), [("compact", 80, 122), ("full", 194, 293)])
def test_lengths_are_those_that_the_qr_was_sized_for(name: str, length: int, characters: int) -> None:
    assert (len(read(name).raw), len(V[name]["text"])) == (length, characters)


def test_fields_of_the_vectors_are_read() -> None:
    assert read("compact").core == core(COMPACT)
    assert read("compact").certificate is None
    assert read("compact_beacon5").core == core(COMPACT, 5)
    assert read("full").core == core(FULL)
    assert read("full").certificate == CERTIFICATE


def test_signatures_of_the_vectors_are_good_for_their_own_keys_only() -> None:
    assert read("compact").holder_signature_good(EVENT, HOLDER.public)
    assert read("compact_beacon5").holder_signature_good(EVENT, HOLDER.public, BEACON)
    assert read("full").holder_signature_good(EVENT, HOLDER.public)
    assert read("full").ledger_signature_good(EVENT, LEDGER.public)
    assert not read("compact").holder_signature_good(EVENT, LEDGER.public)
    assert not read("compact_beacon5").holder_signature_good(EVENT, HOLDER.public)
    assert not read("compact_beacon5").holder_signature_good(EVENT, HOLDER.public, BEACON[::-1])
    assert not read("full").ledger_signature_good(EVENT, HOLDER.public)
    assert not read("compact").ledger_signature_good(EVENT, LEDGER.public)
    for name in KINDS:
        assert not read(name).holder_signature_good(event_hash("another"), HOLDER.public, BEACON)


@pytest.mark.parametrize("name", KINDS)
def test_every_single_bit_counts(name: str) -> None:
    raw, text, beacon = bytes.fromhex(V[name]["hex"]), V[name]["text"], BEACON if name.endswith("5") else b""
    for bit in range(len(raw) * 8):
        damaged = bytearray(raw)
        damaged[bit // 8] ^= 1 << bit % 8
        code = parse(text[:2] + base45.encode(bytes(damaged)))
        if isinstance(code, GateCode):
            assert not code.holder_signature_good(EVENT, HOLDER.public, beacon), f"bit {bit}"
        else:
            assert bit < 8, f"bit {bit}: {code.detail}"


def test_every_bit_of_the_certificate_is_vouched_for() -> None:
    raw = bytes.fromhex(V["full"]["hex"])
    subject_and_certificate = [*range(5 * 8, 11 * 8), *range(16 * 8, 130 * 8)]
    for bit in subject_and_certificate:
        damaged = bytearray(raw)
        damaged[bit // 8] ^= 1 << bit % 8
        code = parse_raw(bytes(damaged), FULL)
        assert isinstance(code, GateCode)
        assert not code.ledger_signature_good(EVENT, LEDGER.public), f"bit {bit}"


@pytest.mark.parametrize("kind", [COMPACT, FULL])
@pytest.mark.parametrize("delta", [-64, -2, -1, 1, 2, 64, 114])
def test_code_of_another_length_is_refused(kind: int, delta: int) -> None:
    raw = bytes.fromhex(V["compact" if kind == COMPACT else "full"]["hex"])
    damaged = raw[:delta] if delta < 0 else raw + bytes(delta)
    text = f"T{kind}{base45.encode(damaged)}"
    assert parse(text) == Unreadable("malformed", f"{len(raw) + delta} bytes for kind {kind}")


def test_prefix_and_kind_must_agree() -> None:
    for name, other in (("compact", "T2"), ("full", "T1")):
        code = parse(other + V[name]["text"][2:])
        assert isinstance(code, Unreadable)
        assert code.problem == "malformed"
        assert "prefix" in code.detail


@pytest.mark.parametrize("version", [v for v in range(16) if v != 1])
@pytest.mark.parametrize("length", [1, 16, 80, 194, 300])
def test_other_versions_are_named_as_older_or_newer_whatever_their_length(version: int, length: int) -> None:
    raw = bytes([version << 4 | COMPACT]) + bytes(length - 1)
    code = parse("T1" + base45.encode(raw))
    assert isinstance(code, Unreadable)
    assert code.problem == ("newer-version" if version > 1 else "older-version")
    assert str(version) in code.detail


@pytest.mark.parametrize("text", ["", "T", "1T", "t1", "T3", "T\u0661", "https://example.org", "\0", "\ud800"])
def test_what_is_no_gate_code_is_said_to_be_none(text: str) -> None:
    code = parse(text)
    assert isinstance(code, Unreadable)
    assert code.problem == "not-a-code"


@pytest.mark.parametrize("text", ["T1", "T2", "T1" + "0" * 5_000, "T2" + "A" * 1_000_000, "T1\ud800"])
def test_text_behind_a_prefix_may_be_anything(text: str) -> None:
    code = parse(text)
    assert isinstance(code, Unreadable)
    assert code.problem == "malformed"


@pytest.mark.parametrize("raw", [b"", b"\x11", bytes(80), b"\x11" * 194, b"\x12" * 80, b"\x1f" * 80])
def test_bytes_of_a_record_are_read_as_strictly(raw: bytes) -> None:
    assert isinstance(parse_raw(raw), Unreadable)


def test_bytes_of_a_record_need_no_prefix() -> None:
    for name in KINDS:
        assert parse_raw(bytes.fromhex(V[name]["hex"])) == read(name)


def test_field_limits_survive() -> None:
    top = Core(FULL, b"\xff" * 4, 2**32 - 1, 2**16 - 1, 2**32 - 1, 255)
    most = Certificate(255, 255, 255, 255, 2**32 - 1, 2**32 - 1, 2**32 - 1, 2**16 - 1, b"\xff" * 32)
    code = sign_full(EVENT, top, most, bytes(64), HOLDER, BEACON)
    assert parse(code.text()) == code
    assert (len(code.raw), code.raw[0], code.raw[1:66]) == (FULL_BYTES, 0x12, b"\xff" * 65)
    assert most.expires_at() == 2**32 - 1 + 65535 * 60


@pytest.mark.parametrize("core", [Core(COMPACT, EVENT[:4], 2**32, 0, 0, 0), Core(COMPACT, EVENT[:4], 0, 2**16, 0, 0)])
def test_value_beyond_its_field_is_a_fault_of_the_maker(core: Core) -> None:
    with pytest.raises(struct.error):
        core.pack()


def test_possession_is_bound_to_event_ticket_owner_and_key() -> None:
    message = possession_message(EVENT, 12345, 2, HOLDER.public)
    assert message == b"gatecode/v1/possession\0" + EVENT + bytes.fromhex("00003039") + b"\0\2" + HOLDER.public
    proof = HOLDER.sign(message)
    assert verify(HOLDER.public, message, proof)
    for other in (
        possession_message(event_hash("x"), 12345, 2, HOLDER.public),
        possession_message(EVENT, 12346, 2, HOLDER.public),
        possession_message(EVENT, 12345, 3, HOLDER.public),
        possession_message(EVENT, 12345, 2, LEDGER.public),
    ):
        assert not verify(HOLDER.public, other, proof)


def test_event_tag_is_the_first_four_bytes_of_the_hash_of_the_utf_8_id() -> None:
    assert event_hash("紅館") == hashlib.sha256(bytes.fromhex("e7b485e9a4a8")).digest()
    assert len(core(COMPACT).pack()) == COMPACT_BYTES - 64 == 16
