"""A witness's own copy of a log: entries, hashes, and the state that the contract makes of them, on its own disk.

Takes entries from the log's tiles and keeps only what is proven to be the beginning of a checkpoint that the log
signed. A replica can be deleted at any time: it is made anew from the log. Whether to sign is the witness's business.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.log import tiles
from ledger_node.log.helper_process import helper
from ledger_node.log.looks import ALONE, looked
from ledger_node.log.port import Head, LedgerFault
from ledger_node.log.readers import Readers
from ledger_node.log.remote import RemoteTiles
from ledger_node.log.sqlite import SqliteStore
from ledger_node.log.view import View
from scanner.verify.checkpoint import Checkpoint, VerifierKey
from scanner.verify.merkle import Frontier, leaf_hash, verify_consistency

SLICE = 4096
"""Entries in one transaction; before it is committed, they are proven to be what the checkpoint says."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Unlike:
    """The entries that were read are not those of the signed checkpoint; `position` is the first that differs, if the
    log's own hashes tell.
    """

    reason: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """The entry at `position` is in the signed log and the contract refuses it. `unknown`: a type that this program has
    not heard of, which a newer one may know.
    """

    position: int
    entry: bytes
    proof: tuple[bytes, ...]
    reason: str
    unknown: bool


class Replica:
    """See the module. One thread at a time. Raises LedgerFault for the disk, UnreadableLogError for the log."""

    def __init__(self, folder: Path, log: VerifierKey) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "ledger.sqlite3"
        self._store = SqliteStore(path, log.public_key, log.name)
        self._readers = Readers(path)
        self.size = self._store.recover().size

    def close(self) -> None:
        """Give the files back."""
        self._readers.close()
        self._store.close()

    @contextmanager
    def view(self) -> Iterator[View]:
        """The replica as it is now, for reading."""
        with self._readers.view() as view:
            yield view

    def root_at(self, size: int) -> bytes:
        """The root that the first `size` entries have; size <= self.size."""
        with self.view() as view:
            return view.root_at(size)

    def replay(self, checkpoint: Checkpoint, remote: RemoteTiles, progress: Progress) -> Unlike | Broken | None:
        """Take in what is missing up to `checkpoint`; None if all of it is good, also if we were there already.

        Slices that were good stay, whatever comes after them.
        """
        with helper() if checkpoint.size - self.size > ALONE else nullcontext() as pool:
            while self.size < checkpoint.size:
                progress(self.size, checkpoint.size)
                bad = self._take(min(self.size + SLICE, checkpoint.size), checkpoint, remote, pool)
                if bad is not None:
                    return bad
        progress(checkpoint.size, checkpoint.size)
        same = self.root_at(checkpoint.size) == checkpoint.root
        return None if same else Unlike("its root is not that of the entries that were replayed")

    def _take(
        self, stop: int, checkpoint: Checkpoint, remote: RemoteTiles, pool: Executor | None
    ) -> Unlike | Broken | None:
        start, entries = self.size, remote.entries(self.size, stop)
        different = self._compare(entries, checkpoint, remote)
        if different is not None:
            return different
        try:
            self._store.begin()
            for position, one in enumerate(looked(entries, pool), start):
                outcome = one.apply(self._store.state, position, one.open())
                if isinstance(outcome, Rejected) or not outcome.new:
                    self._store.recover()
                    proof = tuple(tiles.inclusion(remote, position, checkpoint.size))
                    return _broken(position, one.raw, outcome, proof)
                self._store.append(one.raw)
            self.size = self._store.commit().size
        except LedgerFault:
            raise
        except Exception as error:
            fault = self._store.explain(error)
            self.size = self._store.recover().size
            raise fault from error
        return None

    def _compare(self, entries: list[bytes], goal: Checkpoint, remote: RemoteTiles) -> Unlike | None:
        with self.view() as view:
            return unlike(view.frontier(), entries, goal, remote)


def unlike(frontier: Frontier, entries: list[bytes], goal: Head | Checkpoint, remote: RemoteTiles) -> Unlike | None:
    """Whether these entries behind `frontier`, which grows by them, are not those of the log that has the goal's root;
    hashes only, before any rule.
    """
    start = frontier.size
    for raw in entries:
        frontier.append(leaf_hash(raw))
    if frontier.size == goal.size:
        good = frontier.root() == goal.root
    else:
        proof = tiles.consistency(remote, frontier.size, goal.size)
        good = verify_consistency(frontier.size, goal.size, frontier.root(), goal.root, proof)
    return None if good else _first_unlike(start, entries, goal, remote)


def _broken(position: int, raw: bytes, outcome: Outcome | Rejected, proof: tuple[bytes, ...]) -> Broken:
    if isinstance(outcome, Outcome):
        return Broken(position, raw, proof, f"it is entry {outcome.position} once more", unknown=False)
    unknown = outcome.refusal is Refusal.UNKNOWN_TYPE
    return Broken(position, raw, proof, f"{outcome.code}: {outcome.sentence()}", unknown)


def _first_unlike(start: int, entries: list[bytes], goal: Head | Checkpoint, remote: RemoteTiles) -> Unlike:
    stored = remote.hashes(0, start, len(entries))
    for position, (raw, hashed) in enumerate(zip(entries, stored, strict=False), start):
        if leaf_hash(raw) != hashed:
            return Unlike(f"entry {position} is not the one that was hashed", position)
    if tiles.frontier_of(remote, goal.size).root() != goal.root:
        return Unlike(f"the tiles do not lead to the signed root of size {goal.size}")
    return Unlike(f"entries before {start} are other ones than we have")
