"""The view: what this gate knows of the tickets. A snapshot mapped into memory, and the changes since in SQLite.

The decision reads it from one thread while the sync threads move it on from others. It only moves forward, in size and
in manifest version. What a download or a change proves was checked by the sync; that a snapshot is whole, ours and
newer is checked here, before it replaces anything. Raises SnapshotError, with the view as it was.

A snapshot, a manifest and a list of the log's keys are durable on return. Changes, checkpoints and agreed time outlive
this process at once, but a power cut only from the first change on that is DURABLE_AFTER younger: until then the node
has them, and a view that lost the newest of them is one that heard of them later.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from scanner.errors import SnapshotError
from scanner.kept_time import Kept
from scanner.list_age import Agreed, ListAge
from scanner.ports import Change
from scanner.store import Connect, connect, set_aside, sync_folder
from scanner.verify.admit import View
from scanner.verify.entry import Malformed, canonical, decode_map
from scanner.verify.manifest import EventManifest
from scanner.verify.row import Rows
from scanner.verify.snapshot import STORED_MAGIC, SnapshotHeader, manifest_digest, merged_digest
from scanner.verify.statement import Stated
from scanner.view_db import Changed, ViewDb
from scanner.view_file import BESIDE, STORED, check_stored, map_rows, open_header, write_stored

DURABLE_AFTER = 5
"""Seconds of the node's time. A gate that is connected hears from its node each ten seconds."""
_ANY_SIZE = 2**62
TIME_STEP = 10
"""Seconds by which the floor of time runs ahead of the one that is stored."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What enrolment told the gate to believe: whose snapshots, of which event."""

    node_key: bytes
    event: str


@dataclass(frozen=True, slots=True)
class _Known:
    """One state of the view, replaced as a whole, so that a reader needs no lock. `changes` may already hold rows of
    the next state, which say so by their size.
    """

    rows: Rows = field(default_factory=lambda: Rows(memoryview(b"")))
    changes: dict[int, Changed] = field(default_factory=dict)
    added: int = 0
    """How many of the changed tickets the snapshot does not hold."""
    size: int = 0
    at: int = 0
    manifest: EventManifest | None = None
    snapshot: SnapshotHeader | None = None


class GateView:
    """See the module; implements ports.ViewStore and answers the decision."""

    def __init__(
        self,
        folder: Path,
        trust: Trust,
        stamp: str,
        connector: Connect = connect,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open what is kept in `folder`. What is damaged is set aside under `stamp`, `damage` says so, and it must be
        fetched again. Raises SnapshotError if the disk is at fault.
        """
        self._monotonic = monotonic
        self._folder = folder
        self._trust = trust
        self._lock = threading.RLock()
        self._known = _Known()
        self._durable_at = 0
        self._db = _open_db(folder, stamp, connector)
        self._time = self._stored_time = Kept.unpack(self._db.fact("kept_time"), self._db.number("signed_time"))
        self._age = ListAge(self._db.fact("unheard"), monotonic)
        self.damage = f"the changes were set aside and must be fetched again: {d}" if (d := self._db.damage) else ""
        try:
            self._load(stamp)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the files back. May be called twice."""
        with self._lock:
            self._db.close()
            self._known = _Known()

    def wipe(self) -> None:
        """A revoked gate keeps no tickets: forget the view, on disk too."""
        with self._lock:
            self._known = _Known()
            try:
                (self._folder / STORED).unlink(missing_ok=True)
                sync_folder(self._folder)
            except OSError as error:
                raise SnapshotError(f"the snapshot cannot be deleted ({error}); check the disk") from error
            self._db.wipe(keep=("signed_time", "kept_time"))
            self._age = ListAge(b"", self._monotonic)

    # What the decision asks

    @property
    def size(self) -> int:
        """The ledger size of the view; 0 before the first snapshot."""
        return self._known.size

    @property
    def at(self) -> int:
        """The node's unix second at which the view was true; 0 before the first snapshot."""
        return self._known.at

    @property
    def manifest(self) -> EventManifest | None:
        """The event's manifest, or None before the first snapshot."""
        return self._known.manifest

    @property
    def tickets(self) -> int:
        """How many tickets the gate knows of: those of the snapshot, and those that came since."""
        return len(self._known.rows) + self._known.added

    @property
    def unheard(self) -> float:
        """For how many seconds, for certain, no node has confirmed the view (see scanner.list_age)."""
        return self._age.seconds

    def pass_time(self, agreed: Agreed | None) -> None:
        """Count them on; call about once a second with the time, as far as sources agree on it."""
        with self._lock:
            self._age.tell(agreed)
            now = self._age.later()
            manifest = self._known.manifest
            keep = manifest is not None and self._age.says_more(now, manifest.policy.list_expires)
            self._age.take(now, stored=False)
            if keep:
                self._db.set_facts(soon=True, unheard=now.pack())
                self._age.take(now, stored=True)

    def of(self, ticket: int) -> View:
        """What is known of one ticket."""
        known = self._known
        if changed := known.changes.get(ticket):
            return View(max(known.size, changed.size), changed.row)
        return View(known.size, known.rows.find(ticket))

    def state(self) -> tuple[int, Stated] | None:
        """The size of the view, and what a witness of the log must state of it; None before the first snapshot."""
        with self._lock:
            known, newer = self._known, {ticket: changed.row for ticket, changed in self._known.changes.items()}
        if known.manifest is None:
            return None
        rows = merged_digest(self._trust.event, known.size, known.rows, newer)
        return known.size, Stated(rows, manifest_digest(known.manifest))

    # What the sync does (ports.ViewStore)

    def room(self) -> Path:
        """The folder for downloads: the same file system, so that a rename is atomic."""
        return self._folder

    def checkpoint(self) -> str:
        """The signed note that was last verified."""
        return self._db.fact("checkpoint").decode()

    def install(self, download: Path) -> None:
        """Check the file row by row, write it beside the one in use, fsync, rename."""
        beside = self._folder / BESIDE
        try:
            header = self._copy(download, beside)
            with self._lock:
                self._must_be_ours(header)
                beside.replace(self._folder / STORED)
                sync_folder(self._folder)
                self._adopt(header)
                fresh = self._age.renewed()
                self._db.set_facts(soon=True, unheard=fresh.pack())
                self._age.take(fresh, stored=True)
        except OSError as error:
            raise SnapshotError(f"the snapshot cannot be stored ({error}); check the disk") from error
        finally:
            beside.unlink(missing_ok=True)

    def apply(self, change: Change) -> None:
        """Take a change; one that starts before `size` may be repeated, one that starts after it is a gap."""
        with self._lock:
            known = self._known
            if change.start > known.size:
                raise SnapshotError(
                    f"a gap in the changes: they start at {change.start}, the view ends at {known.size}"
                )
            if change.end < known.size:
                self.note_checkpoint(change.checkpoint, change.checkpoint_size)
                return
            # Also backwards: a node whose clock was ahead for a while left a view that looks fresh for as long.
            manifest, at = self._newer(change.manifest), change.at
            # All of one commit: each of its own would write the same page once more.
            facts = self._checkpoint_facts(change.checkpoint, change.checkpoint_size)
            facts |= {"size": change.end, "at": at, "kept_time": self._time.pack()}
            fresh = self._age.renewed()
            if kept := self._age.says_more(fresh):
                facts["unheard"] = fresh.pack()
            soon = abs(at - self._durable_at) < DURABLE_AFTER
            if change.manifest and manifest is change.manifest:
                facts["manifest"], soon = canonical(manifest.to_map()), False
            self._db.add(change.rows, change.end, soon=soon, **facts)
            self._age.take(fresh, stored=kept)
            self._stored_time = self._time
            self._durable_at = self._durable_at if soon else at
            new = {row.ticket for row in change.rows}.difference(known.changes)
            added = known.added + _missing(known.rows, new)
            known.changes.update((row.ticket, Changed(change.end, row)) for row in change.rows)
            self._known = replace(known, added=added, size=change.end, at=at, manifest=manifest)

    def note_checkpoint(self, note: str, size: int) -> None:
        """Keep a verified checkpoint unless a newer one is kept."""
        with self._lock:
            if facts := self._checkpoint_facts(note, size):
                self._db.set_facts(soon=True, **facts)

    def start_line(self, note: str, size: int) -> None:
        """Go by this checkpoint; the rows stay until a snapshot is installed, because they say who entered."""
        with self._lock:
            snapshot = self._known.snapshot
            left = hashlib.sha256(snapshot.raw if snapshot else b"").digest()
            keys = self._db.fact("log_keys")
            self._db.set_facts(checkpoint=note.encode(), checkpoint_size=size, checkpoint_keys=keys, left=left)

    def left_line(self) -> bool:
        """Whether the rows are of a part of the log that was lost."""
        return bool(self._db.fact("left"))

    def log_keys(self) -> str:
        """The newest list of the keys that sign the log's checkpoints; empty before the first."""
        return self._db.fact("log_keys").decode()

    def note_log_keys(self, note: str) -> None:
        """Keep a newer list, which was verified."""
        with self._lock:
            self._db.set_facts(log_keys=note.encode())

    def checkpoint_keys(self) -> str:
        """The list by which `checkpoint` was good when it was kept."""
        return self._db.fact("checkpoint_keys").decode()

    def kept_time(self) -> Kept:
        """What was kept of agreed time."""
        return self._time

    def keep_time(self, kept: Kept) -> None:
        """Keep agreed time, if it says more than what is kept. After a restart its floor is up to TIME_STEP older."""
        with self._lock:
            self._time = kept
            if kept.says_more_than(self._stored_time, TIME_STEP):
                self._db.set_facts(soon=True, kept_time=kept.pack())
                self._stored_time = kept

    # Inside

    def _load(self, stamp: str) -> None:
        stored = self._folder / STORED
        if not stored.exists():
            return
        try:
            with stored.open("rb") as file:
                header = open_header(file, stored.name, STORED_MAGIC)
                self._must_be_ours(header)
                check_stored(file, header)
        except (SnapshotError, OSError) as error:
            self.damage = f"the snapshot was set aside and must be fetched again: {error}"
            set_aside(stored, stamp)
            return
        self._adopt(header)

    def _copy(self, download: Path, beside: Path) -> SnapshotHeader:
        with download.open("rb") as source:
            header = open_header(source, download.name)
            self._must_be_ours(header)
            write_stored(beside, header, source)
        return header

    def _adopt(self, header: SnapshotHeader) -> None:
        """Make the stored snapshot, and the changes that are newer than it, what is known."""
        rows = map_rows(self._folder / STORED, header)
        if (left := self._db.fact("left")) and left != hashlib.sha256(header.raw).digest():
            # A crash between these two does the first again.
            self._db.drop(_ANY_SIZE)
            self._db.set_facts(left=b"", size=0, at=0, manifest=b"")
        reached = self._db.number("size")
        self._db.drop(header.size)
        if not self.left_line() and self._db.number("checkpoint_size") < header.size:
            self._db.set_facts(
                checkpoint=header.checkpoint.encode(),
                checkpoint_size=header.size,
                checkpoint_keys=header.log_keys.encode(),
            )
        manifest = header.event_manifest
        if (kept := self._kept_manifest()) and kept.version > manifest.version:
            manifest = kept
        at = (self._db.number("at") if reached > header.size else 0) or header.at
        changes = self._db.changes()
        self._known = _Known(rows, changes, _missing(rows, changes), max(header.size, reached), at, manifest, header)

    def _must_be_ours(self, header: SnapshotHeader) -> None:
        known = _Known() if self.left_line() else self._known
        manifest = known.manifest
        if header.node_key != self._trust.node_key:
            raise SnapshotError("the snapshot is signed by another node than the one this gate was enrolled with")
        if header.event != self._trust.event:
            raise SnapshotError(f"the snapshot is of the event {header.event}, this gate serves {self._trust.event}")
        if header.size < known.size:
            raise SnapshotError(
                f"the snapshot is older ({header.size}) than what this gate knows ({known.size}); it is not used"
            )
        if known.snapshot and header.size == known.snapshot.size and header.root != known.snapshot.root:
            raise SnapshotError(f"the snapshot is of another log: at size {header.size} its root differs from ours")
        if manifest and header.event_manifest.version < manifest.version:
            raise SnapshotError(
                f"the snapshot's manifest has version {header.event_manifest.version},"
                f" this gate knows {manifest.version}; it is not used"
            )

    def _checkpoint_facts(self, note: str, size: int) -> dict[str, bytes | int]:
        """What to keep of it: nothing if there is none, or a newer one is kept."""
        if not size or size < self._db.number("checkpoint_size"):
            return {}
        facts: dict[str, bytes | int] = {"checkpoint": note.encode(), "checkpoint_size": size}
        if (keys := self._db.fact("log_keys")) != self._db.fact("checkpoint_keys"):
            facts["checkpoint_keys"] = keys
        return facts

    def _newer(self, manifest: EventManifest | None) -> EventManifest | None:
        current = self._known.manifest
        if manifest is None or (current and manifest.version <= current.version):
            return current
        if manifest.event != self._trust.event:
            raise SnapshotError(f"the change brings the manifest of another event, {manifest.event}")
        return manifest

    def _kept_manifest(self) -> EventManifest | None:
        packed = decode_map(self._db.fact("manifest"))
        manifest = packed if isinstance(packed, Malformed) else EventManifest.from_map(packed)
        return None if isinstance(manifest, Malformed) else manifest


def _open_db(folder: Path, stamp: str, connector: Connect) -> ViewDb:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / BESIDE).unlink(missing_ok=True)
    except OSError as error:
        raise SnapshotError(f"{folder} cannot be used ({error}); check the disk") from error
    return ViewDb(folder / "view.db", stamp, connector)


def _missing(rows: Rows, tickets: Iterable[int]) -> int:
    return sum(rows.find(ticket) is None for ticket in tickets)
