"""Direct sale: a buyer keeps seats for a few minutes, pays through the wallet provider, and has them.

A hold is a token that only its buyer knows; the ledger sees its hash. The token says its seats and its end, so that
nothing about it is kept here. What counts as sold, and at which price, the contract decides.
"""

import hashlib
import re
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger_node.contract.bodies_market import HoldSeats, ReleaseSeats, Sale
from ledger_node.contract.commitments import order_reference
from ledger_node.contract.facts import Actor, Order
from ledger_node.contract.outcome import Outcome
from ledger_node.services import buyers
from ledger_node.services.acts import log_act
from ledger_node.services.allowances import HOLDS
from ledger_node.services.counted import count_order, giving_back
from ledger_node.services.errors import ServiceError
from ledger_node.services.letters import contact_of
from ledger_node.services.market_book import DirectSale
from ledger_node.services.node import Node
from ledger_node.services.policies import policy_now
from ledger_node.services.pricing import Line, lines_for
from ledger_node.services.purchases import SIGN_WITHIN, Payer, Price, hold_money, log_entry
from ledger_node.services.still_on import why_not_on
from ledger_node.services.told_times import when
from ledger_node.services.vacancy import Vacancies

MOST_SEATS = 50
_MOST_HOLDS = 1_000_000
_DOMAIN = b"ticketme/v1/hold\0"
_SECRET_BYTES = 16
_TOKEN = re.compile(r"[0-9a-f]{32}\.(\d{1,15})((?:\.\d{1,10})+)")


@dataclass(frozen=True, slots=True)
class SeatHold:
    """Seats that are kept until `until` for whoever has the token; `fee` is what the e-ticket option adds."""

    token: str = field(repr=False)
    until: int
    lines: tuple[Line, ...]
    fee: int
    currency: str


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who pays, and where their activation link goes. Personal data."""

    payer: Payer | None = None
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    eticket: bool = True
    tier: int = 0


@dataclass(frozen=True, slots=True)
class Bought:
    """A sale on the ledger. `number` is what the buyer will be asked for when they activate."""

    number: str
    order: bytes
    position: int
    amount: int
    tickets: tuple[int, ...]


def open_sale(node: Node, event: str, most: int, seconds: int, holds: int = HOLDS) -> None:
    """Sell an event here: at most `most` seats to one buyer at once, kept for `seconds`; `holds` of them unpaid at once
    for one network address. most 0 ends it.
    """
    if not 0 <= most <= MOST_SEATS or not 0 < seconds <= 86_400 or not 0 < holds <= _MOST_HOLDS:
        raise ServiceError("bad-terms", f"at most {MOST_SEATS} seats, for 1 to 86,400 seconds, and 1 hold or more")
    with node.view() as view:
        node.event(view, event)
        if most and (why := why_not_on(node, view, event)):
            raise why
        policy = policy_now(view, event, node.seconds)
        prices = [tier.price for tier in policy.tiers] or [one.face_value for one in view.tickets(event)]
    if most and any(prices) and not policy.organiser_party:
        sentence = "the policy names no organiser_party, so nobody could be paid: see `policy set`"
        raise ServiceError("no-organiser", sentence, 409)
    node.market.sell_directly(DirectSale(event, most, seconds, holds))


def unpaid(node: Node, event: str) -> str:
    """Why buyers could not pay yet, though the policy says whom; "" = they can."""
    with node.view() as view:
        known = any(one.role == "provider" and one.revoked_at is None for one in view.each(Actor, event))
        if known or not policy_now(view, event, node.seconds).organiser_party:
            return ""
    return f"the ledger knows no wallet provider of {event}, so nobody can pay yet: see `ledger-node actors add`"


def unpriced(node: Node, event: str) -> str:
    """Of which tickets no price tier is open now, and when one will be; "" = each has a price."""
    with node.view() as view:
        tiers, zone = policy_now(view, event, node.seconds).tiers, node.event(view, event).manifest.zone
        there = {one.row.category for one in view.tickets(event)} if tiers else set()
    priced = {one.category for one in tiers if one.opens <= node.seconds < one.closes}
    shut = sorted(there - priced)
    if not shut:
        return ""
    coming = [one.opens for one in tiers if one.category in shut and one.opens > node.seconds]
    later = (
        f"the next one opens at {when(min(coming), zone)}"
        if coming
        else "none opens later: see `ledger-node policy set`"
    )
    if priced & there:
        named = ", ".join(map(str, shut))
        return f"no price tier is open for category {named} of {event}, so those tickets cannot be bought: {later}"
    return f"no price tier of {event} is open, so nobody can buy yet: {later}"


def keep(node: Node, event: str, tickets: Sequence[int], tier: int = 0, vacancies: Vacancies | None = None) -> SeatHold:
    """Keep free seats for a buyer, all or none. Raises ServiceError; with `vacancies` it says so if none are left."""
    terms = terms_of(node, event)
    if not 0 < len(tickets) <= terms.most:
        raise ServiceError("too-many", f"1 to {terms.most} seats at once", 422)
    now = node.seconds
    with node.view() as view:
        if ended := why_not_on(node, view, event):
            raise ended
        policy = policy_now(view, event, now)
        lines = lines_for(view, event, tickets, policy, now, tier)
    until = now + terms.seconds
    token = ".".join((node.draw(_SECRET_BYTES).hex(), str(until), *map(str, tickets)))
    try:
        log_act(node, HoldSeats(_digest(token), tickets, until).seal(event, now, node.keys.node))
    except ServiceError as refused:
        if vacancies is not None and refused.code == "seat-taken" and not vacancies.lately(event, now):
            with node.view() as view:
                vacancies.check(view, event, now)
        raise
    return SeatHold(token, until, tuple(lines), policy.handling_fee * len(lines), policy.currency)


def let_go(node: Node, event: str, token: str) -> Outcome:
    """The buyer does not want them. Raises ServiceError."""
    tickets, _ = _read(token)
    return log_act(node, ReleaseSeats(_digest(token), tickets).seal(event, node.seconds, node.keys.node))


def pay(node: Node, event: str, token: str, buyer: Buyer) -> Bought:
    """Hold the price, log the sale; the capture follows. The same token again is the same order. ServiceError."""
    terms_of(node, event)
    tickets, until = _read(token)
    number = _number(token)
    order = buyers.order_id(node, event, number)
    with node.view() as view:
        sold = view.find(Order, event, order)
        policy = policy_now(view, event, node.seconds)
        lines = [] if sold else lines_for(view, event, tickets, policy, node.seconds, buyer.tier)
    if sold:
        return Bought(number, order, sold.position, sold.amount, tuple(tickets))
    if until <= node.seconds:
        raise ServiceError("hold-expired", "the seats were kept until a moment ago: choose again", 410)
    fee = policy.handling_fee * len(lines) if buyer.eticket else 0
    amount = sum(line.price for line in lines) + fee
    contact = contact_of(buyer.phone, buyer.email) if buyer.eticket else {}
    price = Price(event, order_reference(event, order), order, node.keys.node.public, amount, policy.currency)
    row = None
    with giving_back(node, count_order(node, contact)):
        if contact:
            due = node.seconds + 2 * SIGN_WITHIN
            row = buyers.remember(node, event, order, number, contact, due, amount)
        sale = Sale(order, [line.item() for line in lines], buyer.eticket, fee, _digest(token), b"")
        position = _log(node, price, sale, buyer.payer)
    if row is not None:
        node.market.put_off(row, node.seconds)
    return Bought(number, order, position, amount, tuple(tickets))


def _log(node: Node, price: Price, sale: Sale, payer: Payer | None) -> int:
    if not price.amount:
        return log_act(node, sale.seal(price.event, node.seconds, node.keys.node)).position
    if payer is None:
        raise ServiceError("payment-needed", f"this costs {price.amount} cents: authorise it at the provider", 402)
    held = hold_money(node, price, payer, to_be_shown=False)
    paid = Sale(sale.order, sale.items, sale.eticket, sale.fee, sale.hold, held.receipt)
    raw = held.entry or paid.seal(price.event, node.seconds, node.keys.node)
    return log_entry(node, held, raw).position


def terms_of(node: Node, event: str) -> DirectSale:
    """The terms of an event that is sold here. Raises ServiceError "not-sold-here"."""
    terms = node.market.direct_sale(event)
    if terms is None:
        raise ServiceError("not-sold-here", f"{event} is not sold here", 404)
    return terms


def _read(token: str) -> tuple[list[int], int]:
    """The seats of a hold and its end; whoever changes them in the token has another hold."""
    match = _TOKEN.fullmatch(token)
    tickets = [int(part) for part in match[2].split(".")[1:]] if match else []
    if match is None or len(set(tickets)) < len(tickets) or max(tickets) >= 2**32:
        raise ServiceError("unknown-hold", "there is no such hold", 404)
    return tickets, int(match[1])


def _digest(token: str) -> bytes:
    return hashlib.sha256(_DOMAIN + token.encode()).digest()


def _number(token: str) -> str:
    """Eight characters that people can read out; not to be told from the ledger, where only hashes stand."""
    return b32encode(hashlib.sha256(b"ticketme/v1/order-number\0" + token.encode()).digest()[:5]).decode()
