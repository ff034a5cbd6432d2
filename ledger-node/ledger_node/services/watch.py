"""One log under a witness's watch. It is signed (tlog-cosignature, cosignature/v1) when the log signed it, it extends
all that was signed before, and every entry up to it was replayed through the contract.

What is signed was made durable first. Proof that the log forked or broke its rules ends the signing for good; what only
cannot be verified (tiles that are missing, a bad proof that anybody could have sent) is refused this time.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ledger_node.adapters.remote_log import RemoteLogError
from ledger_node.log import tiles
from ledger_node.log.port import LedgerFault
from ledger_node.log.remote import RemoteTiles, Source, UnreadableLogError
from ledger_node.log.stated import STATE, open_state, state_of
from ledger_node.services.errors import ServiceError
from ledger_node.services.evidence import Evidence, Linked, events_differ, fork
from ledger_node.services.replica import Broken, Progress, Replica
from ledger_node.services.watched_keys import WatchedKeys
from ledger_node.services.witness_memory import Memory, Seen
from scanner.verify.checkpoint import Checkpoint, VerifierKey, parse_checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.merkle import verify_consistency
from scanner.verify.statement import StateStatement

CHECKPOINT = "checkpoint"
Sign = Callable[[Checkpoint, int], str]
"""The cosignature line of a checkpoint at a time."""


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """A log: its root key, whose name is its origin, and what reads its C2SP paths."""

    key: VerifierKey
    read: Source

    @property
    def origin(self) -> str:
        """The log's name in its checkpoints."""
        return self.key.name


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The signature line to add to the checkpoint."""

    line: str
    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing was signed. `status` is what C2SP tlog-witness calls it; `size` is the newest signed one."""

    status: int
    reason: str
    size: int = 0


class Watch:
    """One log under watch. Any thread; requests wait for each other. `problem` is why nothing newer is signed."""

    def __init__(
        self,
        log: WatchedLog,
        replica: Replica,
        memory: Memory,
        sign: Callable[[Checkpoint, int], str],
        now: Callable[[], int],
    ) -> None:
        self._log, self._replica, self._memory, self._sign, self._now = log, replica, memory, sign, now
        self._keys = WatchedKeys(log.key, log.read, memory, now)
        self._lock = threading.Lock()
        self._stated: StateStatement | None = None
        self.problem = ""

    @property
    def log_keys(self) -> int:
        """The newest version that was seen of the list of the log's keys."""
        return self._keys.newest.version

    def close(self) -> None:
        """Give the files back."""
        with self._lock:
            self._replica.close()

    def add(self, text: str, old: int, proof: Sequence[bytes]) -> Cosigned | Refused:
        """As tlog-witness says: a checkpoint from anybody, with the proof from the size `old`."""
        with self._lock:
            checkpoint = self._keys.open(text)
        if isinstance(checkpoint, Malformed):
            return Refused(403, checkpoint.reason)
        if old > checkpoint.size:
            return Refused(400, f"the old size {old} is larger than the checkpoint's, {checkpoint.size}")
        with self._lock:
            return self._noted(lambda: self._add(checkpoint, old, proof))

    def follow(self, progress: Progress) -> Cosigned | Refused:
        """What the log itself shows now, its statement of the state included."""
        with self._lock:
            return self._noted(lambda: self._follow(progress))

    def state(self, size: int | None = None) -> StateStatement | Refused:
        """The state digests at the newest size that was replayed; Refused (409) if that is not `size`."""
        with contextlib.ExitStack() as stack:
            with self._lock:
                view = stack.enter_context(self._replica.view())
            if size not in {None, view.size}:
                return Refused(409, f"the newest size that was replayed is {view.size}, not {size}", view.size)
            # A big state takes long; the view stays as it is while the log is followed further.
            stated = self._stated
            if stated is None or (stated.size, stated.root) != (view.size, view.root):
                stated = self._stated = state_of(view, self._log.origin)
            return stated

    @property
    def log_keys_note(self) -> str:
        """The newest list of the log's keys that was seen; empty before the first."""
        return self._keys.newest.note

    def tile(self, path: tiles.TilePath) -> bytes | None:
        """What stands at a C2SP tile path of the replica; None if it is not that long."""
        with contextlib.ExitStack() as stack:
            with self._lock:
                view = stack.enter_context(self._replica.view())
            return view.read(path)

    def _noted(self, act: Callable[[], Cosigned | Refused]) -> Cosigned | Refused:
        """Do it unless there is evidence; faults become refusals, and what is wrong is kept for `standing`."""
        try:
            answer = self._accused() or act()
        except (UnreadableLogError, RemoteLogError, LedgerFault) as error:
            answer = Refused(503, str(error))
        except ServiceError as error:
            answer = Refused(error.status, error.sentence)
        if isinstance(answer, Cosigned):
            self.problem = ""
        elif answer.status != 409 or self._accused():
            self.problem = answer.reason
        return answer

    def _accused(self) -> Refused | None:
        found = self._memory.evidence(self._log.origin)
        if not found:
            return None
        return Refused(422, f"nothing of this log is signed any more: {found[0].reason} (see /evidence)")

    def _add(self, checkpoint: Checkpoint, old: int, proof: Sequence[bytes]) -> Cosigned | Refused:
        seen = self._memory.seen(self._log.origin)
        contradiction = self._contradicts_past(checkpoint, seen)
        if old != seen.size:
            return Refused(409, f"the newest signed size is {seen.size}, not {old}", seen.size)
        if contradiction:
            return Refused(422, contradiction.reason, seen.size)
        if not verify_consistency(old, checkpoint.size, seen.root, checkpoint.root, proof):
            # A bad proof may be the sender's fault: only what the log's own tiles show is held against the log.
            found = self._fork_in(checkpoint, seen)
            why = found.reason if found else f"not proven to begin with the log of size {old} that was signed"
            return Refused(422, why, seen.size)
        return self._take(checkpoint, seen, lambda _done, _all: None)

    def _follow(self, progress: Progress) -> Cosigned | Refused:
        why = self._keys.follow()
        if why:
            return self._accused() or Refused(503, why)
        wrong = self._compare_states(progress)
        if wrong:
            return wrong
        data = self._log.read(CHECKPOINT)
        text = data.decode(errors="replace") if data is not None else ""
        checkpoint = self._keys.open(text)
        if isinstance(checkpoint, Malformed):
            return Refused(503, f"the log shows no checkpoint of its own: {checkpoint.reason}")
        seen = self._memory.seen(self._log.origin)
        contradiction = self._contradicts_past(checkpoint, seen)
        if contradiction:
            return Refused(422, contradiction.reason, seen.size)
        if checkpoint.size < seen.size:
            return Refused(
                409, f"the log went back from {seen.size} to {checkpoint.size}: restored from a backup?", seen.size
            )
        return self._take(checkpoint, seen, progress)

    def _take(self, checkpoint: Checkpoint, seen: Seen, progress: Progress) -> Cosigned | Refused:
        """Replay up to `checkpoint`, which does not contradict what was seen as far as is known, and sign it."""
        origin, at = self._log.origin, self._now()
        if at < seen.at:
            return Refused(
                503, f"this witness's clock says {at}, before its last signature at {seen.at}: set the clock"
            )
        wrong = self._reach(checkpoint, seen, progress)
        if wrong:
            return wrong
        self._memory.keep(origin, Seen(checkpoint.size, checkpoint.root, self._bare(checkpoint).text(), at))
        self._memory.clear(origin, checkpoint.size)
        return Cosigned(self._sign(checkpoint, at), checkpoint.size)

    def _bare(self, checkpoint: Checkpoint) -> Checkpoint:
        """Without lines that others added, which nobody has checked."""
        ours = {(key.name, key.key_id) for key in self._keys.newest.keys}
        return replace(checkpoint, signatures=tuple(s for s in checkpoint.signatures if (s.name, s.key_id) in ours))

    def _reach(self, checkpoint: Checkpoint, seen: Seen, progress: Progress) -> Refused | None:
        """Have all entries of `checkpoint` replayed; if None, its root is the replica's at that size."""
        self._memory.suspect(self._log.origin, checkpoint.size, checkpoint.root, checkpoint.text())
        remote = RemoteTiles(self._log.read, checkpoint.size)
        if self._replica.size < seen.size and not self._extends(checkpoint, seen, remote):
            return self._unlike(checkpoint, seen, "its tiles do not connect it with what was signed before")
        bad = self._replica.replay(checkpoint, remote, progress)
        if isinstance(bad, Broken) and bad.unknown:
            return Refused(503, f"entry {bad.position}: {bad.reason}; update this witness", seen.size)
        if isinstance(bad, Broken):
            return Refused(422, self._accuse_entry(checkpoint, bad), seen.size)
        if bad is not None:
            return self._unlike(checkpoint, seen, bad.reason)
        found = self._fork_among_suspects(checkpoint)
        return Refused(422, found.reason, seen.size) if found else None

    def _unlike(self, checkpoint: Checkpoint, seen: Seen, reason: str) -> Refused:
        found = self._fork_in(checkpoint, seen)
        return Refused(422, found.reason, seen.size) if found else Refused(503, f"not verified: {reason}", seen.size)

    def _extends(self, checkpoint: Checkpoint, seen: Seen, remote: RemoteTiles) -> bool:
        proof = tiles.consistency(remote, seen.size, checkpoint.size)
        return verify_consistency(seen.size, checkpoint.size, seen.root, checkpoint.root, proof)

    def _contradicts_past(self, checkpoint: Checkpoint, seen: Seen) -> Evidence | None:
        """Evidence if this is not what the log was at that size, as far as the replica goes back."""
        earlier = parse_checkpoint(seen.note) if seen.note else None
        if not isinstance(earlier, Checkpoint) or checkpoint.size > seen.size:
            return None
        if checkpoint.size == seen.size:
            same = checkpoint.root == seen.root
            return None if same else self._accuse(self._fork(earlier, checkpoint))
        if self._replica.size < seen.size:
            return None
        with self._replica.view() as view:
            linked = (view.root_at(checkpoint.size), tuple(view.consistency(checkpoint.size, seen.size)))
        if linked[0] == checkpoint.root:
            return None
        return self._accuse(self._fork(checkpoint, earlier, linked))

    def _fork_in(self, checkpoint: Checkpoint, seen: Seen) -> Evidence | None:
        """Evidence if the log's own tiles show that `checkpoint` begins otherwise than what it signed before."""
        notes = [seen.note, *self._memory.suspects(self._log.origin, checkpoint.size)]
        self._memory.suspect(self._log.origin, checkpoint.size, checkpoint.root, checkpoint.text())
        remote = RemoteTiles(self._log.read, checkpoint.size)
        for earlier in map(parse_checkpoint, filter(None, notes)):
            if not isinstance(earlier, Checkpoint) or not 0 < earlier.size <= checkpoint.size:
                continue
            found = self._fork_between(earlier, checkpoint, remote)
            if found:
                return self._accuse(found)
        return None

    def _fork_between(self, earlier: Checkpoint, later: Checkpoint, remote: RemoteTiles) -> Evidence | None:
        if earlier.size == later.size:
            return self._fork(earlier, later) if earlier.root != later.root else None
        with contextlib.suppress(UnreadableLogError, RemoteLogError, LedgerFault):
            root = tiles.frontier_of(remote, earlier.size).root()
            proof = tuple(tiles.consistency(remote, earlier.size, later.size))
            if root != earlier.root and verify_consistency(earlier.size, later.size, root, later.root, proof):
                return self._fork(earlier, later, (root, proof))
        return None

    def _fork_among_suspects(self, checkpoint: Checkpoint) -> Evidence | None:
        """Evidence if something that the log signed at another time is not part of what was now replayed."""
        for note in self._memory.suspects(self._log.origin, checkpoint.size):
            suspect = parse_checkpoint(note)
            if not isinstance(suspect, Checkpoint) or self._replica.root_at(suspect.size) == suspect.root:
                continue
            with self._replica.view() as view:
                linked = (view.root_at(suspect.size), tuple(view.consistency(suspect.size, checkpoint.size)))
            same = suspect.size == checkpoint.size
            return self._accuse(self._fork(suspect, checkpoint, None if same else linked))
        return None

    def _fork(self, earlier: Checkpoint, later: Checkpoint, linked: Linked | None = None) -> Evidence:
        return fork(self._log.key, self._now(), earlier, later, linked, self._keys.notes)

    def _accuse(self, evidence: Evidence) -> Evidence:
        self._memory.accuse(self._log.origin, evidence)
        return evidence

    def _accuse_entry(self, checkpoint: Checkpoint, bad: Broken) -> str:
        reason = f"entry {bad.position} breaks the contract: {bad.reason}"
        found = Evidence("contract", self._log.key.encode(), reason, self._now(), later=checkpoint.text())
        proven = replace(found, position=bad.position, entry=bad.entry, proof=bad.proof, lists=self._keys.notes)
        self._accuse(proven)
        return reason

    def _compare_states(self, progress: Progress) -> Refused | None:
        """Replay to the size that the log states its digests for, and compare; a log that states none is let be."""
        data = self._log.read(STATE)
        if data is None:
            return None
        checkpoint, statement, text = open_state(data, self._log.key, self._keys.open)
        seen = self._memory.seen(self._log.origin)
        if checkpoint.size < self._replica.size:
            return None
        return self._reach(checkpoint, seen, progress) or self._judge_state(statement, text)

    def _judge_state(self, theirs: StateStatement, text: str) -> Refused | None:
        with self._replica.view() as view:
            ours = state_of(view, self._log.origin)
        events = events_differ(theirs.events, ours.events)
        if not events:
            return None
        reason = f"the state that the log states at size {theirs.size} is not that of its entries: {', '.join(events)}"
        self._accuse(Evidence("state", self._log.key.encode(), reason, self._now(), earlier=text, ours=ours.body()))
        return Refused(422, reason)
