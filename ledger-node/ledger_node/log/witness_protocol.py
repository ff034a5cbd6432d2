"""C2SP tlog-witness: what an add-checkpoint request looks like, for those who send it and for those who read it. Pure.

old <size>
<consistency hash, base64>      at most 63 of them
                                an empty line
<checkpoint>                    a signed note
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from scanner.verify.entry import Malformed
from scanner.verify.merkle import HASH_BYTES

SIZE_TYPE = "text/x.tlog.size"
"""The type of a 409's body: the newest size that the witness signed, in decimal, with a newline."""
MOST_BYTES = 70_000
_MOST_HASHES = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n?")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request: `proof` leads from the log of size `old` to `checkpoint`, a note that nobody has looked at yet."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: str

    def encode(self) -> bytes:
        """The request's body."""
        hashes = "".join(f"{base64.b64encode(part).decode()}\n" for part in self.proof)
        return f"old {self.old}\n{hashes}\n{self.checkpoint}".encode()

    @classmethod
    def parse(cls, body: bytes) -> "AddCheckpoint | Malformed":
        """Read a request's body strictly."""
        try:
            head, gap, checkpoint = body.decode().partition("\n\n")
        except UnicodeDecodeError:
            return Malformed("not UTF-8")
        first, *lines = head.split("\n")
        old = _OLD.fullmatch(first)
        if not gap or old is None:
            return Malformed("send a line `old <size>`, the consistency proof, an empty line and the checkpoint")
        proof = _hashes(lines)
        if proof is None:
            return Malformed(f"the proof is at most {_MOST_HASHES} lines, each a hash of {HASH_BYTES} bytes in base64")
        return cls(int(old[1]), proof, checkpoint)


def read_size(body: bytes) -> int | None:
    """The size in the answer of a witness that has signed another one than was thought."""
    match = _SIZE.fullmatch(body[:32].decode("latin-1"))
    return int(match[1]) if match else None


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...] | None:
    found = []
    for line in lines:
        try:
            data = base64.b64decode(line, validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(data) != HASH_BYTES or base64.b64encode(data).decode() != line:
            return None
        found.append(data)
    return tuple(found) if len(found) <= _MOST_HASHES else None
