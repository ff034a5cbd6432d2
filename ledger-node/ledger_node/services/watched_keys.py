"""Which keys sign a watched log's checkpoints: follows the log's own lists, forward only, and keeps each one.

A list that contradicts one that was seen is evidence. The caller sees to it that one thread at a time is here.
"""

from collections.abc import Callable

from ledger_node.adapters.remote_log import RemoteLogError
from ledger_node.log.remote import Source, UnreadableLogError
from ledger_node.services.errors import ServiceError
from ledger_node.services.evidence import Evidence
from ledger_node.services.witness_memory import Memory
from scanner.verify.checkpoint import Checkpoint, VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.log_keys import NEWEST, LogKeys, Suspicious, Unlisted


class WatchedKeys:
    """See the module. `root` is the key that the log is known by; `now` in unix seconds."""

    def __init__(self, root: VerifierKey, read: Source, memory: Memory, now: Callable[[], int]) -> None:
        """Raises ServiceError if what was kept is not of this log."""
        self._root, self._read, self._memory, self._now = root, read, memory, now
        self._asked_at = -1
        self._known = [LogKeys.unlisted(root)]
        for note in memory.lists(root.name):
            kept = LogKeys.open(note, root)
            if isinstance(kept, Malformed):
                raise ServiceError("memory", f"a kept list of the keys of {root.name}: {kept.reason}", 503)
            self._known.append(kept)

    @property
    def newest(self) -> LogKeys:
        """The list that counts."""
        return self._known[-1]

    @property
    def notes(self) -> tuple[str, ...]:
        """Every list that was seen, oldest first."""
        return tuple(one.note for one in self._known[1:])

    def follow(self) -> str:
        """Look at what the log shows as its newest list; what is wrong with it, or nothing. Raises as `read` does."""
        data = self._read(NEWEST)
        note = data.decode(errors="replace") if data is not None else ""
        shown = self.newest.newer(note)
        if isinstance(shown, LogKeys):
            if shown.version > self.newest.version:
                self._memory.keep_list(self._root.name, shown.version, note)
                self._known.append(shown)
            return ""
        return self._accuse(note) or shown.reason

    def open(self, text: str) -> Checkpoint | Malformed:
        """A checkpoint by a key that is good. For one by a key that is not listed the log's list is looked at first, at
        most once a second, for anybody may send such a checkpoint.
        """
        opened = self.newest.open_checkpoint(text)
        if not isinstance(opened, Unlisted) or self._now() == self._asked_at:
            return opened
        self._asked_at = self._now()
        try:
            self.follow()
        except (UnreadableLogError, RemoteLogError):
            return opened
        return self.newest.open_checkpoint(text)

    def _accuse(self, note: str) -> str:
        """What is proven by this list and one that was seen, kept as evidence; nothing if they get on."""
        shown = LogKeys.open(note, self._root)
        if isinstance(shown, Malformed):
            return ""
        for one in self._known:
            verdict = one.newer(note)
            if isinstance(verdict, Suspicious) and verdict.kind == "another":
                found = Evidence("keys", self._root.encode(), verdict.reason, self._now(), one.note, note)
                self._memory.accuse(self._root.name, found)
                return verdict.reason
        return ""
