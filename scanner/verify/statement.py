"""A signed statement of the state at one log size: for each event what a snapshot of that size must carry.

A C2SP signed note whose text is

    ticketme-gate/state/v1
    <origin>
    <size>
    <root, base64>
    <event> <state digest, base64> <manifest digest, base64>      one line an event, sorted

The node signs it with the log's root key and every witness with its own. The first digest is that of the tickets' rows
(snapshot.StateDigest), the second that of the event's manifest: without it a gate could be given other keys to trust.
Its first line keeps it apart from checkpoints (which begin with their origin) and from cosignatures. Pure; where the
digests come from is for others.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scanner.verify.checkpoint import NoteSignature, VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey, verify
from scanner.verify.merkle import HASH_BYTES

TITLE = "ticketme-gate/state/v1"
_LONGEST = 1 << 20
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile("\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)")


class Stated(NamedTuple):
    """What is stated of one event: the digests of its tickets' rows and of its manifest."""

    rows: bytes
    manifest: bytes


@dataclass(frozen=True, slots=True)
class StateStatement:
    """What somebody says the state is at `size`; `events` by id."""

    origin: str
    size: int
    root: bytes
    events: Mapping[str, Stated]

    def body(self) -> str:
        """The lines that are signed."""
        lines = [TITLE, self.origin, str(self.size), _encode(self.root)]
        lines += [f"{event} {_encode(one.rows)} {_encode(one.manifest)}" for event, one in sorted(self.events.items())]
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


def heard(
    notes: Iterable[str], signers: Sequence[VerifierKey], origin: str, size: int, root: bytes
) -> dict[str, Mapping[str, Stated]]:
    """By the names of those of `signers` who did, what they state of the events of this log at this size and root."""
    opened = [(signer, open_statement(note, signer)) for signer in signers for note in notes]
    return {
        signer.name: one.events
        for signer, one in opened
        if isinstance(one, StateStatement) and (one.origin, one.size, one.root) == (origin, size, root)
    }


def _parse(lines: list[str]) -> StateStatement | Malformed:
    if len(lines) < 4 or lines[0] != TITLE or not _SIZE.fullmatch(lines[2]):
        return Malformed(f"not a statement of the form {TITLE}")
    root = _decode(lines[3])
    stated = [line.split(" ") for line in lines[4:]]
    good = {parts[0]: _stated(parts) for parts in stated if parts[0] and _stated(parts)}
    if root is None or len(root) != HASH_BYTES or len(good) != len(stated) or list(good) != sorted(good):
        return Malformed("root or digests are not well-formed")
    return StateStatement(lines[1], int(lines[2]), root, {event: one for event, one in good.items() if one})


def _stated(parts: list[str]) -> Stated | None:
    """From an event's line."""
    digests = [digest for digest in map(_decode, parts[1:]) if digest and len(digest) == HASH_BYTES]
    return Stated(*digests) if len(digests) == 2 == len(parts) - 1 else None


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _encode(data) == text else None
