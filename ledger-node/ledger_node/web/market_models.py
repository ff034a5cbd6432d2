"""What the market's JSON looks like, both ways. Amounts are cents, times unix seconds, bytes hex in small letters."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ledger_node.web.account_models import Text
from ledger_node.web.schemas import Hex, Uint

Bytes32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Proof = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]
Authorisation = Annotated[
    str, Field(pattern=r"^[!-~]{1,128}$", description="What the wallet provider gave its customer")
]
Raw = Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$", max_length=2 * 65_535, description="A signed entry")]
Ticket = Annotated[int, Field(ge=0, le=2**32 - 1)]
Tier = Annotated[int, Field(ge=0, le=255)]


def _distinct(tickets: list[int]) -> list[int]:
    if len(set(tickets)) < len(tickets):
        raise ValueError("a ticket stands there twice")
    return tickets


Tickets = Annotated[list[Ticket], Field(max_length=500), AfterValidator(_distinct)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Keeping(_Strict):
    """Seats to be kept; tier 0 = the cheapest that is open."""

    tickets: Tickets
    tier: Tier = 0


class Line(_Strict):
    """A ticket and its price."""

    ticket: Ticket
    tier: Tier
    price: Uint


class Kept(_Strict):
    """Seats that are kept until `until` for whoever has `hold`; `fee` is what the e-ticket option adds."""

    hold: str
    until: Uint
    tickets: list[Line]
    fee: Uint
    currency: str


class Paying(_Strict):
    """Who pays (by the provider's name for them in this event), and where the activation link goes."""

    payer: Bytes32 | None = None
    authorisation: Authorisation | None = None
    phone: Text | None = None
    email: Text | None = None
    eticket: bool = True
    tier: Tier = 0


class Sold(_Strict):
    """`number` is what the buyer is asked for when they activate; `order` is what the ledger calls it."""

    number: str
    order: Bytes32
    position: Uint
    amount: Uint
    tickets: list[Ticket]


class Seat(_Strict):
    """A ticket as a seat plan shows it."""

    ticket: Ticket
    seat: Uint
    category: Tier
    face_value: Uint
    free: bool


class FeedOrder(_Strict):
    """An order of the ticketing system; with the e-ticket option a phone or an e-mail."""

    number: str
    event: str
    tickets: list[Ticket] = []
    seats: list[Uint] = []
    eticket: bool
    price_cents: Uint
    fee_cents: Uint = 0
    phone: str = ""
    email: str = ""


class Feed(_Strict):
    """Orders; one by itself may also be the whole body."""

    orders: Annotated[list[FeedOrder], Field(min_length=1, max_length=1_000)]


class Fault(_Strict):
    """A bad order: its place in the delivery, from 1, its number (null where that cannot be read), and why."""

    line: Uint
    number: str | None
    reason: str


class TakenIn(_Strict):
    """What became of a delivery's orders."""

    sold: Uint
    known: Uint
    bad: Uint
    faults: list[Fault]


class Offering(_Strict):
    """A signed transfer.offer; with `secret` and an address the node writes to the recipient."""

    entry: Raw
    secret: Bytes32 | None = None
    phone: Text | None = None
    email: Text | None = None


class Opened(_Strict):
    """An offer or a listing on the ledger: `deal` is its id, the SHA-256 of the entry."""

    deal: Bytes32
    position: Uint


class DealFacts(_Strict):
    """An open offer or listing. `identity`: the provider must attest who takes it, to `level` at least."""

    deal: Bytes32
    ticket: Ticket
    owner_seq: Uint
    price: Uint
    until: Uint
    currency: str
    identity: bool
    level: Uint


class Listed(DealFacts):
    """A listing, with who gets what of its price."""

    seat: Uint
    category: Tier
    face_value: Uint
    seller: Uint
    organiser: Uint
    fees: Uint


class Checkout(_Strict):
    """The ticket's next key, whose money, an offer's secret. `identify` is an authorisation to say who it is, with the
    key's proof as `Identifying` describes it.
    """

    key: Bytes32
    secret: Bytes32 | None = None
    payer: Bytes32 | None = None
    authorisation: Authorisation | None = None
    identify: Authorisation | None = None
    identify_proof: Proof | None = None


class Ready(_Strict):
    """The entry that is to be signed: `message` is what the key signs, and signature | `payload` is what to send."""

    owner_seq: Uint
    payment: Hex
    payload: Hex
    message: Hex
    sign_by: Uint


class Logged(_Strict):
    """Where an entry stands in the log, and from when it counts."""

    position: Uint
    at: Uint


class Identifying(_Strict):
    """An attestation that a provider gave, or the authorisation to ask for one; and the tickets that the key holds.

    `proof`: the key's signature over "ticketme/v1/possession/identity" 0x00 | SHA-256(event) | key | reference; asked
    with an authorisation, the reference is "id-" and 48 hex digits of SHA-256(event 0x00 authorisation 0x00 | key).
    """

    attestation: Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$", max_length=4_000)] | None = None
    key: Bytes32 | None = None
    authorisation: Authorisation | None = None
    proof: Proof | None = None
    level: Annotated[int, Field(ge=0, le=9)] = 0
    tickets: Tickets = []


class GuestOf(_Strict):
    """Whom a sponsor invites: phone and e-mail, and is then asked for the one that the letter does not go to; or one of
    them, with a question and its answer.
    """

    phone: Text | None = None
    email: Text | None = None
    question: Text = ""
    answer: Text = ""


class Inviting(_Strict):
    """An audience."""

    guests: Annotated[list[GuestOf], Field(min_length=1, max_length=200)]


class Recalling(_Strict):
    """Unclaimed tickets; none named = all."""

    tickets: Tickets = []


class TicketList(_Strict):
    """Tickets that were given, or taken back."""

    tickets: list[Ticket]


class SponsorFacts(_Strict):
    """A sponsor's tickets."""

    sponsor: str
    free: list[Ticket]
    unclaimed: list[Ticket]
    claimed: list[Ticket]


class Refunding(_Strict):
    """Tickets whose money is to go back; with `keep_fees` the service keeps its fee."""

    tickets: Annotated[list[Ticket], Field(min_length=1, max_length=50), AfterValidator(_distinct)]
    keep_fees: bool = False


class RefundFacts(_Strict):
    """What became of a ticket: "refunded", "box-office" (whoever sold `order` gives it back), "ended" or "refused"."""

    ticket: Ticket
    ending: Literal["refunded", "box-office", "ended", "refused"]
    amount: Uint
    position: Uint | None
    order: Hex
    number: str
    seat: Uint
    detail: str


class Finding(_Strict):
    """An order's number, however it is spelt, or one of its tickets."""

    number: Text | None = None
    ticket: Ticket | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Finding":
        if (self.number is None) == (self.ticket is None):
            raise ValueError("say number or ticket, one of them")
        return self


class FoundTicket(_Strict):
    """A ticket of an order; seat 0 = a place without a number."""

    ticket: Ticket
    seat: Uint
    category: Uint
    state: str
    activated: bool
    entered: bool


class FoundOrder(_Strict):
    """An order as the help desk sees it. `number` is empty where it is not kept: of orders without e-tickets."""

    event: str
    number: str
    order: Hex
    position: Uint
    amount: Uint
    fee: Uint
    tickets: list[FoundTicket]
    links: list[dict[str, Any]]
