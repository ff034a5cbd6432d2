"""What the wallet's JSON looks like, both ways. Amounts are cents, times unix seconds unless they end in _ms."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ledger_node.web.account_models import HolderKey
from ledger_node.web.schemas import EventFacts, Hex, Uint


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Held(_Strict):
    """The public key that the wallet has for the ticket."""

    holder_key: HolderKey


class ProviderFacts(_Strict):
    """Whom payments go through. `consent` takes event, purpose, most, also and back; docs/adapters.md says more."""

    name: str
    consent: str


class BoxOffice(_Strict):
    """Where holders reach it: a link that starts with https:, mailto: or tel:, or nothing."""

    contact: str


class WalletEvent(EventFacts):
    """An event, how many seconds a code is shown, and whether the venue's beacon must be in it."""

    step: Uint
    beacon_required: bool


class Entered(_Strict):
    """The admission that used the ticket."""

    gate: str
    time_ms: Uint


class OpenDeal(_Strict):
    """What the holder has offered or listed, and nobody has taken yet."""

    deal: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    kind: Literal["transfer", "resale"]
    price: Uint
    until: Uint


class AsksGiver(_Strict):
    """Whether a rule of the event looks at how well the provider knows whoever gives or sells."""

    transfer: bool
    resale: bool


class Terms(_Strict):
    """What the event's policy says by now about passing the ticket on: `freezes` is when that ends, `transfers_left`
    how often it may still be done.
    """

    currency: str
    most_transfer: Uint
    most_resale: Uint
    send_level: Uint
    asks_giver: AsksGiver
    transfers_left: Uint
    opens: Uint
    freezes: Uint


class HeldTicket(_Strict):
    """A ticket as its holder's phone keeps it."""

    event: WalletEvent
    ticket: Uint
    owner_seq: Uint
    state: Literal["active", "cancelled", "refunded", "blocked"]
    seat: Uint
    category: Uint
    gate_group: Uint
    flags: Uint
    face_value: Uint
    entered: Entered | None
    deal: OpenDeal | None
    identified: bool
    level: Uint
    terms: Terms
    certificate: Hex | None
    ledger_signature: Hex | None
    time_ms: Uint
