"""Devices' records: what to answer for each, and the incident that a double entry becomes. The contract judges them.

A receipt is a plain map, because it leaves as JSON.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ledger_node.contract.outcome import First, Outcome, Rejected
from ledger_node.log.ledger import Doubt, View
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node, fault_as_error
from scanner.verify.cbor import NotCborError, reread
from scanner.verify.entry import MAX_BYTES, Malformed, decode_map
from scanner.verify.keys import SIGNATURE_BYTES
from scanner.verify.merkle import leaf_hash
from scanner.verify.record import ADMISSION

MOST_RECORDS = 1_000
TAKEN_BACK = "taken-back"
GRACE = 60
"""Seconds that a gate has for sending the void of an admission that its claim was refused for."""

Receipt = dict[str, Any]
Ref = tuple[str, int]


def open_batch(body: bytes) -> list[bytes]:
    """The records of an upload: canonical CBOR {"records": [bytes, ...]}. Raises ServiceError for anything else.

    A record that is not a record is no error here: it gets a receipt that says so, and the others go on.
    """
    batch = decode_map(body, _is_batch, deepest=2)
    if isinstance(batch, Malformed):
        raise ServiceError("not-a-batch", f"the body is {batch.reason}; send canonical CBOR {{records: [bytes]}}", 400)
    records: list[bytes] = batch["records"]
    if len(records) > MOST_RECORDS:
        raise ServiceError("too-many", f"{len(records)} records, at most {MOST_RECORDS} at once: send less", 413)
    if any(len(record) > MAX_BYTES for record in records):
        raise ServiceError("not-a-batch", f"every record is bytes, at most {MAX_BYTES}", 400)
    return records


def _is_batch(value: object) -> bool:
    """Looked at before anything is walked through."""
    records = value.get("records") if isinstance(value, dict) and len(value) == 1 else None
    return isinstance(records, list) and all(isinstance(record, bytes) for record in records)


def receipt(raw: bytes, answer: Outcome | Rejected) -> Receipt:
    """What became of one record."""
    ref = name_of(raw)
    head: Receipt = {"device": ref[0] if ref else None, "counter": ref[1] if ref else None}
    if isinstance(answer, Rejected):
        return head | {
            "position": None,
            "verdict": "rejected",
            "first": None,
            "error": answer.code,
            "reason": answer.sentence(),
        }
    return head | receipt_of(answer)


def receipt_of(outcome: Outcome) -> Receipt:
    """The part of a receipt that the contract decides."""
    return {
        "position": outcome.position,
        "verdict": outcome.verdict,
        "cause": outcome.cause,
        "first": _first(outcome.first) if outcome.first else None,
    }


def claim_outcome(view: View, raw: bytes, outcome: Outcome) -> Outcome:
    """The answer to a claim: one that was logged as accepted and taken back since must not open a gate."""
    ref = name_of(raw)
    if outcome.verdict != "accepted" or ref is None or view.undone(*ref) is None:
        return outcome
    return replace(outcome, verdict="stale", cause=TAKEN_BACK)


def is_sound(view: View, raw: bytes) -> bool:
    """Whether this can be the newest record of its device: not if the log has another one under its counter (the card
    was copied), or one that took it back.
    """
    ref = name_of(raw)
    known = view.record(*ref) if ref else None
    other = known is not None and known.digest != hashlib.sha256(raw).digest()
    return not other and (ref is None or view.undone(*ref) is None)


def prove(view: View, receipts: Iterable[Receipt], raws: Sequence[bytes], size: int) -> None:
    """Add leaf hash and inclusion proof for `size` to each receipt that has a position in a log of that size."""
    for made, raw in zip(receipts, raws, strict=True):
        if made["position"] is not None and made["position"] < size:
            made["leaf_hash"] = leaf_hash(raw).hex()
            made["inclusion"] = [node.hex() for node in view.inclusion(made["position"], size)]


def name_of(raw: bytes) -> Ref | None:
    """(device, counter) of something that may be a record; nothing else about it is looked at."""
    body = _peek(raw).get("body")
    if not isinstance(body, dict):
        return None
    device, counter = body.get("device"), body.get("counter")
    return (device, counter) if isinstance(device, str) and isinstance(counter, int) else None


def is_claim(raw: bytes, event: str, device_key: bytes) -> bool:
    """Whether this says of itself that it is an admission of `event` by the device with this key."""
    said = _peek(raw)
    return (said.get("type"), said.get("event"), said.get("actor")) == (ADMISSION, event, device_key)


def ticket_of(raw: bytes) -> int:
    """The ticket of a claim; 0, which is no ticket, if it names none."""
    body = _peek(raw).get("body")
    ticket = body.get("ticket") if isinstance(body, dict) else None
    return ticket if isinstance(ticket, int) and 0 <= ticket < 2**32 else 0


def _peek(raw: bytes) -> dict[Any, Any]:
    """The payload, unchecked: the contract reads it strictly; this is only for routing and for naming."""
    try:
        payload = reread(raw[SIGNATURE_BYTES:])
    except NotCborError:
        return {}
    return payload if isinstance(payload, dict) else {}


def report_double_entries(node: Node, event: str, refs: set[Ref] | None = None) -> int:
    """Put an incident on the ledger for each double entry that nobody explained; how many.

    With `refs`, only those records, at once: they came by upload, so their gate had let the holder in. Without, all
    that are older than GRACE: an admission whose claim was answered "duplicate" is voided by its gate, a little later.
    """
    with node.view() as view:
        doubts = [doubt for doubt in view.doubts(event) if _due(node, doubt, refs)]
    entries = [node.operator.report_double_entry(doubt.record, node.seconds) for doubt in doubts]
    with fault_as_error():
        answers = node.ledger.submit(entries).result() if entries else []
    # A refusal means that somebody else has reported or explained it since: nothing is left to do.
    return sum(isinstance(answer, Outcome) for answer in answers)


def _due(node: Node, doubt: Doubt, refs: set[Ref] | None) -> bool:
    if refs is not None:
        return (doubt.record.device, doubt.record.counter) in refs
    return doubt.record.time_ms // 1000 + GRACE < node.now()


def _first(first: First) -> dict[str, Any]:
    return {
        "device": first.device,
        "counter": first.counter,
        "gate": first.gate,
        "at": first.time_ms // 1000,
        "time_ms": first.time_ms,
        "position": first.position,
    }
