"""Entries that people sign themselves: reading one that somebody sent, as the act that it has to be. Whether the act is
allowed is decided by the contract, and that alone is the authorisation.
"""

from typing import TypeVar

from ledger_node.contract.body import Body, options_of, shape_of
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.shape import fault
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.purchases import submit
from scanner.verify.entry import Entry, Malformed, open_entry

B = TypeVar("B", bound=Body)


def read_act(raw: bytes, kind: type[B], event: str) -> tuple[Entry, B]:
    """The entry and its body; the signature is not looked at. Raises ServiceError."""
    entry = open_entry(raw)
    if isinstance(entry, Malformed):
        raise ServiceError("not-an-entry", f"this is no signed entry: {entry.reason}", 400)
    if entry.type != kind.TYPE or entry.event != event:
        raise ServiceError("other-entry", f"here belongs a {kind.TYPE} of {event}", 422)
    wrong = fault(entry.body, shape_of(kind), options_of(kind))
    if wrong:
        raise ServiceError("malformed-body", f"the entry's body: {wrong}", 422)
    return entry, kind.of(entry)


def log_act(node: Node, raw: bytes) -> Outcome:
    """Log it; the same bytes again have the outcome that they had. Raises ServiceError for a refusal."""
    answer = submit(node, raw)
    if isinstance(answer, Rejected):
        raise ServiceError.of(answer)
    return answer
