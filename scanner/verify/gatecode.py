"""The gate code: what the dynamic QR carries, byte for byte. docs/gate-code.md draws it.

core (16) = version and kind u8 | event tag 4 | ticket u32 | owner_seq u16 | time step u32 | beacon number u8
certificate (50) = kid u8 | flags u8 | gate_group u8 | category u8 | seat u32 | ledger_size u32 | issued_at u32 |
                   ttl u16 (minutes) | holder_key 32
compact (80) = core | holder signature (64)
full (194)   = core | certificate | ledger signature (64) | holder signature (64)
text         = "T1" or "T2" + base45(bytes); all integers big-endian

Codec and signed messages only; whether a code opens a gate is decided in admit.py.
"""

import hashlib
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from scanner.verify import base45
from scanner.verify.keys import SIGNATURE_BYTES, SigningKey, verify

VERSION = 1
COMPACT, FULL = 1, 2
COMPACT_BYTES, FULL_BYTES = 80, 194
BEACON_BYTES = 16
FLAG_IDENTITY_CHECK, FLAG_RE_ENTRY = 0x01, 0x02

_HOLDER = b"gatecode/v1/holder\0"
_CERTIFICATE = b"gatecode/v1/cert\0"
_POSSESSION = b"gatecode/v1/possession\0"
_CORE = struct.Struct(">B4sIHIB")
_CERT = struct.Struct(">BBBBIIIH32s")
_SUBJECT = struct.Struct(">IH")
_LENGTH = {COMPACT: COMPACT_BYTES, FULL: FULL_BYTES}
_LONGEST_TEXT = 4_296
"""The most that an alphanumeric QR holds (ISO/IEC 18004, version 40-L): a newer version may be longer than ours."""

Problem = Literal["not-a-code", "malformed", "older-version", "newer-version"]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text that is not a gate code this scanner reads, and why."""

    problem: Problem
    detail: str


@dataclass(frozen=True, slots=True)
class Core:
    """The 16 bytes that both kinds begin with."""

    kind: int
    event_tag: bytes
    ticket: int
    owner_seq: int
    time_step: int
    beacon: int

    def pack(self) -> bytes:
        """16 bytes."""
        head = VERSION << 4 | self.kind
        return _CORE.pack(head, self.event_tag, self.ticket, self.owner_seq, self.time_step, self.beacon)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the ledger vouches for when the snapshot may be older than the ticket."""

    kid: int
    flags: int
    gate_group: int
    category: int
    seat: int
    ledger_size: int
    issued_at: int
    ttl: int
    holder_key: bytes

    def pack(self) -> bytes:
        """50 bytes."""
        return _CERT.pack(
            self.kid,
            self.flags,
            self.gate_group,
            self.category,
            self.seat,
            self.ledger_size,
            self.issued_at,
            self.ttl,
            self.holder_key,
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Certificate":
        """From exactly 50 bytes; every value is possible, so nothing is refused here."""
        return cls(*_CERT.unpack(data))

    def expires_at(self) -> int:
        """The first unix second at which it is no longer good."""
        return self.issued_at + self.ttl * 60


@dataclass(frozen=True, slots=True)
class GateCode:
    """A well-formed gate code; nothing in it is believed yet."""

    core: Core
    certificate: Certificate | None
    ledger_signature: bytes
    holder_signature: bytes
    raw: bytes

    def text(self) -> str:
        """What the QR holds."""
        return f"T{self.core.kind}{base45.encode(self.raw)}"

    def holder_signature_good(self, event_hash: bytes, holder_key: bytes, beacon: bytes = b"") -> bool:
        """Whether `holder_key` signed this code; `beacon` is the 16-byte value if the core names one."""
        certified = self.raw[_CORE.size : -SIGNATURE_BYTES]
        message = _HOLDER + event_hash + self.raw[: _CORE.size] + beacon + certified
        return verify(holder_key, message, self.holder_signature)

    def ledger_signature_good(self, event_hash: bytes, ledger_key: bytes) -> bool:
        """Whether the ledger signed this code's certificate for this ticket and owner_seq."""
        if self.certificate is None:
            return False
        subject = _SUBJECT.pack(self.core.ticket, self.core.owner_seq)
        return verify(ledger_key, _CERTIFICATE + event_hash + subject + self.certificate.pack(), self.ledger_signature)


@lru_cache(maxsize=256)
def event_hash(event: str) -> bytes:
    """SHA-256 of the event id; its first four bytes are the event tag."""
    return hashlib.sha256(event.encode()).digest()


def parse(text: str) -> GateCode | Unreadable:
    """Read the text of a QR strictly. Any text at all may come in; a refusal is a value."""
    kind = _kind(text)
    if isinstance(kind, Unreadable):
        return kind
    if len(text) > _LONGEST_TEXT:
        return Unreadable("malformed", f"{len(text)} characters are more than a gate code has")
    raw = base45.decode(text[2:])
    if raw is None:
        return Unreadable("malformed", "not strict base45")
    return parse_raw(raw, kind)


def parse_raw(raw: bytes, kind: int | None = None) -> GateCode | Unreadable:
    """Read the bytes of a code, as an admission record carries them; `kind` is what the prefix said."""
    if not raw:
        return Unreadable("malformed", "empty")
    version, body_kind = divmod(raw[0], 16)
    if kind is not None and body_kind != kind:
        return Unreadable("malformed", f"prefix T{kind} on kind {body_kind}")
    if version != VERSION:
        problem: Problem = "newer-version" if version > VERSION else "older-version"
        return Unreadable(problem, f"version {version}")
    if _LENGTH.get(body_kind) != len(raw):
        return Unreadable("malformed", f"{len(raw)} bytes for kind {body_kind}")
    _, *fields = _CORE.unpack_from(raw)
    core = Core(body_kind, *fields)
    if body_kind == COMPACT:
        return GateCode(core, None, b"", raw[-SIGNATURE_BYTES:], raw)
    at = _CORE.size + _CERT.size
    certificate = Certificate.unpack(raw[_CORE.size : at])
    return GateCode(core, certificate, raw[at : at + SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:], raw)


def sign_certificate(event: bytes, ticket: int, owner_seq: int, certificate: Certificate, key: SigningKey) -> bytes:
    """The ledger's signature on a certificate; `event` is the event hash."""
    return key.sign(_CERTIFICATE + event + _SUBJECT.pack(ticket, owner_seq) + certificate.pack())


def sign_compact(event: bytes, core: Core, key: SigningKey, beacon: bytes = b"") -> GateCode:
    """A compact code, as the wallet makes it."""
    signature = key.sign(_HOLDER + event + core.pack() + beacon)
    return GateCode(core, None, b"", signature, core.pack() + signature)


def sign_full(
    event: bytes, core: Core, certificate: Certificate, ledger_signature: bytes, key: SigningKey, beacon: bytes = b""
) -> GateCode:
    """A full code, as the wallet makes it from a certificate that the ledger gave it."""
    certified = certificate.pack() + ledger_signature
    signature = key.sign(_HOLDER + event + core.pack() + beacon + certified)
    return GateCode(core, certificate, ledger_signature, signature, core.pack() + certified + signature)


def possession_message(event: bytes, ticket: int, owner_seq: int, holder_key: bytes) -> bytes:
    """What a holder's key signs to prove that the holder has it, before the ledger registers it."""
    return _POSSESSION + event + _SUBJECT.pack(ticket, owner_seq) + holder_key


def _kind(text: str) -> int | Unreadable:
    """1 or 2 from the prefix. T3 and up are prefixes that a newer wallet may use."""
    match text[:2]:
        case "T1":
            return COMPACT
        case "T2":
            return FULL
        case _:
            return Unreadable("not-a-code", "no gate code prefix")
