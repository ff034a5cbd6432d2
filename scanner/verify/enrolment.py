"""The one-time code with which a gate's device joins an event, as a person reads it out: AAAA-BBBB-CCCC-DDDD.

40 bits of secret, then 40 bits of SHA-256(node key), in base32 (RFC 4648): so the gate knows the right node before it
has ever spoken to it, and refuses one that merely stands at its address. Drawing, storing and expiry are the node's.

On its way the code is sealed for that node's key, together with the device's own key. So over plain http, too, who
listens cannot read it, and who sends the sealed code on with another key enrols nothing.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from scanner.verify.entry import Malformed
from scanner.verify.keys import PUBLIC_KEY_BYTES, SEAL_BYTES, SigningKey, seal

SECRET_BYTES = 5
_CODE = re.compile(r"[A-Z2-7]{16}")
_LONGEST = 200
_SEALED = re.compile(rf"[0-9a-f]{{{2 * (2 * SECRET_BYTES + PUBLIC_KEY_BYTES + SEAL_BYTES)}}}")


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
        packed = re.sub(r"[\s-]", "", text[:_LONGEST]).upper().translate(str.maketrans("018", "OIB"))
        if len(text) > _LONGEST or not _CODE.fullmatch(packed):
            return Malformed("an enrolment code has four groups of four letters or digits, like ABCD-EFGH-IJKL-MNOP")
        raw = base64.b32decode(packed)
        return cls(raw[:SECRET_BYTES], raw[SECRET_BYTES:])


def seal_code(code: EnrolmentCode, device_key: bytes, node_key: bytes) -> str:
    """As it goes to the node, for this device alone: in hex."""
    return seal(code.secret + code.fingerprint + device_key, node_key).hex()


def open_code(sealed: str, device_key: bytes, node: SigningKey) -> EnrolmentCode | Malformed:
    """The code that the device with this key sent, as the node reads it."""
    plain = node.unseal(bytes.fromhex(sealed)) if _SEALED.fullmatch(sealed) else None
    if plain is None:
        return Malformed("the code is not sealed for this ledger node: check the address, then update the gate")
    if plain[2 * SECRET_BYTES :] != device_key:
        return Malformed("the code was sealed for another device: enrol again")
    return EnrolmentCode(plain[:SECRET_BYTES], plain[SECRET_BYTES : 2 * SECRET_BYTES])


def fingerprint(node_key: bytes) -> bytes:
    """The first 40 bits of SHA-256(node key)."""
    return hashlib.sha256(node_key).digest()[:SECRET_BYTES]
