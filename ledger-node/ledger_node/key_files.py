"""Small files that must be there whole or not at all: private keys, and what is kept beside them.

A key is 32 bytes in hex in a file that only its owner reads. A file is written beside its place, synced and renamed, so
a process that dies leaves the old one, or none.
"""

import os
from collections.abc import Callable
from pathlib import Path

from ledger_node.home_folder import HomeError
from scanner.verify.keys import SEED_BYTES, SigningKey


def find_key(name: str, folder: Path, credentials: Path | None) -> SigningKey | None:
    """The key of this name, from systemd's credentials first. Raises HomeError if it is damaged, or open to others."""
    if credentials and (credentials / name).exists():
        # systemd's own folder is closed to others; a file in it may have group bits, which are its access list's mask.
        return _key_in(credentials / name)
    return read_key(folder / name) if (folder / name).exists() else None


def read_key(path: Path) -> SigningKey:
    """The key in this file. Raises HomeError if it is damaged or open to others."""
    if path.stat().st_mode & 0o077:
        raise HomeError(f"{path} can be read by others: run chmod 600 on it, and rotate it if somebody may have")
    return _key_in(path)


def _key_in(path: Path) -> SigningKey:
    try:
        return SigningKey(bytes.fromhex(path.read_text().strip()))
    except ValueError:
        raise HomeError(f"{path} is not a key ({SEED_BYTES} bytes in hex): restore it") from None


def make_key(path: Path, draw: Callable[[int], bytes]) -> SigningKey:
    """A new key, durable when this returns. The file must not be there yet."""
    if path.exists():
        raise HomeError(f"{path} is there already, and a key is never written over: move it away")
    key = SigningKey(draw(SEED_BYTES))
    write_whole(path, f"{key.seed.hex()}\n".encode())
    return key


def write_whole(path: Path, data: bytes) -> None:
    """Put this file in its place, whole and durable, readable by its owner alone. Raises OSError."""
    new = path.with_name(f"{path.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
