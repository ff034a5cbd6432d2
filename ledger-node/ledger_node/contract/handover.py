"""Rules for a change of hands: accepting a transfer, buying a resale. Ticket and money move in one entry or not at all.

The newcomer signs with the key that the ticket gets, so the entry is the proof of possession; owner_seq counts on, and
from then on the codes of the one before are refused. The policy is the one that the deal was made under.
"""

from dataclasses import dataclass

from ledger_node.contract.actors import known_key
from ledger_node.contract.bodies_market import AcceptTransfer, BuyResale
from ledger_node.contract.commitments import deal_reference, invitation
from ledger_node.contract.deals import find_deal, movable
from ledger_node.contract.facts import Deal, DealKind, Holding, Identity
from ledger_node.contract.identities import count_in, count_out, receiver_refused
from ledger_node.contract.money import Split, check_payment, settle
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.policy import BASIS_POINTS, TicketPolicy
from ledger_node.contract.provider import Money
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.rules import Offer, rule_refused
from ledger_node.contract.scene import Scene, Seen, open_scene, policy_version
from ledger_node.contract.state import State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.keys import NO_KEY, valid_public_key


@dataclass(frozen=True, slots=True)
class _Change:
    """Everything that a change of hands is judged by."""

    entry: Entry
    at: int
    scene: Scene
    seen: Seen
    deal: Deal
    policy: TicketPolicy
    receiver: Identity | None
    key_good: bool


def accept(state: State, position: int, entry: Entry, at: int, *, proven: bool = False) -> Rejected | None:
    """transfer.accept, by whoever was invited. `proven` = somebody has looked at the key (`proofs.proven`)."""
    act = AcceptTransfer.of(entry)
    change = _change(state, entry, "transfer", act.ticket, act.deal, at, proven=proven)
    if isinstance(change, Rejected):
        return change
    if invitation(act.secret) != change.deal.to:
        return Rejected(Refusal.BAD_SECRET)
    return _hand_over(state, position, change, act.owner_seq, act.payment)


def buy(state: State, position: int, entry: Entry, at: int, *, proven: bool = False) -> Rejected | None:
    """resale.buy, by anybody; the first one in the log has it. `proven` as for `accept`."""
    act = BuyResale.of(entry)
    change = _change(state, entry, "resale", act.ticket, act.deal, at, proven=proven)
    if isinstance(change, Rejected):
        return change
    return _hand_over(state, position, change, act.owner_seq, act.payment)


def split_price(deal: Deal, policy: TicketPolicy, seller: bytes) -> Split:
    """Who gets what of a deal's price, to the cent: the fees are rounded down, the seller has the rest."""
    if deal.kind == "transfer":
        return Split(deal.price, 0, 0, seller)
    organiser = deal.price * policy.organiser_fee // BASIS_POINTS
    fees = deal.price * policy.service_fee // BASIS_POINTS
    return Split(deal.price - organiser - fees, organiser, fees, seller)


def _change(
    state: State, entry: Entry, kind: DealKind, index: int, deal: bytes, at: int, *, proven: bool
) -> _Change | Rejected:
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    found = find_deal(state, entry.event, kind, index, deal)
    if isinstance(found, Rejected):
        return found
    seen, open_deal = found
    if open_deal.owner_seq != seen.ticket.row.owner_seq or seen.title.deal != deal:
        return Rejected(Refusal.DEAL_GONE, seen.label)
    if open_deal.until <= at:
        return Rejected(Refusal.DEAL_EXPIRED, f"until {open_deal.until}, now {at}")
    policy = policy_version(state, entry.event, open_deal.policy)
    receiver = state.find(Identity, entry.event, entry.actor)
    return _Change(entry, at, scene, seen, open_deal, policy, receiver, proven)


def _hand_over(state: State, position: int, change: _Change, owner_seq: int, payment: bytes) -> Rejected | None:
    entry, seen, policy = change.entry, change.seen, change.policy
    refused = movable(policy, change.scene, seen, change.at) or _newcomer_refused(state, change, owner_seq)
    if refused is not None:
        return refused
    split = split_price(change.deal, policy, seen.title.pseudonym)
    reference = deal_reference(change.deal.deal, entry.actor)
    money = check_payment(state, entry.event, payment, reference, split, policy, change.at)
    if isinstance(money, Rejected):
        return money
    _put(state, position, change, money, split)
    return None


def _newcomer_refused(state: State, change: _Change, owner_seq: int) -> Rejected | None:
    entry, seen, row = change.entry, change.seen, change.seen.ticket.row
    if owner_seq != row.owner_seq + 1:
        return Rejected(Refusal.WRONG_OWNER_SEQ, f"{seen.label}: {owner_seq}, not {row.owner_seq + 1}")
    if entry.actor == row.holder_key:
        return Rejected(Refusal.KEY_UNCHANGED, seen.label)
    if entry.actor == NO_KEY or not (change.key_good or valid_public_key(entry.actor)):
        return Rejected(Refusal.BAD_KEY, seen.label)
    if known_key(state, entry.event, entry.actor):
        return Rejected(Refusal.KEY_IN_USE, seen.label)
    giver, receiver = seen.title.pseudonym, change.receiver
    refused = receiver_refused(state, entry.event, change.policy, giver, receiver, change.at)
    if refused is not None:
        return refused
    held = state.find(Holding, entry.event, receiver.pseudonym) if receiver else None
    asked = Offer(change.deal.price, change.deal.until, True, receiver, held.tickets if held else 0)  # noqa: FBT003
    return rule_refused(change.policy, change.deal.kind, change.scene, seen, asked, change.at)


def _put(state: State, position: int, change: _Change, money: Money | None, split: Split) -> None:
    entry, deal, (ticket, title) = change.entry, change.deal, change.seen
    reference = ""
    if money is not None:
        books, reference = settle(state, position, change.scene.books, money, (deal.ticket,), split, change.policy)
        state.put(books)
    row = ticket.row._replace(owner_seq=ticket.row.owner_seq + 1, holder_key=entry.actor)
    state.put_ticket(but(ticket, row=row, changed=position))
    receiver = change.receiver
    pseudonym, level = (receiver.pseudonym, receiver.level) if receiver else (b"", 0)
    if pseudonym != title.pseudonym:
        count_out(state, entry.event, title.pseudonym)
        count_in(state, entry.event, pseudonym)
    state.drop(Deal, entry.event, deal.deal)
    taken = {"pseudonym": pseudonym, "level": level, "transfers": title.transfers + 1, "payment": reference}
    paid = deal.price or title.paid
    state.put(but(title, **taken, deal=b"", paid=paid, ref=b"", commitment=b"", changed=position))
