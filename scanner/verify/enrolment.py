"""The one-time code with which a gate's device joins an event, as a person reads it out: AAAA-BBBB-CCCC-DDDD.

40 bits of secret, then 40 bits of SHA-256(node key), in base32 (RFC 4648): so the gate knows the right node before it
has ever spoken to it, and refuses one that merely stands at its address. Drawing, storing and expiry are the node's.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from scanner.verify.entry import Malformed

SECRET_BYTES = 5
_CODE = re.compile(r"[A-Z2-7]{16}")


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """What a code says: a secret that only its node knows, and which node that is."""

    secret: bytes
    fingerprint: bytes

    def names(self, node_key: bytes) -> bool:
        """Whether `node_key` is the key of the node that gave this code."""
        return fingerprint(node_key) == self.fingerprint

    def text(self) -> str:
        """Four groups of four."""
        packed = base64.b32encode(self.secret + self.fingerprint).decode()
        return "-".join(packed[start : start + 4] for start in range(0, len(packed), 4))

    @classmethod
    def parse(cls, text: str) -> "EnrolmentCode | Malformed":
        """As a person types it: small letters, spaces and missing dashes are forgiven; 0, 1 and 8 are O, I and B."""
        packed = re.sub(r"[\s-]", "", text).upper().translate(str.maketrans("018", "OIB"))
        if not _CODE.fullmatch(packed):
            return Malformed("an enrolment code has four groups of four letters or digits, like ABCD-EFGH-IJKL-MNOP")
        raw = base64.b32decode(packed)
        return cls(raw[:SECRET_BYTES], raw[SECRET_BYTES:])


def fingerprint(node_key: bytes) -> bytes:
    """The first 40 bits of SHA-256(node key)."""
    return hashlib.sha256(node_key).digest()[:SECRET_BYTES]
