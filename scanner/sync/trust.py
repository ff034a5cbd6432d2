"""Whom a gate believes about the log: its root key, the keys that that one lists, and so many witnesses. Pure.

What is already known of the log, and what follows from an answer, is reconcile's.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from scanner.verify.checkpoint import Checkpoint, VerifierKey, cosigned_at
from scanner.verify.entry import Malformed
from scanner.verify.log_keys import LogKeys, Suspicious, Unlisted
from scanner.verify.merkle import empty_root


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
    our witnesses vouch for what it shows ("unwitnessed"), they state something else ("false-..."), or a key that
    is not good any more signed it ("revoked").
    """

    kind: Literal["rollback", "fork", "unwitnessed", "false-snapshot", "false-changes", "revoked"]
    reason: str


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


def open_trusted(trust: LogTrust, note: str) -> Checkpoint | Malformed | Alarm:
    """The checkpoint in `note`, if a good key of the log and enough of our witnesses signed it."""
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
