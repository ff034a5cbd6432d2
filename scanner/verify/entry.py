"""The ledger entry: the one envelope that operators, devices and the log sign and read.

raw = signature (64 bytes) | payload; payload = canonical CBOR (RFC 8949, 4.2) of the map
{"type": text, "event": text, "at": unix seconds, "actor": 32-byte public key, "body": map}.
The signature covers "ticketme/v1/entry/" | type | 0x00 | payload, so each type has a domain of its own.
`raw` is the leaf data of RFC 6962. What an entry means is the contract's business, not this module's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import cbor2

from scanner.verify.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SigningKey, verify

MAX_BYTES = 65_535
U64 = 2**64 - 1
_DOMAIN = b"ticketme/v1/entry/"
_DEEPEST = 16
_FIELDS = {"type", "event", "at", "actor", "body"}
_SCALARS = frozenset({str, bytes, bool, type(None)})
_KEYS = frozenset({str})
_LEAST = -(2**63)
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


def canonical(value: object) -> bytes:
    """Canonical CBOR: shortest forms, sorted keys, definite lengths."""
    return cbor2.dumps(value, canonical=True)


def seal(kind: str, event: str, at: int, body: dict[str, Any], key: SigningKey) -> bytes:
    """The raw bytes of an entry signed by `key`. Raises ValueError for what `open_entry` would not read back."""
    if not _plain((body,), _DEEPEST - 1):
        raise ValueError(f"an entry holds integers, texts, bytes, booleans, lists and maps; this {kind} holds more")
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
    fields = cbor2.loads(raw[SIGNATURE_BYTES:])
    return Entry(fields["type"], fields["event"], fields["at"], fields["actor"], fields["body"], raw)


def signature_good(entry: Entry) -> bool:
    """Whether the actor signed this entry under its type's domain."""
    payload = entry.raw[SIGNATURE_BYTES:]
    return verify(entry.actor, _signed(entry.type, payload), entry.raw[:SIGNATURE_BYTES])


def decode_map(data: bytes) -> dict[str, Any] | Malformed:
    """A map in canonical CBOR and nothing after it; floats, tags and doubled keys do not survive the re-encoding."""
    try:
        value: Any = cbor2.loads(data)
        same = isinstance(value, dict) and canonical(value) == data
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        return Malformed(f"not CBOR: {error}")
    if not same:
        return Malformed("not a map in canonical CBOR")
    if not _plain((value,), _DEEPEST):
        return Malformed(f"holds more than integers, texts, bytes, booleans, lists and maps, {_DEEPEST} deep at most")
    return cast("dict[str, Any]", value)


def is_uint(value: object, most: int = U64) -> bool:
    """An integer from 0 to `most`; True is not 1."""
    return type(value) is int and 0 <= value <= most


def _plain(values: Iterable[Any], deepest: int) -> bool:
    """Asked of every value of every entry, so the frequent kinds come first and nothing is matched by structure."""
    for value in values:
        kind = type(value)
        if kind in _SCALARS:
            continue
        if kind is int:
            if not _LEAST <= value <= U64:
                return False
        elif not deepest:
            return False
        elif kind is list:
            if not _plain(value, deepest - 1):
                return False
        elif kind is not dict or {*map(type, value)} - _KEYS or not _plain(value.values(), deepest - 1):
            return False
    return True


def _signed(kind: str, payload: bytes) -> bytes:
    return _DOMAIN + kind.encode() + b"\0" + payload
