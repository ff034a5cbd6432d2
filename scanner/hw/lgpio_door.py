"""The one door to lgpio, the library below gpiozero: imported so that it leaves the caller's folder as it was.

At import lgpio makes a named pipe in the folder LG_WD, or else in the working directory, and makes that folder the
working directory of the whole process. A service's working directory is `/`, which it may not write: no pins. A
person's is their own, where the pipe stays. What lgpio needs of the pipe it has open when the import returns.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the parent of a folder of our own


def load_lgpio() -> ModuleType:
    """lgpio, imported once. Raises ImportError where it is not installed, OSError where no folder can be written.

    The working directory of the process is another one for the milliseconds of the first import.
    """
    if "lgpio" not in sys.modules:
        with _own_folder() as folder, _working_directory_kept(), _environment(folder):
            import lgpio  # noqa: PLC0415, F401
    return sys.modules["lgpio"]


@contextmanager
def _own_folder() -> Iterator[str]:
    folder = _make_folder()
    try:
        yield folder
    finally:
        with suppress(OSError):
            for name in os.listdir(folder):  # noqa: PTH208 - the release of the relay imports neither pathlib nor shutil
                os.unlink(f"{folder}/{name}")  # noqa: PTH108
            os.rmdir(folder)  # noqa: PTH106


def _make_folder() -> str:
    """In memory where there is some: a card that is full or read-only must not keep the relay from being let go."""
    name = f"gate-pins-{os.getpid()}-{os.urandom(8).hex()}"
    for parent in filter(None, (os.environ.get("RUNTIME_DIRECTORY"), _SHARED_MEMORY)):
        with suppress(OSError):
            return _made(f"{parent}/{name}")
    return _made(f"/tmp/{name}")  # noqa: S108 - a folder of our own, with a name that nobody can guess


def _made(folder: str) -> str:
    os.mkdir(folder, 0o700)  # noqa: PTH102
    return folder


@contextmanager
def _working_directory_kept() -> Iterator[None]:
    """By a handle and not by its name: it may have been renamed, removed, or be a folder that may not be listed."""
    try:
        here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        # A folder that this user may not even enter: nothing was found by a relative name before, nor is after.
        here = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)


@contextmanager
def _environment(folder: str) -> Iterator[None]:
    before = os.environ.get("LG_WD")
    os.environ["LG_WD"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["LG_WD"]
        else:
            os.environ["LG_WD"] = before
