"""The view down: a snapshot when there is none or it is too far behind, then changes as they happen, by long poll.

A snapshot is downloaded beside the one in use, and between it and the log that we know a proof is asked for; checking
its rows and swapping it in is the view's business. What is not proven changes nothing.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import structlog

from scanner.errors import SyncError
from scanner.ports import Outbox, ViewStore
from scanner.sync.answers import ChangesAnswer, Heard, Problem
from scanner.sync.client import NodeClient, Progress
from scanner.sync.faults import AlarmError, RevokedError, ToldRevokedError, granted, proven
from scanner.sync.loop import Turn
from scanner.sync.reconcile import advance, check_changes, check_snapshot, check_view, left_line, prove_revocation
from scanner.sync.status import Side
from scanner.sync.trail import Trail
from scanner.sync.trust import Alarm, Known, LogTrust
from scanner.verify.checkpoint import Checkpoint
from scanner.verify.manifest import EventManifest
from scanner.verify.snapshot import SnapshotHeader, read_header

WAIT = 10
"""Seconds that the node may keep a long poll; a network that is gone shows after that."""
FAR_BEHIND = 50_000
"""Log entries beyond which a snapshot is quicker than the changes."""
RECHECK = 60.0
"""Seconds, at least, between two times that witnesses are asked whether the view is what the log says."""
_BREATH = 0.5
_log = structlog.get_logger("sync")
_TRIES = 8


class Downloader:
    """See the module; one thread. `manifest` tells the view's, `progress` hears of a snapshot's bytes."""

    side: Side = "down"

    def __init__(
        self,
        client: NodeClient,
        view: ViewStore,
        outbox: Outbox,
        trail: Trail,
        manifest: Callable[[], EventManifest | None],
        progress: Progress | None = None,
        *,
        wait: int = WAIT,
        far_behind: int = FAR_BEHIND,
        recheck: float = RECHECK,
    ) -> None:
        self._client, self._view, self._outbox, self._trail = client, view, outbox, trail
        self._manifest, self._progress = manifest, progress
        self._wait, self._far_behind = wait, far_behind
        self._snapshot_due = False
        self._greeted = False
        self._recheck, self._check_after, self._checked = recheck, 0.0, 0

    def step(self) -> Turn:
        """One snapshot, or one answer to "what changed?". Raises GateError with what is wrong."""
        try:
            if not self._greeted:
                # A quick question first: its signed time is exact, that of a long poll is not.
                granted(self._client.time())
                self._show_newest()
                self._greeted = True
                # The gate may claim from now on; the long poll would tell it only when something happens.
                return Turn(exchanged=True)
            if self._view.size == 0 or self._snapshot_due or self._view.left_line():
                self._fetch_snapshot()
                return Turn(exchanged=True)
            return self._follow()
        except ToldRevokedError as told:
            self._greeted = False
            self._look_up_revocation(told)
            raise
        except SyncError:
            self._greeted = False
            raise

    def _show_newest(self) -> None:
        """Before anything is asked of it: the node may have lost what this gate saw of its log, and not know it."""
        note = self._view.checkpoint()
        if not note:
            return
        answer = self._client.newer(note, self._view.checkpoint_keys(), self._outbox.queue_length())
        if isinstance(answer, Problem):
            # A node of an earlier release has no such path, one of another log is told below.
            _log.info("checkpoint-not-taken", reason=answer.sentence())
        elif isinstance(answer, Heard) and answer.lost:
            self._leave_line(answer)

    def _leave_line(self, answer: Heard) -> None:
        """The log lost what this gate saw of it last: send all records again, and go on from what it kept."""
        known, asked = self._trail.known(), self._trail.trust
        trust = self._trail.learn(asked, answer.log_keys)
        part, checkpoint = proven(left_line(trust, known, answer), "statement of a lost part")
        again = self._outbox.send_again()
        if self._trail.restart(known, checkpoint):
            _log.warning("log-lost", kept=part.kept, lost=part.lost, records=again)

    def _look_up_revocation(self, told: ToldRevokedError) -> None:
        """Raises RevokedError if the log that this gate follows says so too, else SyncError: then nothing is let go."""
        known, asked, who = self._trail.known(), self._trail.trust, self._client.identity
        try:
            answer = granted(self._client.revocation(known.size))
            trust = self._trail.learn(asked, answer.log_keys)
            checkpoint, reason = proven(prove_revocation(trust, known, who.event, who.device, answer), "revocation")
            taken = self._trail.take(known, checkpoint, trust)
        except AlarmError:
            raise
        except SyncError as error:
            raise SyncError(f"{told}; the log does not prove it, so nothing is wiped: {error}") from error
        if taken:
            raise RevokedError(f"this device was revoked: {reason}")

    def _follow(self) -> Turn:
        began, start, known = time.monotonic(), self._view.size, self._trail.known()
        answer, trust = self._changes(start, known, self._wait)
        event = self._client.identity.event
        moved = proven(check_changes(trust, known, event, start, self._manifest(), answer), "changes")
        change = replace(moved.change, at=self._true_at(moved.change.at))
        if not self._trail.take(known, moved.checkpoint, trust, change):
            return Turn(exchanged=True)
        self._snapshot_due = moved.checkpoint.size - answer.to > self._far_behind
        if answer.to == start:
            self._check_view()
        idle = answer.to == start and time.monotonic() - began < _BREATH
        return Turn(exchanged=True, rest=_BREATH if idle else 0.0)

    def _true_at(self, told: int) -> int:
        """When the changes were true: now by our own time, because they answer a question of seconds ago; by the node's
        word only while we have no time of our own.
        """
        reading = self._client.now()
        return int(reading.seconds) if reading.trusted else told

    def _check_view(self) -> None:
        """At a quiet moment: have witnesses confirm what the node's changes have made of the snapshot."""
        known, trust = self._trail.known(), self._trail.trust
        if not trust.quorum or known.size == self._checked or time.monotonic() < self._check_after:
            return
        self._check_after = time.monotonic() + self._recheck
        answer, state = self._client.state(), self._view.state()
        if isinstance(answer, Problem) or state is None or not known.size == state[0] == granted(answer).size:
            # Witnesses that are slow or away are no alarm here: nothing new is taken, and it is asked again.
            return
        verdict = check_view(trust, known, self._client.identity.event, state[1], granted(answer).statements)
        self._snapshot_due = isinstance(verdict, Alarm)
        if proven(verdict, "view"):
            self._checked = known.size
            _log.info("view-confirmed", log_size=known.size)

    def _changes(self, start: int, known: Known, wait: int) -> tuple[ChangesAnswer, LogTrust]:
        """The answer, and what to judge it by."""
        asked = self._trail.trust
        # Counted after `start` was read, and under the journal's lock: a node that hears of an empty queue knows that
        # what was admitted by the leases of an earlier list is in the log.
        answer = granted(self._client.changes(start, known.size, wait, self._outbox.queue_length()))
        if answer.wipe:
            raise ToldRevokedError("the ledger node says: this device was revoked")
        return answer, self._trail.learn(asked, answer.log_keys)

    def _fetch_snapshot(self) -> None:
        path, asked = self._view.room() / "snapshot.download", self._trail.trust
        try:
            granted(self._client.download_snapshot(path, self._progress))
            checkpoint = self._check(_header(path, self._client.identity.node_key), asked)
            self._connect(checkpoint)
            self._view.install(path)
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        self._snapshot_due = False

    def _check(self, header: SnapshotHeader, asked: LogTrust) -> Checkpoint:
        known, who = self._trail.known(), self._client.identity
        trust = self._trail.learn(asked, header.log_keys)
        least = 0 if self._view.left_line() else self._view.size
        verdict = check_snapshot(trust, known, who.node_key, who.event, least, header)
        return proven(verdict, "snapshot")

    def _connect(self, checkpoint: Checkpoint) -> None:
        """Have it proven that the snapshot's log and the one that we know are one: both must begin a third."""
        theirs = Known.of(checkpoint)
        for _ in range(_TRIES):
            known, trust = self._trail.known(), self._trail.trust
            if known.size in {0, theirs.size}:
                proven(advance(trust, known, checkpoint.text(), ()), "snapshot")
                newest = checkpoint
            else:
                newest, _ = self._newest(theirs, theirs.size)
                same, trust = self._newest(known, theirs.size)
                if same.size != newest.size:
                    continue
                if same.root != newest.root:
                    raise AlarmError(f"fork: the snapshot of size {theirs.size} is of another log than ours")
            if self._trail.take(known, newest, trust):
                return
        raise SyncError("the log moves on faster than the snapshot can be verified; it is tried again")

    def _newest(self, base: Known, start: int) -> tuple[Checkpoint, LogTrust]:
        answer, trust = self._changes(start, base, 0)
        return proven(advance(trust, base, answer.checkpoint, answer.consistency), "checkpoint"), trust


def _header(path: Path, node_key: bytes) -> SnapshotHeader:
    try:
        with path.open("rb") as file:
            return proven(read_header(file, node_key=node_key), "snapshot")
    except OSError as error:
        raise SyncError(f"the snapshot cannot be read back ({error}): check the disk") from error
