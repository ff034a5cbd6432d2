"""Everything that is kept of a person, in words that can be handed to them: contacts, orders, links, letters.

No link that opens anything, no hash: what is kept only as a hash is said to be. Reads only.
"""

from typing import Any

from ledger_node.contract.facts import Order
from ledger_node.log.ledger import View
from ledger_node.services.activation_links import Link
from ledger_node.services.buyers import asked_field, number_field
from ledger_node.services.links import items_of
from ledger_node.services.market_book import OrderRow
from ledger_node.services.node import Node
from ledger_node.services.policies import policy_now
from ledger_node.services.tickets import STATE_WORDS
from ledger_node.services.told_times import when
from ledger_node.services.vault import FIELDS

_ANSWER = "kept stretched, so that neither we nor others can read it"


def record_of(node: Node, person: str) -> dict[str, Any]:
    """The record; amounts in cents, times in Hong Kong's. Raises ServiceError "unknown-person"."""
    fields = node.vault.read(person)
    events = node.vault.events(person)
    orders = sorted(node.market.orders_of(person), key=lambda one: fields.get(number_field(one.number), ""))
    links = node.activations.of_person(person)
    letters = node.market.letters_of(person)
    with node.view() as view:
        about = [
            {
                **_event(view, event),
                "orders": [_order(node, view, one, fields) for one in orders if one.event == event],
                "links": [_link(one, fields) for one in links if one.event == event],
                "letters": [
                    {"kind": one.template, "state": one.state, "since": when(one.due)}
                    for one in letters
                    if one.event == event
                ],
            }
            for event in sorted({*events, *(one.event for one in orders), *(one.event for one in links)})
        ]
    known = {name: fields[name] for name in sorted(FIELDS & fields.keys())}
    known |= {f"asked_for_{way}": fields[asked_field(way)] for way in ("email", "phone") if asked_field(way) in fields}
    return {"person": person, "kept_since": when(node.vault.since(person)), **known, "events": about}


def _event(view: View, event: str) -> dict[str, Any]:
    state = view.event(event)
    known = {"name": state.manifest.name, "starts": when(state.manifest.starts, state.manifest.zone)} if state else {}
    return {"event": event, **known}


def _order(node: Node, view: View, row: OrderRow, fields: dict[str, str]) -> dict[str, Any]:
    sold = view.find(Order, row.event, row.number)
    said = {"number": fields.get(number_field(row.number), "")}
    if sold is None:
        return {**said, "state": "not sold"}
    currency = policy_now(view, row.event, node.seconds).currency
    tickets = [_ticket(view, row.event, one) for one in items_of(view, sold)]
    return {**said, "amount": sold.amount, "fee": sold.fee, "currency": currency, "tickets": tickets}


def _ticket(view: View, event: str, index: int) -> dict[str, Any]:
    ticket = view.ticket(event, index)
    assert ticket is not None, "it was sold"
    return {"ticket": index, "seat": ticket.row.seat, "state": STATE_WORDS[ticket.row.state]}


def _link(link: Link, fields: dict[str, str]) -> dict[str, Any]:
    asked = fields.get(f"question:{link.link}")
    said = {"tickets": [place.ticket for place in link.places], "state": link.state, "until": when(link.expires)}
    return {**said, "wrong_answers": link.tries} | ({"question": asked, "answer": _ANSWER} if asked else {})
