"""The folder in which a show happens: its own while it runs, empty when it begins, on a disk that has room for it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.show.stage import ShowError

NEEDED_MB, FULL_MB = 50, 2
MARK, USUAL = ".made-by-a-show", ".demo"
"""What is in a folder that shows may empty, and the name of the one that they have made for themselves all along."""
ELSEWHERE = "or choose another folder: make demo FOLDER=/a/folder"


@contextmanager
def own_folder(folder: Path) -> Iterator[None]:
    """Made if it is not there, emptied if a show made it, no other show's until the block's end. Raises ShowError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ShowError(f"{folder}: {error.strerror}. Put the clone where you may write, {ELSEWHERE}") from None
    try:
        _take(folder, held)
        yield
    finally:
        os.close(held)


def _take(folder: Path, held: int) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ShowError(f"another show runs in {folder}: wait for its end, {ELSEWHERE}") from None
    found = [one for one in folder.iterdir() if one.name != MARK]
    if found and folder.name != USUAL and not (folder / MARK).exists():
        raise ShowError(f"{folder} holds {found[0].name}, which no show made: empty it, {ELSEWHERE}")
    try:
        (folder / MARK).touch()
        for old in found:
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
        (folder / "room").touch()
        (folder / "room").unlink()
    except OSError as error:
        raise ShowError(f"{error.filename}: {error.strerror}. Remove {folder} as its owner, {ELSEWHERE}") from None
    if (room := room_mb(folder)) < NEEDED_MB:
        raise ShowError(f"the disk of {folder} has {room} MB left, and {NEEDED_MB} are needed: make room, {ELSEWHERE}")


def room_mb(folder: Path) -> int:
    """What is left on its disk."""
    return shutil.disk_usage(folder).free // 2**20


def full(folder: Path) -> list[str]:
    """One sentence if the folder's disk is full, which explains what else went wrong; else none."""
    if not folder.exists() or room_mb(folder) >= FULL_MB:
        return []
    return [f"the disk of {folder} is full: make room, {ELSEWHERE}"]
