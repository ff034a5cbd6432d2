"""A full disk, said as what it is: SQLite calls it by several names, and some of them are "disk I/O error"."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_node.home_folder import HomeError, full_disk
from ledger_node.services.errors import ServiceError


@contextmanager
def full_disk_said(home: Path) -> Iterator[None]:
    """What fails in the block for want of room names the disk and says what to do."""
    try:
        yield
    except (ServiceError, sqlite3.Error, OSError) as error:
        if (isinstance(error, ServiceError) and error.code != "disk") or not (full := full_disk(home)):
            raise
        raise HomeError(full) from error
