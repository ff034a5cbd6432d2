"""The bodies of what the house says: actors, policies, an event's course, seats, and what a gate says besides records.

Each class gives its type, its fields, and who may sign it. Times are unix seconds.
"""

from dataclasses import dataclass

from ledger_node.contract.body import Body, Signers
from ledger_node.contract.shape import (
    U8,
    U16,
    U32,
    Counter,
    GroupNumber,
    Indexes,
    Items,
    Map,
    Name,
    Names,
    NamesOrNone,
    PublicKey,
    Seconds,
    Text,
)

_OPERATOR: Signers = frozenset({"operator"})
_HOUSE: Signers = frozenset({"operator", "organiser"})
_GATE: Signers = frozenset({"operator", "device"})


@dataclass(frozen=True, slots=True)
class RegisterActor(Body):
    """A key that speaks for an organisation in this event; `role` is organiser, ticketing, provider or sponsor."""

    TYPE = "actor.register"
    SIGNERS = _OPERATOR
    actor: Name
    role: Text
    public_key: PublicKey


@dataclass(frozen=True, slots=True)
class RevokeActor(Body):
    """Ends an actor's key for good; the same actor may come back with another key."""

    TYPE = "actor.revoke"
    SIGNERS = _OPERATOR
    actor: Name
    reason: Text


@dataclass(frozen=True, slots=True)
class SetPolicy(Body):
    """The event's policy from `effective` on; `policy` is `TicketPolicy.to_map()`, `version` counts up from 1."""

    TYPE = "policy.set"
    SIGNERS = _HOUSE
    version: U32
    effective: Seconds
    policy: Map


@dataclass(frozen=True, slots=True)
class PostponeEvent(Body):
    """New times of the doors and the start; they become the manifest's, in its next version."""

    TYPE = "event.postpone"
    SIGNERS = _HOUSE
    doors: U32
    starts: U32
    reason: Text


@dataclass(frozen=True, slots=True)
class CancelEvent(Body):
    """The event does not take place: nothing is sold, passed on or admitted from here on; refunds are."""

    TYPE = "event.cancel"
    SIGNERS = _HOUSE
    reason: Text


@dataclass(frozen=True, slots=True)
class CloseEvent(Body):
    """The event is over: nothing is sold or passed on from here on; late records of gates still count."""

    TYPE = "event.close"
    SIGNERS = _HOUSE
    reason: Text


@dataclass(frozen=True, slots=True)
class RotateKeys(Body):
    """The certificate keys from here on, [[kid, public key, retired], ...]; one that is left out is revoked. A new
    number is above all before; the highest stays, retired or not.
    """

    TYPE = "key.rotate"
    SIGNERS = _OPERATOR
    keys: Items


@dataclass(frozen=True, slots=True)
class ChangeSeat(Body):
    """Another seat for a ticket: `owner_seq` is the next one, so that the old code is good for nothing.

    In another gate group other gates hold its use: the devices in `given` held it, and have given it up durably.
    """

    TYPE = "ticket.seat"
    SIGNERS = _HOUSE
    ticket: U32
    seat: U32
    category: U8
    gate_group: U8
    owner_seq: U16
    given: Names = ()


@dataclass(frozen=True, slots=True)
class MoveLeases(Body):
    """The uses of tickets are leased to the gates of another gate group; under `lease = "gate"`, to another gate.

    The devices in `given` held them, and have given them up durably.
    """

    TYPE = "lease.move"
    SIGNERS = _OPERATOR
    tickets: Indexes
    given: NamesOrNone
    reason: Text
    gate: Text = ""
    gate_group: GroupNumber = 0


@dataclass(frozen=True, slots=True)
class SetFlags(Body):
    """The flags of tickets, as a gate knows them: 1 = check identity, 2 = may leave and enter again."""

    TYPE = "ticket.flags"
    SIGNERS = _HOUSE
    tickets: Indexes
    flags: U8


@dataclass(frozen=True, slots=True)
class Exit(Body):
    """The holder left by a gate that lets people back: the use that this admission holds is free again."""

    TYPE = "ticket.exit"
    SIGNERS = _GATE
    ticket: U32
    device: Name
    counter: Counter


@dataclass(frozen=True, slots=True)
class Override(Body):
    """A supervisor let somebody in on a record that did not admit; `reason` says why. One for each record."""

    TYPE = "override"
    SIGNERS = _GATE
    ticket: U32
    device: Name
    counter: Counter
    reason: Text
