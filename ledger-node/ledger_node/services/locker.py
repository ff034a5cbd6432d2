"""What the vault key locks, and how; and its change, during which two keys are good.

Everything new is locked under the newest key, and what is read may still be under the one before. Changing a key is
moving all that stands under the old one (`fresh` tells), each where it is kept; here is only the lock.
"""

import hashlib
from collections.abc import Callable

from scanner.verify.keys import lock_secret, unlock_secret

_NONCE = 24


class Locker:
    """`key` is the vault key (32 bytes), `before` the one that it replaces, `draw` the system's randomness."""

    def __init__(self, key: bytes, draw: Callable[[int], bytes], before: bytes | None = None) -> None:
        # One value, because threads read both while one changes them.
        self._keys: tuple[bytes, ...] = (key,) if before is None else (key, before)
        self._draw = draw

    @property
    def changing(self) -> bool:
        """Whether something may still be under the key before."""
        return len(self._keys) > 1

    def change(self, key: bytes) -> None:
        """Lock under another key from now on."""
        self._keys = (key, self._keys[0])

    def changed(self) -> None:
        """Nothing is under the key before any more."""
        self._keys = self._keys[:1]

    def lock(self, plain: bytes, use: bytes) -> bytes:
        """A box (XSalsa20-Poly1305). `use` is part of its key: what it is and whose, so no other can be it."""
        return lock_secret(plain, self._keys[0] + use, self._draw(_NONCE))

    def unlock(self, box: bytes, use: bytes) -> bytes | None:
        """What was locked, or None if the box was changed, is for another use, or is under neither key."""
        found = (unlock_secret(box, key + use) for key in self._keys)
        return next((plain for plain in found if plain is not None), None)

    def fresh(self, box: bytes, use: bytes) -> bool:
        """Whether it is under the newest key."""
        return unlock_secret(box, self._keys[0] + use) is not None

    def digest(self, name: str, value: str) -> bytes:
        """By which something is found without being readable: a keyed BLAKE2b."""
        return self.digests(name, value)[0]

    def digests(self, name: str, value: str) -> list[bytes]:
        """All under which it may be kept by now, the newest first."""
        return [_digest(key, name, value) for key in self._keys]

    def derived(self, purpose: bytes) -> bytes:
        """A key for what is not kept, of at most 16 bytes of purpose."""
        return hashlib.blake2b(self._keys[0], digest_size=32, person=purpose).digest()


def _digest(key: bytes, name: str, value: str) -> bytes:
    index = hashlib.blake2b(key, digest_size=32, person=b"ticketme/v1/idx").digest()
    return hashlib.blake2b(f"{name}\0{value}".encode(), key=index, digest_size=32).digest()
