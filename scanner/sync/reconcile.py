"""Which of the node's answers may be believed. Pure: no network, no disk, no clock.

A record is settled only if the log's signed checkpoint extends the one we know (RFC 9162 2.1.4) and the raw bytes that
we sent are proven to stand in it (2.1.3). A node that was restored from an old backup, or shows us another log than
before, is not bad input but an alarm, with the sizes that prove it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from scanner.ports import Change, Receipt, Waiting
from scanner.sync.answers import ChangesAnswer, RecordAnswer, Uploaded
from scanner.verify.checkpoint import Checkpoint, VerifierKey, cosigned_at
from scanner.verify.entry import Malformed, decode_map
from scanner.verify.log_keys import LogKeys, Suspicious, Unlisted
from scanner.verify.manifest import EventManifest
from scanner.verify.merkle import empty_root, leaf_hash, verify_consistency, verify_inclusion
from scanner.verify.row import BLOCKED, ROW_BYTES, Row
from scanner.verify.snapshot import SnapshotHeader, manifest_digest
from scanner.verify.statement import Stated, heard


@dataclass(frozen=True, slots=True)
class LogTrust:
    """Which log to believe: its origin and root key, and how many of these witnesses must have cosigned a checkpoint.

    `keys` are the newest list of the keys that sign its checkpoints, None before the first. `changing`: it is not the
    one that was known when the answer was asked for, so that an answer by the keys before may be late and no alarm.
    """

    origin: str
    log_key: VerifierKey
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0
    keys: LogKeys | None = None
    changing: bool = False

    @property
    def log_keys(self) -> LogKeys:
        """The list that counts."""
        return self.keys or LogKeys.unlisted(self.log_key)


@dataclass(frozen=True, slots=True)
class Known:
    """The newest size and root that were verified; the empty log before the first."""

    size: int = 0
    root: bytes = field(default_factory=empty_root)

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "Known":
        """What a verified checkpoint says."""
        return cls(checkpoint.size, checkpoint.root)


@dataclass(frozen=True, slots=True)
class Alarm:
    """People must look: the log is not what it was ("rollback" or "fork", both signed by the log's own key), too few of
    our witnesses vouch for what it shows ("unwitnessed"), they state something else ("false-snapshot"), or a key that
    is not good any more signed it ("revoked").
    """

    kind: Literal["rollback", "fork", "unwitnessed", "false-snapshot", "revoked"]
    reason: str


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


def known_from(note: str, under: str, trust: LogTrust) -> Known | Malformed:
    """What the stored note says, which was good by the list `under` when it was stored; an empty one is the empty log.

    Its key may have been revoked since: what was verified stays known, though nothing more is taken by that key.
    """
    keys = LogKeys.open(under, trust.log_key)
    if isinstance(keys, Malformed) or not note:
        return keys if isinstance(keys, Malformed) else Known()
    checkpoint = keys.open_checkpoint(note)
    return checkpoint if isinstance(checkpoint, Malformed) else Known.of(checkpoint)


def learn_keys(trust: LogTrust, asked: LogTrust, note: str) -> LogTrust | Malformed | Alarm:
    """What to judge an answer by that was asked for under `asked` and came with this list of the log's keys, or with
    none; `trust` is what holds now.
    """
    shown = trust.log_keys.newer(note)
    if isinstance(shown, Malformed):
        return Malformed(f"the list of the log's keys: {shown.reason}")
    late = trust.log_keys.version != asked.log_keys.version
    if isinstance(shown, Suspicious) and not (late and shown.kind == "older"):
        return Alarm("rollback" if shown.kind == "older" else "fork", shown.reason)
    keys = trust.log_keys if isinstance(shown, Suspicious) else shown
    return replace(trust, keys=keys, changing=keys.version != asked.log_keys.version)


def advance(trust: LogTrust, known: Known, note: str, consistency: Sequence[bytes]) -> Checkpoint | Malformed | Alarm:
    """The checkpoint in `note`, if it extends what is known; `consistency` leads from `known.size` to its size."""
    checkpoint = _open(trust, note)
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
    return Moved(checkpoint, Change(start, answer.to, rows, newer, answer.checkpoint, at))


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
    checkpoint = _open(trust, header.checkpoint)
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
    said = heard(header.statements, trust.witnesses, trust.origin, header.size, header.root)
    same = sum(events.get(header.event) == stated for events in said.values())
    if same >= trust.quorum:
        return None
    others = ", ".join(sorted(name for name, events in said.items() if events.get(header.event) != stated))
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


def _open(trust: LogTrust, note: str) -> Checkpoint | Malformed | Alarm:
    checkpoint = trust.log_keys.open_checkpoint(note)
    if isinstance(checkpoint, Unlisted) and not trust.changing:
        return Alarm("revoked", f"the log's checkpoint is {checkpoint.reason}")
    if isinstance(checkpoint, Malformed):
        return Malformed(f"the checkpoint: {checkpoint.reason}")
    cosigned = sum(cosigned_at(checkpoint, witness) is not None for witness in trust.witnesses)
    if cosigned < trust.quorum:
        return Alarm(
            "unwitnessed",
            f"{cosigned} of our {len(trust.witnesses)} witnesses cosigned the log's size {checkpoint.size},"
            f" {trust.quorum} must: it is not believed; are they running, and does the node ask them?",
        )
    return checkpoint


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
