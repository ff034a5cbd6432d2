"""Who signs entries of an event, as its operator asks for them by name."""

from ledger_node.contract.facts import Actor
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node


def require(node: Node, event: str, name: str, role: str | None = None) -> Actor:
    """The actor of this name (and role) who is trusted now. Raises ServiceError with the names that there are."""
    with node.view() as view:
        node.event(view, event)
        each = [one for one in view.each(Actor, event) if role in {None, one.role}]
    found = next((one for one in each if one.actor == name), None)
    if found is not None and found.revoked_at is None:
        return found
    what, see = role or "actor", f"see `ledger-node actors list {event}`"
    if found is not None:
        raise ServiceError("unknown-actor", f"the {what} {name!r} of {event} was revoked before: {see}", 409)
    trusted = ", ".join(one.actor for one in each if one.revoked_at is None) or "none"
    raise ServiceError("unknown-actor", f"{event} has no {what} {name!r}; it has {trusted}: {see}", 404)
