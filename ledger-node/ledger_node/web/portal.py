"""The API of a sponsor's portal: tickets, guests, recall. For accounts of the sponsor's organisation; the event's
organisers and operators may do it in their place. Every act is in the audit trail.
"""

import asyncio

from starlette.requests import Request

from ledger_node.services import sponsors
from ledger_node.services.accounts.sessions import Session
from ledger_node.services.node import Node
from ledger_node.services.sponsors import Guest
from ledger_node.web import market_models as models
from ledger_node.web.account_models import read_model
from ledger_node.web.guard import session_of
from ledger_node.web.hands import Hands
from ledger_node.web.market_door import MOST_JSON, Paths, event_of
from ledger_node.web.reply import Reply, reply

_MOST_AUDIENCE = 1 << 18


def add_portal(paths: Paths, node: Node, hands: Hands) -> None:
    """A sponsor's tickets and guests."""
    api = _Portal(node, hands)
    one = "/sponsors/{sponsor}"
    paths.get(one, api.show, models.SponsorFacts)
    paths.take_json(f"{one}/guests", api.invite, models.Inviting, models.TicketList)
    paths.take_json(f"{one}/recall", api.recall, models.Recalling, models.TicketList)


class _Portal:
    """The handlers. One event loop."""

    def __init__(self, node: Node, hands: Hands) -> None:
        self._node = node
        self._hands = hands

    async def show(self, request: Request) -> Reply:
        """Which tickets are free, given but not claimed, and claimed."""
        sponsor = _sponsor(request)
        found = await asyncio.to_thread(sponsors.standing, self._node, event_of(request), sponsor)
        lists = {name: list(getattr(found, name)) for name in ("free", "unclaimed", "claimed")}
        return reply({"sponsor": sponsor, **lists})

    async def invite(self, request: Request) -> Reply:
        """Give each guest a ticket and write to them; who was invited before is passed over. Gives the tickets."""
        sponsor, session = _sponsor(request), session_of(request)
        asked, event = await read_model(request, models.Inviting, _MOST_AUDIENCE), event_of(request)
        guests = [Guest(one.phone, one.email, one.question, one.answer) for one in asked.guests]
        given = await self._hands.do(lambda: sponsors.invite(self._node, event, sponsor, guests))
        await self._note(session, "sponsor.invite", f"{event}/{sponsor}", given)
        return reply({"tickets": given})

    async def recall(self, request: Request) -> Reply:
        """Take unclaimed tickets back; their links die. Gives the tickets."""
        sponsor, session = _sponsor(request), session_of(request)
        asked, event = await read_model(request, models.Recalling, MOST_JSON), event_of(request)
        back = await self._hands.do(lambda: sponsors.recall(self._node, event, sponsor, asked.tickets))
        await self._note(session, "sponsor.recall", f"{event}/{sponsor}", back)
        return reply({"tickets": back})

    async def _note(self, session: Session, what: str, subject: str, tickets: list[int]) -> None:
        detail = {"tickets": len(tickets)}
        trail, now = self._node.trail, self._node.seconds
        await asyncio.to_thread(trail.add, now, session.actor, what, subject, detail)


def _sponsor(request: Request) -> str:
    return str(request.path_params["sponsor"])
