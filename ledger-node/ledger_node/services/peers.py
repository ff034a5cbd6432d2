"""Who the gates of an event are to each other: their devices' keys, and where each last said that it listens.

So that gates can tell each other their admissions without the node. Addresses are hints, kept in memory: every gate
says its own anew each few seconds, and whoever answers at one must prove its key to the gate that asks.
"""

from dataclasses import dataclass

from ledger_node.contract.state import Device
from ledger_node.services.node import Node

LATEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gate listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Addresses:
    """Where each device listens. Used on one event loop."""

    def __init__(self) -> None:
        self._known: dict[str, Address] = {}

    def note(self, device: str, host: str, port: int) -> None:
        """The device has spoken from `host` and listens on `port`; 0 = it does not listen."""
        if port and host:
            self._known[device] = Address(host, port)
        else:
            self._known.pop(device, None)

    def of(self, device: str) -> str | None:
        """As "host:port", or None."""
        known = self._known.get(device)
        return str(known) if known else None


def peers_of(node: Node, asking: Device) -> list[Device]:
    """The other devices of the event that were not revoked, in the order of their ids."""
    with node.view() as view:
        devices = view.devices(asking.event)
    others = [one for one in devices if one.revoked_at is None and one.device != asking.device]
    return sorted(others, key=lambda one: one.device)
