"""What a ledger node may ask of the provider: the fields of each order, read strictly. Nothing is looked up here."""

from collections.abc import Mapping
from typing import Any

from ledger_node.contract.provider import amount_good, currency_good, reference_good, shares_good
from ledger_node.contract.shape import Shape, fault, u8, u63
from scanner.verify.keys import valid_public_key


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable() and len(value.encode()) <= 128


def _key(value: object) -> bool:
    data = unhex(value)
    return data is not None and valid_public_key(data)


def _shares(value: object) -> bool:
    return isinstance(value, list) and shares_good(shares_of(value))


_EVERY: Shape = {"reference": reference_good, "event": _text}


def _party(value: object) -> bool:
    return unhex(value) is not None


SHAPES: Mapping[str, Shape] = {
    "hold": {
        **_EVERY,
        "amount": amount_good,
        "currency": currency_good,
        "authorisation": _text,
        "until": u63,
        "payer": _party,
    },
    "capture": {**_EVERY, "of": reference_good, "shares": _shares},
    "release": {**_EVERY, "of": reference_good},
    "refund": {**_EVERY, "of": reference_good, "shares": _shares},
    "attest": {**_EVERY, "key": _key, "level": u8, "authorisation": _text},
}


def order_fault(kind: str, fields: Mapping[str, Any]) -> str | None:
    """What is wrong with an order, or None."""
    wrong = fault(fields, SHAPES[kind])
    if wrong is None and "shares" in fields and not amount_good(total(fields["shares"])):
        return "the shares are more than any amount of money"
    return wrong


def total(shares: list[Any]) -> int:
    """Cents of all shares together."""
    return sum(part["amount"] for part in shares)


def shares_of(given: list[Any]) -> list[list[Any]]:
    """[[party, amount], ...] of what JSON carries; what is no share becomes one that is not good."""
    return [
        [unhex(part["party"]), part["amount"]] if isinstance(part, dict) and part.keys() == {"party", "amount"} else []
        for part in given
    ]


def unhex(value: object) -> bytes | None:
    """32 bytes from hex in small letters, or None."""
    if not isinstance(value, str) or len(value) != 64 or value != value.lower():
        return None
    try:
        return bytes.fromhex(value)
    except ValueError:
        return None
