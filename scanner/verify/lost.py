"""A part of the log that is lost for good, said by the log's root key. Pure.

A C2SP signed note, signed by the root key under the log's origin, whose text is

    ticketme-gate/lost-part/v1
    <origin>
    <size> <root>          the log as it is kept, and goes on: the root in hex
    <size> <root>          a checkpoint of this log that is not on the way to that, and counts no more

It names both lines. Who knows the log by exactly the second checkpoint goes on from the first, and sends again what it
had in the log; nothing else follows from it, so it moves only who saw what was lost.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from scanner.verify.checkpoint import NoteSignature, VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey, verify

TITLE = "ticketme-gate/lost-part/v1"
_LONGEST = 2048
_NUMBER = "(0|[1-9][0-9]{0,15})"
_TEXT = re.compile(f"{re.escape(TITLE)}\n([^\n]+)\n{_NUMBER} ([0-9a-f]{{64}})\n{_NUMBER} ([0-9a-f]{{64}})\n")
_SIGNATURE = re.compile("\u2014 ([^ \n]+) ([A-Za-z0-9+/=]+)\n")


@dataclass(frozen=True, slots=True)
class LostPart:
    """See the module."""

    kept: int
    kept_root: bytes
    lost: int
    lost_root: bytes

    def sign(self, origin: str, root: SigningKey) -> str:
        """The note."""
        kept, lost = f"{self.kept} {self.kept_root.hex()}", f"{self.lost} {self.lost_root.hex()}"
        text = f"{TITLE}\n{origin}\n{kept}\n{lost}\n"
        key_id = VerifierKey(origin, root.public).key_id
        return f"{text}\n{NoteSignature(origin, key_id, root.sign(text.encode())).line()}"

    @classmethod
    def open(cls, note: str, root: VerifierKey) -> "LostPart | Malformed":
        """Read a note strictly and check the root key's signature."""
        body, gap, tail = note.rpartition("\n\n") if len(note) <= _LONGEST else ("", "", "")
        signed, text = _SIGNATURE.fullmatch(tail), f"{body}\n"
        read = _TEXT.fullmatch(text)
        if not gap or signed is None or read is None or read[1] != root.name:
            return Malformed(f"not a statement of the form {TITLE} about this log")
        blob = _decode(signed[2])
        if (signed[1], blob[:4]) != (root.name, root.key_id) or not verify(root.public_key, text.encode(), blob[4:]):
            return Malformed("the statement is not signed by the log's root key")
        return cls(int(read[2]), bytes.fromhex(read[3]), int(read[4]), bytes.fromhex(read[5]))


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
