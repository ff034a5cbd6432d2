"""Finds an order for somebody who knows its number or one of its tickets, and tells how it stands. No contacts here.

The ledger has orders by keyed hashes of their numbers as they came in. The node keeps a hash of what all spellings of a
number share, too (`order_names`); orders from before it did are tried as people may write them, and looked for in the
vault, where their buyers took e-tickets.
"""

from collections.abc import Iterator
from typing import Any

from ledger_node import spelling
from ledger_node.contract.facts import Order
from ledger_node.log.ledger import View
from ledger_node.services import activation, buyers
from ledger_node.services.errors import ServiceError
from ledger_node.services.links import items_of
from ledger_node.services.logged import read_logged
from ledger_node.services.node import Node
from ledger_node.services.tickets import STATE_WORDS
from scanner.verify.keys import NO_KEY

_STEPS = 100_000


def find_by_number(node: Node, event: str, number: str) -> list[dict[str, Any]]:
    """The orders of an event with this number, however it is spelt; there may be two that differ in a hyphen only.
    Raises ServiceError "unknown-order".
    """
    with node.view() as view:
        node.event(view, event)
        found = {order: said for order, said in _named(node, event, number) if view.find(Order, event, order)}
        if not found:
            sentence = (
                f"{event} has no order with this number: ask for the number on the confirmation, or for a ticket's"
            )
            raise ServiceError("unknown-order", sentence, 404)
        return [_shown(node, view, event, order, said) for order, said in sorted(found.items())]


def find_by_ticket(node: Node, event: str, ticket: int) -> dict[str, Any]:
    """The order in which a ticket was sold. Raises ServiceError "unknown-ticket" or "unknown-order"."""
    with node.view() as view:
        node.event(view, event)
        if view.ticket(event, ticket) is None:
            raise ServiceError("unknown-ticket", f"{event} has no ticket {ticket}", 404)
        order = order_of(node, view, event, ticket)
        if not order:
            raise ServiceError("unknown-order", f"ticket {ticket} of {event} was not sold in an order", 404)
        return _shown(node, view, event, order, "")


def order_of(node: Node, view: View, event: str, ticket: int) -> bytes:
    """The order that a ticket was last sold in, as the ledger calls it; empty if it was never sold."""
    node.chronicle.catch_up(view)
    acts = node.chronicle.about_ticket(event, ticket, 0, view.size, _STEPS)
    sales = [act.position for act in acts if act.type == "sale"]
    if not sales:
        return b""
    order: bytes = read_logged(next(iter(view.entries(sales[-1], sales[-1] + 1)))).body["order"]
    return order


def _named(node: Node, event: str, number: str) -> Iterator[tuple[bytes, str]]:
    """Orders that the number may be of, and the number as it is said to be."""
    plain = spelling.order_number("".join(number.split()))
    if plain:
        for one in (plain, plain.upper(), plain.lower()):
            yield buyers.order_id(node, event, one), one
    for order in node.market.names.find(event, buyers.order_name(node, event, number)):
        yield order, ""
    for person, field in node.vault.fields_with("order", number):
        kept = node.vault.one(person, field)
        if kept:
            yield buyers.order_id(node, event, kept), kept


def _shown(node: Node, view: View, event: str, order: bytes, number: str) -> dict[str, Any]:
    sold = view.find(Order, event, order)
    assert sold is not None, "it was found"
    tickets = items_of(view, sold)
    return {
        "event": event,
        "number": number or buyers.number_of(node, event, order),
        "order": order.hex(),
        "position": sold.position,
        "amount": sold.amount,
        "fee": sold.fee,
        "tickets": [_ticket(view, event, ticket) for ticket in tickets],
        "links": [activation.link_map(node, link) for link in node.activations.of_tickets(event, tickets)],
    }


def _ticket(view: View, event: str, index: int) -> dict[str, Any]:
    ticket = view.ticket(event, index)
    assert ticket is not None, "it was sold"
    row = ticket.row
    said = {"ticket": index, "seat": row.seat, "category": row.category, "state": STATE_WORDS[row.state]}
    return {**said, "activated": row.holder_key != NO_KEY, "entered": row.uses > 0}
