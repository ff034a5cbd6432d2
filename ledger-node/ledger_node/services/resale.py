"""Resale: a holder lists a ticket for anybody, up to the organiser's cap; the first buyer in the log has it.

Seller + organiser + fees are what the buyer pays, to the cent: the contract splits, the provider shares out.
"""

from dataclasses import dataclass

from ledger_node.contract.bodies_market import BuyResale, ListResale, UnlistResale
from ledger_node.contract.facts import Deal
from ledger_node.contract.handover import split_price
from ledger_node.contract.outcome import Outcome
from ledger_node.services import dealing
from ledger_node.services.acts import log_act, read_act
from ledger_node.services.counted import count_offer, giving_back
from ledger_node.services.dealing import Needs, Newcomer, Ready
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from scanner.verify.record import record_hash


@dataclass(frozen=True, slots=True)
class Listing:
    """A listed ticket: where it sits, its face value, and who gets what of its price (cents)."""

    deal: Deal
    seat: int
    category: int
    face_value: int
    seller: int
    organiser: int
    fees: int
    needs: Needs


def put_up(node: Node, event: str, raw: bytes) -> tuple[bytes, Outcome]:
    """Log the listing; its id and where. The same again is the same listing, while it is open. Raises ServiceError."""
    entry, act = read_act(raw, ListResale, event)
    deal = record_hash(raw)
    with giving_back(node, offered := count_offer(node, entry, act.ticket, deal)):
        outcome = log_act(node, raw)
    if not outcome.new:
        node.tally.give_back(offered)
        dealing.find_deal(node, event, "resale", deal)
    return deal, outcome


def listings(node: Node, event: str) -> list[Listing]:
    """Everything that can be bought now, by ticket. Raises ServiceError "unknown-event"."""
    deals = dealing.open_deals(node, event, "resale")
    return [_listing(node, deal) for deal in deals]


def show(node: Node, event: str, deal: bytes) -> Listing:
    """One listing. Raises ServiceError."""
    return _listing(node, dealing.find_deal(node, event, "resale", deal))


def checkout(node: Node, event: str, deal: bytes, newcomer: Newcomer) -> Ready:
    """Hold the price, and write the entry that the buyer is to sign. Raises ServiceError."""
    return dealing.make_ready(node, dealing.find_deal(node, event, "resale", deal), newcomer)


def buy(node: Node, event: str, deal: bytes, raw: bytes) -> Outcome:
    """The ticket is the signer's; refused, their money goes back. Raises ServiceError."""
    entry, act = read_act(raw, BuyResale, event)
    if act.deal != deal:
        raise ServiceError("other-entry", "the entry is about another listing than the address", 422)
    return dealing.take(node, entry, act.deal, act.payment)


def unlist(node: Node, event: str, deal: bytes, raw: bytes) -> Outcome:
    """The holder takes the listing back. Raises ServiceError."""
    _, act = read_act(raw, UnlistResale, event)
    if act.deal != deal:
        raise ServiceError("other-entry", "the entry is about another listing than the address", 422)
    return log_act(node, raw)


def unlist_for(node: Node, event: str, deal: bytes) -> Outcome:
    """The desk takes a listing back for its holder. Raises ServiceError."""
    found = dealing.find_deal(node, event, "resale", deal)
    return log_act(node, UnlistResale(found.ticket, deal).seal(event, node.seconds, node.keys.node))


def _listing(node: Node, deal: Deal) -> Listing:
    with node.view() as view:
        ticket = view.ticket(deal.event, deal.ticket)
        policy = dealing.policy_of(view, deal)
    assert ticket is not None, "a deal is about a ticket"
    split = split_price(deal, policy, b"")
    row = ticket.row
    needs = dealing.needs_under(policy, deal.kind)
    return Listing(deal, row.seat, row.category, ticket.face_value, split.seller, split.organiser, split.fees, needs)
