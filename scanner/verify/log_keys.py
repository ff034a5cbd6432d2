"""The log's key list: which keys sign its checkpoints, said by the key that everybody knows the log by (its root key).

A C2SP signed note, signed by the root key under the log's origin, whose text is

    ticketme-gate/log-keys/v1
    <origin>
    <version>              from 1 on, each list has a higher one than those before it
    <unix seconds>         when it was made
    <verifier key>         one line a key, at most 8; each bears the origin as its name

A log without a list is version 0: its root key signs checkpoints itself. A key that the newest list omits is revoked.
Whoever has seen a version takes none below it, and two different lists of one version prove that the root key is
misused. Its first line keeps a list apart from checkpoints, which begin with their origin. Pure: what has been seen is
for others to remember.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scanner.verify.checkpoint import LOG, Checkpoint, NoteSignature, VerifierKey, open_by_any, parse_checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey, verify

TITLE = "ticketme-gate/log-keys/v1"
NEWEST = "log-keys"
"""The path, beside a log's tiles, of its newest list."""
MOST_KEYS = 8
_LONGEST = 8192
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_SIGNATURE = re.compile("\u2014 ([^ \n]+) ([A-Za-z0-9+/=]+)\n")


def path_of(version: int | str) -> str:
    """The path of the list of this version, which stays when it is not the newest any more."""
    return f"{NEWEST}-{version}"


@dataclass(frozen=True, slots=True)
class Unlisted(Malformed):
    """A checkpoint in the log's name by a key that is not in its list: revoked, or a thief's."""


@dataclass(frozen=True, slots=True)
class Suspicious:
    """A list that the root key did sign, and that should not be shown: an `older` one, or `another` of one version."""

    kind: Literal["older", "another"]
    reason: str


@dataclass(frozen=True, slots=True)
class LogKeys:
    """One version of the list. `note` is the list as it was signed, empty for version 0; `at` unix seconds."""

    root: VerifierKey
    version: int
    at: int
    keys: tuple[VerifierKey, ...]
    note: str

    @classmethod
    def unlisted(cls, root: VerifierKey) -> "LogKeys":
        """Version 0: what holds for a log that has shown no list."""
        return cls(root, 0, 0, (root,), "")

    @classmethod
    def open(cls, note: str, root: VerifierKey) -> "LogKeys | Malformed":
        """Read a list strictly and check the root key's signature; an empty text is version 0."""
        if not note:
            return cls.unlisted(root)
        body, gap, tail = note.rpartition("\n\n") if len(note) <= _LONGEST else ("", "", "")
        match = _SIGNATURE.fullmatch(tail)
        blob = _decode(match[2]) if match else None
        if not gap or match is None or blob is None:
            return Malformed("not a list of a log's keys: lines, an empty line, one signature line")
        if (match[1], blob[:4]) != (root.name, root.key_id) or not verify(
            root.public_key, f"{body}\n".encode(), blob[4:]
        ):
            return Malformed(f"the list of keys is not signed by the log's root key {root.encode()}")
        return _parse(body.split("\n"), root, note)

    def open_checkpoint(self, text: str) -> Checkpoint | Malformed:
        """As `checkpoint.open_checkpoint`, by any key of this list; Unlisted if it is in the log's name by another."""
        opened = open_by_any(text, self.keys, self.root.name)
        if isinstance(opened, Checkpoint):
            return opened
        listed = {key.key_id for key in self.keys}
        shape = parse_checkpoint(text)
        if isinstance(shape, Malformed) or shape.origin != self.root.name:
            return opened
        named = {line.key_id for line in shape.signatures if line.name == self.root.name}
        return self._unlisted(named) if named and not named & listed else opened

    def newer(self, note: str) -> "LogKeys | Malformed | Suspicious":
        """What holds after `note` was shown: that list if it is a later one, these keys if it is the same or empty."""
        if note in {"", self.note}:
            return self
        shown = LogKeys.open(note, self.root)
        if isinstance(shown, Malformed):
            return shown
        if shown.version < self.version:
            return Suspicious(
                "older",
                f"the list of the log's keys went back from version {self.version} to {shown.version}: the node was"
                " restored from an old backup, or somebody shows an old list; tell its operator",
            )
        if shown.version == self.version and shown.body != self.body:
            return Suspicious(
                "another",
                f"the log's root key signed two different lists of version {self.version}: it is misused;"
                " keep both and tell everybody who trusts this log",
            )
        return shown if shown.version > self.version else self

    @property
    def body(self) -> str:
        """The lines that were signed."""
        return self.note.rpartition("\n\n")[0]

    def _unlisted(self, named: set[bytes]) -> Unlisted:
        ids = ", ".join(sorted(key_id.hex() for key_id in named))
        if not self.version:
            return Unlisted(
                f"not signed with the log's key but with key {ids}, and no list of its keys (/log-keys) came"
            )
        return Unlisted(
            f"signed with key {ids}, which version {self.version} of the log's keys does not list: it was revoked, or"
            " is somebody else's; ask the log's operator"
        )


def sign_log_keys(origin: str, version: int, at: int, keys: Sequence[bytes], root: SigningKey) -> str:
    """The list with these public keys, signed by the root key. Raises ValueError for one that nobody could read."""
    lines = [TITLE, origin, str(version), str(at), *(VerifierKey(origin, key).encode() for key in keys)]
    body = "".join(f"{line}\n" for line in lines)
    signer = VerifierKey(origin, root.public)
    note = f"{body}\n{NoteSignature(origin, signer.key_id, root.sign(body.encode())).line()}"
    made = LogKeys.open(note, signer)
    if isinstance(made, Malformed):
        raise ValueError(made.reason)  # noqa: TRY004 - a value, in the caller's arguments
    return note


def _parse(lines: list[str], root: VerifierKey, note: str) -> LogKeys | Malformed:
    if len(lines) < 4 or lines[0] != TITLE or not _NUMBER.fullmatch(lines[2]) or not _NUMBER.fullmatch(lines[3]):
        return Malformed(f"not a list of the form {TITLE}")
    if lines[1] != root.name or lines[2] == "0":
        return Malformed(f"the list is of {lines[1]!r}, version {lines[2]}; it must be of {root.name}, from 1 on")
    keys = [VerifierKey.parse(line) for line in lines[4:]]
    good = tuple(key for key in keys if isinstance(key, VerifierKey) and (key.name, key.type) == (root.name, LOG))
    if not 0 < len(good) == len(set(good)) == len(keys) <= MOST_KEYS:
        return Malformed(f"a list has 1 to {MOST_KEYS} different keys of the log's own name, each of a log's type")
    return LogKeys(root, int(lines[2]), int(lines[3]), good, note)


def _decode(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None
