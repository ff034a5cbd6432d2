"""Rules for leases: others come to hold the use of a ticket only when all that held it have given it up, or were
revoked.

A use moves by an entry that names the devices that gave it up. When the manifest changes who holds uses, they are
paused: from that version on no gate holds any, and the version that ends the pause names all devices that heard of it.
That each of them did is the operator's word; that none is left out is checked here.
"""

from collections.abc import Collection, Iterable

from ledger_node.contract.bodies_house import MoveLeases
from ledger_node.contract.facts import LeasesBefore
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.ruleset import LEASES, rules_of
from ledger_node.contract.state import Device, EventState, Facts, State, Ticket
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.leases import leased_by, leases_otherwise
from scanner.verify.manifest import EventManifest

BEFORE = "before"
_MOST_PLACES = 255


def move(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """lease.move: for all the tickets or none."""
    act, event = MoveLeases.of(entry), state.event(entry.event)
    if event is None:
        return Rejected(Refusal.UNKNOWN_EVENT, entry.event)
    if event.manifest.leases_paused:
        return Rejected(Refusal.LEASES_PAUSED, entry.event)
    to = _place_of(event.manifest, act)
    if isinstance(to, Rejected):
        return to
    tickets = [(index, state.ticket(entry.event, index)) for index in act.tickets]
    known = [ticket for _, ticket in tickets if ticket is not None]
    if len(known) < len(tickets):
        missing = next(index for index, ticket in tickets if ticket is None)
        return Rejected(Refusal.UNKNOWN_TICKET, f"ticket {missing}")
    refused = refuse_useless(event.manifest, known, act.gate, act.gate_group)
    refused = refused or refuse_held(state, event, known, act.given)
    if refused is not None:
        return refused
    for ticket in known:
        state.put_ticket(but(ticket, row=ticket.row._replace(lease=to), changed=position))
    return None


def refuse_useless(manifest: EventManifest, tickets: Iterable[Ticket], gate: str, gate_group: int) -> Rejected | None:
    """Why a gate, or a gate group, is not to hold the uses of these tickets: one of them does not enter there."""
    group = manifest.group(gate_group)
    groups = {number for one in (group.gates if group else (gate,)) for number in manifest.groups_of(one)}
    shut = next((one.row for one in tickets if one.row.gate_group and one.row.gate_group not in groups), None)
    return Rejected(Refusal.LEASE_OF_NO_USE, f"ticket {shut.ticket}, of gate group {shut.gate_group}") if shut else None


def refuse_held(state: Facts, event: EventState, tickets: Iterable[Ticket], given: Collection[str]) -> Rejected | None:
    """Why these tickets' uses cannot be others' now: devices that may hold one of them, and are not in `given`."""
    before = state.find(LeasesBefore, event.manifest.event, BEFORE)
    manifest = before.manifest if before else event.manifest
    gates = {gate for ticket in tickets for gate in holders(ticket, manifest, event.manifest)}
    held = [
        one for one in in_service(state.devices(event.manifest.event)) if one.gate in gates and one.device not in given
    ]
    return Rejected(Refusal.LEASE_HELD, _named(held)) if held else None


def refuse_regrouped(
    state: State, event: EventState, ticket: Ticket, gate_group: int, given: Collection[str]
) -> Rejected | None:
    """Why the ticket cannot come to another gate group now, where other gates hold its use."""
    same = gate_group == ticket.row.gate_group
    if same or rules_of(state, ticket.event) < LEASES:
        return None
    return refuse_held(state, event, [ticket], given)


def refuse_update(state: Facts, old: EventManifest, new: EventManifest, heard: Collection[str]) -> Rejected | None:
    """Why the next version of the manifest cannot count now, for who may hold uses by the one before."""
    if not old.leases_paused:
        changes = leases_otherwise(old, new) and not new.leases_paused
        held = in_service(state.devices(old.event)) if changes else []
        return Rejected(Refusal.LEASES_IN_FORCE, _named(held)) if held else None
    before = state.find(LeasesBefore, old.event, BEFORE)
    if new.leases_paused or before is None:
        return None
    unheard = [
        one for one in in_service(state.devices(old.event)) if one.position < before.since and one.device not in heard
    ]
    return Rejected(Refusal.LEASES_UNHEARD, _named(unheard)) if unheard else None


def keep_up(state: State, position: int, old: EventManifest, new: EventManifest) -> None:
    """What the new version means for leases: begin and end of their pause, and where those are that were moved."""
    before = state.find(LeasesBefore, old.event, BEFORE)
    if new.leases_paused and not old.leases_paused:
        state.put(LeasesBefore(old.event, BEFORE, old, position))
    elif before is not None and not new.leases_paused:
        state.drop(LeasesBefore, old.event, BEFORE)
    # While they are paused, a moved use is still where it was, for gates that have not heard of the pause.
    kind = (before.manifest if before else old).policy.lease
    ends = kind != new.policy.lease and not new.leases_paused
    if not ends and (kind != "gate" or old.gates() == new.gates()):
        return
    for ticket in list(state.moved_leases(old.event)):
        lease = 0 if ends else _place_again(ticket.row.lease, old.gates(), new.gates())
        if lease != ticket.row.lease:
            state.put_ticket(but(ticket, row=ticket.row._replace(lease=lease), changed=position))


def holders(ticket: Ticket, manifest: EventManifest, newest: EventManifest) -> list[str]:
    """The gates that hold the use by this manifest, which may be of before: a use that was moved to a gate is known by
    its place in the newest.
    """
    row = ticket.row
    if row.lease and manifest.policy.lease == "gate":
        return newest.gates()[row.lease - 1 : row.lease]
    return leased_by(row.ticket, row.gate_group, row.lease, manifest)


def in_service(devices: Iterable[Device]) -> list[Device]:
    """Those of an event's devices that were not revoked: each may hold uses, also one that lies in a drawer."""
    return [device for device in devices if device.revoked_at is None]


def _place_of(manifest: EventManifest, act: MoveLeases) -> int | Rejected:
    """Where the uses go, as a row carries it."""
    gates = manifest.gates()
    if manifest.policy.lease == "gate":
        if act.gate_group or act.gate not in gates[:_MOST_PLACES]:
            return Rejected(Refusal.UNKNOWN_GATE, act.gate or f"group {act.gate_group}")
        return gates.index(act.gate) + 1
    if act.gate or manifest.group(act.gate_group) is None:
        return Rejected(Refusal.UNKNOWN_GATE_GROUP, act.gate or f"group {act.gate_group}")
    return act.gate_group


def _place_again(lease: int, old: list[str], new: list[str]) -> int:
    """A gate's place in the new list, 0 if it is gone: then none of its devices is in service."""
    gate = old[lease - 1]
    return new.index(gate) + 1 if gate in new[:_MOST_PLACES] else 0


def _named(devices: Iterable[Device]) -> str:
    return ", ".join(f"{one.device} at {one.gate}" for one in devices)
