"""Leases as the node keeps them: which devices may hold a use, moving uses between gates, and the end of a pause.

A gate that is cut off goes by the list that it has. So a device may hold what any list leases to it by which it may
still go: the newest, or, while leases are paused, that of before until the node has heard that it goes by a later one
and has nothing to send any more. Nothing of this is kept on disk: what is not known of a device counts as not heard.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from ledger_node.contract.bodies_house import MoveLeases
from ledger_node.contract.facts import LeasesBefore
from ledger_node.contract.leases import BEFORE, holders, in_service, refuse_useless
from ledger_node.contract.state import Device, EventState, Ticket
from ledger_node.log.ledger import View
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import list_events, next_version, with_leases
from ledger_node.services.node import Node
from scanner.verify.leases import lease_holders
from scanner.verify.manifest import EventManifest
from scanner.verify.row import ACTIVE

AT_ONCE = 50
"""Tickets that are called back from a gate in one question, so that a claim's ticket still fits beside them."""
_AN_ENTRY = 5_000
WAIT = 2.0
"""Seconds for a gate to give up AT_ONCE uses."""
log = structlog.get_logger("leases")

Recall = Callable[[Sequence[Device], Sequence[int], float], Mapping[str, frozenset[int]]]
"""(devices, tickets, seconds) -> what each device gave up, durably, in that time; none for one that does not listen."""


@dataclass(frozen=True, slots=True)
class Move:
    """Uses to move: those of `tickets`, or all that are leased to `source`. Gates under `lease = "gate"`, else numbers
    of gate groups.
    """

    event: str
    to: str
    reason: str
    source: str = ""
    tickets: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """The devices that must give up the use of each ticket, and the gate or the gate group that it then goes to."""

    wanted: Mapping[int, Sequence[Device]]
    to: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of it: `kept` are tickets whose use a gate has spent, is about to, or did not give up in time."""

    tickets: tuple[int, ...]
    kept: tuple[int, ...]


def may_hold(view: View, event: EventState, ticket: Ticket, heard: Mapping[str, int]) -> list[Device]:
    """The devices that may spend this ticket's use alone; `heard`: see `Node.heard`."""
    before = _before(view, event)
    if before is None:
        gates = set(_leased(event.manifest, ticket))
        return [one for one in in_service(view.devices(ticket.event)) if one.gate in gates]
    gates = set(holders(ticket, before.manifest, event.manifest))
    if before.manifest.policy.offline == "admit-marked":
        gates = set(before.manifest.gates())
    return [one for one in _unheard(view, before, heard) if one.gate in gates]


def to_ask(view: View, event: EventState, ticket: Ticket, heard: Mapping[str, int], claims: Device) -> list[Device]:
    """The devices that must have given the ticket's use up before this one is granted it: none if it holds the use."""
    before = _before(view, event)
    if before is None:
        gates = _leased(event.manifest, ticket)
    else:
        unheard = claims in _unheard(view, before, heard)
        gates = holders(ticket, before.manifest, event.manifest) if unheard else []
    if claims.gate in gates:
        return []
    return [one for one in may_hold(view, event, ticket, heard) if one.device != claims.device]


def not_heard(node: Node, view: View, event: str) -> list[Device]:
    """The devices for which the event's leases are still paused; none if they are not."""
    before = view.find(LeasesBefore, event, BEFORE)
    return _unheard(view, before, node.heard) if before else []


def resume(node: Node) -> int:
    """End the pause of leases where all devices have heard of it; in how many events. Raises ServiceError."""
    paused = [state.manifest for state in list_events(node) if state.manifest.leases_paused]
    return sum(_resume(node, manifest) for manifest in paused)


def _resume(node: Node, manifest: EventManifest) -> bool:
    with node.view() as view:
        if not_heard(node, view, manifest.event):
            return False
        heard = [one.device for one in in_service(view.devices(manifest.event))]
    node.commit(next_version(node, manifest.event, lambda before: with_leases(before, paused=False), heard))
    log.info("leases resumed", show=manifest.event, heard=len(heard))
    return True


def move(node: Node, order: Move) -> Moved:
    """Have the uses given up by all that may hold them, then lease them to where the order says. Raises ServiceError
    with what to do if none can be moved.
    """
    # One after the other: the entry names all who gave up some of its tickets, so none of them may be given to a new
    # holder meanwhile.
    with node.leasing:
        plan = planned(node, order)
        return carry_out(node, order, plan, _called_back(node, plan.wanted))


def planned(node: Node, order: Move) -> Plan:
    """What has to be given up for it. Raises ServiceError."""
    with node.view() as view:
        event = node.event(view, order.event)
        if event.manifest.leases_paused:
            raise _paused(not_heard(node, view, order.event))
        to = _target(event.manifest, order.to)
        chosen = _elsewhere(event.manifest, _chosen(view, event, order), to)
        useless = refuse_useless(event.manifest, chosen, *to)
        if useless is not None:
            raise ServiceError.of(useless)
        return Plan({one.row.ticket: may_hold(view, event, one, node.heard) for one in chosen}, to)


def carry_out(node: Node, order: Move, plan: Plan, given: Mapping[str, Collection[int]]) -> Moved:
    """Move what was given up by every device that may hold it. Raises ServiceError if that is nothing."""
    moved = [ticket for ticket, devices in plan.wanted.items() if all(ticket in given[one.device] for one in devices)]
    if not moved:
        raise _kept(plan.wanted, given)
    for first in range(0, len(moved), _AN_ENTRY):
        body = MoveLeases(moved[first : first + _AN_ENTRY], sorted(given), order.reason, *plan.to)
        node.commit_new(body.seal(order.event, node.seconds, node.keys.node, node.nonce()))
    return Moved(tuple(moved), tuple(sorted(plan.wanted.keys() - set(moved))))


def standing(node: Node, event: str) -> dict[str, object]:
    """How many uses hang on which gate, and whether its devices listen: as JSON has it. Raises ServiceError."""
    with node.view() as view:
        state = node.event(view, event)
        counts = Counter(gate for one in _free(view, event) for gate in _leased(state.manifest, one))
        devices, waits = in_service(view.devices(event)), not_heard(node, view, event)
    listening = node.listening()
    gates = [
        {
            "gate": gate,
            "tickets": counts[gate],
            "devices": [one.device for one in devices if one.gate == gate],
            "away": [one.device for one in devices if one.gate == gate and one.device not in listening],
        }
        for gate in state.manifest.gates()
    ]
    paused = state.manifest.leases_paused
    return {"event": event, "paused": paused, "waits_for": [one.device for one in waits], "gates": gates}


def _before(view: View, event: EventState) -> LeasesBefore | None:
    return view.find(LeasesBefore, event.manifest.event, BEFORE) if event.manifest.leases_paused else None


def _unheard(view: View, before: LeasesBefore, heard: Mapping[str, int]) -> list[Device]:
    devices = (one for one in in_service(view.devices(before.event)) if one.position < before.since)
    return [one for one in devices if heard.get(one.device, 0) <= before.since]


def _free(view: View, event: str) -> Iterator[Ticket]:
    return (one for one in view.tickets(event) if one.row.state == ACTIVE and one.used_by is None)


def _leased(manifest: EventManifest, ticket: Ticket) -> list[str]:
    return lease_holders(ticket.row.ticket, ticket.row.gate_group, ticket.row.lease, manifest)


def _chosen(view: View, event: EventState, order: Move) -> list[Ticket]:
    manifest = event.manifest
    source: list[str] = []
    if order.source:
        gate, number = _target(manifest, order.source)
        group = manifest.group(number)
        source = sorted(group.gates) if group else [gate]
    found = [
        one
        for one in _free(view, order.event)
        if one.row.ticket in order.tickets or (source and _leased(manifest, one) == source)
    ]
    missing = sorted(set(order.tickets) - {one.row.ticket for one in found})
    if missing:
        named = ", ".join(map(str, missing[:5]))
        raise ServiceError("no-tickets", f"not there, or used, or not good: ticket {named}; nothing was moved", 404)
    if not found:
        raise ServiceError("no-tickets", "none of these tickets is there and not used: `leases show` counts them", 404)
    return found


def _elsewhere(manifest: EventManifest, tickets: list[Ticket], to: tuple[str, int]) -> list[Ticket]:
    """Those that are not leased there already: a gate that gave up its own use would not get it back."""
    gate, number = to
    group = manifest.group(number)
    there = sorted(group.gates) if group else [gate]
    found = [one for one in tickets if sorted(_leased(manifest, one)) != there]
    if not found:
        raise ServiceError("leased-there", "these tickets are leased there already: nothing was moved", 409)
    return found


def _target(manifest: EventManifest, name: str) -> tuple[str, int]:
    """The gate or the number of the gate group that has this name; the other of the two is none."""
    if manifest.policy.lease == "gate":
        if name in manifest.gates():
            return name, 0
        known = f"single gates: {', '.join(manifest.gates())}"
    else:
        if name.isdecimal() and manifest.group(int(name)):
            return "", int(name)
        known = f"gate groups: {', '.join(str(one.number) for one in manifest.gate_groups)}"
    raise ServiceError("unknown-gate", f"{manifest.event} leases uses to {known}; {name} is none of them", 404)


def _called_back(node: Node, wanted: Mapping[int, Sequence[Device]]) -> dict[str, set[int]]:
    """By device, the tickets that it gave up. A device that does not listen gives nothing up."""
    given: dict[str, set[int]] = {one.device: set() for devices in wanted.values() for one in devices}
    for group in _alike(wanted):
        devices = wanted[group[0]]
        for first in range(0, len(group), AT_ONCE):
            answered = node.recall(devices, group[first : first + AT_ONCE], WAIT) if devices else {}
            for device, tickets in answered.items():
                given[device] |= tickets
    return given


def _alike(wanted: Mapping[int, Sequence[Device]]) -> Iterable[list[int]]:
    """The tickets that the same devices hold, together."""
    together: dict[tuple[str, ...], list[int]] = {}
    for index, devices in wanted.items():
        together.setdefault(tuple(one.device for one in devices), []).append(index)
    return together.values()


def _kept(wanted: Mapping[int, Sequence[Device]], given: Mapping[str, Collection[int]]) -> ServiceError:
    held = ((index, one) for index, devices in wanted.items() for one in devices)
    keepers = {one.device: one.gate for index, one in held if index not in given[one.device]}
    named = ", ".join(f"{device} at {gate}" for device, gate in sorted(keepers.items()))
    return ServiceError(
        "lease-held",
        f"{named} did not give these uses up: it is cut off, or has spent them. Connect it and try again; if it is out"
        " of service, say so with `ledger-node devices out-of-service`",
        409,
    )


def _paused(waits: Sequence[Device]) -> ServiceError:
    named = ", ".join(f"{one.device} at {one.gate}" for one in waits) or "the node, for a moment"
    return ServiceError(
        "leases-paused",
        f"no gate holds uses now, because the event's gates changed; this waits for {named}: connect it, or take it out"
        " of service with `ledger-node devices out-of-service`",
        409,
    )
