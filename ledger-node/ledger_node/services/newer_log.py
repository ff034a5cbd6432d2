"""Whether this node lost the newest part of its log, as it does when an old copy of its folder is put back.

It knows as soon as it is shown a checkpoint that its own log's key signed, of a log that is longer than what it has, or
that is another one at that size. Such checkpoints are kept on disk, and from then on nothing is logged until the log is
what they say. Only the log's own signature counts here: what gates, witnesses or strangers merely say changes nothing.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from ledger_node.key_files import write_whole
from ledger_node.log.ledger import Ledger
from ledger_node.log.port import Head, LogBehindFault
from ledger_node.services.errors import ServiceError
from ledger_node.services.lost_part import LostParts
from scanner.verify.checkpoint import Checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.log_keys import LogKeys, Suspicious

FILE = "newer-log.json"
CODE = "log-behind"
MOST_KEPT = 64
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Newer:
    """A checkpoint of ours that this node's log does not have, who showed it, and when (unix seconds).

    `size` and `root` were signed by the log's own key.
    """

    size: int
    root: bytes
    note: str
    log_keys: str
    by: str
    at: int

    def to_map(self) -> dict[str, Any]:
        """As it is kept."""
        told = {"size": self.size, "root": self.root.hex(), "checkpoint": self.note, "log_keys": self.log_keys}
        return {**told, "by": self.by, "at": self.at}


@dataclass(frozen=True, slots=True)
class Behind:
    """What is missing: entries from `size` up to that of `newest`; `forked` if entries were logged here that the log
    does not have.
    """

    size: int
    newest: Newer
    forked: bool

    def sentence(self) -> str:
        """For people: what happened, and what to do."""
        what = f"this node's log has {self.size} entries, and {self.newest.by} showed its checkpoint of"
        what += f" {self.newest.size}: an old copy of the node's folder was put back"
        if self.forked:
            return f"{what}, and entries were logged since that the log does not have; nothing is logged now"
        return f"{what}; nothing is logged until what is missing is back (`ledger-node restore status`)"

    @property
    def missing(self) -> int:
        """How many entries."""
        return max(0, self.newest.size - self.size)

    def to_map(self) -> dict[str, Any]:
        """For programs."""
        facts = {"size": self.size, "newest": self.newest.size, "missing": self.missing, "forked": self.forked}
        return {**facts, "shown_by": self.newest.by, "shown_at": self.newest.at}


class NewerLog:
    """See the module. Any thread may call. `now` in unix seconds. Raises ServiceError for the disk."""

    def __init__(
        self, home: Path, ledger: Ledger, keys: Callable[[], LogKeys], now: Callable[[], int], lost: LostParts
    ) -> None:
        self._path, self._ledger, self._keys, self._now, self._lost = home / FILE, ledger, keys, now, lost
        self._lock = threading.RLock()
        self.feeding = threading.Lock()
        """Held by who takes back what is missing: one at a time."""
        self._shown = self._read()
        self._behind: Behind | None = None
        self.look_again()

    @property
    def behind(self) -> Behind | None:
        """What is missing; None if nothing is, as far as is known."""
        return self._behind

    @property
    def shown(self) -> tuple[Newer, ...]:
        """The checkpoints that this log does not have, by size."""
        return tuple(self._shown)

    def require(self) -> None:
        """Raises ServiceError "log-behind" while something is missing."""
        if self._behind:
            raise ServiceError(CODE, self._behind.sentence(), 409)

    def show(self, note: str, log_keys: str, by: str) -> bool:
        """Take a checkpoint that `by` shows, with the list of the log's keys that it is good by; whether it is news.

        Raises ServiceError "not-ours" for one that the log's keys did not sign.
        """
        keys = self.keys_by(log_keys)
        checkpoint = keys.open_checkpoint(note)
        if isinstance(checkpoint, Malformed):
            raise ServiceError("not-ours", f"this is no checkpoint of this log: {checkpoint.reason}", 422)
        with self._lock:
            if self._expected(checkpoint.size, checkpoint.root) or self._kept(checkpoint):
                return False
            self._keep(Newer(checkpoint.size, checkpoint.root, checkpoint.text(), keys.note, by, self._now()))
            self._judge()
        assert self._behind is not None, "it was just kept"
        log.critical(
            "log-behind",
            size=self._behind.size,
            newest=self._behind.newest.size,
            missing=self._behind.missing,
            forked=self._behind.forked,
            shown_by=by,
        )
        return True

    def statement(self, note: str, log_keys: str) -> tuple[str, int]:
        """For who goes by this checkpoint: the root key's word that it is of what was lost, and the size from which the
        log goes on; "" if it is not.
        """
        checkpoint = self.keys_by(log_keys).open_checkpoint(note)
        if isinstance(checkpoint, Malformed) or self._has(checkpoint.size, checkpoint.root):
            return "", 0
        return self._lost.statement(checkpoint.size, checkpoint.root)

    def declare_lost(self) -> Behind:
        """Go on without what is missing: it is gone for good. Raises ServiceError "log-whole" if nothing is."""
        with self.feeding, self._lock:
            behind = self._behind
            if behind is None:
                raise ServiceError("log-whole", "nothing is known to be missing: there is nothing to declare lost")
            self._lost.declare(Head(one.size, one.root) for one in self._shown)
            self.look_again()
        return behind

    def look_again(self) -> None:
        """The log has grown: forget what it has by now, and take entries again if nothing is missing."""
        with self._lock:
            self._judge()
            if self._behind is None and self._path.exists():
                self._path.unlink()
                log.warning("log-whole", size=self._ledger.size)

    def keys_by(self, log_keys: str) -> LogKeys:
        """The keys that sign this log's checkpoints, if this list came with one. Raises ServiceError "not-ours"."""
        ours = self._keys()
        newer = ours.newer(log_keys)
        # An older list would make a key good again that was revoked since.
        if isinstance(newer, Malformed) or (isinstance(newer, Suspicious) and newer.kind == "another"):
            raise ServiceError("not-ours", f"the list of the log's keys: {newer.reason}", 422)
        return ours if isinstance(newer, Suspicious) else newer

    def _has(self, size: int, root: bytes) -> bool:
        with self._ledger.view() as view:
            return size <= view.size and view.root_at(size) == root

    def _expected(self, size: int, root: bytes) -> bool:
        """Whether our log has it, or is known to have lost it for good."""
        return self._has(size, root) or self._lost.covers(size, root)

    def _kept(self, checkpoint: Checkpoint) -> bool:
        return any((one.size, one.root) == (checkpoint.size, checkpoint.root) for one in self._shown)

    def _keep(self, one: Newer) -> None:
        kept = sorted([*self._shown, one], key=lambda shown: shown.size)
        if len(kept) > MOST_KEPT:
            # The newest says how much is missing, the others only prove steps on the way there.
            del kept[0]
        try:
            write_whole(self._path, json.dumps([shown.to_map() for shown in kept]).encode())
        except OSError as error:
            raise ServiceError("disk", f"{self._path} cannot be written ({error.strerror}): see to the disk") from error
        finally:
            # Also where the disk is full: what was seen is true.
            self._shown = kept

    def _judge(self) -> None:
        self._shown = [one for one in self._shown if not self._expected(one.size, one.root)]
        size = self._ledger.size
        if self._shown:
            newest = self._shown[-1]
            self._behind = Behind(size, newest, any(one.size <= size for one in self._shown))
            self._ledger.hold(LogBehindFault(self._behind.sentence()))
        else:
            self._behind = None
            self._ledger.hold(None)

    def _read(self) -> list[Newer]:
        """What was kept; each was good when it was."""
        try:
            kept = json.loads(self._path.read_bytes()) if self._path.exists() else []
            read = [
                Newer(
                    int(one["size"]), bytes.fromhex(one["root"]), one["checkpoint"], one["log_keys"], one["by"],
                    int(one["at"]),
                )
                for one in kept
            ]  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            what = f"{self._path} cannot be read ({error}): it says what this log lacks"
            raise ServiceError("disk", f"{what}; restore it, or move it away if the log is whole", 503) from error
        return read
