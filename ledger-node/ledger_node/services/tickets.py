"""One ticket: what it is, its holder's key, its state, and the certificate that lets it pass an older snapshot."""

from dataclasses import dataclass

from ledger_node.contract.outcome import Outcome
from ledger_node.contract.state import Ticket
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.refund_plans import see
from scanner.verify.gatecode import Certificate, event_hash, sign_certificate
from scanner.verify.keys import NO_KEY
from scanner.verify.row import ACTIVE, BLOCKED, CANCELLED, REFUNDED

STATE_WORDS = {ACTIVE: "active", CANCELLED: "cancelled", REFUNDED: "refunded", BLOCKED: "blocked"}
DAY = 24 * 60
"""How long a certificate is good unless somebody says otherwise, in minutes."""


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate and the ledger's signature on it: with these a wallet makes full codes."""

    certificate: Certificate
    signature: bytes


def read_ticket(node: Node, event: str, index: int) -> Ticket:
    """The ticket as it is now. Raises ServiceError "unknown-event" or "unknown-ticket"."""
    with node.view() as view:
        node.event(view, event)
        ticket = view.ticket(event, index)
    if ticket is None:
        raise ServiceError("unknown-ticket", f"{event} has no ticket {index}", 404)
    return ticket


def register_key(node: Node, event: str, index: int, owner_seq: int, holder_key: bytes, proof: bytes) -> Outcome:
    """Give the ticket to the holder of `holder_key`, who proved to have it: first key, sale, or lost phone."""
    entry = node.operator.register_key(event, index, owner_seq, holder_key, proof, node.seconds)
    return node.commit([entry])[0]


def set_state(node: Node, event: str, indexes: list[int], state: str, reason: str) -> Outcome:
    """Cancel, refund, block or reinstate tickets, all or none. ServiceError while one's money is on its way back, and
    for a refund of what was never sold: it is for good.
    """
    busy = node.market.refunds.under_way(event, indexes)
    if busy:
        raise ServiceError("refund-under-way", f"ticket {min(busy)}: its refund is under way; see `refunds list`", 409)
    if state == STATE_WORDS[REFUNDED]:
        _require_sold(node, event, indexes)
    return node.commit_new(node.operator.set_state(event, indexes, state, reason, node.seconds, node.nonce()))


def _require_sold(node: Node, event: str, indexes: list[int]) -> None:
    with node.view() as view:
        node.event(view, event)
        for index in indexes:
            seen = see(view, event, index)
            if seen.title.place != "person":
                told = f"{seen.label}: nobody has bought it; `tickets cancel` ends it, and can be undone"
                raise ServiceError("not-sold", told, 409)


def certificate(node: Node, event: str, index: int, ttl: int = DAY) -> Certified:
    """A certificate of the ticket as it is now, good for `ttl` minutes. Raises ServiceError when it could not pass."""
    with node.view() as view:
        manifest = node.event(view, event).manifest
        size, ticket = view.size, view.ticket(event, index)
    if ticket is None:
        raise ServiceError("unknown-ticket", f"{event} has no ticket {index}", 404)
    row = ticket.row
    if row.holder_key == NO_KEY:
        raise ServiceError("no-holder-key", f"ticket {index} has no holder's key yet: register one first")
    if row.state != ACTIVE:
        raise ServiceError("ticket-not-active", f"ticket {index} is {STATE_WORDS[row.state]}")
    usable = [key.kid for key in manifest.keys if not key.retired and key.kid in node.keys.certificates]
    if not usable:
        raise ServiceError("no-ledger-key", f"{event} trusts no certificate key of this node: `keys rotate`")
    kid = max(usable)
    made = Certificate(kid, row.flags, row.gate_group, row.category, row.seat, size, node.seconds, ttl, row.holder_key)
    return Certified(made, sign_certificate(event_hash(event), index, row.owner_seq, made, node.keys.certificates[kid]))
