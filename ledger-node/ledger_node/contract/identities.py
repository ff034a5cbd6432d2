"""Rules for identity without names: what a wallet provider attests of a holder's key, and how many tickets a pseudonym
holds. A pseudonym is good for one event, so nobody can follow a person from one to another.
"""

from ledger_node.contract.actors import actor_in_role
from ledger_node.contract.bodies_market import AttestIdentity
from ledger_node.contract.facts import Holding, Identity
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.policy import NO_LIMIT, TicketPolicy
from ledger_node.contract.provider import Attestation, open_receipt, signed_by
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.ruleset import refuse_unproven
from ledger_node.contract.scene import Seen, look_up, open_scene, policy_at
from ledger_node.contract.state import Finder, State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.gatecode import event_hash
from scanner.verify.keys import valid_public_key
from scanner.verify.possession import identity_message


def attest(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """identity.attest: of a key that is to receive a ticket, or of the tickets that it holds, all or none. The key says
    so itself: a provider knows who asked, not whose the key is.
    """
    act = AttestIdentity.of(entry)
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    said = _read(state, entry.event, act.attestation, at)
    if isinstance(said, Rejected):
        return said
    message = identity_message(event_hash(entry.event), said.key, said.reference)
    unproven = refuse_unproven(state, entry, said.key, message)
    if unproven:
        return unproven
    known = state.find(Identity, entry.event, said.key)
    if known is not None and (known.pseudonym != said.subject or said.at < known.at):
        return Rejected(Refusal.IDENTITY_DIFFERS)
    held = _held(state, entry.event, act, said)
    if isinstance(held, Rejected):
        return held
    more = sum(not seen.title.pseudonym for seen in held)
    if over_limit(state, entry.event, policy_at(state, scene, at), said.subject, more):
        return Rejected(Refusal.TOO_MANY_TICKETS)
    state.put(Identity(entry.event, said.key, said.subject, said.level, said.until, said.at, position))
    count_in(state, entry.event, said.subject, more)
    for seen in held:
        state.put(but(seen.title, pseudonym=said.subject, level=said.level, changed=position))
    return None


def over_limit(state: Finder, event: str, policy: TicketPolicy, pseudonym: bytes, more: int) -> bool:
    """Whether `more` tickets would be too many in these hands."""
    held = state.find(Holding, event, pseudonym)
    return more > 0 and (held.tickets if held else 0) + more > policy.most_tickets


def receiver_refused(
    state: Finder, event: str, policy: TicketPolicy, giver: bytes, receiver: Identity | None, at: int
) -> Rejected | None:
    """Why the policy does not let this person have one more ticket, or None."""
    if receiver is None or receiver.until <= at or receiver.level < policy.receive_level:
        needed = policy.receive_level > 0 or policy.most_tickets < NO_LIMIT
        return Rejected(Refusal.IDENTITY_NEEDED, f"level {policy.receive_level} to receive") if needed else None
    more = int(receiver.pseudonym != giver)
    if over_limit(state, event, policy, receiver.pseudonym, more):
        return Rejected(Refusal.TOO_MANY_TICKETS, f"at most {policy.most_tickets}")
    return None


def count_in(state: State, event: str, pseudonym: bytes, tickets: int = 1) -> None:
    """More tickets in these hands."""
    if pseudonym and tickets:
        held = state.find(Holding, event, pseudonym)
        state.put(Holding(event, pseudonym, (held.tickets if held else 0) + tickets))


def count_out(state: State, event: str, pseudonym: bytes) -> None:
    """One ticket less in these hands."""
    held = state.find(Holding, event, pseudonym) if pseudonym else None
    if held is None:
        return
    if held.tickets == 1:
        state.drop(Holding, event, pseudonym)
    else:
        state.put(but(held, tickets=held.tickets - 1))


def _read(state: State, event: str, raw: bytes, at: int) -> Attestation | Rejected:
    said = open_receipt(raw)
    if not isinstance(said, Attestation) or said.event != event or said.until <= at:
        return Rejected(Refusal.BAD_ATTESTATION)
    provider = actor_in_role(state, event, said.provider, "provider")
    if provider is None or not signed_by(said, provider.public_key):
        return Rejected(Refusal.BAD_ATTESTATION, f"not signed by provider {said.provider}")
    return said if valid_public_key(said.key) else Rejected(Refusal.BAD_KEY)


def _held(state: State, event: str, act: AttestIdentity, said: Attestation) -> list[Seen] | Rejected:
    found: list[Seen] = []
    for index in act.tickets:
        seen = look_up(state, event, index)
        if isinstance(seen, Rejected):
            return seen
        if seen.title.place != "person" or seen.ticket.row.holder_key != said.key:
            return Rejected(Refusal.NO_HOLDER, f"{seen.label}: another key")
        if seen.title.pseudonym not in {b"", said.subject}:
            return Rejected(Refusal.IDENTITY_DIFFERS, seen.label)
        found.append(seen)
    return found
