"""Events: creating one with sane defaults, and replacing its manifest by the next version. What is legal: the contract.

The default gate groups are the four colours of the Hong Kong Coliseum, four gates each.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from ledger_node.contract.bodies_house import CancelEvent
from ledger_node.contract.facts import Ruleset
from ledger_node.contract.leases import in_service
from ledger_node.contract.outcome import Outcome
from ledger_node.contract.ruleset import NEWEST
from ledger_node.contract.state import EventState
from ledger_node.names import name_fault
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from scanner.verify.entry import Malformed
from scanner.verify.leases import leases_otherwise
from scanner.verify.manifest import EventManifest, GateGroup, LedgerKey
from scanner.verify.policy import Policy
from scanner.verify.zones import HONG_KONG

_COLOURS = (("red", "紅", "R"), ("yellow", "黃", "Y"), ("green", "綠", "G"), ("blue", "藍", "B"))
COLISEUM = tuple(
    GateGroup(number, english, chinese, tuple(f"{letter}{gate}" for gate in range(1, 5)))
    for number, (english, chinese, letter) in enumerate(_COLOURS, 1)
)
log = structlog.get_logger("leases")
_EVENT = re.compile(r"[A-Za-z0-9._~:@-]{1,64}")
_GATE = re.compile(r"[!-~]{1,48}")
"""A device is named after its gate, with a dash and eight digits of its key."""


@dataclass(frozen=True, slots=True)
class EventOrder:
    """What an organiser must say of an event, and what they may. Times are unix seconds; no groups = COLISEUM."""

    event: str
    name: str
    doors: int
    starts: int
    capacity: int
    gate_groups: tuple[GateGroup, ...] = ()
    step: int = 10
    tolerance: int = 900
    policy: Policy = field(default_factory=Policy)
    zone: str = HONG_KONG


def create_event(node: Node, order: EventOrder) -> EventState:
    """Put the event on the ledger. Raises ServiceError."""
    if not _EVENT.fullmatch(order.event):
        raise ServiceError("bad-event", f"{order.event!r}: an event id is 1 to 64 letters, digits or . _ ~ : @ -")
    manifest = EventManifest(
        event=order.event,
        name=order.name,
        doors=order.doors,
        starts=order.starts,
        capacity=order.capacity,
        step=order.step,
        tolerance=order.tolerance,
        keys=tuple(LedgerKey(kid, key.public) for kid, key in sorted(node.keys.certificates.items())),
        gate_groups=order.gate_groups or COLISEUM,
        policy=order.policy,
        zone=order.zone,
    )
    _check_zone(order.zone)
    _checked(manifest)
    _check_names(manifest)
    node.commit([node.operator.create_event(manifest, node.seconds)])
    return read_event(node, order.event)


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        told = f"{name!r} is no time zone like {HONG_KONG}: see `timedatectl list-timezones`"
        raise ServiceError("bad-zone", told) from error


def change_event(node: Node, event: str, change: Callable[[EventManifest], EventManifest]) -> EventState:
    """Put the next version of the manifest on the ledger; a change that changes nothing is not written."""
    node.commit(next_version(node, event, change))
    return read_event(node, event)


def cancel_event(node: Node, event: str, reason: str) -> Outcome:
    """The event does not take place: nothing of it is sold or passed on any more, and no gate admits. For good."""
    return node.commit([CancelEvent(reason).seal(event, node.seconds, node.keys.node)])[0]


def next_version(
    node: Node, event: str, change: Callable[[EventManifest], EventManifest], heard: Sequence[str] = ()
) -> list[bytes]:
    """The entry that changes the manifest, to be committed with whatever needs it; none if nothing changes.

    It pauses leases if other gates hold uses by it than before. `heard`: the devices that have heard of such a pause.
    """
    with node.view() as view:
        before = node.event(view, event).manifest
        held = bool(in_service(view.devices(event)))
    after = change(before)
    if after == before:
        return []
    if held and leases_otherwise(before, after) and not before.leases_paused:
        after = with_leases(after, paused=True)
        log.warning("leases paused", show=event, version=before.version + 1)
    after = replace(after, version=before.version + 1)
    _checked(after)
    return [node.operator.update_event(after, node.seconds, heard)]


def with_leases(manifest: EventManifest, *, paused: bool) -> EventManifest:
    """The manifest, with leases that are paused or in force."""
    return replace(manifest, leases_paused=paused)


def newest_rules(node: Node, event: str) -> list[bytes]:
    """The entry by which the event goes by the newest rules, to be committed before what needs them; none if it does.
    Raises ServiceError "unknown-event".
    """
    with node.view() as view:
        manifest = node.event(view, event).manifest
        rules = view.find(Ruleset, event, "rules")
    if rules is not None and rules.version == NEWEST:
        return []
    return [node.operator.update_event(replace(manifest, version=manifest.version + 1), node.seconds)]


def groups_for(manifest: EventManifest, numbers: set[int]) -> EventManifest:
    """The manifest with a group for each of these numbers.

    Only an event that was created without groups of its own takes numbers that it did not name; each such group has one
    gate, "7-1" for group 7. For any other event an unknown number is an error of whoever made the tickets.
    """
    unknown = sorted(numbers - {0} - {group.number for group in manifest.gate_groups})
    if not unknown:
        return manifest
    if manifest.gate_groups[: len(COLISEUM)] != COLISEUM:
        raise ServiceError("unknown-gate-group", f"the event names no gate group {unknown[0]}: see `event show`", 422)
    made = tuple(GateGroup(number, f"group {number}", f"第 {number} 組", (f"{number}-1",)) for number in unknown)
    return replace(manifest, gate_groups=manifest.gate_groups + made)


def read_event(node: Node, event: str) -> EventState:
    """The event as it is now. Raises ServiceError "unknown-event"."""
    with node.view() as view:
        return node.event(view, event)


def list_events(node: Node) -> list[EventState]:
    """All events, in the order of their ids."""
    with node.view() as view:
        return [node.event(view, event) for event in sorted(view.events())]


def _checked(manifest: EventManifest) -> None:
    read = EventManifest.from_map(manifest.to_map())
    if isinstance(read, Malformed):
        raise ServiceError("bad-manifest", read.reason)


def _check_names(manifest: EventManifest) -> None:
    """Of a new event; one that has such a name in the log already goes on with it."""
    named = [("name", manifest.name)]
    for group in manifest.gate_groups:
        named += [(f"group {group.number}", group.name_en), (f"group {group.number}", group.name_zh)]
    for what, text in named:
        if fault := name_fault(text):
            raise ServiceError("bad-name", f"{what}: {fault}")
    for gate in manifest.gates():
        if not _GATE.fullmatch(gate):
            raise ServiceError("bad-name", f"gate {gate!a}: 1 to 48 letters and digits of ASCII, without spaces")
