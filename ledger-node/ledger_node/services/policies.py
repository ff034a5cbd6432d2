"""An event's ticket policy: what is in force, and the next version. What it may say is the contract's business."""

from collections.abc import Mapping
from typing import Any

from ledger_node.contract.bodies_house import SetPolicy
from ledger_node.contract.expressions import ENGINE
from ledger_node.contract.facts import PolicyVersion
from ledger_node.contract.outcome import Outcome
from ledger_node.contract.policy import TicketPolicy
from ledger_node.log.ledger import View
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
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


def set_policy(node: Node, event: str, changes: Mapping[str, Any], effective: int | None = None) -> Outcome:
    """The newest version with `changes` (JSON values; parties in hex), from `effective` (now) on. ServiceError."""
    known = versions(node, event)
    before = known[-1].policy if known else TicketPolicy()
    made = {**before.to_map(), **_plain(changes)}
    made["engine"] = ENGINE if made["rules"] else ""
    policy = TicketPolicy.from_map(made)
    if isinstance(policy, Malformed):
        raise ServiceError("bad-policy", policy.reason)
    now = node.seconds
    latest = known[-1].effective if known else 0
    body = SetPolicy(len(known) + 1, max(now, latest) if effective is None else effective, policy.to_map())
    return node.commit([body.seal(event, now, node.keys.node)])[0]


def _plain(changes: Mapping[str, Any]) -> dict[str, Any]:
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
