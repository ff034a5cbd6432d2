"""A gate takes in exactly the rows that the node signed, at the size that it signed, or nothing."""

import hashlib
import io
import struct

import pytest
import zstandard

from scanner.verify.entry import Malformed, canonical, decode_map
from scanner.verify.keys import SigningKey
from scanner.verify.row import ROW_BYTES
from scanner.verify.snapshot import (
    FILE_MAGIC,
    MOST_HEADER_BYTES,
    STORED_MAGIC,
    SnapshotHeader,
    StateDigest,
    check_rows,
    read_header,
    unpack_rows,
)
from tests.fakes.snapshots import (
    MANIFEST,
    NODE,
    ROOT,
    header_of,
    read_file,
    read_stored,
    snapshot_file,
    some_rows,
)

ROWS = some_rows(40)
PACKED = b"".join(row.pack() for row in ROWS)
HEADER = header_of(PACKED, len(ROWS))
FILE = snapshot_file(PACKED, HEADER)


def why_not(raw: bytes) -> str:
    refused = read_file(raw)
    assert isinstance(refused, Malformed)
    return refused.reason


def with_header(header: bytes) -> bytes:
    return FILE_MAGIC + struct.pack(">I", len(header)) + header + FILE[12 + len(HEADER) :]


def with_manifest(**changed: object) -> bytes:
    """A file whose manifest says something else, signed by the node all the same."""
    fields = decode_map(HEADER)
    assert isinstance(fields, dict)
    manifest = decode_map(fields["manifest"])
    assert isinstance(manifest, dict)
    body = canonical({name: value for name, value in (manifest | changed).items() if value is not ...})
    signature = NODE.sign(b"ticketme/v1/snapshot\0" + body)
    return with_header(canonical(fields | {"manifest": body, "signature": signature}))


def test_snapshot_survives_the_wire() -> None:
    file = io.BytesIO(FILE)
    header = read_header(file)
    assert isinstance(header, SnapshotHeader)
    assert (header.event, header.size, header.root, header.count) == ("ev", 9, ROOT, 40)
    assert (header.event_manifest, header.checkpoint, header.node_key) == (MANIFEST, "a checkpoint", NODE.public)
    assert header.raw == HEADER
    assert b"".join(run for run in unpack_rows(file, header) if isinstance(run, bytes)) == PACKED
    assert read_stored(FILE, PACKED) == PACKED


def test_state_digest_is_the_documented_one() -> None:
    event = hashlib.sha256(b"ev").digest()
    expected = hashlib.sha256(b"ticketme/v1/state\0" + event + struct.pack(">QI", 9, 40) + PACKED).digest()
    digest = StateDigest("ev", 9, 40)
    for start in range(0, len(PACKED), 1000):
        digest.update(PACKED[start : start + 1000])
    assert digest.digest() == expected


def test_state_digest_depends_on_event_size_and_count() -> None:
    assert len({StateDigest(*args).digest() for args in (("ev", 9, 1), ("ev", 9, 2), ("ev", 8, 1), ("e", 9, 1))}) == 4


@pytest.mark.parametrize("count", [0, 1, 2, 5_000])
def test_event_of_any_size(count: int) -> None:
    packed = b"".join(row.pack() for row in some_rows(count))
    assert read_file(snapshot_file(packed, header_of(packed, count))) == packed


def test_rows_come_in_bounded_runs_of_whole_rows() -> None:
    packed = b"".join(row.pack() for row in some_rows(9_000))
    file = io.BytesIO(snapshot_file(packed, header_of(packed, 9_000)))
    header = read_header(file)
    assert isinstance(header, SnapshotHeader)
    runs = [len(run) for run in unpack_rows(file, header) if isinstance(run, bytes)]
    assert sum(runs) == len(packed)
    assert all(run % ROW_BYTES == 0 and run <= 4096 * ROW_BYTES for run in runs)


@pytest.mark.parametrize("raw", [b"", b"TMSNAP1", FILE[:11], STORED_MAGIC + FILE[8:], b"<html>captive portal</html>"])
def test_another_file_is_no_snapshot(raw: bytes) -> None:
    assert "not a snapshot" in why_not(raw)


def test_header_that_claims_to_be_huge_is_not_read() -> None:
    assert "too long" in why_not(FILE_MAGIC + struct.pack(">I", MOST_HEADER_BYTES + 1))
    assert "inside its header" in why_not(FILE_MAGIC + struct.pack(">I", MOST_HEADER_BYTES))


def test_snapshot_signed_by_somebody_else_says_whose_key_it_names() -> None:
    header = read_header(io.BytesIO(snapshot_file(PACKED, header_of(PACKED, 40, key=SigningKey(b"x" * 32)))))
    assert isinstance(header, SnapshotHeader)
    assert header.node_key != NODE.public


def test_node_key_can_not_be_swapped() -> None:
    fields = decode_map(HEADER)
    assert isinstance(fields, dict)
    for swapped in ({"node_key": SigningKey(b"x" * 32).public}, {"node_key": b""}, {"signature": bytes(64)}):
        assert "signature" in why_not(with_header(canonical(fields | swapped)))


@pytest.mark.parametrize(
    "changed",
    [{"more": 1}, {"checkpoint": b"x"}, {"manifest": "x"}, {"signature": "x" * 64}, {"node_key": 1}],
)
def test_header_with_other_fields_is_refused(changed: dict[str, object]) -> None:
    fields = decode_map(HEADER)
    assert isinstance(fields, dict)
    assert isinstance(read_file(with_header(canonical(fields | changed))), Malformed)


@pytest.mark.parametrize("header", [b"", b"\xa0", b"\x80", b"\xff" * 40, HEADER + b"\0"])
def test_header_that_is_no_canonical_map_is_refused(header: bytes) -> None:
    assert isinstance(read_file(with_header(header)), Malformed)


@pytest.mark.parametrize(
    "changed",
    [
        {"event": "other"}, {"event": 1}, {"size": -1}, {"size": True}, {"root": bytes(31)}, {"root": "r" * 32},
        {"state_digest": bytes(33)}, {"at": None}, {"count": 2**32}, {"event_manifest": {}}, {"event_manifest": ...},
        {"count": ...}, {"more": 1}, {"event_manifest": MANIFEST.to_map() | {"step": 0}},
    ],
)  # fmt: skip
def test_signed_manifest_of_another_shape_is_refused(changed: dict[str, object]) -> None:
    assert isinstance(read_file(with_manifest(**changed)), Malformed)


@pytest.mark.parametrize("changed", [{"size": 10}, {"count": 39}, {"count": 41}, {"state_digest": bytes(32)}])
def test_rows_belong_to_one_size_and_count(changed: dict[str, object]) -> None:
    assert isinstance(read_file(with_manifest(**changed)), Malformed)


def test_missing_tickets_are_counted() -> None:
    assert why_not(snapshot_file(PACKED[: 30 * ROW_BYTES], HEADER)).startswith("the file is truncated: 10 of 40")
    assert "1 of 40" in why_not(snapshot_file(PACKED[:-1], HEADER))
    assert "40 of 40" in why_not(snapshot_file(b"", HEADER))


def test_ticket_too_many_is_noticed() -> None:
    assert "more than the 40" in why_not(snapshot_file(PACKED + ROWS[-1]._replace(ticket=999).pack(), HEADER))


@pytest.mark.parametrize("order", [[0, 1, 1, 2], [0, 2, 1], [1, 0], [5, 5]])
def test_ticket_that_stands_twice_or_out_of_order_is_refused_although_it_is_signed(order: list[int]) -> None:
    packed = b"".join(ROWS[n].pack() for n in order)
    assert "twice or out of order" in why_not(snapshot_file(packed, header_of(packed, len(order))))


def test_order_is_checked_across_runs() -> None:
    rows = some_rows(4_096)
    packed = b"".join(row.pack() for row in [*rows, rows[-1]])
    assert "twice" in why_not(snapshot_file(packed, header_of(packed, 4_097)))


def test_rows_of_another_snapshot_are_noticed() -> None:
    other = b"".join(row._replace(state=0).pack() for row in ROWS)
    assert "not those that the manifest was signed for" in why_not(snapshot_file(other, HEADER))


def test_rows_that_are_not_compressed_rows_are_refused() -> None:
    start = FILE[: 12 + len(HEADER)]
    for rest in (b"", b"\0" * 100, PACKED, zstandard.compress(b"x"), FILE[len(start) :] + b"x"):
        assert isinstance(read_file(start + rest), Malformed)


def test_decompression_bomb_is_cut_at_the_count() -> None:
    start = FILE[: 12 + len(HEADER)]
    assert isinstance(read_file(start + zstandard.compress(bytes(50_000_000))), Malformed)


def test_file_that_comes_in_small_pieces_is_read_whole() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(7, size) if size and size > 0 else size)

    header = read_header(io.BytesIO(FILE))
    assert isinstance(header, SnapshotHeader)
    assert b"".join(run for run in check_rows(Trickle(PACKED), header) if isinstance(run, bytes)) == PACKED
