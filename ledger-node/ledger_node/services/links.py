"""Activation links for orders that are on the ledger: made in the background, because each costs a stretched answer.

A link and its answer are durable before the ledger says that it went out, and that before the letter is sent. Whatever
dies in between, the links are made anew and the earlier ones are good for nothing.
"""

import structlog

from ledger_node.contract.bodies_market import Activation
from ledger_node.contract.facts import Order, Title
from ledger_node.log.ledger import View
from ledger_node.services import activation
from ledger_node.services.accounts.site import site_of
from ledger_node.services.activation import Ask, Made
from ledger_node.services.buyers import number_field, paid_field
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import read_event
from ledger_node.services.letters import write_letter
from ledger_node.services.market_book import LetterRow, OrderRow
from ledger_node.services.node import Node
from ledger_node.services.still_on import require_on, why_not_on
from ledger_node.services.trail import Actor
from scanner.verify.entry import Entry, open_entry
from scanner.verify.keys import NO_KEY

QUESTION = "您的訂單編號？ What is your order number?"
RECEIPT = "receipt"
SPONSORED = "sponsor:"
"""How the purchase of a sponsor's guest begins; the sponsor follows."""
_LATER = 300
_MOST_AT_ONCE = 20
log = structlog.get_logger()


def make_links(node: Node) -> int:
    """Links and letters for orders that wait for them; how many orders."""
    count = 0
    for order in node.market.orders_due(node.seconds, _MOST_AT_ONCE):
        try:
            with node.view() as view:
                ended = why_not_on(node, view, order.event)
            if ended is not None:
                # Somebody paid for it, so it is said; a link would open nothing.
                log.warning("no link", event_id=order.event, order=order.number.hex(), problem=ended.sentence)
                node.market.put_off(order, 0)
                continue
            _make(node, order)
            count += 1
        except ServiceError as error:
            log.warning("links later", event_id=order.event, order=order.number.hex(), problem=str(error))
            node.market.put_off(order, node.seconds + _LATER)
    return count


def link_letter(node: Node, made: Made, event: str, person: str, sponsor: str = "") -> LetterRow:
    """The letter with an activation link, written but not in the book yet."""
    values = activation.letter(node, made, site_of(node).origin)
    template = activation.TEMPLATE
    if sponsor:
        values = {name: value for name, value in values.items() if name != "tickets"} | {"sponsor": sponsor}
        template = "invitation"
    return write_letter(node, f"link-{made.link}", event, person, template, values)


def renew(node: Node, link: str, by: Actor) -> Made:
    """A new link in place of this one, and the letter with it, to where its person is written to. Raises ServiceError,
    "no-contact" where that is nowhere: then the desk hands the link over itself.
    """
    old = activation.find(node, link)
    require_on(node, old.event)
    contact = node.vault.contact(old.person)
    if not contact.phone and not contact.email:
        raise ServiceError("no-contact", "nothing is known by which this person can be written to: use --print", 409)
    made = activation.renew(node, link, by)
    sponsor = old.purchase.removeprefix(SPONSORED) if old.purchase.startswith(SPONSORED) else ""
    node.market.invited([link_letter(node, made, old.event, old.person, sponsor)])
    return made


def items_of(view: View, order: Order) -> list[int]:
    """The tickets of an order, as its sale says them."""
    entry = open_entry(next(iter(view.entries(order.position, order.position + 1))))
    assert isinstance(entry, Entry), "it is in the log"
    return [item[0] for item in entry.body["items"]]


def _make(node: Node, order: OrderRow) -> None:
    tickets = _to_activate(node, order)
    letters = []
    if tickets:
        number = node.vault.read(order.person)[number_field(order.number)]
        ask = Ask(order.event, tickets, order.number.hex(), order.person, QUESTION, number)
        made = activation.prepare(node, ask)
        body = Activation([list(pair) for pair in made.commitments])
        node.commit([body.seal(order.event, node.seconds, node.keys.node)])
        letters = [link_letter(node, made, order.event, order.person), *_receipt(node, order, len(tickets), number)]
    node.market.invited(letters, order)
    node.vault.drop(order.person, paid_field(order.number))


def _receipt(node: Node, order: OrderRow, tickets: int, number: str) -> list[LetterRow]:
    """The letter with the order's number, which the link's page asks for, where the buyer paid here: nowhere else does
    anybody write it to them.
    """
    amount = node.vault.one(order.person, paid_field(order.number))
    if amount is None:
        return []
    name = read_event(node, order.event).manifest.name
    values = {"event": name, "tickets": str(tickets), "number": number, "amount": amount}
    return [write_letter(node, f"receipt-{order.number.hex()[:40]}", order.event, order.person, RECEIPT, values)]


def _to_activate(node: Node, order: OrderRow) -> tuple[int, ...]:
    """The order's tickets that nobody has put a key on yet; none if the sale came to nothing."""
    with node.view() as view:
        sold = view.find(Order, order.event, order.number)
        if sold is None:
            return ()
        tickets = items_of(view, sold)
        titles = [view.find(Title, order.event, ticket) for ticket in tickets]
        rows = [view.ticket(order.event, ticket) for ticket in tickets]
    return tuple(
        ticket
        for ticket, title, seen in zip(tickets, titles, rows, strict=True)
        if title and seen and title.ref == order.number and seen.row.holder_key == NO_KEY
    )
