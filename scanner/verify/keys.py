"""Ed25519 (RFC 8032) through libsodium: the only place where a signature is made or checked, a secret locked or hashed.

No decision rests on another implementation: OpenSSL and others accept small-order keys with which one fixed signature
verifies for any message. What is signed, and under which domain string, is not decided here.
"""

import hashlib

from nacl import bindings
from nacl.exceptions import CryptoError

SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64
NO_KEY = bytes(PUBLIC_KEY_BYTES)
"""What a ticket holds before a holder's key is registered; never a valid key."""


class SigningKey:
    """A private key, made from a 32-byte seed that the caller drew from the system's randomness."""

    __slots__ = ("_secret", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"an Ed25519 seed has {SEED_BYTES} bytes, not {len(seed)}")
        self.seed = seed
        self.public, self._secret = bindings.crypto_sign_seed_keypair(seed)

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.hex()})"

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of `message`."""
        return bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def unseal(self, sealed: bytes) -> bytes | None:
        """What was sealed for this key; None if it was for another, or changed."""
        secret = bindings.crypto_sign_ed25519_sk_to_curve25519(self._secret)
        try:
            return bindings.crypto_box_seal_open(sealed, bindings.crypto_scalarmult_base(secret), secret)
        except (CryptoError, ValueError):
            return None


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether libsodium accepts `signature`; False, never an exception, for input of any length."""
    if len(signature) != SIGNATURE_BYTES or len(public_key) != PUBLIC_KEY_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + message, public_key)
    except CryptoError:
        return False
    return True


def valid_public_key(key: bytes) -> bool:
    """Whether `key` is a canonical point of the prime-order subgroup, so that it can be registered."""
    return len(key) == PUBLIC_KEY_BYTES and bool(bindings.crypto_core_ed25519_is_valid_point(key))


SEAL_BYTES: int = bindings.crypto_box_SEALBYTES
"""By how much what is sealed is longer."""


def seal(plain: bytes, public_key: bytes) -> bytes:
    """Readable only to the holder of this Ed25519 key, which must be a valid one (libsodium's sealed box, X25519).

    The one place where the library draws its own randomness: a key that is thrown away afterwards.
    """
    return bindings.crypto_box_seal(plain, bindings.crypto_sign_ed25519_pk_to_curve25519(public_key))


def lock_secret(plain: bytes, secret: bytes, nonce: bytes) -> bytes:
    """nonce (24 bytes, never used twice) | XSalsa20-Poly1305 box of `plain` under a key derived from `secret`."""
    return nonce + bindings.crypto_secretbox(plain, nonce, _box_key(secret))


def unlock_secret(locked: bytes, secret: bytes) -> bytes | None:
    """The plain bytes, or None if `secret` is another or the box was changed."""
    nonce = locked[: bindings.crypto_secretbox_NONCEBYTES]
    try:
        return bindings.crypto_secretbox_open(locked[len(nonce) :], nonce, _box_key(secret))
    except (CryptoError, ValueError):
        return None


SALT_BYTES = bindings.crypto_pwhash_SALTBYTES
_STRETCH_PASSES = 2
_STRETCH_BYTES = 19 << 20


def stretch(secret: bytes, salt: bytes) -> bytes:
    """32 bytes that cost 19 MiB and some 15 ms to make from a secret that could be guessed: Argon2id (RFC 9106).

    `salt` has SALT_BYTES and is drawn for each secret.
    """
    algorithm = bindings.crypto_pwhash_ALG_ARGON2ID13
    return bindings.crypto_pwhash_alg(32, secret, salt, _STRETCH_PASSES, _STRETCH_BYTES, algorithm)


def _box_key(secret: bytes) -> bytes:
    return hashlib.blake2b(secret, digest_size=bindings.crypto_secretbox_KEYBYTES, person=b"ticketme/v1/box").digest()
