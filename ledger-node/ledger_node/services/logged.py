"""Reads entries that are in this node's own log, and says which tickets they name. They were checked when they came in
(shape, signature, rules), so nothing is checked again here; what comes from anywhere else is for `open_entry`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ledger_node.contract.provider import Money, open_receipt
from scanner.verify.entry import Entry, reopen
from scanner.verify.record import INCIDENT, ways_stated

Named = Callable[[Mapping[str, Any]], list[int]]


def read_logged(raw: bytes) -> Entry:
    """The entry in these bytes."""
    return reopen(raw)


def _one(body: Mapping[str, Any]) -> list[int]:
    return [body["ticket"]]


def _listed(body: Mapping[str, Any]) -> list[int]:
    return list(body["tickets"])


def _items(body: Mapping[str, Any]) -> list[int]:
    return [item[0] for item in body["items"]]


def _rows(body: Mapping[str, Any]) -> list[int]:
    return [row[0] for row in body["rows"]]


_NAMED: Mapping[str, Named] = {
    "ticket.issue": _rows,
    **dict.fromkeys(("sale", "activation", "sponsor.grant"), _items),
    **dict.fromkeys(
        (
            "ticket.state", "ticket.flags", "lease.move", "seat.hold", "seat.release", "identity.attest",
            "sponsor.allot", "sponsor.recall",
        ),
        _listed,
    ),
    **dict.fromkeys(
        (
            "key.register", "ticket.seat", "ticket.exit", "override", "ticket.refund", "transfer.offer",
            "transfer.accept", "transfer.reject", "transfer.cancel", "transfer.expire", "resale.list", "resale.buy",
            "resale.unlist", "admission", "refusal",
        ),
        _one,
    ),
}  # fmt: skip


def tickets_named(entry: Entry) -> list[int]:
    """The tickets that the entry itself names. A void, a release and an incident name a record (`record_named`), a
    capture and a release of money a payment (`payment_settled`).
    """
    named = _NAMED.get(entry.type)
    return named(entry.body) if named else []


def record_named(entry: Entry) -> tuple[str, int] | None:
    """The record that is taken back or reported: (device, counter)."""
    body = entry.body
    if entry.type in {"void", "release"}:
        return body["device"], body["of"]
    if entry.type == "incident" and "cause" in body:
        return body["device"], body["counter"]
    return None


def records_named(entry: Entry) -> list[tuple[str, int]]:
    """Every record that is spoken of; a gate's word on how it decided speaks of many."""
    one = record_named(entry)
    if one is None and entry.type == INCIDENT:
        return [(entry.body["device"], counter) for counter in ways_stated(entry)]
    return [one] if one else []


def payment_begun(entry: Entry) -> str:
    """The reference of the money that the provider holds for the entry's tickets from here on, or ""."""
    quoted = open_receipt(entry.body["payment"]) if entry.body.get("payment") else None
    return quoted.reference if isinstance(quoted, Money) and quoted.kind == "hold" else ""


def payment_settled(entry: Entry) -> str:
    """The reference of the held money that was captured or released, or ""."""
    if entry.type not in {"payment.capture", "payment.release"}:
        return ""
    quoted = open_receipt(entry.body["receipt"])
    return quoted.of if isinstance(quoted, Money) else ""
