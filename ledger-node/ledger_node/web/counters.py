"""The API by which a gate that has lost its journal learns where its records go on; signed, like all it is told."""

import asyncio
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ledger_node.services.node import Node
from ledger_node.web.door import Asked
from ledger_node.web.reply import Reply, reply


class Counter(BaseModel):
    """Who asks, and the highest counter of a record of theirs on the ledger; 0 = there is none."""

    model_config = ConfigDict(extra="forbid", strict=True)
    device: str
    last: Annotated[int, Field(ge=0)]
    time_ms: Annotated[int, Field(ge=0)]
    time_told: bool = True


class Counters:
    """The handler. One event loop."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def last(self, asked: Asked) -> Reply:
        """The highest counter among the asking device's records: whoever begins a journal goes on behind it."""
        device = asked.who.device
        last = await asyncio.to_thread(self._last, device)
        return reply({"device": device, "last": last, **self._node.time_told})

    def _last(self, device: str) -> int:
        with self._node.view() as view:
            return view.last_counter(device)
