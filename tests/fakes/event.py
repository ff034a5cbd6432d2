"""A small event: its keys, tickets, codes and snapshot files, made with scanner.verify only. Nothing is random."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from scanner.verify.checkpoint import sign_checkpoint
from scanner.verify.gatecode import (
    COMPACT,
    FULL,
    Certificate,
    Core,
    GateCode,
    sign_certificate,
    sign_compact,
    sign_full,
)
from scanner.verify.keys import SigningKey
from scanner.verify.manifest import EventManifest, GateGroup, LedgerKey
from scanner.verify.record import Scan, Stamp
from scanner.verify.row import Row
from scanner.verify.snapshot import StateDigest, sign_header, write_file

EVENT = "coliseum-2026"
ORIGIN = "gate.example/log"
NOON = 1_790_000_000
"""A unix second while the doors of the event are open."""


def key(name: str) -> SigningKey:
    """The same key for the same name, always."""
    return SigningKey(hashlib.sha256(name.encode()).digest())


NODE, DEVICE, LEDGER = key("node"), key("device"), key("ledger")


def holder(ticket: int, owner_seq: int = 0) -> SigningKey:
    """The key in the phone of whoever owns the ticket with this owner_seq."""
    return key(f"holder {ticket} {owner_seq}")


def event_manifest(event: str = EVENT, version: int = 1) -> EventManifest:
    """Doors an hour before NOON; gates A1 and A2 in group 1, B1 in group 2."""
    return EventManifest(
        event=event,
        name="Coliseum",
        doors=NOON - 3600,
        starts=NOON + 3600,
        capacity=12_500,
        version=version,
        keys=(LedgerKey(1, LEDGER.public),),
        gate_groups=(GateGroup(1, "Gate A", "A 口", ("A1", "A2")), GateGroup(2, "Gate B", "B 口", ("B1",))),
    )


def row(ticket: int, owner_seq: int = 0) -> Row:
    """An active, unused ticket of gate group 1 whose holder's key is registered."""
    return Row(ticket, owner_seq, 0, 1, 3, 0, ticket, holder(ticket, owner_seq).public, 0, 0, 0, 0)


def root_of(size: int) -> bytes:
    """Stands for the root of a log of this size."""
    return hashlib.sha256(b"root %d" % size).digest()


def note_of(size: int, node: SigningKey = NODE) -> str:
    """The node's signed checkpoint at this size."""
    return sign_checkpoint(ORIGIN, size, root_of(size), node)


def write_snapshot_file(
    path: Path,
    rows: Iterable[Row],
    size: int,
    *,
    manifest: EventManifest | None = None,
    node: SigningKey = NODE,
    at: int = NOON,
    count: int | None = None,
    root: bytes | None = None,
) -> Path:
    """A signed snapshot as a ledger node sends it; `count` and `root` may be lies."""
    manifest = manifest or event_manifest()
    packed = [item.pack() for item in rows]
    counted = len(packed) if count is None else count
    digest = StateDigest(manifest.event, size, counted)
    digest.update(b"".join(packed))
    note = note_of(size, node)
    header = sign_header(manifest, size, root or root_of(size), digest.digest(), at, counted, note, node)
    with path.open("wb") as file:
        write_file(file, header, packed)
    return path


def compact_code(ticket: int, owner_seq: int = 0, at: int = NOON, manifest: EventManifest | None = None) -> GateCode:
    """What the holder's phone shows at unix second `at`."""
    manifest = manifest or event_manifest()
    core = Core(COMPACT, manifest.hash[:4], ticket, owner_seq, at // manifest.step, 0)
    return sign_compact(manifest.hash, core, holder(ticket, owner_seq))


def full_code(
    ticket: int, owner_seq: int, ledger_size: int, at: int = NOON, manifest: EventManifest | None = None
) -> GateCode:
    """The full code of an owner whom the snapshot may not know yet; its certificate is good for two hours."""
    manifest = manifest or event_manifest()
    mine = holder(ticket, owner_seq)
    certificate = Certificate(1, 0, 1, 3, ticket, ledger_size, at - 60, 120, mine.public)
    signature = sign_certificate(manifest.hash, ticket, owner_seq, certificate, LEDGER)
    core = Core(FULL, manifest.hash[:4], ticket, owner_seq, at // manifest.step, 0)
    return sign_full(manifest.hash, core, certificate, signature, mine)


def scan_of(code: GateCode, verdict: str = "admit", reason: str = "ok", marks: Sequence[str] = ()) -> Scan:
    """What a record says of this code."""
    return Scan(code.core.ticket, code.core.owner_seq, code.raw, verdict, reason, tuple(marks))


def stamp_at(at: int = NOON, view_size: int = 100) -> Stamp:
    """A trusted time, at this unix second."""
    return Stamp(at * 1000, trusted=True, error_ms=12, view_size=view_size)


def used(item: Row, gate: int = 1, at: int = NOON) -> Row:
    """The same ticket after its admission."""
    return replace_row(item, uses=1, used_gate=gate, used_at=at)


def replace_row(item: Row, **changes: int | bytes) -> Row:
    """The row with some fields changed."""
    return item._replace(**changes)  # type: ignore[arg-type]


def renamed(manifest: EventManifest, name: str) -> EventManifest:
    """The same manifest, one version on, under another name."""
    return replace(manifest, name=name, version=manifest.version + 1)
