"""The keys that sign the log's checkpoints, on disk: every list that was made of them, and the private keys.

home/
  log-keys/<version>.note   the lists, each signed by the root key (scanner.verify.log_keys); the highest counts
  keys/log-<version>.key    the key that a list of this version brought; none before the first rotation

A rotation writes the key, then the list, and only then may a checkpoint be signed with it. What dies in between leaves
either a key that no list names, which the next rotation takes, or a list, by which the next start signs.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger_node.home_folder import HomeError, as_home_error
from ledger_node.key_files import find_key, make_key, write_whole
from scanner.verify.checkpoint import VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey
from scanner.verify.log_keys import LogKeys, sign_log_keys

LISTS = "log-keys"
_LIST = re.compile(r"([1-9][0-9]{0,8})\.note")
_KEY = re.compile(r"log-([1-9][0-9]{0,8})\.key")


@dataclass(frozen=True, slots=True)
class LogSigners:
    """What signs checkpoints now: `keys`, newest first; empty if they are lost. `lists` are all that were made, oldest
    first, and never empty: the first is version 0, by which the root key signs itself.
    """

    root: SigningKey
    lists: tuple[LogKeys, ...]
    keys: tuple[SigningKey, ...]

    @classmethod
    def of_root(cls, root: SigningKey, origin: str) -> "LogSigners":
        """A log whose keys were never rotated."""
        return cls(root, (LogKeys.unlisted(VerifierKey(origin, root.public)),), (root,))

    @property
    def newest(self) -> LogKeys:
        """The list that counts."""
        return self.lists[-1]

    def require(self) -> None:
        """Raises HomeError if nothing can sign."""
        if not self.keys:
            version = self.newest.version
            raise HomeError(
                f"none of the keys that version {version} of the log's keys names is in the folder keys: restore"
                f" log-{version}.key, or, if it is lost for good, make a new one with `ledger-node keys rotate-log`"
            )

    def list_of(self, version: int) -> str | None:
        """The list of this version as it was signed, if there is one."""
        return next((one.note for one in self.lists if one.note and one.version == version), None)


def load_signers(home: Path, credentials: Path | None, root: SigningKey, origin: str) -> LogSigners:
    """What is kept in `home`; without any key if all that the newest list names are gone: a new one can then be made.
    Raises HomeError for a damaged list.
    """
    first = LogSigners.of_root(root, origin)
    with as_home_error(home):
        lists = (*first.lists, *_lists(home / LISTS, first.newest.root))
        held = {key.public: key for key in (root, *_keys(home / "keys", credentials, lists[-1].version))}
    return LogSigners(root, lists, tuple(held[key.public_key] for key in lists[-1].keys if key.public_key in held))


def rotate(
    home: Path, signers: LogSigners, at: int, draw: Callable[[int], bytes], *, overlap: bool = False
) -> LogSigners:
    """Make a key and the list that brings it, both durable. `overlap` keeps the newest key so far in the list."""
    with _writing(home):
        signers = _caught_up(home, signers)
        version = signers.newest.version + 1
        path = home / "keys" / f"log-{version}.key"
        unused = find_key(path.name, path.parent, None)
        key = unused or make_key(path, draw)
        return _write_list(home, signers, version, at, (key, *signers.keys[:1]) if overlap else (key,))


def end_overlap(home: Path, signers: LogSigners, at: int) -> LogSigners:
    """Make the list that leaves only the newest key, durable. Raises HomeError if there is no other."""
    with _writing(home):
        signers = _caught_up(home, signers)
        if len(signers.newest.keys) == 1:
            raise HomeError("one key alone signs the log's checkpoints: there is no overlap to end")
        return _write_list(home, signers, signers.newest.version + 1, at, signers.keys[:1])


def _caught_up(home: Path, signers: LogSigners) -> LogSigners:
    """With the list that a rotation before this one wrote, and was told that it had failed. Its version is taken: a
    second list of it would be proof against this log.
    """
    path = home / LISTS / f"{signers.newest.version + 1}.note"
    if not path.exists():
        return signers
    left = _read_list(path, signers.newest.root)
    write_whole(path, left.note.encode())
    held = {key.public: key for key in (signers.root, *signers.keys, *_keys(home / "keys", None, left.version))}
    keys = tuple(held[key.public_key] for key in left.keys if key.public_key in held)
    return LogSigners(signers.root, (*signers.lists, left), keys)


def _write_list(home: Path, signers: LogSigners, version: int, at: int, keys: tuple[SigningKey, ...]) -> LogSigners:
    root = signers.newest.root
    note = sign_log_keys(root.name, version, at, [key.public for key in keys], signers.root)
    opened = LogKeys.open(note, root)
    assert isinstance(opened, LogKeys), "it was just signed"
    (home / LISTS).mkdir(exist_ok=True)
    write_whole(home / LISTS / f"{version}.note", note.encode())
    return LogSigners(signers.root, (*signers.lists, opened), keys)


@contextmanager
def _writing(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HomeError(
            f"{error.filename or home} cannot be written ({error.strerror}): see to the disk, then rotate again"
        ) from error


def _lists(folder: Path, root: VerifierKey) -> list[LogKeys]:
    names = [path for path in folder.iterdir() if _LIST.fullmatch(path.name)] if folder.exists() else []
    return [_read_list(path, root) for path in sorted(names, key=lambda path: int(path.stem))]


def _read_list(path: Path, root: VerifierKey) -> LogKeys:
    opened = LogKeys.open(path.read_bytes().decode(errors="replace"), root)
    if isinstance(opened, Malformed) or opened.version != int(path.stem):
        why = opened.reason if isinstance(opened, Malformed) else f"it is version {opened.version}"
        raise HomeError(f"{path} is damaged ({why}): restore it; witnesses and auditors have a copy (/log-keys)")
    return opened


def _keys(folder: Path, credentials: Path | None, newest: int) -> list[SigningKey]:
    """Those that some list may name; one above the newest list is of a rotation that was cut short."""
    names = {path.name for place in (folder, credentials) if place for path in place.iterdir()}
    numbered = [(int(match[1]), name) for name in names if (match := _KEY.fullmatch(name))]
    found = [find_key(name, folder, credentials) for number, name in sorted(numbered) if number <= newest]
    return [key for key in found if key]
