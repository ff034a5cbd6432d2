"""What the contract keeps of a ticket's life beside its row, and of the event around it: one class for each kind.

A `Fact` is known by kind, event and key, and is written as a canonical CBOR list of its other fields; so a state keeps
all kinds in one place, and the digest of the state covers all of them alike. What is over (a deal that was accepted, a
hold that was captured) is dropped: the log remembers it.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, Self

from ledger_node.contract.policy import TicketPolicy
from scanner.verify.manifest import EventManifest

Role = Literal["organiser", "ticketing", "provider", "sponsor"]
Place = Literal["house", "held", "sponsor", "person"]
Standing = Literal["open", "cancelled", "closed"]
DealKind = Literal["transfer", "resale"]
FactKey = int | str | bytes


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that the ledger knows of an event; the second field is its key, which `KEY` names."""

    KIND: ClassVar[str]
    KEY: ClassVar[str]
    event: str

    @property
    def key(self) -> FactKey:
        """What tells it from others of its kind in the event."""
        value: FactKey = getattr(self, self.KEY)
        return value

    def values(self) -> list[Any]:
        """All fields but event and key, as CBOR carries them."""
        return [_plain(getattr(self, item.name)) for item in fields(self)[2:]]

    @classmethod
    def of(cls, event: str, key: FactKey, values: list[Any]) -> Self:
        """From what `values` gave."""
        return cls(event, key, *(_tuples(item) for item in values))  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True)
class Actor(Fact):
    """An organisation with the key that it signs with by now; `revoked_at` None = trusted."""

    KIND = "actor"
    KEY = "actor"
    actor: str
    role: Role
    public_key: bytes
    registered_at: int
    revoked_at: int | None
    position: int


@dataclass(frozen=True, slots=True)
class ActorKey(Fact):
    """Whose key this is or was: a key has one actor for ever."""

    KIND = "actor-key"
    KEY = "public_key"
    public_key: bytes
    actor: str


@dataclass(frozen=True, slots=True)
class PolicyVersion(Fact):
    """A policy and the time it counts from."""

    KIND = "policy"
    KEY = "version"
    version: int
    effective: int
    policy: TicketPolicy
    position: int

    def values(self) -> list[Any]:
        """With the policy as a map."""
        return [self.effective, self.policy.to_map(), self.position]

    @classmethod
    def of(cls, event: str, key: FactKey, values: list[Any]) -> Self:
        """From what `values` gave."""
        policy = TicketPolicy.from_map(values[1])
        assert isinstance(policy, TicketPolicy), "it was read before it was kept"
        assert isinstance(key, int), "a version is a number"
        return cls(event, key, values[0], policy, values[2])


@dataclass(frozen=True, slots=True)
class Title(Fact):
    """Who has a ticket, without a name, and what binds it.

    place       "house" (unsold), "held" (for a buyer, until `until`), "sponsor", or "person" (a holder; without a key
                until they activate). A ticket without a title has place "person" if it holds a key, else "house".
    ref         the seat hold (held) or the order (person) it came by, or empty.
    sponsor     the sponsor whose allotment it is of, or "".
    commitment  salted hash of the activation link that went out, or empty.
    pseudonym   of the holder in this event, or empty; `level` is how well the provider knows them.
    transfers   changes of hands so far; `paid` is what a refund may give back at most, in cents.
    deal        the offer or listing that may still be accepted, or empty.
    payment     the reference of the provider's hold that is neither captured nor released, or "".
    changed     the log position of the last entry that changed it.
    """

    KIND = "title"
    KEY = "ticket"
    ticket: int
    place: Place = "house"
    ref: bytes = b""
    until: int = 0
    sponsor: str = ""
    commitment: bytes = b""
    pseudonym: bytes = b""
    level: int = 0
    transfers: int = 0
    paid: int = 0
    deal: bytes = b""
    payment: str = ""
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Deal(Fact):
    """An offer or a listing that may be accepted until `until`, under the policy version that it was made under."""

    KIND = "deal"
    KEY = "deal"
    deal: bytes
    kind: DealKind
    ticket: int
    owner_seq: int
    price: int
    to: bytes
    until: int
    policy: int
    position: int


@dataclass(frozen=True, slots=True)
class Order(Fact):
    """A sale that was logged: an order number counts once. `amount` is all of it, fee included."""

    KIND = "order"
    KEY = "order"
    order: bytes
    amount: int
    fee: int
    tickets: int
    position: int


@dataclass(frozen=True, slots=True)
class Payment(Fact):
    """Money that a provider holds for tickets that have moved, by the hold's reference, and how it is to be shared.

    seller + organiser + fees = amount; `shares` are the same by party, [party, cents], as a capture must have them.
    """

    KIND = "payment"
    KEY = "payment"
    payment: str
    provider: str
    tickets: tuple[int, ...]
    amount: int
    seller: int
    organiser: int
    fees: int
    shares: tuple[tuple[bytes, int], ...]
    position: int


@dataclass(frozen=True, slots=True)
class Identity(Fact):
    """What a wallet provider said of a holder's key at a time, and until when it counts."""

    KIND = "identity"
    KEY = "public_key"
    public_key: bytes
    pseudonym: bytes
    level: int
    until: int
    at: int
    position: int


@dataclass(frozen=True, slots=True)
class Holding(Fact):
    """How many tickets a pseudonym holds."""

    KIND = "holding"
    KEY = "pseudonym"
    pseudonym: bytes
    tickets: int


@dataclass(frozen=True, slots=True)
class Overridden(Fact):
    """A record that a supervisor decided about: once."""

    KIND = "override"
    KEY = "record"
    record: str
    position: int


@dataclass(frozen=True, slots=True)
class Books(Fact):
    """An event's standing and its money in cents; captured + outside = sellers + organiser + fees, at any moment.

    held = with providers and not captured yet; captured = by providers; outside = paid to the ticketing system;
    refunded = given back of all that.
    """

    KIND = "books"
    KEY = "name"
    name: str = "books"
    standing: Standing = "open"
    policy: int = 0
    allotted: int = 0
    orders: int = 0
    held: int = 0
    captured: int = 0
    outside: int = 0
    sellers: int = 0
    organiser: int = 0
    fees: int = 0
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class Ruleset(Fact):
    """The version of the rules that counts in an event; without one it is the first (`ruleset`)."""

    KIND = "ruleset"
    KEY = "name"
    name: str = "rules"
    version: int = 1


@dataclass(frozen=True, slots=True)
class LeasesBefore(Fact):
    """While an event's leases are paused: the manifest by which gates hold uses that have not heard of it, and the log
    position of the entry that paused them.
    """

    KIND = "leases-before"
    KEY = "name"
    name: str
    manifest: EventManifest
    since: int

    def values(self) -> list[Any]:
        """With the manifest as a map."""
        return [self.manifest.to_map(), self.since]

    @classmethod
    def of(cls, event: str, key: FactKey, values: list[Any]) -> Self:
        """From what `values` gave."""
        manifest = EventManifest.from_map(values[0])
        assert isinstance(manifest, EventManifest), "it was read before it was kept"
        return cls(event, str(key), manifest, values[1])


KINDS: dict[str, type[Fact]] = {
    kind.KIND: kind
    for kind in (
        Actor, ActorKey, PolicyVersion, Title, Deal, Order, Payment, Identity, Holding, Overridden, Books,
        Ruleset, LeasesBefore,
    )
}  # fmt: skip


def key_bytes(key: FactKey) -> bytes:
    """A key as a store sorts it: numbers by value, texts and bytes by their bytes."""
    if isinstance(key, int):
        return key.to_bytes(8, "big")
    return key.encode() if isinstance(key, str) else key


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
