"""What is counted where people's own entries come in: offers and listings by their ticket, letters by whom they go to.

Only what a ticket's holder signed counts against the ticket: a stranger's entry is refused by the ledger, and must not
use up what the holder may do.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ledger_node.contract.facts import Deal
from ledger_node.services.node import Node
from ledger_node.services.tally import Charge
from ledger_node.spelling import found_by
from scanner.verify.entry import Entry, signature_good


@contextmanager
def giving_back(node: Node, charge: Charge) -> Iterator[None]:
    """What was counted counts no more if the block does not come to its end."""
    try:
        yield
    except BaseException:
        node.tally.give_back(charge)
        raise


def count_offer(node: Node, entry: Entry, ticket: int, deal: bytes) -> Charge:
    """An offer or a listing, before it is logged. Raises ServiceError "too-many-offers"."""
    if not _of_holder(node, entry, ticket, deal):
        return ()
    charge = node.tally.take("offer", {"ticket": _place(entry.event, ticket)}, node.now())
    node.tally.keep_soon(charge, node.now())
    return charge


def count_letter(node: Node, entry: Entry, ticket: int, contact: Mapping[str, str]) -> Charge:
    """The letter of an offer, durably, before it is written. Raises ServiceError "too-many-letters"."""
    if not contact or not _signed_by_holder(node, entry, ticket):
        return ()
    of_event = {"ticket": _place(entry.event, ticket), "event": entry.event}
    charge = node.tally.take("letter of an offer", of_event, node.now())
    for person in _persons(contact):
        with giving_back(node, charge):
            charge += node.tally.take("letter of an offer", {"recipient": person}, node.now())
    return _durable(node, charge)


def count_order(node: Node, contact: Mapping[str, str]) -> Charge:
    """The letters of an order, durably, before it is paid. Raises ServiceError "too-many-letters"."""
    charge: Charge = ()
    for person in _persons(contact):
        with giving_back(node, charge):
            charge += node.tally.take("letter of an order", {"recipient": person}, node.now())
    return _durable(node, charge)


def _of_holder(node: Node, entry: Entry, ticket: int, deal: bytes) -> bool:
    """Signed by who has the ticket now, and not on the ledger yet."""
    with node.view() as view:
        known = view.find(Deal, entry.event, deal) is not None
    return not known and _signed_by_holder(node, entry, ticket)


def _signed_by_holder(node: Node, entry: Entry, ticket: int) -> bool:
    with node.view() as view:
        found = view.ticket(entry.event, ticket)
    return found is not None and found.row.holder_key == entry.actor and signature_good(entry)


def _durable(node: Node, charge: Charge) -> Charge:
    with giving_back(node, charge):
        written = node.tally.keep(charge, node.now())
        if written is not None:
            written.result()
    return charge


def _persons(contact: Mapping[str, str]) -> list[str]:
    """Every way to them, for it is not known here which one the letter takes. A mailbox's +tag is the same mailbox."""
    persons = []
    for name, value in contact.items():
        local, at, domain = found_by(name, value).rpartition("@")
        persons.append(f"{local.partition('+')[0]}@{domain}" if at else domain)
    return persons


def _place(event: str, ticket: int) -> str:
    return f"{event} {ticket}"
