"""The order feed of a ticketing system as signed webhooks, after the Standard Webhooks specification (1.0).

Headers webhook-id, webhook-timestamp (unix seconds) and webhook-signature; the signature is "v1," and the base64 of
HMAC-SHA256 over id "." timestamp "." body, under a secret that both sides keep ("whsec_" and base64). Several
signatures may stand there, and several secrets may be good, so that a secret can be changed without a gap.
The body is one order as a JSON object, or {"orders": [...]} with up to 1,000 of them (adapters/orders.py).

No sockets here, no clock, no memory: a delivery that is repeated within the window is opened again, and it is the order
number that counts once.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ledger_node.adapters.orders import BadRow, Order, read_order
from ledger_node.strict_json import NotJson, parse_json

WINDOW = 300
"""Seconds by which the timestamp may differ from the reader's clock, either way."""
MOST_BODY = 2 << 20
MOST_ORDERS = 1_000
_PREFIX = "whsec_"
_SECRET_BYTES = range(24, 65)
_ID = re.compile(r"[!-~]{1,128}")
_TIME = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES = 8

Reason = Literal["unsigned", "malformed", "clock", "forged", "too-large", "bad-body"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that the ticketing system signed; `line` of an order is its place in the list, from 1."""

    id: str
    orders: tuple[Order | BadRow, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A delivery that is not believed or not understood, and why. `bad-body` is signed but makes no sense."""

    reason: Reason
    detail: str


def read_secret(text: str) -> bytes:
    """The key of a secret as both sides write it. Raises ValueError."""
    try:
        key = base64.b64decode(text.strip().removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.strip().startswith(_PREFIX) or len(key) not in _SECRET_BYTES:
        raise ValueError("a webhook's secret is whsec_ and the base64 of 24 to 64 random bytes")
    return key


def open_webhook(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: float) -> Delivery | Refused:
    """The orders of a request that one of `secrets` signed within WINDOW. Every comparison takes the same time."""
    if len(body) > MOST_BODY:
        return Refused("too-large", f"the body has more than {MOST_BODY} bytes: send fewer orders at once")
    fields = {name.lower(): value for name, value in headers.items()}
    given = [fields.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")]
    if not all(given):
        return Refused("unsigned", "webhook-id, webhook-timestamp and webhook-signature are needed")
    ident, timestamp, signatures = given
    if not _ID.fullmatch(ident) or not _TIME.fullmatch(timestamp):
        return Refused("malformed", "webhook-id or webhook-timestamp cannot be read")
    if not _signed(f"{ident}.{timestamp}.".encode() + body, signatures, secrets):
        return Refused("forged", "no signature is good: check the secret, and that the body is sent unchanged")
    if abs(now - int(timestamp)) > WINDOW:
        return Refused("clock", f"signed {int(timestamp) - int(now)} s from now, {WINDOW} s are allowed")
    orders = _orders(body)
    return Refused("bad-body", orders) if isinstance(orders, str) else Delivery(ident, orders)


def _signed(message: bytes, signatures: str, secrets: Sequence[bytes]) -> bool:
    given = [part.removeprefix("v1,").encode() for part in signatures.split()[:_MOST_SIGNATURES] if part[:3] == "v1,"]
    made = [base64.b64encode(hmac.digest(secret, message, hashlib.sha256)) for secret in secrets]
    # All are compared: which of them is good shall not be told by how long it took.
    return sum(hmac.compare_digest(one, other) for one in made for other in given) > 0


def _orders(body: bytes) -> tuple[Order | BadRow, ...] | str:
    try:
        value = parse_json(body)
    except NotJson:
        return "the body is not JSON in UTF-8, or a field stands there twice"
    listed = value.get("orders", [value]) if isinstance(value, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_ORDERS:
        return f"the body is one order, or an object with 1 to {MOST_ORDERS} of them in orders"
    return tuple(
        read_order(one, place) if isinstance(one, dict) else BadRow(place, "not a JSON object")
        for place, one in enumerate(listed, 1)
    )
