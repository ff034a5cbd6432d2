"""A full disk, said as what it is: SQLite calls it "disk I/O error" where a file beside the database cannot be made."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scanner.errors import GateError, JournalError, SnapshotError, SyncError

_LEAST = 4 << 20
"""Bytes. The databases of a gate begin with less than that; with less left, this is what went wrong."""


@contextmanager
def full_disk_said(folder: Path) -> Iterator[None]:
    """What fails in the block for want of room names the disk and says what to do."""
    try:
        yield
    except (JournalError, SnapshotError, SyncError, OSError) as error:
        if (left := _left(folder)) >= _LEAST:
            raise
        raise GateError(
            f"the disk of {folder} is full ({left >> 10} KB left): make room on it (`journalctl --vacuum-size=50M` ends"
            " old logs), then do this again; nothing in the folder was lost"
        ) from error


def _left(folder: Path) -> int:
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free
