"""The view: what this gate knows of the tickets. A snapshot mapped into memory, and the changes since in SQLite.

The decision reads it from one thread while the sync threads move it on from others. It only moves forward, in size and
in manifest version. What a download or a change proves was checked by the sync; that a snapshot is whole, ours and
newer is checked here, before it replaces anything. Raises SnapshotError, with the view as it was.
"""

import mmap
import os
import sqlite3
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from scanner.errors import SnapshotError
from scanner.ports import Change
from scanner.store import Connect, connect, open_store, set_aside, sync_folder, transaction
from scanner.verify.admit import View
from scanner.verify.entry import Malformed, canonical, decode_map
from scanner.verify.manifest import EventManifest
from scanner.verify.row import Row, Rows
from scanner.verify.snapshot import STORED_MAGIC, SnapshotHeader, check_rows, read_header, unpack_rows

MIGRATIONS = Migrations("view")


@MIGRATIONS()
def first(db: Database) -> None:
    """change: rows newer than the snapshot's. fact: single values, among them the size that the changes reach."""
    db.table("change").create({"ticket": int, "row": bytes, "size": int}, pk="ticket", not_null={"row", "size"})
    db.table("fact").create({"name": str, "value": bytes}, pk="name", not_null={"value"})


@dataclass(frozen=True, slots=True)
class Trust:
    """What enrolment told the gate to believe: whose snapshots, of which event."""

    node_key: bytes
    event: str


@dataclass(frozen=True, slots=True)
class _Known:
    """One consistent state; replaced as a whole, so that a reader needs no lock."""

    rows: Rows
    changes: dict[int, Row]
    size: int
    at: int
    manifest: EventManifest | None


class GateView:
    """See the module; implements ports.ViewStore and answers the decision."""

    def __init__(self, folder: Path, trust: Trust, stamp: str, connector: Connect = connect) -> None:
        """Open what is kept in `folder`; a damaged snapshot is set aside under `stamp` and must be fetched again."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._trust = trust
        self._lock = threading.RLock()
        self._known = _Known(Rows(memoryview(b"")), {}, 0, 0, None)
        self.damage = ""
        try:
            self._db = open_store(folder / "view.db", MIGRATIONS, connector)
        except sqlite3.DatabaseError as error:
            self.damage = f"the changes were unreadable and were set aside: {error}"
            set_aside(folder / "view.db", stamp)
            self._db = open_store(folder / "view.db", MIGRATIONS, connector)
        self._load(stamp)

    def close(self) -> None:
        """Give the files back. May be called twice."""
        with self._lock:
            self._db.close()
            self._known = _Known(Rows(memoryview(b"")), {}, 0, 0, None)

    def wipe(self) -> None:
        """A revoked gate keeps no tickets: forget the view, on disk too."""
        with self._lock:
            self._known = _Known(Rows(memoryview(b"")), {}, 0, 0, None)
            with transaction(self._db):
                self._db.execute("DELETE FROM change")
                self._db.execute("DELETE FROM fact WHERE name != 'signed_time'")
            (self._folder / "snapshot.rows").unlink(missing_ok=True)
            sync_folder(self._folder)

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
        """How many tickets the snapshot holds."""
        return len(self._known.rows)

    def of(self, ticket: int) -> View:
        """What is known of one ticket."""
        known = self._known
        return View(known.size, known.changes.get(ticket) or known.rows.find(ticket))

    # What the sync does (ports.ViewStore)

    def room(self) -> Path:
        """The folder for downloads: the same file system, so that a rename is atomic."""
        return self._folder

    def checkpoint(self) -> str:
        """The signed note that was last verified."""
        return self._fact("checkpoint").decode()

    def install(self, download: Path) -> None:
        """Check the file row by row, write it beside the one in use, fsync, rename."""
        beside = self._folder / "snapshot.new"
        try:
            with download.open("rb") as source:
                header = _header(source, download.name)
                self._must_be_ours(header)
                with beside.open("wb") as target:
                    _write_stored(target, header, source)
                    target.flush()
                    os.fsync(target.fileno())
            with self._lock:
                if header.size < self.size:
                    raise SnapshotError(
                        f"the view moved on to {self.size} meanwhile; this snapshot is of {header.size}"
                    )
                beside.replace(self._folder / "snapshot.rows")
                sync_folder(self._folder)
                self._adopt(header)
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
                return
            manifest = self._newer(change.manifest)
            try:
                self._keep(change, manifest)
            except sqlite3.Error as error:
                raise SnapshotError(f"the change cannot be stored ({error}); check the disk") from error
            known.changes.update((row.ticket, row) for row in change.rows)
            at = max(change.at, known.at)
            self._known = replace(known, size=change.end, at=at, manifest=manifest)

    def note_checkpoint(self, note: str, size: int) -> None:
        """Keep a verified checkpoint unless a newer one is kept."""
        with self._lock:
            if size >= int(self._fact("checkpoint_size") or b"0"):
                self._set_facts(checkpoint=note.encode(), checkpoint_size=str(size).encode())

    def signed_time(self) -> int:
        """The newest time, in unix seconds, that a ledger node ever signed to us; the clock never runs below it."""
        return int(self._fact("signed_time") or b"0")

    def note_signed_time(self, seconds: int) -> None:
        """Keep a newer signed time."""
        with self._lock:
            if seconds > self.signed_time():
                self._set_facts(signed_time=str(seconds).encode())

    # Inside

    def _load(self, stamp: str) -> None:
        stored = self._folder / "snapshot.rows"
        if not stored.exists():
            return
        try:
            with stored.open("rb") as file:
                header = _header(file, stored.name, STORED_MAGIC)
                self._must_be_ours(header)
                _check_stored(file, header)
        except SnapshotError as error:
            self.damage = f"the snapshot was set aside and must be fetched again: {error}"
            set_aside(stored, stamp)
            return
        self._adopt(header)

    def _adopt(self, header: SnapshotHeader) -> None:
        """Make the stored snapshot, and the changes that are newer than it, what is known."""
        rows = _map_rows(self._folder / "snapshot.rows", header)
        reached = int(self._fact("size") or b"0")
        size = max(header.size, reached)
        with transaction(self._db):
            self._db.execute("DELETE FROM change WHERE size <= ?", (header.size,))
        changes = {ticket: Row.unpack(packed) for ticket, packed in self._db.execute("SELECT ticket, row FROM change")}
        manifest = header.event_manifest
        if (kept := self._kept_manifest()) and kept.version > manifest.version:
            manifest = kept
        at = max(header.at, int(self._fact("at") or b"0") if reached > header.size else 0)
        self._known = _Known(rows, changes, size, at, manifest)
        if int(self._fact("checkpoint_size") or b"0") <= header.size:
            self._set_facts(checkpoint=header.checkpoint.encode(), checkpoint_size=str(header.size).encode())

    def _must_be_ours(self, header: SnapshotHeader) -> None:
        if header.node_key != self._trust.node_key:
            raise SnapshotError("the snapshot is signed by another node than the one this gate was enrolled with")
        if header.event != self._trust.event:
            raise SnapshotError(f"the snapshot is of the event {header.event}, this gate serves {self._trust.event}")
        if header.size < self.size:
            raise SnapshotError(
                f"the snapshot is older ({header.size}) than what this gate knows ({self.size}); it is not used"
            )

    def _newer(self, manifest: EventManifest | None) -> EventManifest | None:
        current = self._known.manifest
        if manifest is None or (current and manifest.version <= current.version):
            return current
        if manifest.event != self._trust.event:
            raise SnapshotError(f"the change brings the manifest of another event, {manifest.event}")
        return manifest

    def _keep(self, change: Change, manifest: EventManifest | None) -> None:
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR REPLACE INTO change (ticket, row, size) VALUES (?, ?, ?)",
                [(row.ticket, row.pack(), change.end) for row in change.rows],
            )
            facts = {"size": str(change.end).encode(), "at": str(change.at).encode()}
            if change.manifest and manifest is change.manifest:
                facts["manifest"] = canonical(manifest.to_map())
            self._write_facts(facts)

    def _kept_manifest(self) -> EventManifest | None:
        packed = decode_map(self._fact("manifest"))
        manifest = packed if isinstance(packed, Malformed) else EventManifest.from_map(packed)
        return None if isinstance(manifest, Malformed) else manifest

    def _fact(self, name: str) -> bytes:
        with self._lock:
            row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else b""

    def _set_facts(self, **facts: bytes) -> None:
        with transaction(self._db):
            self._write_facts(facts)

    def _write_facts(self, facts: dict[str, bytes]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", facts.items())


def load_snapshot_file(path: Path) -> tuple[SnapshotHeader, Rows]:
    """A snapshot file as the ledger node writes it, checked whole, held in memory. Its own key is believed."""
    try:
        with path.open("rb") as file:
            header = _header(file, path.name)
            runs = []
            for run in unpack_rows(file, header):
                if isinstance(run, Malformed):
                    raise SnapshotError(f"{path.name}: {run.reason}")
                runs.append(run)
    except OSError as error:
        raise SnapshotError(f"{path.name} cannot be read: {error}") from error
    return header, Rows(memoryview(b"".join(runs)))


def _header(file: BinaryIO, name: str, magic: bytes | None = None) -> SnapshotHeader:
    header = read_header(file, magic) if magic else read_header(file)
    if isinstance(header, Malformed):
        raise SnapshotError(f"{name}: {header.reason}")
    return header


def _write_stored(target: BinaryIO, header: SnapshotHeader, source: BinaryIO) -> None:
    target.write(STORED_MAGIC + len(header.raw).to_bytes(4) + header.raw)
    for run in unpack_rows(source, header):
        if isinstance(run, Malformed):
            raise SnapshotError(run.reason)
        target.write(run)


def _check_stored(file: BinaryIO, header: SnapshotHeader) -> None:
    for run in check_rows(file, header):
        if isinstance(run, Malformed):
            raise SnapshotError(run.reason)


def _map_rows(path: Path, header: SnapshotHeader) -> Rows:
    start = len(STORED_MAGIC) + 4 + len(header.raw)
    if not header.count:
        return Rows(memoryview(b""))
    with path.open("rb") as file:
        mapped: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return Rows(memoryview(mapped)[start:])
