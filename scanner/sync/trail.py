"""What both sync threads know of the log: the newest verified checkpoint, which each of them moves on.

Keeps it through the view (durable), and lets no thread move it on from something the other one did not see. What makes
a checkpoint good is reconcile's business.
"""

import threading

from scanner.errors import SyncError
from scanner.ports import ViewStore
from scanner.sync.faults import AlarmError
from scanner.sync.reconcile import Alarm, Known, LogTrust, join, known_from
from scanner.verify.checkpoint import Checkpoint
from scanner.verify.entry import Malformed


class Trail:
    """See the module. Any thread may call."""

    def __init__(self, trust: LogTrust, view: ViewStore) -> None:
        """Go on from the stored checkpoint. Raises SyncError if that is not this log's."""
        self.trust = trust
        self._view = view
        self._guard = threading.Lock()
        known = known_from(view.checkpoint(), trust)
        if isinstance(known, Malformed):
            raise SyncError(
                f"the checkpoint kept by this gate is not of the log that it is enrolled with ({known.reason}):"
                " remove the view's folder, a new snapshot will be fetched"
            )
        self._known = known

    def known(self) -> Known:
        """The newest size and root that were verified."""
        return self._known

    def take(self, base: Known, checkpoint: Checkpoint) -> bool:
        """Move on to a checkpoint that was proven from `base`; False = ask again, the other thread moved on since.

        Raises AlarmError if the two threads were shown different logs.
        """
        with self._guard:
            joined = join(self._known, base, checkpoint)
            if isinstance(joined, Alarm):
                raise AlarmError(joined.reason)
            if joined is None:
                return False
            if joined != self._known:
                self._view.note_checkpoint(checkpoint.text(), checkpoint.size)
                self._known = joined
            return True
