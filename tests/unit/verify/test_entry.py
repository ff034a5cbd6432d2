"""One entry has one spelling, and whoever signed one thing has not signed another."""

import cbor2
import pytest

from scanner.verify.entry import MAX_BYTES, Entry, Malformed, canonical, decode_map, open_entry, seal, signature_good
from scanner.verify.keys import SigningKey

KEY, OTHER = SigningKey(b"a" * 32), SigningKey(b"b" * 32)
BODY = {"index": 7, "name": "座位", "list": [1, {"deep": b"\0"}], "flag": True}
FIELDS = {"type": "ticket.issue", "event": "ev", "at": 1_800_000_000, "actor": KEY.public, "body": BODY}


def opened(raw: bytes) -> Entry:
    entry = open_entry(raw)
    assert isinstance(entry, Entry), entry
    return entry


def why_not(payload: bytes, signature: bytes = bytes(64)) -> str:
    refused = open_entry(signature + payload)
    assert isinstance(refused, Malformed)
    return refused.reason


def test_sealed_entry_opens_to_what_was_sealed() -> None:
    raw = seal("ticket.issue", "ev", 1_800_000_000, BODY, KEY)
    assert opened(raw) == Entry("ticket.issue", "ev", 1_800_000_000, KEY.public, BODY, raw)
    assert signature_good(opened(raw))
    assert raw[64:] == canonical(FIELDS)


def test_signature_is_bound_to_the_type_by_its_domain() -> None:
    payload = canonical(FIELDS)
    for domain in (
        b"ticketme/v1/entry/ticket.issu\0",
        b"ticketme/v1/snapshot\0",
        b"ticketme/v1/entry/ticket.issue",
        b"",
    ):
        assert not signature_good(opened(KEY.sign(domain + payload) + payload))
    assert signature_good(opened(KEY.sign(b"ticketme/v1/entry/ticket.issue\0" + payload) + payload))


def test_entry_signed_by_somebody_else_is_not_the_actors() -> None:
    payload = canonical(FIELDS)
    assert not signature_good(opened(OTHER.sign(b"ticketme/v1/entry/ticket.issue\0" + payload) + payload))


def test_every_bit_of_an_entry_counts() -> None:
    raw = seal("sale", "ev", 1, {"cents": 100}, KEY)
    for bit in range(len(raw) * 8):
        damaged = (int.from_bytes(raw, "big") ^ 1 << bit).to_bytes(len(raw), "big")
        entry = open_entry(damaged)
        assert isinstance(entry, Malformed) or not signature_good(entry), f"bit {bit}"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"type": "Ticket"}, "type"), ({"type": ""}, "type"), ({"type": "a.b.c"}, "type"),
        ({"type": "sale\0"}, "type"), ({"type": "sale\n"}, "type"), ({"type": 1}, "type"), ({"event": b"ev"}, "event"),
        ({"event": "座" * 43}, "event"),
        ({"at": -1}, "at "), ({"at": True}, "at "), ({"at": "1"}, "at "), ({"at": None}, "at "),
        ({"actor": bytes(31)}, "actor"), ({"actor": bytes(33)}, "actor"), ({"actor": "a" * 32}, "actor"),
        ({"body": []}, "body"), ({"body": None}, "body"), ({"extra": 1}, "fields"),
    ],
)  # fmt: skip
def test_field_of_another_kind_is_named(changed: dict[str, object], reason: str) -> None:
    assert reason in why_not(canonical(FIELDS | changed))


@pytest.mark.parametrize("missing", sorted(FIELDS))
def test_missing_field_is_refused(missing: str) -> None:
    assert "fields" in why_not(canonical({name: value for name, value in FIELDS.items() if name != missing}))


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\xa0", b"\x80", b"\xf6", b"\xff", canonical(FIELDS) + b"\0", canonical(FIELDS)[:-1],
        b"\xd9\xd9\xf7" + canonical(FIELDS), b"\xbf" + canonical(FIELDS)[1:] + b"\xff",
        cbor2.dumps(dict(sorted(FIELDS.items(), reverse=True))), b"\xb8\x05" + canonical(FIELDS)[1:],
        b"\xa6" + canonical(FIELDS)[1:] + b"\x62at\x01", b"\x9b" + b"\xff" * 8, b"\x5b" + b"\x7f" * 8,
    ],
)  # fmt: skip
def test_other_spellings_are_refused(payload: bytes) -> None:
    assert isinstance(open_entry(bytes(64) + payload), Malformed)


@pytest.mark.parametrize(
    "value",
    [1.0, 1.5, float("nan"), float("inf"), 2**64, -(2**63) - 1, {1: 2}, {b"k": 1}, cbor2.undefined,
     cbor2.CBORSimpleValue(32), cbor2.CBORTag(37, bytes(16)), cbor2.CBORTag(4, [1, 2]), frozenset({1})],
)  # fmt: skip
def test_value_that_machines_read_differently_is_refused(value: object) -> None:
    assert isinstance(decode_map(canonical({"a": value})), Malformed)


@pytest.mark.parametrize("value", [0, 2**64 - 1, -(2**63), "", "é", b"", True, None, [], {}, [[1]], {"a": {"b": []}}])
def test_plain_value_survives(value: object) -> None:
    assert decode_map(canonical({"a": value})) == {"a": value}


@pytest.mark.parametrize("deep", [16, 17, 300, 395, 399, 400, 5_000, 60_000])
@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x61a"])
def test_deeply_nested_entry_exhausts_nobodys_stack(deep: int, opening: bytes) -> None:
    data = b"\xa1\x61a" + opening * (deep // len(opening) if deep > 400 else deep) + b"\0"
    assert isinstance(decode_map(data), Malformed)


def test_fifteen_levels_are_enough_for_anything_that_is_written() -> None:
    data = b"\xa1\x61a" + b"\x81" * 15 + b"\0"
    assert isinstance(decode_map(data), dict)


@pytest.mark.parametrize("length", [0, 1, 63, 64])
def test_shorter_than_a_signature(length: int) -> None:
    assert open_entry(bytes(length)) == Malformed("shorter than a signature")


def test_what_an_entry_cannot_hold_is_said_in_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^this sale holds more than integers, .* and maps, 15 deep at most$"):
        seal("sale", "ev", 1, {"x": 0.5}, KEY)


def test_size_limit_holds_on_both_sides() -> None:
    room = MAX_BYTES - len(seal("sale", "ev", 1, {"x": bytes(60_000)}, KEY)) + 60_000
    raw = seal("sale", "ev", 1, {"x": bytes(room)}, KEY)
    assert len(raw) == MAX_BYTES
    assert signature_good(opened(raw))
    with pytest.raises(ValueError, match="at most 65535"):
        seal("sale", "ev", 1, {"x": bytes(room + 1)}, KEY)
    assert isinstance(open_entry(raw + b"\0"), Malformed)
