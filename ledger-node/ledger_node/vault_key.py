"""The vault key on disk, and its change: which files there are says how far a change has come.

  vault.key                     in use
  vault.key.old, vault.key      a change is under way: some of what it opens is still under the old one
  vault.key.old                 a change had just begun when the process died: the new key is made now

What the keys open, and moving it from one to the other, is the services' business.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ledger_node.home_folder import HomeError, as_home_error
from ledger_node.key_files import find_key, make_key

NAME, OLD = "vault.key", "vault.key.old"


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """32 bytes each; `before` while a change is under way."""

    key: bytes = field(repr=False)
    before: bytes | None = field(default=None, repr=False)


def load(folder: Path, credentials: Path | None, draw: Callable[[int], bytes], opens: Path) -> VaultKeys:
    """The key, made on first use, and the one before it. Raises HomeError if it is gone and `opens` is there."""
    key, before = (find_key(name, folder, credentials) for name in (NAME, OLD))
    if key is None:
        if opens.exists() and before is None:
            raise HomeError(f"{folder / NAME} is missing but the vault that it opens is there: restore it")
        key = make_key(folder / NAME, draw)
    return VaultKeys(key.seed, before.seed if before else None)


def begin(folder: Path, draw: Callable[[int], bytes]) -> bytes:
    """Put the key aside and make a new one; the new one. Raises HomeError for a key that is not in this folder."""
    if not (folder / NAME).exists() and not (folder / OLD).exists():
        raise HomeError(
            f"{NAME} is not in {folder} but given from outside: give the new key as {NAME} and the old one as {OLD}, "
            "start the node, and rotate again"
        )
    with as_home_error(folder.parent):
        if (folder / NAME).exists():
            (folder / NAME).replace(folder / OLD)
            _sync(folder)
        return make_key(folder / NAME, draw).seed


def end(folder: Path) -> bool:
    """Destroy the old key: overwritten where it stands, then removed; whether it was in this folder."""
    path = folder / OLD
    if not path.exists():
        return False
    with as_home_error(folder.parent):
        handle = os.open(path, os.O_WRONLY)
        try:
            os.write(handle, bytes(os.fstat(handle).st_size))
            os.fsync(handle)
        finally:
            os.close(handle)
        path.unlink()
        _sync(folder)
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
