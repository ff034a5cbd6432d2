"""Requests' bodies, read to their end before anything else is done: bounded each, and all that are held together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from ledger_node.services.errors import ServiceError
from ledger_node.web.body import read_body


class Bodies:
    """At most so many bytes together; what was announced and has not come takes no room. One event loop."""

    def __init__(self, most_held: int) -> None:
        self._most_held = most_held
        self._held = 0

    @asynccontextmanager
    async def read(self, scope: Scope, receive: Receive, most: int) -> AsyncIterator[bytes]:
        """A body of at most `most` bytes; it is held until the block ends. Raises ServiceError "busy" (503), and what
        `read_body` raises.
        """
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            size = len(message.get("body", b""))
            taken, self._held = taken + size, self._held + size
            if self._held > self._most_held:
                raise ServiceError("busy", "too much is being sent at once: try again in a moment", 503)
            return message

        try:
            yield await read_body(Request(scope, counted), most) if most else b""
        finally:
            self._held -= taken
