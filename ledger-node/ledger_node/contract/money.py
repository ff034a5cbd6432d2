"""Rules for money, which a wallet provider moves and the ledger only accounts for: what a receipt must say, an event's
books, a capture, a release and a refund. Amounts are cents; none is ever made or lost here.
"""

from dataclasses import dataclass

from ledger_node.contract.actors import actor_in_role
from ledger_node.contract.bodies_market import CapturePayment, RefundTicket, ReleasePayment
from ledger_node.contract.commitments import refers_to, refund_reference
from ledger_node.contract.facts import Books, Deal, Payment, Title
from ledger_node.contract.identities import count_out
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.policy import TicketPolicy
from ledger_node.contract.provider import Money, MoneyKind, open_receipt, signed_by
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.scene import Seen, look_up, scene_of
from ledger_node.contract.state import State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.row import ACTIVE, BLOCKED, REFUNDED


@dataclass(frozen=True, slots=True)
class Split:
    """Who gets what of a price; `seller_party` as the provider calls the seller, empty if nobody sells."""

    seller: int
    organiser: int
    fees: int
    seller_party: bytes = b""

    @property
    def amount(self) -> int:
        """What the buyer pays."""
        return self.seller + self.organiser + self.fees

    def shares(self, policy: TicketPolicy) -> tuple[tuple[bytes, int], ...]:
        """By party, sorted; a party that gets nothing is not named."""
        parts: dict[bytes, int] = {}
        named = (
            (self.seller_party, self.seller),
            (policy.organiser_party, self.organiser),
            (policy.service_party, self.fees),
        )
        for party, amount in named:
            if amount:
                parts[party] = parts.get(party, 0) + amount
        return tuple(sorted(parts.items()))


def read_money(state: State, event: str, raw: bytes, kinds: set[MoneyKind]) -> Money | Rejected:
    """A receipt of one of these kinds that a provider of the event signed."""
    receipt = open_receipt(raw)
    if not isinstance(receipt, Money) or receipt.event != event or receipt.kind not in kinds:
        return Rejected(Refusal.BAD_RECEIPT, f"not a {' or '.join(sorted(kinds))} of this event")
    provider = actor_in_role(state, event, receipt.provider, "provider")
    if provider is None or not signed_by(receipt, provider.public_key):
        return Rejected(Refusal.BAD_RECEIPT, f"not signed by provider {receipt.provider}")
    return receipt


def check_payment(
    state: State, event: str, raw: bytes, reference: str, split: Split, policy: TicketPolicy, at: int
) -> Money | Rejected | None:
    """The hold or the capture that pays for what is split here; None if there is nothing to pay."""
    if not split.amount:
        return Rejected(Refusal.WRONG_PAYMENT, "there is nothing to pay") if raw else None
    money = read_money(state, event, raw, {"hold", "capture"})
    if isinstance(money, Rejected):
        return money
    of = money.of if money.kind == "capture" else money.reference
    if not refers_to(of, reference):
        return Rejected(Refusal.WRONG_PAYMENT, f"about {of}, not {reference}")
    if (money.amount, money.currency) != (split.amount, policy.currency):
        return Rejected(Refusal.WRONG_PAYMENT, f"{money.amount} {money.currency}, not {split.amount} {policy.currency}")
    if b"" in dict(split.shares(policy)):
        return Rejected(Refusal.WRONG_PAYMENT, "the policy names nobody to get the organiser's or the service's share")
    if money.kind == "hold" and money.until <= at:
        return Rejected(Refusal.WRONG_PAYMENT, f"the hold ended at {money.until}, now {at}")
    if state.find(Payment, event, of) is not None:
        return Rejected(Refusal.WRONG_PAYMENT, f"{of} pays for another ticket")
    return _same_shares(money, split.shares(policy)) if money.kind == "capture" else money


def settle(
    state: State,
    position: int,
    books: Books,
    money: Money,
    tickets: tuple[int, ...],
    split: Split,
    policy: TicketPolicy,
) -> tuple[Books, str]:
    """The books with this payment in them, and the reference of what is still to be captured, or ""."""
    if money.kind == "capture":
        return captured(books, split), ""
    parts = (split.seller, split.organiser, split.fees)
    shares = split.shares(policy)
    state.put(Payment(books.event, money.reference, money.provider, tickets, money.amount, *parts, shares, position))
    return but(books, held=books.held + money.amount), money.reference


def captured(books: Books, split: Split) -> Books:
    """The books with money that a provider took and shared out."""
    return but(books, captured=books.captured + split.amount, **_shared(books, split))


def paid_outside(books: Books, split: Split) -> Books:
    """The books with money that the ticketing system took."""
    return but(books, outside=books.outside + split.amount, **_shared(books, split))


def capture(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """payment.capture: the money of a hold was taken, whole, and shared out as the contract had said."""
    act = CapturePayment.of(entry)
    found = _settled(state, entry.event, act.receipt, "capture")
    if isinstance(found, Rejected):
        return found
    money, payment = found
    wrong = _same_shares(money, payment.shares)
    if isinstance(wrong, Rejected):
        return wrong
    split = Split(payment.seller, payment.organiser, payment.fees)
    books = _books(state, entry.event)
    state.put(captured(but(books, held=books.held - payment.amount), split))
    _close(state, position, payment)
    return None


def release(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """payment.release: held money went back to the payer. Its tickets had moved for it, so they open no gate until the
    operator has looked at it.
    """
    act = ReleasePayment.of(entry)
    found = _settled(state, entry.event, act.receipt, "release")
    if isinstance(found, Rejected):
        return found
    _, payment = found
    books = _books(state, entry.event)
    state.put(but(books, held=books.held - payment.amount))
    for index in payment.tickets:
        ticket = state.ticket(entry.event, index)
        if ticket is not None and ticket.row.state == ACTIVE:
            state.put_ticket(but(ticket, row=ticket.row._replace(state=BLOCKED), changed=position))
    _close(state, position, payment, paid=0)
    return None


def refund(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """ticket.refund: money back for a ticket that nobody has entered with, at most what was paid; the ticket ends."""
    act = RefundTicket.of(entry)
    scene = scene_of(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    seen = look_up(state, entry.event, act.ticket)
    if isinstance(seen, Rejected):
        return seen
    row = seen.ticket.row
    if row.state == REFUNDED:
        return Rejected(Refusal.STATE_NOT_ALLOWED, seen.label)
    if row.uses and scene.books.standing != "cancelled":
        return Rejected(Refusal.TICKET_USED, seen.label)
    if seen.title.payment:
        return Rejected(Refusal.PAYMENT_PENDING, seen.label)
    money = read_money(state, entry.event, act.receipt, {"refund"})
    if isinstance(money, Rejected):
        return money
    if not refers_to(money.reference, refund_reference(entry.event, act.ticket, row.owner_seq)):
        return Rejected(Refusal.WRONG_PAYMENT, f"not the refund of {seen.label} to its holder")
    if money.amount > seen.title.paid:
        return Rejected(Refusal.OVER_REFUND, f"{money.amount} > {seen.title.paid}")
    state.put(but(scene.books, refunded=scene.books.refunded + money.amount))
    _end(state, position, seen, seen.title.paid - money.amount)
    return None


def _end(state: State, position: int, seen: Seen, paid: int) -> None:
    ticket, title = seen
    state.put_ticket(but(ticket, row=ticket.row._replace(state=REFUNDED), changed=position))
    count_out(state, title.event, title.pseudonym)
    if title.deal:
        state.drop(Deal, title.event, title.deal)
    state.put(but(title, pseudonym=b"", level=0, paid=paid, deal=b"", changed=position))


def _settled(state: State, event: str, raw: bytes, kind: MoneyKind) -> tuple[Money, Payment] | Rejected:
    money = read_money(state, event, raw, {kind})
    if isinstance(money, Rejected):
        return money
    payment = state.find(Payment, event, money.of)
    if payment is None or payment.provider != money.provider:
        return Rejected(Refusal.UNKNOWN_PAYMENT, money.of)
    if payment.amount != money.amount:
        return Rejected(Refusal.WRONG_PAYMENT, f"{money.amount}, not {payment.amount}")
    return money, payment


def _close(state: State, position: int, payment: Payment, paid: int | None = None) -> None:
    for index in payment.tickets:
        title = state.find(Title, payment.event, index)
        if title is not None and title.payment == payment.payment:
            left = title.paid if paid is None else paid
            state.put(but(title, payment="", paid=left, changed=position))
    state.drop(Payment, payment.event, payment.payment)


def _same_shares(money: Money, shares: tuple[tuple[bytes, int], ...]) -> Money | Rejected:
    given = tuple(sorted((share.party, share.amount) for share in money.shares))
    return money if given == shares else Rejected(Refusal.WRONG_PAYMENT, "shared out otherwise than the policy says")


def _shared(books: Books, split: Split) -> dict[str, int]:
    return {
        "sellers": books.sellers + split.seller,
        "organiser": books.organiser + split.organiser,
        "fees": books.fees + split.fees,
    }


def _books(state: State, event: str) -> Books:
    return state.find(Books, event, "books") or Books(event)
