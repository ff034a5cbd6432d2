"""The bodies of how a ticket finds its holder: sale, activation, identity, transfer, resale, money and sponsors.

Each class gives its type, its fields, and who may sign it. Amounts are cents, times unix seconds. A `deal` is the
SHA-256 of the raw entry that offered or listed the ticket. None of them holds personal data: an order, a pseudonym and
a commitment are keyed or salted hashes, made outside.
"""

from dataclasses import dataclass

from ledger_node.contract.body import Body, Signers
from ledger_node.contract.shape import (
    U16,
    U32,
    Cents,
    Digest,
    DigestOrNone,
    Flag,
    Indexes,
    IndexesOrNone,
    Items,
    Name,
    Proof,
    Quoted,
    Seconds,
)

_BOX_OFFICE: Signers = frozenset({"operator", "ticketing"})
_HOLDER: Signers = frozenset({"holder"})
_HOLDER_OR_DESK: Signers = frozenset({"holder", "operator"})
_OPERATOR: Signers = frozenset({"operator"})
_SPONSOR: Signers = frozenset({"sponsor"})
_RECALLING: Signers = frozenset({"operator", "organiser", "sponsor"})
_NEWCOMER: Signers = frozenset({"newcomer"})
_PROVIDER: Signers = frozenset({"operator", "provider"})
_HOUSE: Signers = frozenset({"operator", "organiser"})


@dataclass(frozen=True, slots=True)
class HoldSeats(Body):
    """Seats kept for a buyer until a time; `hold` is an id of the seller's own. It ends by itself."""

    TYPE = "seat.hold"
    SIGNERS = _BOX_OFFICE
    hold: Digest
    tickets: Indexes
    until: Seconds


@dataclass(frozen=True, slots=True)
class ReleaseSeats(Body):
    """Seats of a hold that are free again."""

    TYPE = "seat.release"
    SIGNERS = _BOX_OFFICE
    hold: Digest
    tickets: Indexes


@dataclass(frozen=True, slots=True)
class Sale(Body):
    """An order, whole: `items` are [ticket, tier (0 = none), price]; `fee` is the e-ticket handling fee of all of them.

    `order` is the keyed hash of the order's number, once in an event. `hold` names the seat hold that it uses up, or
    is empty. `payment` is the provider's hold or capture (`commitments.order_reference`); empty if the ticketing system
    was paid, or nothing was to pay.
    """

    TYPE = "sale"
    SIGNERS = _BOX_OFFICE
    order: Digest
    items: Items
    eticket: Flag
    fee: Cents
    hold: DigestOrNone
    payment: Quoted


@dataclass(frozen=True, slots=True)
class Activation(Body):
    """That activation links went out: `items` are [ticket, salted hash of link and answer]. A later one replaces it."""

    TYPE = "activation"
    SIGNERS = _BOX_OFFICE
    items: Items


@dataclass(frozen=True, slots=True)
class AttestIdentity(Body):
    """A wallet provider's `attestation` about a holder's key, and the tickets that the key holds by now, if any.

    `proof` is the key's own signature over `possession.identity_message`.
    """

    TYPE = "identity.attest"
    SIGNERS = _PROVIDER
    tickets: IndexesOrNone
    attestation: Quoted
    proof: Proof = b""


@dataclass(frozen=True, slots=True)
class OfferTransfer(Body):
    """The holder offers the ticket to whoever has the secret whose `commitments.invitation` is `to`, until a time."""

    TYPE = "transfer.offer"
    SIGNERS = _HOLDER
    ticket: U32
    owner_seq: U16
    price: Cents
    to: Digest
    until: Seconds


@dataclass(frozen=True, slots=True)
class AcceptTransfer(Body):
    """Signed by the new holder's own key. `owner_seq` is the next one; `payment` is the provider's hold or capture
    (`commitments.deal_reference`), or empty for a price of 0.
    """

    TYPE = "transfer.accept"
    SIGNERS = _NEWCOMER
    ticket: U32
    deal: Digest
    owner_seq: U16
    secret: Digest
    payment: Quoted


@dataclass(frozen=True, slots=True)
class RejectTransfer(Body):
    """Says no, by the secret of the invitation; any key may sign."""

    TYPE = "transfer.reject"
    SIGNERS = _NEWCOMER
    ticket: U32
    deal: Digest
    secret: Digest


@dataclass(frozen=True, slots=True)
class CancelTransfer(Body):
    """The holder, or the desk for them, takes an offer back."""

    TYPE = "transfer.cancel"
    SIGNERS = _HOLDER_OR_DESK
    ticket: U32
    deal: Digest


@dataclass(frozen=True, slots=True)
class ExpireDeal(Body):
    """States that an offer or a listing has run out; it bound nobody since then."""

    TYPE = "transfer.expire"
    SIGNERS = _OPERATOR
    ticket: U32
    deal: Digest


@dataclass(frozen=True, slots=True)
class ListResale(Body):
    """The holder lists the ticket for anybody, until a time; `price` is what the buyer pays."""

    TYPE = "resale.list"
    SIGNERS = _HOLDER
    ticket: U32
    owner_seq: U16
    price: Cents
    until: Seconds


@dataclass(frozen=True, slots=True)
class BuyResale(Body):
    """Signed by the buyer's own new key; as `AcceptTransfer`, without a secret."""

    TYPE = "resale.buy"
    SIGNERS = _NEWCOMER
    ticket: U32
    deal: Digest
    owner_seq: U16
    payment: Quoted


@dataclass(frozen=True, slots=True)
class UnlistResale(Body):
    """The holder, or the desk for them, takes a listing back."""

    TYPE = "resale.unlist"
    SIGNERS = _HOLDER_OR_DESK
    ticket: U32
    deal: Digest


@dataclass(frozen=True, slots=True)
class CapturePayment(Body):
    """The provider took the money that it held: a `capture` receipt of a hold that an entry quoted."""

    TYPE = "payment.capture"
    SIGNERS = _PROVIDER
    receipt: Quoted


@dataclass(frozen=True, slots=True)
class ReleasePayment(Body):
    """A hold that an entry quoted came to nothing: a `release` receipt. The tickets are blocked."""

    TYPE = "payment.release"
    SIGNERS = _PROVIDER
    receipt: Quoted


@dataclass(frozen=True, slots=True)
class RefundTicket(Body):
    """Money back to the holder, at most what was paid: a `refund` receipt (`commitments.refund_reference`). Final."""

    TYPE = "ticket.refund"
    SIGNERS = _HOUSE
    ticket: U32
    receipt: Quoted


@dataclass(frozen=True, slots=True)
class AllotTickets(Body):
    """Unsold tickets that a sponsor may give away."""

    TYPE = "sponsor.allot"
    SIGNERS = _HOUSE
    sponsor: Name
    tickets: Indexes


@dataclass(frozen=True, slots=True)
class GrantTickets(Body):
    """A sponsor's guests: `items` are [ticket, salted hash of the activation link]."""

    TYPE = "sponsor.grant"
    SIGNERS = _SPONSOR
    items: Items


@dataclass(frozen=True, slots=True)
class RecallTickets(Body):
    """Tickets that no guest has claimed: by the sponsor, back to the allotment; by the house, back to the house."""

    TYPE = "sponsor.recall"
    SIGNERS = _RECALLING
    tickets: Indexes
