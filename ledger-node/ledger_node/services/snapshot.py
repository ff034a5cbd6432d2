"""The snapshot of an event: built from one consistent size, streamed into a file, kept until it is out of date.

Two passes over the rows, because the signed header goes first and holds their digest; memory stays small.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import structlog

from ledger_node.log.ledger import Shown, View
from ledger_node.services.cosigning import Stated
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node, fault_as_error
from scanner.verify.gatecode import event_hash
from scanner.verify.snapshot import sign_header, write_file

log = structlog.get_logger()
FRESH = 5.0
"""Seconds for which a snapshot is handed out although the log has grown: a gate reads the changes since anyway."""


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A finished file: the log size it shows, its length and SHA-256, when it was made (unix seconds) and in how many,
    the checkpoint in it, and when a newer one was last tried for in vain.
    """

    path: Path
    size: int
    length: int
    sha256: bytes
    made: float
    took: float
    shown: Shown
    tried: float = 0.0


class Snapshots:
    """The newest snapshot of each event, in `home`/snapshots. Any thread; builds of one event wait for each other."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._folder = node.home / "snapshots"
        self._kept: dict[tuple[str, int], SnapshotFile] = {}
        self._locks: dict[tuple[str, int], threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, event: str, quorum: int = 0, above: int = 0) -> SnapshotFile:
        """A snapshot that is at most a little older than the ledger, its checkpoint cosigned by `quorum` witnesses, and
        its tickets stated by them. While witnesses do not answer in time it is the one before, if there is one.

        It shows a log of more than `above` entries: a device that joined holds uses from its enrolment on, and must
        know what was granted before.

        Raises ServiceError "unknown-event", "disk", "not-cosigned" or "log-behind".
        """
        self._node.newer.require()
        self._node.lost.require()
        with self._guard:
            lock = self._locks.setdefault((event, quorum), threading.Lock())
        with lock:
            kept = self._usable(self._kept.get((event, quorum)), above)
            if kept is not None and not self._outdated(kept):
                return kept
            try:
                return self._build(event, quorum, kept)
            except OSError as error:
                raise ServiceError("disk", f"no snapshot can be written ({error.strerror})", 503) from error
            except ServiceError as error:
                if kept is None or error.code != "not-cosigned":
                    raise
                # A gate reads the changes since anyway. Not tried again at once, for others wait behind this.
                log.warning("snapshot", event_id=event, problem=error.sentence, older=kept.size)
                kept = self._kept[event, quorum] = replace(kept, tried=self._node.now())
                return kept

    def _usable(self, kept: SnapshotFile | None, above: int) -> SnapshotFile | None:
        # What a revoked key signed, nobody takes any more.
        good = kept and kept.path.exists() and kept.shown.log_keys == self._node.ledger.log_keys
        return kept if kept and good and kept.size > above else None

    def _outdated(self, kept: SnapshotFile) -> bool:
        # A big event takes long to build; building it anew for each of many gates would do nothing else.
        patience = max(FRESH, 10 * kept.took)
        return kept.size != self._node.ledger.size and self._node.now() - max(kept.made, kept.tried) > patience

    def _build(self, event: str, quorum: int, old: SnapshotFile | None) -> SnapshotFile:
        name = f"w{quorum}-{event_hash(event)[:8].hex()}"
        self._folder.mkdir(exist_ok=True)
        temporary = self._folder / f"{name}.part"
        with temporary.open("w+b") as file:
            made = write_snapshot(self._node, event, file, quorum)
        path = self._folder / f"{name}-{made.size}.snap"
        temporary.replace(path)
        # The one before stays: somebody may have been told of it and not have opened it yet.
        for other in self._folder.glob(f"{name}-*.snap"):
            if other != path and (old is None or other != old.path):
                other.unlink()
        kept = self._kept[event, quorum] = replace(made, path=path)
        return kept


def export_snapshot(node: Node, event: str, path: Path) -> SnapshotFile:
    """Write a snapshot of this moment to `path`, whole or not at all. Raises ServiceError."""
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("w+b") as file:
            made = write_snapshot(node, event, file)
        temporary.replace(path)
    except OSError as error:
        raise ServiceError("disk", f"cannot write {path}: {error.strerror}; name another file with --out") from error
    finally:
        temporary.unlink(missing_ok=True)
    return replace(made, path=path)


def write_snapshot(node: Node, event: str, file: BinaryIO, quorum: int = 0) -> SnapshotFile:
    """Write the file and make it durable; the path in the answer is where `file` is now. With `quorum`, at a size that
    so many witnesses have cosigned.
    """
    began = node.now()
    hashed = _Hashing(file)
    with _view(node, quorum) as (view, stated):
        header = _header(node, view, event, stated, int(began))
        write_file(hashed, header, view.rows(event))  # type: ignore[arg-type]
        size = view.size
    file.flush()
    os.fsync(file.fileno())
    ended = node.now()
    return SnapshotFile(
        Path(file.name), size, hashed.length, hashed.sha256.digest(), ended, ended - began, stated.shown
    )


@contextmanager
def _view(node: Node, quorum: int) -> Iterator[tuple[View, Stated]]:
    if quorum:
        with fault_as_error(), node.cosigning.stated_view(quorum) as stated:
            yield stated
        return
    with node.view() as view:
        yield view, Stated(node.ledger.show(view.head), ())


def _header(node: Node, view: View, event: str, stated: Stated, at: int) -> bytes:
    state = node.event(view, event)
    return sign_header(
        state.manifest,
        view.size,
        view.root,
        view.state_digest(event),
        at,
        state.issued,
        stated.shown.checkpoint,
        node.keys.node,
        log_keys=stated.shown.log_keys,
        statements=stated.statements,
    )


class _Hashing:
    """A file that is hashed and counted while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.length = 0

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.length += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()
