"""Whatever is written is read back, and whatever is read was written so: nothing has a second spelling."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.verify import base45
from scanner.verify.entry import Entry, Malformed, canonical, decode_map, open_entry, seal, signature_good
from scanner.verify.gatecode import (
    COMPACT,
    FULL,
    Certificate,
    Core,
    GateCode,
    Unreadable,
    parse,
    parse_raw,
    sign_certificate,
    sign_compact,
    sign_full,
)
from scanner.verify.keys import SigningKey, verify
from scanner.verify.row import Row, Rows

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
KEY, LEDGER = SigningKey(b"h" * 32), SigningKey(b"l" * 32)
u8, u16, u32 = st.integers(0, 255), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
event_hashes, keys = st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32)
base45_texts = st.text(ALPHABET, max_size=20)
loose_texts = base45_texts | st.text(max_size=20)
certificates = st.builds(Certificate, u8, u8, u8, u8, u32, u32, u32, u16, keys)
rows = st.builds(Row, u32, u16, u8, u8, u8, u8, u32, keys, u8, u8, u16, u32)
plain = st.recursive(
    st.integers(-(2**63), 2**64 - 1) | st.booleans() | st.none() | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(st.text(max_size=6), plain, max_size=4)


def cores(kind: int) -> st.SearchStrategy[Core]:
    return st.builds(Core, st.just(kind), st.binary(min_size=4, max_size=4), u32, u16, u32, u8)


@given(st.binary(max_size=300))
def test_any_bytes_survive_base45(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@settings(max_examples=200)
@given(loose_texts)
def test_text_that_base45_reads_is_the_one_that_it_writes(text: str) -> None:
    data = base45.decode(text)
    assert data is None or base45.encode(data) == text


@given(event_hashes, cores(COMPACT), st.binary(min_size=16, max_size=16))
def test_compact_code_survives(event: bytes, core: Core, beacon: bytes) -> None:
    mixed = beacon if core.beacon else b""
    code = sign_compact(event, core, KEY, mixed)
    assert parse(code.text()) == code == parse_raw(code.raw)
    assert code.holder_signature_good(event, KEY.public, mixed)
    assert code.raw[:16] == core.pack()


@given(event_hashes, cores(FULL), certificates)
def test_full_code_survives(event: bytes, core: Core, certificate: Certificate) -> None:
    vouched = sign_certificate(event, core.ticket, core.owner_seq, certificate, LEDGER)
    code = sign_full(event, core, certificate, vouched, KEY)
    assert parse(code.text()) == code == parse_raw(code.raw)
    assert code.holder_signature_good(event, KEY.public)
    assert code.ledger_signature_good(event, LEDGER.public)
    assert Certificate.unpack(certificate.pack()) == certificate


@settings(max_examples=200)
@given(st.sampled_from(["T1", "T2", "T", ""]), st.binary(max_size=200).map(base45.encode) | loose_texts)
def test_text_that_parses_is_the_only_text_of_its_code(prefix: str, rest: str) -> None:
    code = parse(prefix + rest)
    assert isinstance(code, Unreadable) or code.text() == prefix + rest


@given(
    st.sampled_from([(0x11, 80), (0x12, 194)]).flatmap(
        lambda k: st.binary(min_size=k[1] - 1, max_size=k[1] - 1).map(bytes([k[0]]).__add__)
    )
)
def test_bytes_of_the_right_length_and_head_are_a_code_with_one_text(raw: bytes) -> None:
    code = parse_raw(raw)
    assert isinstance(code, GateCode)
    assert code.core.pack() == raw[:16]
    assert parse(code.text()) == code


@given(st.binary(max_size=64), st.binary(max_size=100), st.binary(max_size=130))
def test_verifier_answers_to_anything(key: bytes, message: bytes, signature: bytes) -> None:
    assert verify(key, message, signature) is False


@given(rows)
def test_row_survives(row: Row) -> None:
    assert Row.unpack(row.pack()) == row


@given(st.dictionaries(u32, rows, max_size=40), u32)
def test_rows_are_found_whatever_their_indexes(by_index: dict[int, Row], other: int) -> None:
    table = [by_index[index]._replace(ticket=index) for index in sorted(by_index)]
    found = Rows(memoryview(b"".join(row.pack() for row in table)))
    assert list(found) == table
    assert [found.find(row.ticket) for row in table] == table
    assert (found.find(other) is not None) is (other in by_index)


@given(
    st.from_regex(r"[a-z]{1,8}(\.[a-z-]{1,8})?", fullmatch=True),
    st.text(max_size=30),
    st.integers(0, 2**64 - 1),
    bodies,
)
def test_entry_survives(kind: str, event: str, at: int, body: dict[str, object]) -> None:
    raw = seal(kind, event, at, body, KEY)
    entry = open_entry(raw)
    assert entry == Entry(kind, event, at, KEY.public, body, raw)
    assert signature_good(entry)


@settings(max_examples=100)
@given(bodies, st.data())
def test_bytes_that_decode_are_the_canonical_ones(body: dict[str, object], data: st.DataObject) -> None:
    good = canonical(body)
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(u8)
    value = decode_map(bytes(damaged))
    assert isinstance(value, Malformed) or canonical(value) == damaged


@settings(max_examples=200)
@given(st.binary(max_size=40), st.sampled_from([b"", b"\xa1\x61a", b"\xa1"]))
def test_any_bytes_are_an_entry_or_a_reason(data: bytes, start: bytes) -> None:
    value = decode_map(start + data)
    assert isinstance(value, Malformed) or canonical(value) == start + data
    assert isinstance(open_entry(start + data), Malformed)
