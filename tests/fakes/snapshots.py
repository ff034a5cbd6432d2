"""Makes small snapshots with real signatures, as a ledger node would, and reads them back whole."""

import io
from collections.abc import Iterable

from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey
from scanner.verify.manifest import EventManifest
from scanner.verify.row import Row
from scanner.verify.snapshot import (
    StateDigest,
    check_rows,
    read_header,
    sign_header,
    unpack_rows,
    write_file,
)

NODE = SigningKey(b"n" * 32)
MANIFEST = EventManifest("ev", "Event", 10, 20, 5)
ROOT = bytes(range(32))


def some_rows(count: int) -> list[Row]:
    """Rows with indexes 0, 3, 6..."""
    return [Row(3 * n, n % 5, n % 4, n % 3, 1, 0, n, bytes([n % 256]) * 32, 0, 0, 0, 0) for n in range(count)]


def header_of(packed: bytes, count: int, size: int = 9, key: SigningKey = NODE) -> bytes:
    """A signed header for these packed rows."""
    digest = StateDigest(MANIFEST.event, size, count)
    digest.update(packed)
    return sign_header(MANIFEST, size, ROOT, digest.digest(), 1_800_000_000, count, "a checkpoint", key)


def snapshot_file(packed: bytes, header: bytes) -> bytes:
    """The whole file."""
    out = io.BytesIO()
    write_file(out, header, [packed])
    return out.getvalue()


def read_file(raw: bytes) -> bytes | Malformed:
    """The packed rows, if header, order, count and digest are all good."""
    file = io.BytesIO(raw)
    header = read_header(file)
    if isinstance(header, Malformed):
        return header
    return _whole(unpack_rows(file, header))


def read_stored(raw: bytes, packed: bytes) -> bytes | Malformed:
    """As `read_file`, for the header of `raw` and rows that are not compressed."""
    header = read_header(io.BytesIO(raw))
    if isinstance(header, Malformed):
        return header
    return _whole(check_rows(io.BytesIO(packed), header))


def _whole(runs: Iterable[bytes | Malformed]) -> bytes | Malformed:
    parts: list[bytes] = []
    for run in runs:
        if isinstance(run, Malformed):
            return run
        parts.append(run)
    return b"".join(parts)
