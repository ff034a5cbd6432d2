"""One gate at a time on one state folder: two on one journal would fork its chain."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scanner.errors import GateError


@contextmanager
def only_gate(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises GateError if another gate holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise GateError(f"a gate already runs with {folder}: stop it first (systemctl stop gate-scanner)") from error
    finally:
        os.close(handle)


def gate_runs(folder: Path) -> bool:
    """Whether some gate holds the folder's lock now."""
    try:
        with only_gate(folder):
            return False
    except GateError:
        return True
