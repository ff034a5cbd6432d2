"""One gate at a time on one state folder: two on one journal would fork its chain."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scanner.errors import GateError

LOCK = "lock"
_OURS = (LOCK, "*.db*", "*.json", "device.*", "view", "view/*", "before-*", "before-*/*")
"""Names in a state folder. Others in the same place are not ours to change."""


@contextmanager
def only_gate(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises GateError if another gate holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _keep_private(folder)
        yield
    except BlockingIOError as error:
        raise GateError(f"a gate already runs with {folder}: stop it first (systemctl stop gate-scanner)") from error
    finally:
        os.close(handle)


def _keep_private(folder: Path) -> None:
    """Take from others what an earlier release let them do with our own files."""
    for path in (one for pattern in _OURS for one in folder.glob(pattern)):
        with suppress(FileNotFoundError):
            found = path.lstat()
            if found.st_uid == os.geteuid() and found.st_mode & 0o077 and not path.is_symlink():
                path.chmod(found.st_mode & 0o700)


def gate_runs(folder: Path) -> bool:
    """Whether some gate holds the folder's lock now. Makes nothing where there has been no gate."""
    if not (folder / LOCK).exists():
        return False
    try:
        with only_gate(folder):
            return False
    except GateError:
        return True
