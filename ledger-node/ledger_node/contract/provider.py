"""What the wallet provider signs: receipts for money that it moved, and attestations of who is behind a key.

raw = signature (64 bytes) | payload; payload = canonical CBOR (RFC 8949, 4.2) of a map with these fields for all:

  provider   the provider's id                 kind   hold, capture, release, refund or attest
  event      what it is about                  reference   the id under which it was asked, once only
  at         unix seconds

and besides, with amounts in cents and parties as 32-byte pseudonyms that are good for this event only:

  hold       amount, currency, payer, until             the money waits; nobody has it before it is captured
  capture    amount, currency, payer, of, shares        the whole hold `of` went to the shares
  release    amount, currency, payer, of                the whole hold `of` is the payer's again
  refund     amount, currency, payer, of, shares        of capture `of`: the shares gave back, the payer got
  attest     subject, key, level, until                 whoever has `key` is `subject`, known to this level

The signature covers "ticketme/v1/provider/" | kind | 0x00 | payload, so it is good for nothing else. Which provider may
say what, and what follows from it, is for the contract's rules; no key is looked up here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

from ledger_node.contract.shape import MOST_CENTS, Shape, fault, key, u8, u63
from scanner.verify.entry import Malformed, canonical, decode_map, is_uint
from scanner.verify.keys import SIGNATURE_BYTES, SigningKey, verify

MAX_BYTES = 2_000
_KEPT = 512
"""Receipts kept as they were read: the service that asked for one looks at it, and a moment later the rules."""
PARTY_BYTES = 32
MOST_SHARES = 16
_DOMAIN = b"ticketme/v1/provider/"
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_CURRENCY = re.compile(r"[A-Z]{3}")

MoneyKind = Literal["hold", "capture", "release", "refund"]
Kind = Literal["hold", "capture", "release", "refund", "attest"]


@dataclass(frozen=True, slots=True)
class Share:
    """A party and its part in cents."""

    party: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class Money:
    """A receipt. `of` is the hold's or capture's reference ("" for a hold), `until` a hold's end (0 for others)."""

    kind: MoneyKind
    provider: str
    event: str
    reference: str
    at: int
    amount: int
    currency: str
    payer: bytes
    of: str
    shares: tuple[Share, ...]
    until: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Attestation:
    """The provider knows, to `level`, who has `key`, and calls that person `subject` within this event."""

    provider: str
    event: str
    reference: str
    at: int
    subject: bytes
    key: bytes
    level: int
    until: int
    raw: bytes


Receipt = Money | Attestation


def reference_good(value: object) -> bool:
    """1 to 64 letters, digits and . _ : -"""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def amount_good(value: object) -> bool:
    """Cents that move: 1 to 2**53."""
    return is_uint(value, MOST_CENTS) and value != 0


def currency_good(value: object) -> bool:
    """Three capitals (ISO 4217)."""
    return isinstance(value, str) and _CURRENCY.fullmatch(value) is not None


def shares_good(value: object) -> bool:
    """1 to 16 pairs [party, amount], no party twice."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_SHARES:
        return False
    pairs = all(isinstance(item, list) and len(item) == 2 and key(item[0]) and amount_good(item[1]) for item in value)
    return pairs and len({item[0] for item in value}) == len(value)


def _event(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= 128


def _provider(value: object) -> bool:
    return isinstance(value, str) and _PROVIDER.fullmatch(value) is not None


def _kind(value: object) -> bool:
    return isinstance(value, str)


_EVERY: Shape = {"provider": _provider, "kind": _kind, "event": _event, "reference": reference_good, "at": u63}
_MONEY: Shape = {**_EVERY, "amount": amount_good, "currency": currency_good, "payer": key}
SHAPES: Mapping[str, Shape] = {
    "hold": {**_MONEY, "until": u63},
    "capture": {**_MONEY, "of": reference_good, "shares": shares_good},
    "release": {**_MONEY, "of": reference_good},
    "refund": {**_MONEY, "of": reference_good, "shares": shares_good},
    "attest": {**_EVERY, "subject": key, "key": key, "level": u8, "until": u63},
}
"""The exact fields of each kind."""


def seal_receipt(fields: Mapping[str, Any], signer: SigningKey) -> bytes:
    """The raw bytes, signed. Raises ValueError for what `open_receipt` would not read back."""
    wrong = _wrong(fields)
    if wrong:
        raise ValueError(wrong)
    payload = canonical(dict(fields))
    return signer.sign(_signed(fields["kind"], payload)) + payload


def open_receipt(raw: bytes) -> Receipt | Malformed:
    """Parse strictly: exact fields, canonical encoding, ranges, shares that add up. The signature is not looked at."""
    return _opened(raw) if len(raw) <= MAX_BYTES else Malformed(f"longer than {MAX_BYTES} bytes")


@lru_cache(_KEPT)
def _opened(raw: bytes) -> Receipt | Malformed:
    fields = decode_map(raw[SIGNATURE_BYTES:])
    if isinstance(fields, Malformed):
        return fields
    wrong = _wrong(fields)
    if wrong:
        return Malformed(wrong)
    common = (fields["provider"], fields["event"], fields["reference"], fields["at"])
    if fields["kind"] == "attest":
        return Attestation(*common, fields["subject"], fields["key"], fields["level"], fields["until"], raw)
    shares = tuple(Share(party, amount) for party, amount in fields.get("shares", []))
    return Money(
        cast("MoneyKind", fields["kind"]),
        *common,
        fields["amount"],
        fields["currency"],
        fields["payer"],
        fields.get("of", ""),
        shares,
        fields.get("until", 0),
        raw,
    )


def signed_by(receipt: Receipt, public_key: bytes) -> bool:
    """Whether this key signed it under its kind's domain."""
    return _good(receipt.raw, receipt.kind if isinstance(receipt, Money) else "attest", public_key)


@lru_cache(_KEPT)
def _good(raw: bytes, kind: str, public_key: bytes) -> bool:
    return verify(public_key, _signed(kind, raw[SIGNATURE_BYTES:]), raw[:SIGNATURE_BYTES])


def _wrong(fields: Mapping[str, Any]) -> str | None:
    kind = fields.get("kind")
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        return f"kind is none of {', '.join(SHAPES)}"
    wrong = fault(fields, shape)
    if wrong is None and "shares" in fields and sum(share[1] for share in fields["shares"]) != fields["amount"]:
        return "the shares do not add up to the amount"
    return wrong


def _signed(kind: str, payload: bytes) -> bytes:
    return _DOMAIN + kind.encode() + b"\0" + payload
