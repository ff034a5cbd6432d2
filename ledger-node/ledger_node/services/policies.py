"""An event's ticket policy: what is in force, and the next version. What it may say is the contract's business."""

from collections.abc import Mapping, Sequence
from typing import Any

from ledger_node.contract.bodies_house import SetPolicy
from ledger_node.contract.expressions import ENGINE
from ledger_node.contract.facts import PolicyVersion
from ledger_node.contract.policy import TicketPolicy
from ledger_node.log.ledger import View
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import newest_rules, read_event
from ledger_node.services.node import Node
from ledger_node.services.told_times import when
from scanner.verify.entry import Malformed

_PARTIES = ("organiser_party", "service_party")


def policy_now(view: View, event: str, now: int) -> TicketPolicy:
    """The policy in force."""
    versions = [one for one in view.each(PolicyVersion, event) if one.effective <= now]
    return max(versions, key=lambda one: one.version).policy if versions else TicketPolicy()


def versions(node: Node, event: str) -> list[PolicyVersion]:
    """All versions, oldest first. Raises ServiceError "unknown-event"."""
    with node.view() as view:
        node.event(view, event)
        return list(view.each(PolicyVersion, event))


def shown(node: Node, event: str) -> list[dict[str, Any]]:
    """What counts, as it is told to programs: the default as version 0, from the beginning on, then all that were set,
    oldest first; the last one that is effective is in force. `overtaken`: never counts, or no more, because a later
    version began before it. Raises ServiceError "unknown-event".
    """
    now, listed = node.seconds, [PolicyVersion(event, 0, 0, TicketPolicy(), 0), *versions(node, event)]
    in_force = max(one.version for one in listed if one.effective <= now)
    return [
        {
            "version": one.version,
            "effective": one.effective,
            "default": one.version == 0,
            "in_force": one.version == in_force,
            "overtaken": any(other.effective <= one.effective for other in listed[one.version + 1 :]),
            **{name: value.hex() if isinstance(value, bytes) else value for name, value in one.policy.to_map().items()},
        }
        for one in listed
    ]


def set_policy(node: Node, event: str, changes: Mapping[str, Any], effective: int | None = None) -> list[int]:
    """From `effective` (now) on, what counts then with `changes` (JSON values; parties in hex); the versions made.

    The first is that policy. What was set before to count later follows anew, each with its own changes on top of these
    ones, so that an urgent change neither waits for a planned one nor undoes it. All are logged or none. ServiceError.
    """
    now, known = node.seconds, versions(node, event)
    start = now if effective is None else effective
    if start < now:
        sentence = f"a policy counts from now or later, and {_told(node, event, start)} is over: leave --effective out"
        raise ServiceError("policy-reaches-back", f"{sentence} to have it count now")
    before, waiting = _around(known, start)
    maps = [{**before.to_map(), **_plain(changes)}]
    for one in waiting:
        own, before = _changed(before, one.policy), one.policy
        maps.append({**maps[-1], **own})
    numbers = list(range(len(known) + 1, len(known) + 1 + len(maps)))
    bodies = [
        SetPolicy(number, counts, _checked(made, _told(node, event, counts) if counts > start else "").to_map())
        for number, counts, made in zip(numbers, [start, *(one.effective for one in waiting)], maps, strict=True)
    ]
    rules = newest_rules(node, event) if waiting else []
    node.commit([*rules, *(body.seal(event, now, node.keys.node) for body in bodies)], whole=True)
    return numbers


def planned_again(node: Node, event: str, planned: Sequence[int]) -> str:
    """Says which versions carry on what had been set to count later."""
    known = versions(node, event)
    told = ", ".join(f"version {number} from {_told(node, event, known[number - 1].effective)}" for number in planned)
    return f"what was planned for later stays planned, on top of this change: {told}"


def _around(known: Sequence[PolicyVersion], start: int) -> tuple[TicketPolicy, list[PolicyVersion]]:
    """The policy that counts at this time as things stand, and the versions whose time comes after it, in order."""
    begun = [one for one in known if one.effective <= start]
    waiting: list[PolicyVersion] = []
    for one in reversed(known):
        if one.effective <= start:
            break
        if not waiting or one.effective < waiting[0].effective:
            waiting.insert(0, one)
    return begun[-1].policy if begun else TicketPolicy(), waiting


def _changed(before: TicketPolicy, after: TicketPolicy) -> dict[str, Any]:
    """What the second says otherwise than the first."""
    old = before.to_map()
    return {name: value for name, value in after.to_map().items() if value != old[name]}


def _checked(made: Mapping[str, Any], planned: str) -> TicketPolicy:
    policy = TicketPolicy.from_map({**made, "engine": ENGINE if made["rules"] else ""})
    if isinstance(policy, Malformed):
        raise ServiceError(
            "bad-policy", f"with what is planned for {planned}, {policy.reason}" if planned else policy.reason
        )
    return policy


def _told(node: Node, event: str, seconds: int) -> str:
    """A time as people of the event read it."""
    zone = read_event(node, event).manifest.zone
    return f"{when(seconds, zone)} ({zone})"


def _plain(changes: Mapping[str, Any]) -> dict[str, Any]:
    if "engine" in changes:
        raise ServiceError("bad-policy", "engine is no choice: it follows from rules")
    unknown = changes.keys() - TicketPolicy().to_map().keys()
    if unknown:
        raise ServiceError("bad-policy", f"a policy has no {', '.join(sorted(unknown))}: see `policy show`")
    made = dict(changes)
    for name in _PARTIES:
        if isinstance(made.get(name), str):
            try:
                made[name] = bytes.fromhex(made[name])
            except ValueError:
                raise ServiceError("bad-policy", f"{name} is 64 hex digits, or empty") from None
    return made
