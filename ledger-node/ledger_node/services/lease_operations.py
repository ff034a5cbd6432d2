"""What operators have done with leases, by name, with plain values in and out (see operations.py)."""

from collections.abc import Callable, Mapping
from typing import Any

from ledger_node.services import devices, leases
from ledger_node.services.node import Node

_STILL_OPEN = (
    "a gate that is cut off does not hear this: while it is on, it may admit what it held, and the same tickets enter"
    " elsewhere, too. Switch it off or lock its turnstile"
)
Values = Mapping[str, Any]


def _show(node: Node, values: Values) -> Any:
    return leases.standing(node, str(values["event"]))


def _move(node: Node, values: Values) -> Any:
    order = leases.Move(
        str(values["event"]),
        str(values["to"]),
        str(values["reason"]),
        str(values.get("source", "")),
        frozenset(int(one) for one in values.get("tickets", ())),
    )
    moved = leases.move(node, order)
    return {"event": order.event, "to": order.to, "moved": len(moved.tickets), "kept": list(moved.kept)}


def _out_of_service(node: Node, values: Values) -> Any:
    event, gate = str(values["event"]), str(values["gate"])
    gone = devices.out_of_service(node, event, gate, str(values["reason"]))
    return {"event": event, "gate": gate, "revoked": gone, "note": _STILL_OPEN}


LEASES: Mapping[str, Callable[[Node, Values], Any]] = {
    "leases-show": _show,
    "leases-move": _move,
    "devices-out-of-service": _out_of_service,
}
