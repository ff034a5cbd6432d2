"""Values that a person types, read so that what is wrong with one is said in a sentence that names it."""

import re
from collections.abc import Mapping
from typing import Any

from ledger_node.contract.shape import device_id
from ledger_node.services.errors import ServiceError


def hex_of(values: Mapping[str, Any], name: str, size: int, what: str) -> bytes:
    """The bytes that `name` gives in hex. Raises ServiceError that says what belongs there."""
    text = str(values[name]).strip()
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{2 * size}}}", text):
        raise ServiceError("bad-values", f"{name.replace('_', ' ')} is {what}: {2 * size} hex digits", 400)
    return bytes.fromhex(text)


def require_actor_id(name: str) -> None:
    """Raises ServiceError for what cannot be an organisation's id."""
    if not device_id(name):
        raise ServiceError(
            "bad-name", f"{name!r} is no id: letters, digits and signs of ASCII without blanks, as in harbour-bank"
        )
