"""What a gate asks about the other gates of its event. Use cases are in services; signatures are the door's."""

import asyncio

from pydantic import BaseModel, ConfigDict

from ledger_node.services.node import Node
from ledger_node.services.peers import LATEST_PORT, Addresses, peers_of
from ledger_node.web.addresses import address_of
from ledger_node.web.door import Asked
from ledger_node.web.reply import Reply, reply
from ledger_node.web.schemas import Key, Uint

OF_PEERS = {"port": "where the gate that asks listens to others, 0 = nowhere; its address is the one that it asks from"}


class Peer(BaseModel):
    """Another gate's device; `address` is host:port, null until it said where it listens."""

    model_config = ConfigDict(extra="forbid", strict=True)

    device: str
    gate: str
    public_key: Key
    address: str | None


class PeerList(BaseModel):
    """The devices of an event that were not revoked, but for the one that asks."""

    model_config = ConfigDict(extra="forbid", strict=True)

    event: str
    peers: list[Peer]
    time_ms: Uint
    time_told: bool = True


class PeerLists:
    """The handler. One event loop."""

    def __init__(self, node: Node) -> None:
        self._node, self._addresses = node, Addresses()

    async def peers(self, asked: Asked) -> Reply:
        """The other gates of the device's event: keys, and addresses on the venue's network where they are known."""
        who = asked.who
        self._addresses.note(who.device, address_of(asked.request), asked.number("port", 0, LATEST_PORT))
        others = await asyncio.to_thread(peers_of, self._node, who)
        listed = [
            {
                "device": one.device,
                "gate": one.gate,
                "public_key": one.public_key.hex(),
                "address": self._addresses.of(one.device),
            }
            for one in others
        ]
        return reply({"event": who.event, "peers": listed, **self._node.time_told})
