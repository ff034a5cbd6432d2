"""A signed statement of the state at one log size: for each event the digest that a snapshot of that size must carry.

A C2SP signed note whose text is

    ticketme-gate/state/v1
    <origin>
    <size>
    <root, base64>
    <event> <state digest, base64>      one line an event, sorted

The node signs it with the log's key and every witness with its own. Its first line keeps it apart from checkpoints
(which begin with their origin) and from cosignatures. Pure; where digests come from is for others.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scanner.verify.checkpoint import NoteSignature, VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey, verify
from scanner.verify.merkle import HASH_BYTES

TITLE = "ticketme-gate/state/v1"
_LONGEST = 1 << 20
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile("\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class StateStatement:
    """What somebody says the state is at `size`; `digests` by event id."""

    origin: str
    size: int
    root: bytes
    digests: Mapping[str, bytes]

    def body(self) -> str:
        """The lines that are signed."""
        lines = [TITLE, self.origin, str(self.size), _encode(self.root)]
        lines += [f"{event} {_encode(digest)}" for event, digest in sorted(self.digests.items())]
        return "".join(f"{line}\n" for line in lines)


def sign_statement(statement: StateStatement, signer: VerifierKey, key: SigningKey) -> str:
    """The note. `signer` is the public side of `key`: the log's or a witness's."""
    body = statement.body()
    return f"{body}\n{NoteSignature(signer.name, signer.key_id, key.sign(body.encode())).line()}"


def open_statement(text: str, signer: VerifierKey) -> StateStatement | Malformed:
    """Read a note strictly and check that `signer` signed it."""
    body, gap, tail = text.rpartition("\n\n") if len(text) <= _LONGEST else ("", "", "")
    match = _SIGNATURE.fullmatch(tail.removesuffix("\n"))
    blob = _decode(match[2]) if match else None
    if not gap or match is None or blob is None:
        return Malformed("not a signed statement: lines, an empty line, one signature line")
    if (match[1], blob[:4]) != (signer.name, signer.key_id):
        return Malformed(f"signed by {match[1]}, not by {signer.name}")
    if not verify(signer.public_key, f"{body}\n".encode(), blob[4:]):
        return Malformed("the signature is wrong")
    return _parse(body.split("\n"))


def _parse(lines: list[str]) -> StateStatement | Malformed:
    if len(lines) < 4 or lines[0] != TITLE or not _SIZE.fullmatch(lines[2]):
        return Malformed(f"not a statement of the form {TITLE}")
    root = _decode(lines[3])
    pairs = [line.rpartition(" ") for line in lines[4:]]
    digests = {event: _decode(encoded) for event, _, encoded in pairs}
    good = {event: digest for event, digest in digests.items() if event and digest and len(digest) == HASH_BYTES}
    if root is None or len(root) != HASH_BYTES or len(good) != len(pairs) or list(good) != sorted(good):
        return Malformed("root or digests are not well-formed")
    return StateStatement(lines[1], int(lines[2]), root, good)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _encode(data) == text else None
