"""Challenges for passkeys that cost the node no memory: time, randomness and a keyed hash of both and the purpose.

Whoever asks for one is unknown, so nothing is kept until a challenge comes back signed. Then it is spent (`tables`).
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

LIFE = 300
"""Seconds."""
_NONCE = 16
_MAC = 32
_BYTES = 8 + _NONCE + _MAC


@dataclass(frozen=True, slots=True)
class Challenges:
    """`key` is secret and the same for the life of a node; `draw` gives randomness."""

    key: bytes
    draw: Callable[[int], bytes]

    def make(self, purpose: str, now: int) -> bytes:
        """A challenge for this purpose, good for LIFE seconds."""
        head = (now + LIFE).to_bytes(8, "big") + self.draw(_NONCE)
        return head + self._mac(purpose, head)

    def expiry(self, purpose: str, challenge: bytes, now: int) -> int | None:
        """Until when it is good (unix seconds), or None for one that is not ours, for another purpose, or too old."""
        head, mac = challenge[:-_MAC], challenge[-_MAC:]
        expires = int.from_bytes(head[:8], "big")
        ours = len(challenge) == _BYTES and hmac.compare_digest(mac, self._mac(purpose, head))
        return expires if ours and now <= expires <= now + LIFE else None

    def _mac(self, purpose: str, head: bytes) -> bytes:
        return hashlib.blake2b(head + purpose.encode(), key=self.key, digest_size=_MAC, person=b"challenge").digest()
