"""Rules for who may speak: organisations registered by key with the operator as the root of trust, and the check that
an entry is signed by one who may. A holder's right to a ticket is for the rule that looks the ticket up.
"""

from typing import cast, get_args

from ledger_node.contract.bodies_house import RegisterActor, RevokeActor
from ledger_node.contract.body import Signers
from ledger_node.contract.facts import Actor, ActorKey, Role
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.state import State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.keys import valid_public_key

_ANY_KEY: Signers = frozenset({"holder", "newcomer"})


def may_sign(state: State, entry: Entry, signers: Signers) -> bool:
    """Whether the entry's actor is among those who may make it, as far as keys tell."""
    if entry.actor == state.operator:
        return "operator" in signers
    if signers & _ANY_KEY:
        return True
    if "device" in signers:
        device = state.device_by_key(entry.actor)
        return device is not None and device.event == entry.event and device.revoked_at is None
    actor = actor_by_key(state, entry.event, entry.actor)
    return actor is not None and actor.role in signers


def actor_by_key(state: State, event: str, public_key: bytes) -> Actor | None:
    """The trusted actor who signs with this key now, or None."""
    owner = state.find(ActorKey, event, public_key)
    actor = state.find(Actor, event, owner.actor) if owner else None
    return actor if actor and actor.public_key == public_key and actor.revoked_at is None else None


def actor_in_role(state: State, event: str, name: str, role: Role) -> Actor | None:
    """The trusted actor with this id, if the role is theirs; or None."""
    actor = state.find(Actor, event, name)
    return actor if actor and actor.role == role and actor.revoked_at is None else None


def known_key(state: State, event: str, public_key: bytes) -> bool:
    """Whether the key is the operator's, an actor's or a device's, so that no holder can bring it."""
    if public_key == state.operator or state.find(ActorKey, event, public_key) is not None:
        return True
    return state.device_by_key(public_key) is not None


def register(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """actor.register: a key that the event has never seen, for a new actor or for one whose key was revoked."""
    act = RegisterActor.of(entry)
    if state.event(entry.event) is None:
        return Rejected(Refusal.UNKNOWN_EVENT, entry.event)
    if act.role not in get_args(Role):
        return Rejected(Refusal.MALFORMED_BODY, f"role is one of {', '.join(get_args(Role))}")
    if not valid_public_key(act.public_key):
        return Rejected(Refusal.BAD_KEY, act.actor)
    before = state.find(Actor, entry.event, act.actor)
    if before is not None and (before.revoked_at is None or before.role != act.role):
        return Rejected(Refusal.ACTOR_EXISTS, act.actor)
    if known_key(state, entry.event, act.public_key):
        return Rejected(Refusal.ACTOR_EXISTS, act.actor)
    role = cast("Role", act.role)
    state.put(Actor(entry.event, act.actor, role, act.public_key, at, None, position))
    state.put(ActorKey(entry.event, act.public_key, act.actor))
    return None


def revoke(state: State, _position: int, entry: Entry, at: int) -> Rejected | None:
    """actor.revoke: from here on the key signs nothing."""
    act = RevokeActor.of(entry)
    actor = state.find(Actor, entry.event, act.actor)
    if actor is None or actor.revoked_at is not None:
        return Rejected(Refusal.UNKNOWN_ACTOR, act.actor)
    state.put(but(actor, revoked_at=at))
    return None
