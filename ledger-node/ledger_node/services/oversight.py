"""What an operator can ask about the ledger's promises and its alerts, by name, with plain values in and out.

Part of `operations`. Acknowledging and closing an alert is in the audit trail.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ledger_node.services.history import History, read_history
from ledger_node.services.node import Node
from ledger_node.services.trail import CONSOLE, Actor

_BY = Actor(CONSOLE)
Values = Mapping[str, Any]
AlertAct = Callable[[Node, int, Actor], dict[str, Any]]
"""What somebody does about an alert."""


def read_assurance(node: Node, event: str, cosigned: int = 0) -> dict[str, Any]:
    """The promises of an event in numbers, with the log size that they are of; with `cosigned`, of the newest size that
    so many witnesses have signed, and its checkpoint. Raises ServiceError "unknown-event" or "not-cosigned".
    """
    best = node.cosigning.newest(cosigned) if cosigned else None
    with node.view() as view:
        node.event(view, event)
        if best is None:
            numbers, size = node.assurances.read(view, event)
            return {"event": event, "size": size, **numbers.to_map()}
        size = best.head.size
        numbers = node.assurances.read_at(view, event, size, cosigned)
    return {"event": event, "size": size, **best.shown.fields(), **numbers.to_map()}


def history_map(history: History) -> dict[str, Any]:
    """A history as JSON has it, hashes in hex; without proofs no field speaks of them."""
    steps = []
    for step in history.steps:
        shown = {
            "position": step.position, "type": step.type, "at": step.at, "signer": asdict(step.signer),
            "facts": dict(step.facts),
        }  # fmt: skip
        if step.proof:
            shown["leaf_hash"] = step.proof.leaf_hash.hex()
            shown["inclusion"] = [one.hex() for one in step.proof.inclusion]
        steps.append(shown)
    where = {"event": history.event, "index": history.index, "size": history.size, **history.shown.fields()}
    return {**where, "entries": steps, "next": history.next}


def acknowledge_alert(node: Node, number: int, by: Actor) -> dict[str, Any]:
    """Somebody looks after it. Raises ServiceError "unknown-alert" or "alert-closed"."""
    alert = node.alerts.acknowledge(number)
    node.trail.add(node.seconds, by, "alert.acknowledge", str(number))
    return alert.to_map()


def close_alert(node: Node, number: int, by: Actor) -> dict[str, Any]:
    """Done with. Raises ServiceError as above."""
    alert = node.alerts.close_one(number, node.seconds)
    node.trail.add(node.seconds, by, "alert.close", str(number))
    return alert.to_map()


def _history(node: Node, values: Values) -> Any:
    start, proofs, cosigned = int(values.get("start", 0)), bool(values.get("proofs")), int(values.get("cosigned", 0))
    event, index = str(values["event"]), int(values["index"])
    return history_map(read_history(node, event, index, start=start, proofs=proofs, cosigned=cosigned))


def _assurance(node: Node, values: Values) -> Any:
    return read_assurance(node, str(values["event"]), int(values.get("cosigned", 0)))


def _list_alerts(node: Node, values: Values) -> Any:
    return [alert.to_map() for alert in node.alerts.list_alerts(closed=bool(values.get("closed")))]


def _acknowledge(node: Node, values: Values) -> Any:
    return acknowledge_alert(node, int(values["id"]), _BY)


def _close(node: Node, values: Values) -> Any:
    return close_alert(node, int(values["id"]), _BY)


OVERSIGHT: Mapping[str, Callable[[Node, Values], Any]] = {
    "tickets-history": _history,
    "event-assurance": _assurance,
    "alerts-list": _list_alerts,
    "alerts-ack": _acknowledge,
    "alerts-close": _close,
}
