"""The API of the help desk: an order by its number or one of its tickets. For operators; the number stands in the body,
because addresses are logged by proxies and it is what a holder's page asks for.
"""

import asyncio
from typing import Any

from starlette.requests import Request

from ledger_node.services import help_desk
from ledger_node.services.node import Node
from ledger_node.web import market_models as models
from ledger_node.web.account_models import read_model
from ledger_node.web.market_door import MOST_JSON, Paths, event_of
from ledger_node.web.reply import Reply, reply


def add_help_desk(paths: Paths, node: Node) -> None:
    """Finding orders."""

    async def find(request: Request) -> Reply:
        """The orders with this number, however it is spelt, or the one that the ticket was sold in: tickets, seats,
        links.
        """
        asked, event = await read_model(request, models.Finding, MOST_JSON), event_of(request)

        def work() -> list[dict[str, Any]]:
            if asked.ticket is not None:
                return [help_desk.find_by_ticket(node, event, asked.ticket)]
            return help_desk.find_by_number(node, event, asked.number or "")

        return reply(await asyncio.to_thread(work))

    paths.take_json("/orders/find", find, models.Finding, list[models.FoundOrder])
