"""What both sync threads know of the log: which keys sign its checkpoints, and the newest verified checkpoint. Each of
the threads moves them on.

Keeps both through the view (durable), and lets no thread move on from something that the other one did not see. What
makes a list of keys or a checkpoint good is reconcile's business.
"""

import threading
from dataclasses import replace
from typing import TypeVar

import structlog

from scanner.errors import SyncError
from scanner.ports import Change, ViewStore
from scanner.sync.faults import AlarmError
from scanner.sync.reconcile import join
from scanner.sync.trust import Alarm, Known, LogTrust, known_from, learn_keys
from scanner.verify.checkpoint import Checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.log_keys import LogKeys

_log = structlog.get_logger("sync")
T = TypeVar("T")


class Trail:
    """See the module. Any thread may call."""

    def __init__(self, trust: LogTrust, view: ViewStore) -> None:
        """Go on from what is stored. Raises SyncError if that is not this log's."""
        self._view = view
        self._guard = threading.Lock()
        under = view.checkpoint_keys()
        # A snapshot's file outlives the values beside it, and brings the list of its own time.
        lists = [_ours(LogKeys.open(note, trust.log_key)) for note in (view.log_keys(), under)]
        self._known = _ours(known_from(view.checkpoint(), under, trust))
        self._trust = replace(trust, keys=max(lists, key=lambda one: one.version))

    @property
    def trust(self) -> LogTrust:
        """Whom to believe now."""
        return self._trust

    def known(self) -> Known:
        """The newest size and root that were verified."""
        return self._known

    def learn(self, asked: LogTrust, note: str) -> LogTrust:
        """What to judge an answer by that was asked for under `asked` and came with this list of the log's keys.

        A newer list is on disk when this returns, so before anything that needs it is believed.

        Raises AlarmError if the list went back or there are two, SyncError if it is none of this log's.
        """
        with self._guard:
            judged = learn_keys(self._trust, asked, note)
            if isinstance(judged, Alarm):
                _log.critical("log-keys-refused", reason=judged.reason, ours=self._trust.log_keys.note, theirs=note)
                raise AlarmError(judged.reason)
            if isinstance(judged, Malformed):
                raise SyncError(f"the ledger node's answer cannot be believed: {judged.reason}")
            if judged.log_keys != self._trust.log_keys:
                self._view.note_log_keys(note)
                _log.info("log-keys", version=judged.log_keys.version)
            self._trust = replace(judged, changing=False)
            return judged

    def take(self, base: Known, checkpoint: Checkpoint, trust: LogTrust, change: Change | None = None) -> bool:
        """Move on to a checkpoint that was proven from `base` under `trust`, and the view with `change`, which it
        proves; False = ask again, the other thread moved on since.

        Raises AlarmError if the two threads were shown different logs.
        """
        with self._guard:
            if trust.log_keys != self._trust.log_keys:
                return False
            joined = join(self._known, base, checkpoint)
            if isinstance(joined, Alarm):
                raise AlarmError(joined.reason)
            if joined is None:
                return False
            if change:
                self._view.apply(change)
            elif joined != self._known:
                self._view.note_checkpoint(checkpoint.text(), checkpoint.size)
            self._known = joined
            return True

    def restart(self, base: Known, checkpoint: Checkpoint) -> bool:
        """Go on from this checkpoint, because the log lost `base`; False = the other thread moved on since."""
        with self._guard:
            if self._known != base:
                return False
            self._view.start_line(checkpoint.text(), checkpoint.size)
            self._known = Known.of(checkpoint)
            return True


def _ours(stored: T | Malformed) -> T:
    if isinstance(stored, Malformed):
        raise SyncError(
            f"the checkpoint kept by this gate is not of the log that it is enrolled with ({stored.reason}):"
            " remove the view's folder, a new snapshot will be fetched"
        )
    return stored
