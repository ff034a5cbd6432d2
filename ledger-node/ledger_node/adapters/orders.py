"""An order of the ticketing system: its fields, and the strict reading of one from texts or JSON. No files, no network.

Fields (the Chinese names are read in files, too):

  number       訂單編號   1 to 64 letters, digits and . _ / -; one order, whoever sends it how often
  event        活動       the event's id on the ledger
  tickets      門票       indexes of the tickets: a JSON list, or "12 13 14" with spaces, commas, ; or | between
  seats        座位       instead of tickets: the seats' numbers, in the same form
  eticket      電子門票   whether the e-ticket option was taken: yes/no, true/false, 1/0, 是/否
  price_cents  票價       what was paid for the tickets, in cents
  fee_cents    手續費     the handling fee for the e-ticket option, in cents; empty = 0
  phone        電話       E.164 or Hong Kong's 8 digits
  email        電郵       with the e-ticket option at least one of the two; it is personal data, for the vault only

A reason names the field and never its content, so that it can be logged.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger_node import spelling
from ledger_node.strict_json import NotJson, parse_json

MOST_TICKETS = 500
MOST_INDEX = 2**32 - 1
MOST_CENTS = 2**53 - 1
FIELDS = ("number", "event", "tickets", "seats", "eticket", "price_cents", "fee_cents", "phone", "email")
_CHINESE = ("訂單編號", "活動", "門票", "座位", "電子門票", "票價", "手續費", "電話", "電郵")
NAMES: Mapping[str, str] = {**dict(zip(FIELDS, FIELDS, strict=True)), **dict(zip(_CHINESE, FIELDS, strict=True))}
"""Each name under which a field may stand in a file."""
_REQUIRED = ("number", "event", "eticket", "price_cents")
_EVENT = re.compile(r"[^\s\x00-\x1f\x7f]{1,128}")
_BETWEEN = re.compile(r"[\s,;|]+")
_YES = frozenset({"yes", "y", "true", "1", "是", "有"})
_NO = frozenset({"no", "n", "false", "0", "否", "沒有"})


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the buyer. Personal data: neither logged nor put on the ledger, and not shown by `repr`."""

    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """A good order; either `tickets` or `seats` is empty. Amounts are cents. `line` is where it stood, from 1."""

    number: str
    event: str
    tickets: tuple[int, ...]
    seats: tuple[int, ...]
    eticket: bool
    price: int
    fee: int
    contact: Contact
    line: int = field(default=0, compare=False)

    def content(self) -> bytes:
        """All that an order says, contact included, wherever it stood: equal for equal orders. To be hashed, only."""
        about = (self.event, self.tickets, self.seats, self.eticket, self.price, self.fee)
        return repr((self.number, about, self.contact.phone, self.contact.email)).encode()


@dataclass(frozen=True, slots=True)
class BadRow:
    """What cannot be an order: its line in the file, from 1, why, and the order's number, "" if that is no good one."""

    line: int
    reason: str
    number: str = ""


class _WrongError(Exception):
    """One field's fault; never leaves this module."""


def read_order(values: Mapping[str, Any], line: int) -> Order | BadRow:
    """The order that `values` (by the names in FIELDS; texts, or what JSON gives) describe."""
    given = values.get("number")
    number = (spelling.order_number(given) if isinstance(given, str) else None) or ""
    unknown = sorted(name[:40] for name in values.keys() - set(FIELDS))
    if unknown:
        return BadRow(line, f"unknown field {', '.join(unknown)}: the fields are {', '.join(FIELDS)}", number)
    missing = [name for name in _REQUIRED if values.get(name) is None or values[name] == ""]
    if missing:
        return BadRow(line, f"{', '.join(missing)}: missing", number)
    try:
        return _order(values, line)
    except _WrongError as wrong:
        return BadRow(line, str(wrong), number)


def _order(values: Mapping[str, Any], line: int) -> Order:
    tickets, seats = (_indexes(name, values.get(name)) for name in ("tickets", "seats"))
    if bool(tickets) == bool(seats):
        raise _WrongError("tickets, seats: give one of them")
    eticket = _flag(values["eticket"])
    contact = Contact(
        _contact("phone", values.get("phone"), spelling.phone, "like +85291234567 or 91234567"),
        _contact("email", values.get("email"), spelling.mail, "like name@example.com"),
    )
    if eticket and not (contact.phone or contact.email):
        raise _WrongError("phone, email: an e-ticket needs one of them for the activation link")
    fee = _cents("fee_cents", values.get("fee_cents") or 0)
    if fee and not eticket:
        raise _WrongError("fee_cents: there is a handling fee but no e-ticket option")
    return Order(
        _text("number", values["number"], spelling.order_number),
        _text("event", values["event"], lambda text: text.strip() if _EVENT.fullmatch(text.strip()) else None),
        tickets,
        seats,
        eticket,
        _cents("price_cents", values["price_cents"]),
        fee,
        contact,
        line,
    )


def _text(name: str, value: Any, read: Callable[[str], str | None]) -> str:
    good = read(value) if isinstance(value, str) else None
    if good is None:
        raise _WrongError(f"{name}: not a text of the allowed characters and length")
    return good


def _indexes(name: str, value: Any) -> tuple[int, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        parts: list[Any] = [part for part in _BETWEEN.split(value) if part]
    else:
        parts = value if isinstance(value, list) else [value]
    if not 0 < len(parts) <= MOST_TICKETS:
        raise _WrongError(f"{name}: 1 to {MOST_TICKETS} numbers")
    found = tuple(_integer(name, part, MOST_INDEX) for part in parts)
    if len(set(found)) < len(found):
        raise _WrongError(f"{name}: the same number twice")
    return found


def _cents(name: str, value: Any) -> int:
    return _integer(name, value, MOST_CENTS)


def _integer(name: str, value: Any, most: int) -> int:
    """Digits only: 880.00 would be read as 88,000 by one system and as 880 by another."""
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if text.isascii() and text.isdecimal() and len(text) <= 20 else None
    if type(value) is not int or not 0 <= value <= most:
        unit = " cents" if name.endswith("_cents") else ""
        raise _WrongError(f"{name}: not a whole number of{unit or ' digits'} from 0 to {most}")
    return value


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _YES | _NO:
        raise _WrongError("eticket: neither yes nor no")
    return word in _YES


def _contact(name: str, value: Any, read: Callable[[str], str | None], like: str) -> str | None:
    if value is None or value == "":
        return None
    good = read(value) if isinstance(value, str) and len(value) <= 320 else None
    if good is None:
        raise _WrongError(f"{name}: not {like}")
    return good


def read_json_order(text: str, line: int) -> Order | BadRow:
    """One order as a JSON object. A key that stands there twice is a fault, because systems differ on which counts."""
    try:
        value = parse_json(text)
    except NotJson as error:
        return BadRow(line, f"not JSON: {error}")
    return read_order(value, line) if isinstance(value, dict) else BadRow(line, "not a JSON object")
