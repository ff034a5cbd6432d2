"""Who bought an order: kept in the vault, under a keyed hash of the order's number, until their links are made."""

import hashlib
from collections.abc import Mapping

from ledger_node.services.errors import ServiceError
from ledger_node.services.market_book import OrderRow
from ledger_node.services.node import Node
from ledger_node.services.order_names import name_of

_PERSON = b"ticketme/v1/ordr"


def order_id(node: Node, event: str, number: str) -> bytes:
    """What the ledger calls an order: nobody without the node's key can guess its number."""
    said = f"{event}\0{number}".encode()
    return hashlib.blake2b(said, key=node.keys.node.seed, person=_PERSON, digest_size=32).digest()


def order_name(node: Node, event: str, number: str) -> bytes:
    """By what an order is found, however its number is spelt."""
    return name_of(node.keys.node.seed, event, number)


def remember(
    node: Node, event: str, order: bytes, number: str, contact: Mapping[str, str], due: int, amount: int
) -> OrderRow:
    """Keep who buys an order here for `amount` cents; one that is known stays. Links are made from `due` on."""
    known = node.market.order(event, order)
    if known is not None:
        return known
    said = {number_field(order): number, paid_field(order): str(amount)}
    person = node.vault.keep(contact, said, node.seconds, [event])
    made = OrderRow(event, order, person, due)
    node.market.add_orders(made)
    return made


def remember_all(node: Node, event: str, buyers: Mapping[bytes, tuple[str, Mapping[str, str]]]) -> None:
    """The same for many orders, each with its number and contact, in two commits. A crash between them leaves people in
    the vault whom no order knows; they go when their event is over, and the next feed brings the buyers again.
    """
    new, now = node.market.without_buyer(event, list(buyers)), node.seconds
    made = []
    with node.vault.together():
        for order, (number, contact) in buyers.items():
            if order in new:
                person = node.vault.keep(contact, {number_field(order): number}, now, [event])
                made.append(OrderRow(event, order, person, now))
    if made:
        node.market.add_orders(*made)


def number_of(node: Node, event: str, order: bytes) -> str:
    """The order's number as its buyer knows it, or "" where nothing is kept of it."""
    known = node.market.order(event, order)
    try:
        return (node.vault.one(known.person, number_field(order)) or "") if known else ""
    except ServiceError as error:
        if error.code != "unknown-person":
            raise
        return ""


def number_field(order: bytes) -> str:
    """Where the vault keeps the order's number, which its buyer will be asked for."""
    return f"order:{order.hex()[:40]}"


def paid_field(order: bytes) -> str:
    """Where the vault keeps what was paid here, until the receipt is written; other orders have none."""
    return f"paid:{order.hex()[:40]}"


def asked_field(way: str) -> str:
    """Where the vault keeps a guest's phone or e-mail that they are asked for and that nothing is sent to."""
    return f"{way}:asked"
