"""A damaged snapshot is refused, or what is read from it is what the node signed: nothing between."""

import io
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.verify.entry import Malformed
from scanner.verify.row import ROW_BYTES, Row
from scanner.verify.snapshot import SnapshotHeader, read_header
from tests.fakes.snapshots import header_of, read_file, read_stored, snapshot_file, some_rows
from tests.property.test_codec import rows

TICKETS = 40
PACKED = b"".join(row.pack() for row in some_rows(TICKETS))
HEADER = header_of(PACKED, TICKETS)
FILE = snapshot_file(PACKED, HEADER)


@settings(max_examples=50, deadline=None)
@given(st.lists(rows, unique_by=lambda row: row.ticket, max_size=30), st.integers(0, 2**64 - 1))
def test_any_tickets_survive(tickets: list[Row], size: int) -> None:
    packed = b"".join(row.pack() for row in sorted(tickets))
    file = snapshot_file(packed, header_of(packed, len(tickets), size))
    assert read_file(file) == packed
    header = read_header(io.BytesIO(file))
    assert isinstance(header, SnapshotHeader)
    assert (header.size, header.count) == (size, len(tickets))


def test_every_truncation_is_refused() -> None:
    accepted = [length for length in range(len(FILE)) if not isinstance(read_file(FILE[:length]), Malformed)]
    assert accepted == []


def test_every_truncation_of_stored_rows_is_refused() -> None:
    accepted = [n for n in range(len(PACKED)) if not isinstance(read_stored(FILE, PACKED[:n]), Malformed)]
    assert accepted == []


def flipped(raw: bytes, bit: int) -> bytes:
    damaged = bytearray(raw)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_no_flipped_bit_of_the_header_changes_what_the_node_signed() -> None:
    """Only the checkpoint stands outside the manifest's signature: it is a note with signatures of its own."""
    whole = read_header(io.BytesIO(FILE))
    assert isinstance(whole, SnapshotHeader)
    for bit in range((12 + len(HEADER)) * 8):
        header = read_header(io.BytesIO(flipped(FILE, bit)))
        if isinstance(header, SnapshotHeader):
            assert header.checkpoint != whole.checkpoint
            assert replace(header, checkpoint=whole.checkpoint, raw=whole.raw) == whole


def test_no_flipped_bit_of_the_frame_changes_the_rows() -> None:
    """A few bits of a zstd frame mean nothing to its reader; what counts is that no other row comes out."""
    taken = [read_file(flipped(FILE, bit)) for bit in range((12 + len(HEADER)) * 8, len(FILE) * 8)]
    assert [rows for rows in taken if not isinstance(rows, Malformed) and rows != PACKED] == []
    assert sum(isinstance(rows, Malformed) for rows in taken) > len(taken) * 0.9


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(PACKED) * 8 - 1))
def test_every_flipped_bit_of_stored_rows_is_refused(bit: int) -> None:
    assert isinstance(read_stored(FILE, flipped(PACKED, bit)), Malformed)


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(6)), st.booleans())
def test_rows_in_another_order_are_refused(order: list[int], signed: bool) -> None:
    mixed = b"".join(PACKED[n * ROW_BYTES : (n + 1) * ROW_BYTES] for n in order) + PACKED[6 * ROW_BYTES :]
    header = header_of(mixed, TICKETS) if signed else HEADER
    assert isinstance(read_file(snapshot_file(mixed, header)), Malformed) is (list(order) != sorted(order))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_no_snapshot(data: bytes, framed: bool) -> None:
    assert isinstance(read_file(FILE[: 12 + len(HEADER)] + data if framed else data), Malformed)
