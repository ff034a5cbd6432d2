"""Which of the node's answers may be believed. Pure: no network, no disk, no clock.

A record is settled only if the log's signed checkpoint extends the one we know (RFC 9162 2.1.4) and the raw bytes that
we sent are proven to stand in it (2.1.3). A node that was restored from an old backup, or shows us another log than
before, is not bad input but an alarm, with the sizes that prove it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scanner.ports import Change, Receipt, Waiting
from scanner.sync.answers import ChangesAnswer, Heard, RecordAnswer, RevocationAnswer, Uploaded
from scanner.sync.trust import Alarm, Known, LogTrust, open_trusted
from scanner.verify.checkpoint import Checkpoint
from scanner.verify.entry import Malformed, decode_map
from scanner.verify.lost import LostPart
from scanner.verify.manifest import EventManifest
from scanner.verify.merkle import leaf_hash, verify_consistency, verify_inclusion
from scanner.verify.revocation import check_revocation
from scanner.verify.row import BLOCKED, ROW_BYTES, Row
from scanner.verify.snapshot import SnapshotHeader, manifest_digest
from scanner.verify.statement import Stated, heard


@dataclass(frozen=True, slots=True)
class Settled:
    """Receipts that are proven at `checkpoint`, and a sentence for each that was not."""

    checkpoint: Checkpoint
    receipts: tuple[Receipt, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A change that is proven at `checkpoint`."""

    checkpoint: Checkpoint
    change: Change


def advance(trust: LogTrust, known: Known, note: str, consistency: Sequence[bytes]) -> Checkpoint | Malformed | Alarm:
    """The checkpoint in `note`, if it extends what is known; `consistency` leads from `known.size` to its size."""
    checkpoint = open_trusted(trust, note)
    if not isinstance(checkpoint, Checkpoint):
        return checkpoint
    alarm = _disagrees(known, checkpoint)
    if alarm or not known.size or checkpoint.size == known.size:
        return alarm or checkpoint
    if not verify_consistency(known.size, checkpoint.size, known.root, checkpoint.root, consistency):
        return Alarm(
            "fork", f"fork: it is not proven that the log of size {checkpoint.size} begins with ours of {known.size}"
        )
    return checkpoint


def join(current: Known, base: Known, checkpoint: Checkpoint) -> Known | Alarm | None:
    """What is known after `checkpoint`, which was proven from `base`, while `current` may have moved on from `base`.

    None: nothing connects the two, so it must be asked for again. Without this, one thread could be shown one log and
    the other thread another, each consistent with what both had seen before.
    """
    if current == base:
        return Known.of(checkpoint)
    if checkpoint.size == current.size:
        return _disagrees(current, checkpoint) or current
    return current if Known.of(checkpoint) == base else None


def settle(
    trust: LogTrust, known: Known, device: str, sent: Sequence[Waiting], answer: Uploaded
) -> Settled | Malformed | Alarm:
    """Which receipts may be kept, in whatever order they came; only of bytes that the node cannot even name a record in
    does the order say which they were. One bad receipt leaves its own record unsettled and no other.
    """
    checkpoint = advance(trust, known, answer.checkpoint, answer.consistency)
    if not isinstance(checkpoint, Checkpoint):
        return checkpoint
    named = {one.counter: one for one in answer.receipts if one.device == device}
    unnamed = {at: one for at, one in enumerate(answer.receipts) if one.device is None and one.verdict == "rejected"}
    judged = [
        _judge(record, named.get(record.counter) or unnamed.get(at), checkpoint) for at, record in enumerate(sent)
    ]
    receipts = tuple(verdict for verdict in judged if isinstance(verdict, Receipt))
    problems = tuple(verdict for verdict in judged if isinstance(verdict, str))
    return Settled(checkpoint, receipts, problems)


def check_changes(
    trust: LogTrust, known: Known, event: str, start: int, manifest: EventManifest | None, answer: ChangesAnswer
) -> Moved | Malformed | Alarm:
    """The change from `start`, if the answer is for this event and position, proven from `known` and well-formed."""
    checkpoint = advance(trust, known, answer.checkpoint, answer.consistency)
    if not isinstance(checkpoint, Checkpoint):
        return checkpoint
    if answer.event != event:
        return Malformed(f"changes of the event {answer.event}, not of {event}")
    if answer.start != start:
        return Malformed(f"a gap: asked for changes from {start}, answered from {answer.start}")
    if not start <= answer.to <= checkpoint.size:
        return Malformed(f"changes from {start} to {answer.to} in a log of size {checkpoint.size}")
    if answer.to == start and (answer.rows or checkpoint.size > start):
        return Malformed(f"changes that do not move on from {start}")
    rows = _read_rows(answer.rows)
    if isinstance(rows, Malformed):
        return rows
    newer = _newer_manifest(event, manifest, answer.manifest)
    if isinstance(newer, Malformed):
        return newer
    at = answer.time_ms // 1000
    return Moved(checkpoint, Change(start, answer.to, rows, newer, checkpoint.text(), at, checkpoint.size))


def left_line(trust: LogTrust, known: Known, answer: Heard) -> tuple[LostPart, Checkpoint] | Malformed | Alarm:
    """The root key's word that exactly what is known was lost, and the checkpoint from which the log goes on, proven to
    extend what that word says was kept.
    """
    part = LostPart.open(answer.lost, trust.log_key)
    if isinstance(part, Malformed):
        return part
    if (part.lost, part.lost_root) != (known.size, known.root):
        return Malformed(f"it is about another line of size {part.lost}, ours is of {known.size}")
    base = Known(part.kept, part.kept_root)
    checkpoint = advance(trust, base, answer.checkpoint, answer.consistency)
    return (part, checkpoint) if isinstance(checkpoint, Checkpoint) else checkpoint


def prove_revocation(
    trust: LogTrust, known: Known, event: str, device: str, answer: RevocationAnswer
) -> tuple[Checkpoint, str] | Malformed | Alarm:
    """The checkpoint, proven from `known`, in whose log this device is revoked, and the reason that is given there."""
    checkpoint = advance(trust, known, answer.checkpoint, answer.consistency)
    if not isinstance(checkpoint, Checkpoint):
        return checkpoint
    operator = trust.log_key.public_key
    reason = check_revocation(answer.entry, answer.position, answer.inclusion, checkpoint, operator, event, device)
    return reason if isinstance(reason, Malformed) else (checkpoint, reason)


def check_snapshot(
    trust: LogTrust, known: Known, node_key: bytes, event: str, view_size: int, header: SnapshotHeader
) -> Checkpoint | Malformed | Alarm:
    """The checkpoint of a snapshot that may be installed, as far as its header tells; the rows are the view's.

    Between different sizes no proof is in the file: whoever knows a size must still ask for it.
    """
    if header.node_key != node_key:
        return Malformed("a snapshot signed by another node than the one that this gate was enrolled with")
    if header.event != event:
        return Malformed(f"a snapshot of the event {header.event}, this gate serves {event}")
    if header.size < view_size:
        return Malformed(f"a snapshot of size {header.size}, older than what this gate has ({view_size})")
    checkpoint = open_trusted(trust, header.checkpoint)
    if not isinstance(checkpoint, Checkpoint):
        return checkpoint
    if (checkpoint.size, checkpoint.root) != (header.size, header.root):
        return Malformed("the snapshot's manifest and its checkpoint differ")
    alarm = _disagrees(known, checkpoint) if header.size == known.size else None
    return alarm or _false(trust, header) or checkpoint


def _false(trust: LogTrust, header: SnapshotHeader) -> Alarm | None:
    """An alarm unless enough of our witnesses state these tickets and this manifest at the snapshot's size.

    The log proves what was written, and says nothing about the rows that somebody makes of it: who has not replayed it
    can only ask those who have.
    """
    if not trust.quorum:
        return None
    stated = Stated(header.state_digest, manifest_digest(header.event_manifest))
    same, others = _compare(trust, Known(header.size, header.root), header.event, stated, header.statements)
    if same >= trust.quorum:
        return None
    if others:
        return Alarm(
            "false-snapshot",
            f"false snapshot: {others} states other tickets, or another manifest, at size {header.size} of this log: it"
            " is not used. The node shows this gate what its own log does not say: tell the witness and the organiser",
        )
    return Alarm(
        "unwitnessed",
        f"{same} of our {len(trust.witnesses)} witnesses state the tickets of the snapshot of size {header.size},"
        f" {trust.quorum} must: it is not used; are they running, and are they witnesses that replay the log?",
    )


def check_view(trust: LogTrust, known: Known, event: str, ours: Stated, statements: Sequence[str]) -> bool | Alarm:
    """Whether enough of our witnesses state what this gate's view holds at the size `known`; an alarm if some of them
    state something else. Only this shows changes that the node made up: they come with a proof of the log, not of rows.
    """
    same, others = _compare(trust, known, event, ours, statements)
    if same >= trust.quorum or not others:
        return same >= trust.quorum
    return Alarm(
        "false-changes",
        f"false changes: {others} states other tickets, or another manifest, at size {known.size} than the changes that"
        " came from the node: a new snapshot is fetched. The node showed this gate what its own log does not say: tell"
        " the witness and the organiser",
    )


def _compare(trust: LogTrust, known: Known, event: str, ours: Stated, statements: Sequence[str]) -> tuple[int, str]:
    """How many of our witnesses state the same of this size, and the names of those who state something else."""
    said = heard(statements, trust.witnesses, trust.origin, known.size, known.root)
    same = sum(events.get(event) == ours for events in said.values())
    return same, ", ".join(sorted(name for name, events in said.items() if events.get(event) != ours))


def _disagrees(known: Known, checkpoint: Checkpoint) -> Alarm | None:
    if checkpoint.size < known.size:
        return Alarm(
            "rollback",
            f"the log went back from {known.size} to {checkpoint.size}: the node was restored from an old backup,"
            " or is another one; tell its operator",
        )
    if checkpoint.size == known.size and checkpoint.root != known.root:
        return Alarm("fork", f"fork: the log of size {known.size} has another root than the one we verified")
    return None


def _judge(record: Waiting, answer: RecordAnswer | None, checkpoint: Checkpoint) -> Receipt | str:
    """The receipt, or why it is none."""
    name = f"record {record.counter}"
    if answer is None:
        return f"{name}: no receipt"
    if answer.verdict == "rejected":
        return Receipt(record.counter, "rejected", None, None, answer.reason or "rejected by the ledger node")
    if answer.position is None:
        return f"{name}: {answer.verdict}, but at no position"
    leaf = leaf_hash(record.raw)
    if not verify_inclusion(leaf, answer.position, checkpoint.size, answer.inclusion, checkpoint.root):
        return f"{name}: not proven to stand at position {answer.position} of {checkpoint.size}"
    return answer.receipt(record.counter)


def _read_rows(packed: Iterable[bytes]) -> tuple[Row, ...] | Malformed:
    rows: dict[int, Row] = {}
    for data in packed:
        if len(data) != ROW_BYTES:
            return Malformed(f"a row of {len(data)} bytes, not {ROW_BYTES}")
        row = Row.unpack(data)
        if row.state > BLOCKED:
            return Malformed(f"ticket {row.ticket} has the state {row.state}, which this gate does not know")
        if row.ticket in rows:
            return Malformed(f"ticket {row.ticket} stands twice in one change")
        rows[row.ticket] = row
    return tuple(rows.values())


def _newer_manifest(
    event: str, current: EventManifest | None, packed: bytes | None
) -> EventManifest | Malformed | None:
    """The manifest that a change brings; one that is the current one again is not news."""
    if packed is None:
        return None
    fields = decode_map(packed)
    manifest = fields if isinstance(fields, Malformed) else EventManifest.from_map(fields)
    if isinstance(manifest, Malformed):
        return manifest
    if manifest.event != event:
        return Malformed(f"the manifest of another event, {manifest.event}")
    if current and manifest.version < current.version:
        return Malformed(f"manifest version {manifest.version}, older than ours ({current.version})")
    if current and manifest.version == current.version and manifest != current:
        return Malformed(f"another manifest with the same version {manifest.version}")
    return None if manifest == current else manifest
