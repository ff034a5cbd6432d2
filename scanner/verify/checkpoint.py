"""A log's signed statement of its size and root: C2SP signed-note, tlog-checkpoint, tlog-cosignature (cosignature/v1).

A checkpoint here is exactly origin, size, root: extension lines are refused, because nobody would have agreed on what
they mean. Which log and which witnesses to believe is the caller's policy; whether two checkpoints agree is `merkle`'s.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from scanner.verify.entry import Malformed
from scanner.verify.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SigningKey, valid_public_key, verify
from scanner.verify.merkle import HASH_BYTES

LOG, COSIGNATURE = 0x01, 0x04
_LONGEST_NOTE = 65_535
_MOST_SIGNATURES = 100
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f\ud800-\udfff]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_KEY_ID_BYTES, _TIME_BYTES = 4, 8
_DASH = "\u2014"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name and purpose (`LOG` or `COSIGNATURE`), as a vkey string carries it."""

    name: str
    public_key: bytes
    type: int = LOG

    @property
    def key_id(self) -> bytes:
        """SHA-256(name | 0x0A | type | key)[:4]; a hint which key a line is for, not a proof of anything."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.type]) + self.public_key).digest()[:4]

    def encode(self) -> str:
        """`name+hex(key id)+base64(type | key)`."""
        blob = base64.b64encode(bytes([self.type]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{blob}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey | Malformed":
        """Read a vkey strictly; the key must be usable and its id must be its own."""
        parts = text.split("+", 2)
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            return Malformed("a verifier key is name+id+base64")
        blob = _decode(parts[2])
        if blob is None or len(blob) != 1 + PUBLIC_KEY_BYTES or not valid_public_key(blob[1:]):
            return Malformed("not an Ed25519 key")
        if blob[0] not in {LOG, COSIGNATURE}:
            return Malformed(f"key type {blob[0]} is neither a log's (1) nor a cosigner's (4)")
        key = cls(parts[0], blob[1:], blob[0])
        return key if key.encode() == text else Malformed("the key id is not that of this name and key")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line; `blob` is what follows the key id."""

    name: str
    key_id: bytes
    blob: bytes

    def line(self) -> str:
        """As it stands in a note, with its newline."""
        return f"{_DASH} {self.name} {base64.b64encode(self.key_id + self.blob).decode()}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root; from `open_checkpoint` they are the log's word, other signatures are not yet checked."""

    origin: str
    size: int
    root: bytes
    signatures: tuple[NoteSignature, ...] = ()

    def body(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def text(self) -> str:
        """The whole signed note."""
        return f"{self.body()}\n{''.join(signature.line() for signature in self.signatures)}"


def sign_checkpoint(origin: str, size: int, root: bytes, *keys: SigningKey) -> str:
    """The log's signed note, a line for each key under the name `origin`. Raises ValueError for an origin that cannot
    be a key's name.
    """
    if not _NAME.fullmatch(origin):
        raise ValueError(f"{origin!r} cannot name a log: no spaces, no plus, at most 255 characters")
    bare = Checkpoint(origin, size, root)
    lines = (
        NoteSignature(origin, VerifierKey(origin, key.public).key_id, key.sign(bare.body().encode())) for key in keys
    )
    return replace(bare, signatures=tuple(lines)).text()


def cosign(checkpoint: Checkpoint, name: str, key: SigningKey, at: int) -> NoteSignature:
    """A witness's cosignature/v1, made at unix second `at`; the witness checked consistency before."""
    signature = key.sign(_cosigned(checkpoint, at))
    return NoteSignature(name, VerifierKey(name, key.public, COSIGNATURE).key_id, at.to_bytes(_TIME_BYTES) + signature)


def open_checkpoint(text: str, log_key: VerifierKey, origin: str) -> Checkpoint | Malformed:
    """Read a note strictly and check the log's signature. Lines of other keys are kept, unchecked."""
    return open_by_any(text, (log_key,), origin)


def open_by_any(text: str, log_keys: Iterable[VerifierKey], origin: str) -> Checkpoint | Malformed:
    """As `open_checkpoint`, for a log of several keys: one of them must have signed, and none of them wrongly."""
    checkpoint = parse_checkpoint(text)
    if isinstance(checkpoint, Malformed):
        return checkpoint
    if checkpoint.origin != origin:
        return Malformed(f"a checkpoint of {checkpoint.origin!r}, not of {origin!r}")
    body = checkpoint.body().encode()
    ours = [
        verify(key.public_key, body, line.blob)
        for key in log_keys
        for line in checkpoint.signatures
        if (line.name, line.key_id) == (key.name, key.key_id)
    ]
    if not ours:
        return Malformed("not signed with the log's key")
    return checkpoint if all(ours) else Malformed("the log's signature is wrong")


def cosigned_at(checkpoint: Checkpoint, witness: VerifierKey) -> int | None:
    """When `witness` cosigned this very checkpoint (unix seconds, its newest good signature), or None if it did not."""
    times = [
        int.from_bytes(s.blob[:_TIME_BYTES])
        for s in checkpoint.signatures
        if (s.name, s.key_id) == (witness.name, witness.key_id) and _cosignature_good(checkpoint, witness, s.blob)
    ]
    return max(times, default=None)


def parse_checkpoint(text: str) -> Checkpoint | Malformed:
    """The shape only: no signature is checked, so nothing in it may be believed."""
    if len(text) > _LONGEST_NOTE or _CONTROL.search(text):
        return Malformed("too long for a note, or control characters in it")
    body, gap, tail = text.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        return Malformed("not a signed note: a text, an empty line, signature lines")
    lines = body.split("\n")
    if len(lines) != 3:
        return Malformed("a checkpoint has exactly three lines: origin, size, root")
    origin, size, encoded_root = lines
    root = _decode(encoded_root)
    if not _NAME.fullmatch(origin) or not _SIZE.fullmatch(size) or root is None or len(root) != HASH_BYTES:
        return Malformed("origin, size or root is not well-formed")
    signatures = [_parse_signature(line) for line in tail[:-1].split("\n")]
    good = tuple(signature for signature in signatures if signature is not None)
    if len(good) != len(signatures) or len(good) > _MOST_SIGNATURES:
        return Malformed("a signature line is not well-formed, or there are too many")
    return Checkpoint(origin, int(size), root, good)


def _parse_signature(line: str) -> NoteSignature | None:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    blob = _decode(encoded)
    if dash != _DASH or not _NAME.fullmatch(name) or blob is None or len(blob) <= _KEY_ID_BYTES:
        return None
    return NoteSignature(name, blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:])


def _cosignature_good(checkpoint: Checkpoint, witness: VerifierKey, blob: bytes) -> bool:
    if witness.type != COSIGNATURE or len(blob) != _TIME_BYTES + SIGNATURE_BYTES:
        return False
    at = int.from_bytes(blob[:_TIME_BYTES])
    return verify(witness.public_key, _cosigned(checkpoint, at), blob[_TIME_BYTES:])


def _cosigned(checkpoint: Checkpoint, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{checkpoint.body()}".encode()


def _decode(text: str) -> bytes | None:
    """Standard base64 with padding, one spelling for each value."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None
