"""What a refund of a ticket has to give back, to whom and from whom: read from the ledger, nothing is done here.

The money goes back the way it came, to whoever paid for the ticket last: that is its holder, or somebody who has given
it to them for nothing. Everything that was paid is given back. A seller keeps what they were paid, because they sold in
good faith and had paid themselves; the service gives back the fee that it got in that payment, and the organiser, who
has the money of the first sale, gives the rest. With `keep_fees` the fee stays where it is.

What a ticketing system was paid it has to give back itself: the ledger has no receipt for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ledger_node.contract.facts import Order, Title
from ledger_node.contract.policy import TicketPolicy
from ledger_node.contract.provider import Money, Share, open_receipt
from ledger_node.contract.scene import Seen
from ledger_node.log.ledger import View
from ledger_node.services.errors import ServiceError
from ledger_node.services.logged import payment_settled, read_logged
from ledger_node.services.node import Node
from scanner.verify.entry import Entry
from scanner.verify.keys import NO_KEY

Source = Literal["provider", "outside", "nothing"]
_PAYING = frozenset({"sale", "transfer.accept", "resale.buy"})
_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class Payer:
    """Where the money of a ticket came from. `capture` is the provider's receipt; `order` the order that it was sold
    in, as the ledger calls it, or empty.
    """

    source: Source
    capture: Money | None = None
    order: bytes = b""


def see(view: View, event: str, index: int) -> Seen:
    """The ticket and who has it. Raises ServiceError "unknown-ticket"."""
    ticket = view.ticket(event, index)
    if ticket is None:
        raise ServiceError("unknown-ticket", f"{event} has no ticket {index}", 404)
    title = view.find(Title, event, index)
    return Seen(ticket, title or Title(event, index, "house" if ticket.row.holder_key == NO_KEY else "person"))


def payer_of(node: Node, view: View, seen: Seen) -> Payer:
    """Who was paid for the ticket last. The money that a provider still holds is nobody's yet: ServiceError."""
    title = seen.title
    if title.payment:
        raise ServiceError("payment-pending", f"{seen.label}: its payment is still to be captured; try again", 409)
    if not title.paid:
        return Payer("nothing")
    captures: dict[str, Money] = {}
    for entry in _backwards(node, view, title):
        settled = payment_settled(entry)
        if settled:
            receipt = open_receipt(entry.body["receipt"])
            assert isinstance(receipt, Money), "the contract has read it"
            captures[settled] = receipt
        elif entry.type in _PAYING and (entry.type == "sale" or entry.body["payment"]):
            return _payer(node, entry, captures)
    return Payer("outside")


def shares_of(view: View, policy: TicketPolicy, seen: Seen, paid: Payer, *, keep_fees: bool) -> tuple[Share, ...]:
    """Who gives how much back. Raises ServiceError where nothing is left, or nobody is named to give it."""
    assert paid.capture is not None, "the provider was paid"
    got = {share.party: share.amount for share in paid.capture.shares}
    fee = got.get(policy.service_party, 0) if policy.service_party != policy.organiser_party else 0
    order = view.find(Order, seen.title.event, paid.order) if paid.order else None
    if order is not None:
        fee = min(fee, order.fee // order.tickets)
    rest = seen.title.paid - fee
    parts = {policy.organiser_party: rest} | ({} if keep_fees or not fee else {policy.service_party: fee})
    parts = {party: amount for party, amount in parts.items() if amount > 0}
    if not parts:
        raise ServiceError("nothing-paid", f"{seen.label}: nothing but the fee was paid", 409)
    if b"" in parts:
        raise ServiceError("no-organiser", "the policy names no organiser_party: see `policy set`", 409)
    return tuple(Share(party, amount) for party, amount in sorted(parts.items()))


def _payer(node: Node, entry: Entry, captures: dict[str, Money]) -> Payer:
    order = entry.body["order"] if entry.type == "sale" else b""
    quoted = open_receipt(entry.body["payment"]) if entry.body["payment"] else None
    if not isinstance(quoted, Money) or quoted.provider != node.outside.provider_name:
        return Payer("outside", None, order)
    capture = quoted if quoted.kind == "capture" else captures.get(quoted.reference)
    return Payer("provider" if capture else "nothing", capture, order)


def _backwards(node: Node, view: View, title: Title) -> Iterator[Entry]:
    node.chronicle.catch_up(view)
    for act in reversed(node.chronicle.about_ticket(title.event, title.ticket, 0, view.size, _STEPS)):
        if act.type in _PAYING or act.type.startswith("payment."):
            (raw,) = view.entries(act.position, act.position + 1)
            yield read_logged(raw)
