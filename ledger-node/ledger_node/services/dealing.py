"""Taking what somebody offers or lists: holding the money, handing the newcomer the entry to sign, logging it.

The same for a transfer and a resale; who may be told of an offer is `transfers`' business. The newcomer's key signs, so
the entry is the proof of possession; an identity that the provider attests is logged before it.
"""

from dataclasses import dataclass

from ledger_node.contract.bodies_market import AcceptTransfer, BuyResale, ExpireDeal
from ledger_node.contract.body import Draft
from ledger_node.contract.commitments import deal_reference
from ledger_node.contract.expressions import about_receiver
from ledger_node.contract.facts import Deal, DealKind, Identity, PolicyVersion, Title
from ledger_node.contract.identities import receiver_refused
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.policy import NO_LIMIT, TicketPolicy
from ledger_node.contract.refusals import Refusal
from ledger_node.log.ledger import View
from ledger_node.services.acts import log_act
from ledger_node.services.errors import ServiceError
from ledger_node.services.identities import Consent, identify
from ledger_node.services.node import Node
from ledger_node.services.purchases import Payer, Price, hold_money, log_entry
from scanner.verify.entry import Entry, signature_good

LAPSED = 60
"""Seconds after a deal's end at which the ledger is told of it."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who takes it: the ticket's next key, whose money, and the consent that the provider says who has the key."""

    key: bytes
    payer: Payer | None = None
    identify: Consent | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What whoever takes a deal has to bring: money in this currency, and whether the provider must attest them."""

    currency: str
    identity: bool
    level: int


@dataclass(frozen=True, slots=True)
class Ready:
    """All that is missing is the signature on `draft`, by `sign_by`. `payment` is the provider's receipt, or empty."""

    deal: Deal
    owner_seq: int
    payment: bytes
    draft: Draft
    sign_by: int


def find_deal(node: Node, event: str, kind: DealKind, deal: bytes) -> Deal:
    """The open deal. Raises ServiceError "deal-gone" or "deal-expired"."""
    with node.view() as view:
        node.event(view, event)
        found = view.find(Deal, event, deal)
    if found is None or found.kind != kind:
        raise ServiceError("deal-gone", f"there is no such {kind} (any more)", 404)
    if found.until <= node.seconds:
        raise ServiceError("deal-expired", f"this {kind} ran out at {found.until}", 410)
    return found


def open_deals(node: Node, event: str, kind: DealKind) -> list[Deal]:
    """The deals of a kind that can still be taken, by ticket."""
    with node.view() as view:
        node.event(view, event)
        found = [deal for deal in view.each(Deal, event) if deal.kind == kind and deal.until > node.seconds]
    return sorted(found, key=lambda deal: deal.ticket)


def needs_of(node: Node, deal: Deal) -> Needs:
    """What the policy asks of the person who takes this deal."""
    with node.view() as view:
        return needs_under(policy_of(view, deal), deal.kind)


def needs_under(policy: TicketPolicy, kind: DealKind) -> Needs:
    """The same, of a policy: a limit on a person's tickets needs to know the person, as does a rule about them."""
    known = policy.receive_level > 0 or policy.most_tickets < NO_LIMIT or about_receiver(policy.rules.get(kind, ""))
    return Needs(policy.currency, known, policy.receive_level)


def make_ready(node: Node, deal: Deal, newcomer: Newcomer, secret: bytes = b"") -> Ready:
    """Hold the money, if any, and write the entry that the newcomer is to sign. May be asked again. ServiceError."""
    with node.view() as view:
        policy = policy_of(view, deal)
    if newcomer.identify:
        identify(node, deal.event, newcomer.key, policy.receive_level, newcomer.identify)
    _refuse_early(node, deal, policy, newcomer.key)
    payment, sign_by = b"", deal.until
    if deal.price:
        if newcomer.payer is None:
            raise ServiceError("payment-needed", f"this costs {deal.price} cents: authorise it at the provider", 402)
        reference = deal_reference(deal.deal, newcomer.key)
        price = Price(deal.event, reference, deal.deal, newcomer.key, deal.price, policy.currency)
        held = hold_money(node, price, newcomer.payer)
        payment, sign_by = held.receipt, min(deal.until, held.sign_by)
    owner_seq = deal.owner_seq + 1
    body = (
        AcceptTransfer(deal.ticket, deal.deal, owner_seq, secret, payment)
        if deal.kind == "transfer"
        else BuyResale(deal.ticket, deal.deal, owner_seq, payment)
    )
    return Ready(deal, owner_seq, payment, body.draft(deal.event, node.seconds, newcomer.key), sign_by)


def take(node: Node, entry: Entry, deal: bytes, payment: bytes) -> Outcome:
    """Log what the newcomer signed. Raises ServiceError; refused, the money goes back."""
    if not payment:
        return log_act(node, entry.raw)
    if not signature_good(entry):
        # Before the payment is touched: an entry that the newcomer did not sign gives up nothing of theirs.
        raise ServiceError.of(Rejected(Refusal.BAD_SIGNATURE))
    tries = node.market.purchases_for(deal, entry.actor)
    for one in tries:
        if one.receipt == payment:
            return log_entry(node, one, entry.raw)
    raise ServiceError("unknown-payment", "this payment was not begun here: ask for the checkout first", 422)


def expire(node: Node) -> int:
    """Tell the ledger of deals that have run out, so that their tickets show as free; how many."""
    with node.view() as view:
        found = [deal for event in view.events() for deal in view.each(Deal, event)]
    late = [deal for deal in found if deal.until + LAPSED <= node.seconds]
    entries = [ExpireDeal(one.ticket, one.deal).seal(one.event, node.seconds, node.keys.node) for one in late]
    return len(node.ledger.submit(entries).result())


def _refuse_early(node: Node, deal: Deal, policy: TicketPolicy, key: bytes) -> None:
    """What the contract would say of this person anyway, before their money is held. Raises ServiceError."""
    with node.view() as view:
        title, receiver = view.find(Title, deal.event, deal.ticket), view.find(Identity, deal.event, key)
        giver = title.pseudonym if title else b""
        refused = receiver_refused(view, deal.event, policy, giver, receiver, node.seconds)
    if refused is not None:
        raise ServiceError.of(refused)


def policy_of(view: View, deal: Deal) -> TicketPolicy:
    """The policy that the deal was made under."""
    found = view.find(PolicyVersion, deal.event, deal.policy) if deal.policy else None
    return found.policy if found else TicketPolicy()
