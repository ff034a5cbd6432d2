"""The ledger entry: the one envelope that operators, devices and the log sign and read.

raw = signature (64 bytes) | payload; payload = canonical CBOR (RFC 8949, 4.2) of the map
{"type": text, "event": text, "at": unix seconds, "actor": 32-byte public key, "body": map}.
The signature covers "ticketme/v1/entry/" | type | 0x00 | payload, so each type has a domain of its own.
`raw` is the leaf data of RFC 6962. What an entry means is the contract's business, not this module's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from scanner.verify.cbor import DEEPEST, U64, NotCborError, canonical, fault, read, reread
from scanner.verify.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SigningKey, verify

__all__ = [
    "MAX_BYTES",
    "U64",
    "Entry",
    "Malformed",
    "canonical",
    "decode_map",
    "is_uint",
    "open_entry",
    "reopen",
    "seal",
    "signature_good",
]

MAX_BYTES = 65_535
_DOMAIN = b"ticketme/v1/entry/"
_FIELDS = {"type", "event", "at", "actor", "body"}
_TYPE = re.compile(r"[a-z]+(\.[a-z-]+)?")


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are not what they should be, and why; a value, because bad input is no surprise."""

    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A well-formed entry; its signature may still be wrong (`signature_good`)."""

    type: str
    event: str
    at: int
    actor: bytes
    body: dict[str, Any]
    raw: bytes


def seal(kind: str, event: str, at: int, body: dict[str, Any], key: SigningKey) -> bytes:
    """The raw bytes of an entry signed by `key`. Raises ValueError for what `open_entry` would not read back."""
    wrong = fault(body, DEEPEST - 1)
    if wrong is not None:
        raise ValueError(f"this {kind} {wrong}")
    payload = canonical({"type": kind, "event": event, "at": at, "actor": key.public, "body": body})
    raw = key.sign(_signed(kind, payload)) + payload
    if len(raw) > MAX_BYTES:
        raise ValueError(f"an entry has at most {MAX_BYTES} bytes, this {kind} has {len(raw)}")
    return raw


def open_entry(raw: bytes) -> Entry | Malformed:
    """Parse strictly: exact fields, canonical encoding, integers in range. The signature is not looked at."""
    if len(raw) > MAX_BYTES:
        return Malformed(f"longer than {MAX_BYTES} bytes")
    if len(raw) <= SIGNATURE_BYTES:
        return Malformed("shorter than a signature")
    fields = decode_map(raw[SIGNATURE_BYTES:])
    if isinstance(fields, Malformed):
        return fields
    if fields.keys() != _FIELDS:
        return Malformed("fields are not type, event, at, actor, body")
    kind, event, at, actor, body = (fields[name] for name in ("type", "event", "at", "actor", "body"))
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        return Malformed("type is not a lower-case word")
    if not isinstance(event, str) or len(event.encode()) > 128:
        return Malformed("event is not a text of at most 128 bytes")
    if not is_uint(at):
        return Malformed("at is not a time in seconds")
    if not isinstance(actor, bytes) or len(actor) != PUBLIC_KEY_BYTES:
        return Malformed("actor is not a 32-byte key")
    if not isinstance(body, dict):
        return Malformed("body is not a map")
    return Entry(kind, event, at, actor, body, raw)


def reopen(raw: bytes) -> Entry:
    """What `open_entry` gave for these very bytes before, an entry, without looking at anything again."""
    fields = reread(raw[SIGNATURE_BYTES:])
    return Entry(fields["type"], fields["event"], fields["at"], fields["actor"], fields["body"], raw)


def signature_good(entry: Entry) -> bool:
    """Whether the actor signed this entry under its type's domain."""
    payload = entry.raw[SIGNATURE_BYTES:]
    return verify(entry.actor, _signed(entry.type, payload), entry.raw[:SIGNATURE_BYTES])


def decode_map(
    data: bytes, looks_right: Callable[[Any], bool] = lambda _: True, deepest: int = DEEPEST
) -> dict[str, Any] | Malformed:
    """A map in canonical CBOR and nothing after it, without tags and floats, within the bounds of `cbor`; `looks_right`
    and `deepest` as `cbor.read` has them.
    """
    try:
        value = read(data, looks_right, deepest)
    except NotCborError as error:
        return Malformed(str(error))
    return cast("dict[str, Any]", value) if isinstance(value, dict) else Malformed("not a map in canonical CBOR")


def is_uint(value: object, most: int = U64) -> bool:
    """An integer from 0 to `most`; True is not 1."""
    return type(value) is int and 0 <= value <= most


def _signed(kind: str, payload: bytes) -> bytes:
    return _DOMAIN + kind.encode() + b"\0" + payload
