"""The snapshot: every ticket of an event at one ledger size, in one file with a signed manifest.

file   = "TMSNAP1\\n" | u32 header length | header | zstd(rows)      as the ledger node sends it
stored = "TMROWS1\\n" | u32 header length | header | rows            as a gate keeps it, to be mapped into memory
header = canonical CBOR {manifest: bytes, signature: 64 bytes, checkpoint: text (C2SP), node_key: 32 bytes,
         log_keys: text, the list of the keys that sign checkpoints, once there is one (log_keys.py),
         statements: texts, what witnesses state of the same size, if the gate asked for witnesses (statement.py)}
manifest = canonical CBOR {event, size, root, state_digest, at, count, event_manifest}
The signature covers "ticketme/v1/snapshot" 0x00 | manifest. Rows are those of row.py in the order of their index.

Streams in, streams out; opening files, keeping and swapping them is the scanner's view.py and the node's services.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import zstandard

from scanner.verify.entry import Malformed, canonical, decode_map, is_uint
from scanner.verify.gatecode import event_hash
from scanner.verify.keys import SigningKey, verify
from scanner.verify.manifest import EventManifest
from scanner.verify.row import ROW_BYTES, Row, Rows, indexes

FILE_MAGIC, STORED_MAGIC = b"TMSNAP1\n", b"TMROWS1\n"
MOST_HEADER_BYTES = 1 << 20
_CHUNK = 4096 * ROW_BYTES
_LENGTH = struct.Struct(">I")
_DIGEST = struct.Struct(">QI")
_DOMAIN = b"ticketme/v1/snapshot\0"
_STATE_DOMAIN = b"ticketme/v1/state\0"
_MANIFEST_DOMAIN = b"ticketme/v1/event-manifest\0"
_HEADER = {"manifest", "signature", "checkpoint", "node_key"}
_BESIDE = {"log_keys", "statements"}
_MOST_STATEMENTS = 100
_MANIFEST = {"event", "size", "root", "state_digest", "at", "count", "event_manifest"}


@dataclass(frozen=True, slots=True)
class SnapshotHeader:
    """What a snapshot says of itself; `raw` is the header as it stands in the file."""

    event: str
    size: int
    root: bytes
    state_digest: bytes
    at: int
    count: int
    event_manifest: EventManifest
    checkpoint: str
    node_key: bytes
    raw: bytes
    log_keys: str = ""
    statements: tuple[str, ...] = ()


class StateDigest:
    """SHA-256 over domain | event hash | u64 size | u32 count | rows: what witnesses of a state agree on."""

    def __init__(self, event: str, size: int, count: int) -> None:
        self._hash = hashlib.sha256(_STATE_DOMAIN + event_hash(event) + _DIGEST.pack(size, count))

    def update(self, rows: bytes | memoryview) -> None:
        """Take packed rows, in order."""
        self._hash.update(rows)

    def digest(self) -> bytes:
        """32 bytes."""
        return self._hash.digest()


def merged_digest(event: str, size: int, rows: Rows, newer: Mapping[int, Row]) -> bytes:
    """The state digest of a snapshot's rows and of those that changed since, as they are at log size `size`."""
    added = sum(rows.find(ticket) is None for ticket in newer)
    digest = StateDigest(event, size, len(rows) + added)
    for run in rows.merged(newer):
        digest.update(run)
    return digest.digest()


def manifest_digest(manifest: EventManifest) -> bytes:
    """SHA-256 over domain | canonical CBOR of the manifest: what witnesses of a state agree on beside the rows."""
    return hashlib.sha256(_MANIFEST_DOMAIN + canonical(manifest.to_map())).digest()


def sign_header(
    manifest: EventManifest,
    size: int,
    root: bytes,
    digest: bytes,
    at: int,
    count: int,
    checkpoint: str,
    key: SigningKey,
    *,
    log_keys: str = "",
    statements: Sequence[str] = (),
) -> bytes:
    """The header's bytes, signed by the ledger node. What others or the log's root key signed stands beside."""
    body = canonical(
        {
            "event": manifest.event,
            "size": size,
            "root": root,
            "state_digest": digest,
            "at": at,
            "count": count,
            "event_manifest": manifest.to_map(),
        }
    )
    signature = key.sign(_DOMAIN + body)
    beside: dict[str, Any] = {"log_keys": log_keys} if log_keys else {}
    if statements:
        beside["statements"] = list(statements)
    return canonical(
        {"manifest": body, "signature": signature, "checkpoint": checkpoint, "node_key": key.public, **beside}
    )


def write_file(out: BinaryIO, header: bytes, rows: Iterable[bytes], level: int = 3) -> None:
    """The file as it travels; `rows` are packed rows or runs of them. The header must already know their digest."""
    out.write(FILE_MAGIC + _LENGTH.pack(len(header)) + header)
    with zstandard.ZstdCompressor(level=level).stream_writer(out, closefd=False) as packed:
        for run in rows:
            packed.write(run)


def read_header(file: BinaryIO, magic: bytes = FILE_MAGIC, node_key: bytes | None = None) -> SnapshotHeader | Malformed:
    """Read and check the header; the file is left where the rows begin. The node's key is the caller's to trust: with
    `node_key` no manifest is read that another key signed.
    """
    start = file.read(len(magic) + _LENGTH.size)
    if len(start) < len(magic) + _LENGTH.size or start[: len(magic)] != magic:
        return Malformed("not a snapshot (its first bytes are others)")
    length = _LENGTH.unpack(start[len(magic) :])[0]
    if length > MOST_HEADER_BYTES:
        return Malformed("the header is too long")
    raw = file.read(length)
    if len(raw) < length:
        return Malformed("the file ends inside its header")
    return _open_header(raw, node_key)


def unpack_rows(file: BinaryIO, header: SnapshotHeader) -> Iterator[bytes | Malformed]:
    """The rows in checked runs of whole rows, and at the end a Malformed if anything at all is wrong with them.

    The caller keeps what it is given only if no Malformed came. Memory is bounded whatever the file claims.
    """
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file, closefd=False)
    try:
        yield from check_rows(reader, header)
    except zstandard.ZstdError as error:
        yield Malformed(f"the compressed rows are damaged: {error}")


def check_rows(file: Any, header: SnapshotHeader) -> Iterator[bytes | Malformed]:
    """As `unpack_rows`, from rows that are not compressed."""
    digest = StateDigest(header.event, header.size, header.count)
    left, last = header.count * ROW_BYTES, -1
    while left:
        run = _read_exactly(file, min(left, _CHUNK))
        left -= len(run)
        if len(run) % ROW_BYTES or not run:
            missing = -(-left // ROW_BYTES)
            yield Malformed(f"the file is truncated: {missing} of {header.count} tickets are missing")
            return
        for index in indexes(run):
            if index <= last:
                yield Malformed(f"ticket {index} stands twice or out of order")
                return
            last = index
        digest.update(run)
        yield run
    if file.read(1):
        yield Malformed(f"there is more than the {header.count} tickets that the manifest counts")
    elif digest.digest() != header.state_digest:
        yield Malformed("the rows are not those that the manifest was signed for")


def _read_exactly(file: Any, size: int) -> bytes:
    parts = []
    while size:
        part = file.read(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _is_head(value: object) -> bool:
    return isinstance(value, dict) and value.keys() - _BESIDE == _HEADER


def _open_header(raw: bytes, node_key: bytes | None) -> SnapshotHeader | Malformed:
    header = decode_map(raw, _is_head, deepest=2)
    if isinstance(header, Malformed):
        return header
    if not all(isinstance(header[n], bytes) for n in _HEADER - {"checkpoint"}):
        return Malformed("the header has other fields")
    statements = header.get("statements", [])
    if not isinstance(statements, list) or len(statements) > _MOST_STATEMENTS:
        return Malformed("the witnesses' statements are not a list, or too many")
    if not all(isinstance(note, str) for note in [header["checkpoint"], header.get("log_keys", ""), *statements]):
        return Malformed("the checkpoint, the list of the log's keys or a statement is not a text")
    if node_key not in {None, header["node_key"]}:
        return Malformed("it is signed by another node than the one that is trusted")
    if not verify(header["node_key"], _DOMAIN + header["manifest"], header["signature"]):
        return Malformed("the manifest's signature is not good")
    m = decode_map(header["manifest"])
    if isinstance(m, Malformed):
        return m
    event_manifest = EventManifest.from_map(m.get("event_manifest"))
    if isinstance(event_manifest, Malformed):
        return event_manifest
    if m.keys() != _MANIFEST or m["event"] != event_manifest.event or not _ranges(m):
        return Malformed("the manifest has other fields, or fields of another kind")
    return SnapshotHeader(
        m["event"], m["size"], m["root"], m["state_digest"], m["at"], m["count"],
        event_manifest, header["checkpoint"], header["node_key"], raw, header.get("log_keys", ""),
        tuple(statements),
    )  # fmt: skip


def _ranges(m: dict[str, Any]) -> bool:
    hashes = all(
        isinstance(m[name], bytes) and len(m[name]) == hashlib.sha256().digest_size for name in ("root", "state_digest")
    )
    return hashes and is_uint(m["size"]) and is_uint(m["at"]) and is_uint(m["count"], 2**32 - 1)
