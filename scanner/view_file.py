"""The snapshot on a gate's disk: read, checked, stored and mapped. Whose it is, and whether it is newer, is view.py's.

Raises SnapshotError for what cannot be read as a snapshot, OSError for the disk.
"""

import mmap
import os
from pathlib import Path
from typing import Any, BinaryIO

from scanner.errors import SnapshotError
from scanner.event_zone import zone_in
from scanner.verify.entry import Malformed
from scanner.verify.row import Rows
from scanner.verify.snapshot import STORED_MAGIC, SnapshotHeader, check_rows, read_header, unpack_rows

STORED, BESIDE = "snapshot.rows", "snapshot.new"


def stored_zone(folder: Path) -> str:
    """The event's time zone, as the snapshot that is kept in a view's folder has it; it is not looked into further."""
    try:
        with (folder / STORED).open("rb") as file:
            return zone_in(open_header(file, STORED, STORED_MAGIC).event_manifest)
    except (SnapshotError, OSError):
        return zone_in(None)


def load_snapshot_file(path: Path) -> tuple[SnapshotHeader, Rows]:
    """A snapshot file as the ledger node writes it, checked whole, held in memory. Its own key is believed."""
    try:
        with path.open("rb") as file:
            header = open_header(file, path.name)
            runs = []
            for run in unpack_rows(file, header):
                if isinstance(run, Malformed):
                    raise SnapshotError(f"{path.name}: {run.reason}")
                runs.append(run)
    except OSError as error:
        raise SnapshotError(f"{path.name} cannot be read: {error}") from error
    return header, Rows(memoryview(b"".join(runs)))


def open_header(file: BinaryIO, name: str, magic: bytes | None = None) -> SnapshotHeader:
    """The checked header of a file of this name; the file is left where its rows begin."""
    header = read_header(file, magic) if magic else read_header(file)
    if isinstance(header, Malformed):
        raise SnapshotError(f"{name}: {header.reason}")
    return header


def write_stored(path: Path, header: SnapshotHeader, source: BinaryIO) -> None:
    """Unpack and check the rows that follow in `source`; durable on return."""
    with path.open("wb") as target:
        target.write(STORED_MAGIC + len(header.raw).to_bytes(4) + header.raw)
        for run in unpack_rows(source, header):
            if isinstance(run, Malformed):
                raise SnapshotError(run.reason)
            target.write(run)
        target.flush()
        os.fsync(target.fileno())


def check_stored(file: BinaryIO, header: SnapshotHeader) -> None:
    """Read all rows of a stored file."""
    for run in check_rows(file, header):
        if isinstance(run, Malformed):
            raise SnapshotError(run.reason)


def map_rows(path: Path, header: SnapshotHeader) -> Rows:
    """The rows of a stored file, in memory as they are asked for."""
    start = len(STORED_MAGIC) + 4 + len(header.raw)
    if not header.count:
        return Rows(memoryview(b""))
    with path.open("rb") as file:
        mapped: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return Rows(memoryview(mapped)[start:])
