"""The two ways into the ledger's process: the gates' port, where only what devices ask for is there, and the socket of
the public front, where everything is, in its turn. Both lead to the same application.
"""

from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger_node.services.errors import ServiceError
from ledger_node.web.authorisation_matrix import ROWS, at_gates_port
from ledger_node.web.paths import Paths
from ledger_node.web.reply import problem
from ledger_node.web.routes import NO_SNIFFING
from ledger_node.web.turns import LONGEST_ACT, LONGEST_READ, MINE, Turns
from ledger_node.web.upstream import CLIENT

_READS = frozenset({"GET", "HEAD"})
_FIRST = ("/claims", "/admissions")
"""Of these a holder at a turnstile waits, or a gate that was cut off."""
_ELSEWHERE = ServiceError("no-such-path", "this port is the gates': ask the node's public port", 404)


class GatesSide:
    """ASGI. `claimed` is called when a gate has claimed: a stranger at this port does not open doors."""

    def __init__(self, app: ASGIApp, claimed: Callable[[], None]) -> None:
        self._app = app
        self._claimed = claimed
        self._paths: Paths[bool] = Paths()
        for method, path in ROWS:
            if at_gates_port(method, path):
                self._paths.add(method, path, method == "POST" and path.endswith(_FIRST))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say that it is not here."""
        found = self._paths.find(scope["method"], scope["path"])
        if found is None:
            answer = problem(_ELSEWHERE)
            await answer.response({"Content-Type": answer.content_type, **NO_SNIFFING})(scope, receive, send)
            return
        await self._app(scope, receive, self._hearing(send) if found[0] else send)

    def _hearing(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message.get("status") == HTTPStatus.OK:
                self._claimed()
            await send(message)

        return sending


class PublicSide:
    """ASGI, for the socket that only the public front can reach: it is believed who asks."""

    def __init__(self, app: ASGIApp, turns: Turns) -> None:
        self._app = app
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in turn."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _name_client(scope)
        turn = await self._turns.begin(LONGEST_READ if scope["method"] in _READS else LONGEST_ACT)
        MINE.set(turn)

        async def sending(message: Message) -> None:
            turn.end()
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            turn.end()


def _name_client(scope: Scope) -> None:
    told = [value for name, value in scope["headers"] if name == CLIENT]
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != CLIENT]
    if told:
        address, _, port = told[0].decode("latin-1").rpartition(" ")
        scope["client"] = (address, int(port))
