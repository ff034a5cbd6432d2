"""The API of refunds, for operators and for the event's own organiser, signed in with a passkey because money moves.
Every act is in the audit trail.
"""

import asyncio

from starlette.requests import Request

from ledger_node.services import refunds
from ledger_node.services.node import Node
from ledger_node.web import market_models as models
from ledger_node.web.account_models import read_model
from ledger_node.web.guard import session_of
from ledger_node.web.hands import Hands
from ledger_node.web.market_door import MOST_JSON, Paths, event_of
from ledger_node.web.reply import Reply, reply


def add_refunds(paths: Paths, node: Node, hands: Hands) -> None:
    """What is to be refunded, and refunding it."""
    api = _Refunds(node, hands)
    paths.get("/refunds", api.due, models.TicketList)
    paths.take_json("/refunds", api.run, models.Refunding, list[models.RefundFacts])


class _Refunds:
    """The handlers. One event loop."""

    def __init__(self, node: Node, hands: Hands) -> None:
        self._node = node
        self._hands = hands

    async def due(self, request: Request) -> Reply:
        """The tickets of a cancelled event that are still to be refunded, by this node or by the box office."""
        return reply({"tickets": await asyncio.to_thread(refunds.due, self._node, event_of(request))})

    async def run(self, request: Request) -> Reply:
        """Give the money of tickets back, and end them; the same again is safe. One answer for each, in their order."""
        session = session_of(request)
        asked, event = await read_model(request, models.Refunding, MOST_JSON), event_of(request)

        def work() -> list[dict[str, object]]:
            ended = refunds.run(self._node, event, asked.tickets, session.actor, keep_fees=asked.keep_fees)
            return refunds.told(self._node, event, ended)

        return reply(await self._hands.do(work))
