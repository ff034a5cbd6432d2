"""What can be said of an entry by itself, on any core and before its turn: whether the keys that it brings onto the
ledger are keys, and whoever has them said so. Whether they may come, the rules say, who know the state.
"""

from collections.abc import Callable, Mapping

from ledger_node.contract.shape import EVERY_ACT, SHAPES, fault, row_fault
from scanner.verify.entry import Entry
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.keys import valid_public_key, verify

_BARE = 5
"""Fields of a row without a holder's key."""


def proven(entry: Entry) -> bool:
    """Whether every holder's key that the entry brings is valid, and its holder possesses it. False for a body of
    another shape, and for types that bring none: then there is nothing that a rule could leave out.
    """
    looks_good = _LOOKS.get(entry.type)
    return looks_good is not None and looks_good(entry)


def possessed(event: bytes, ticket: int, owner_seq: int, holder_key: bytes, proof: bytes) -> bool:
    """Whether the holder's key signed for this ticket and owner_seq; `event` is the event's hash."""
    return verify(holder_key, possession_message(event, ticket, owner_seq, holder_key), proof)


def _registered(entry: Entry) -> bool:
    body = entry.body
    if fault(body, SHAPES["key.register"], EVERY_ACT) is not None or not valid_public_key(body["holder_key"]):
        return False
    event = event_hash(entry.event)
    return possessed(event, body["ticket"], body["owner_seq"], body["holder_key"], body["proof"])


def _issued(entry: Entry) -> bool:
    body, event = entry.body, event_hash(entry.event)
    if fault(body, SHAPES["ticket.issue"], EVERY_ACT) is not None:
        return False
    rows = body["rows"]
    if any(row_fault(row) is not None for row in rows):
        return False
    held = (row for row in rows if len(row) > _BARE)
    return all(valid_public_key(row[5]) and possessed(event, row[0], 0, row[5], row[6]) for row in held)


def _taken(entry: Entry) -> bool:
    """A newcomer signs with the key that the ticket gets; the signature is everybody's business."""
    return valid_public_key(entry.actor)


_LOOKS: Mapping[str, Callable[[Entry], bool]] = {
    "ticket.issue": _issued,
    "key.register": _registered,
    "transfer.accept": _taken,
    "resale.buy": _taken,
}
