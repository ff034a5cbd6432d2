"""Rules for a sale: an order, whole and once, at the prices of the policy; and that activation links went out."""

from ledger_node.contract.bodies_market import Activation, Sale
from ledger_node.contract.commitments import order_reference
from ledger_node.contract.facts import Order, Title
from ledger_node.contract.items import pairs_of
from ledger_node.contract.money import Split, check_payment, paid_outside, settle
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.policy import TicketPolicy
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.rules import Offer, rule_refused
from ledger_node.contract.scene import Scene, Seen, is_free, look_up, open_scene, policy_at
from ledger_node.contract.shape import cents, u8, u32
from ledger_node.contract.state import State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.keys import NO_KEY

_Line = tuple[Seen, int]
"""A ticket and its price."""


def sell(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """sale: the tickets are somebody's from here on, without a key until they activate."""
    act = Sale.of(entry)
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    before = state.find(Order, entry.event, act.order)
    if before is not None:
        return Rejected(Refusal.ORDER_EXISTS, f"entry {before.position}")
    policy = policy_at(state, scene, at)
    lines = _lines(state, scene, policy, act, at)
    if isinstance(lines, Rejected):
        return lines
    fee = policy.handling_fee * len(lines) if act.eticket else 0
    if act.fee != fee:
        return Rejected(Refusal.WRONG_PRICE, f"fee {act.fee}, not {fee}")
    split = Split(0, sum(price for _, price in lines), fee)
    return _book(state, position, entry, act, scene, policy, lines, split, at)


def activate(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """activation: for tickets that are sold and have no key yet, all or none."""
    act = Activation.of(entry)
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    pairs = pairs_of(act.items)
    if pairs is None:
        return Rejected(Refusal.MALFORMED_BODY, "an item is ticket, commitment, each ticket once")
    sent: list[Title] = []
    for index, commitment in pairs:
        seen = look_up(state, entry.event, index)
        if isinstance(seen, Rejected):
            return seen
        if seen.title.place != "person" or seen.ticket.row.holder_key != NO_KEY:
            return Rejected(Refusal.NOT_TO_ACTIVATE, seen.label)
        sent.append(but(seen.title, commitment=commitment, changed=position))
    for title in sent:
        state.put(title)
    return None


def _lines(state: State, scene: Scene, policy: TicketPolicy, act: Sale, at: int) -> list[_Line] | Rejected:
    lines: dict[int, _Line] = {}
    for item in act.items:
        if not isinstance(item, list) or len(item) != 3 or not (u32(item[0]) and u8(item[1]) and cents(item[2])):
            return Rejected(Refusal.MALFORMED_BODY, "an item is ticket, tier, price")
        index, tier, price = item
        if index in lines:
            return Rejected(Refusal.MALFORMED_BODY, f"ticket {index} twice")
        seen = look_up(state, scene.event.manifest.event, index)
        refused = seen if isinstance(seen, Rejected) else _line_refused(scene, policy, act, seen, (tier, price), at)
        if isinstance(seen, Rejected) or refused is not None:
            return refused or Rejected(Refusal.UNKNOWN_TICKET)
        lines[index] = (seen, price)
    return list(lines.values())


def _line_refused(
    scene: Scene, policy: TicketPolicy, act: Sale, seen: Seen, priced: tuple[int, int], at: int
) -> Rejected | None:
    tier, price = priced
    if not is_free(seen, at, act.hold):
        return Rejected(Refusal.SEAT_TAKEN, seen.label)
    if price != _price(policy, seen, tier, at):
        return Rejected(Refusal.WRONG_PRICE, f"{seen.label}: {price} in tier {tier}")
    return rule_refused(policy, "sale", scene, seen, Offer(price), at)


def _price(policy: TicketPolicy, seen: Seen, number: int, at: int) -> int | None:
    """What the ticket costs in this tier now, or None if it is not to be had in it."""
    if not policy.tiers:
        return seen.ticket.face_value if number == 0 else None
    tier = next((tier for tier in policy.tiers if tier.tier == number), None)
    if tier is None or tier.category != seen.ticket.row.category or not tier.opens <= at < tier.closes:
        return None
    return tier.price


def _book(
    state: State, position: int, entry: Entry, act: Sale, scene: Scene, policy: TicketPolicy, lines: list[_Line],
    split: Split, at: int,
) -> Rejected | None:  # fmt: skip
    """Money and tickets, in one."""
    books, reference = scene.books, ""
    if not act.payment:
        books = paid_outside(books, split)
    else:
        wanted = order_reference(entry.event, act.order)
        money = check_payment(state, entry.event, act.payment, wanted, split, policy, at)
        if isinstance(money, Rejected):
            return money
        assert money is not None, "an empty payment was told apart"
        books, reference = settle(
            state, position, scene.books, money, tuple(seen.title.ticket for seen, _ in lines), split, policy
        )
    state.put(but(books, orders=books.orders + 1))
    state.put(Order(entry.event, act.order, split.amount, split.fees, len(lines), position))
    share = split.fees // len(lines)
    for seen, price in lines:
        changes = {"place": "person", "ref": act.order, "until": 0, "paid": price + share, "payment": reference}
        state.put(but(seen.title, **changes, changed=position))
    return None
