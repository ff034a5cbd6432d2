"""The API of activation: a holder's link, and what the help desk does with links.

A holder has no account: the link's token is the key, so nothing of it is logged or kept by a cache. Wrong answers are
counted for each link by the service, links that are not good for each network here; only so many answers are worked on
at a time, because each takes 19 MiB.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import FastAPI
from starlette.requests import Request

from ledger_node.services import activation, links
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.tickets import certificate
from ledger_node.web.account_models import Activating, Empty, read_model
from ledger_node.web.addresses import address_of, group_of
from ledger_node.web.guard import session_of
from ledger_node.web.hands import Lane
from ledger_node.web.reply import JSON, Reply, reply
from ledger_node.web.routes import add_route, plain

_MOST_BODY = 65_536
_AT_A_TIME = 4
_MOST_WAITING = 256
_T = TypeVar("_T")


def add_activations(app: FastAPI, node: Node) -> None:
    """/v1/activation for holders, with the token in a header or in the path; /v1/activations for the help desk."""
    api = _Activations(node)
    all_of_them = "/v1/activations"
    for one in ("/v1/activation", "/v1/activation/{token}"):
        add_route(app, "GET", one, plain(api.look), api.look.__doc__, "activation")
        post = "POST", one, plain(api.activate), api.activate.__doc__, "activation"
        add_route(app, *post, takes=JSON, body=Activating)
    add_route(app, "GET", f"{all_of_them}/{{event}}", plain(api.list_links), api.list_links.__doc__, "activation")
    for act, handler in (("unlock", api.unlock), ("renew", api.renew), ("revoke", api.revoke)):
        path = f"{all_of_them}/{{link}}/{act}"
        add_route(app, "POST", path, plain(handler), handler.__doc__, "activation", takes=JSON, body=Empty)


class _Activations:
    """The handlers. One event loop."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lane = Lane(_AT_A_TIME, _MOST_WAITING, _MOST_WAITING)

    async def look(self, request: Request) -> Reply:
        """What the link is for and what is asked. Reading it uses nothing up."""
        opened = await self._try(request, lambda: activation.look(self._node, _token(request)))
        places = [{"ticket": place.ticket, "owner_seq": place.owner_seq} for place in opened.places]
        facts = {"question": opened.question, "expires": opened.expires, "tries_left": opened.tries_left}
        return reply({"event": opened.event, "tickets": places, **facts})

    async def activate(self, request: Request) -> Reply:
        """The answer and a key for each ticket; gives the certificates that gates with an older list ask for."""
        asked = await read_model(request, Activating, _MOST_BODY)
        keys = [
            activation.Key(key.ticket, bytes.fromhex(key.holder_key), bytes.fromhex(key.proof)) for key in asked.keys
        ]

        def act() -> list[dict[str, Any]]:
            held = activation.activate(self._node, _token(request), asked.answer, keys)
            return [_held(self._node, ticket.event, ticket.row.ticket) for ticket in held]

        # A link that is not good is turned away before the queue, so that no flood of them keeps holders waiting.
        await self._try(request, lambda: activation.knock(self._node, _token(request)))
        async with self._lane.turn(group_of(address_of(request))):
            return reply({"tickets": await self._try(request, act)})

    async def list_links(self, request: Request) -> Reply:
        """An event's links, without persons. For operators."""
        event = str(request.path_params["event"])

        def work() -> list[dict[str, Any]]:
            return [activation.link_map(self._node, link) for link in activation.of_event(self._node, event)]

        return reply(await asyncio.to_thread(work))

    async def unlock(self, request: Request) -> Reply:
        """All tries are there again. For operators, who have made sure of the person in another way."""
        session = session_of(request)
        await read_model(request, Empty, _MOST_BODY)
        await asyncio.to_thread(activation.unlock, self._node, str(request.path_params["link"]), session.actor)
        return reply({})

    async def renew(self, request: Request) -> Reply:
        """A new link in place of a lost or expired one, sent to where its person is written to. For operators."""
        session = session_of(request)
        await read_model(request, Empty, _MOST_BODY)
        made = await asyncio.to_thread(links.renew, self._node, str(request.path_params["link"]), session.actor)
        return reply({"link": made.link, "expires": made.expires})

    async def revoke(self, request: Request) -> Reply:
        """The link is good for nothing any more. For operators."""
        session = session_of(request)
        await read_model(request, Empty, _MOST_BODY)
        await asyncio.to_thread(activation.revoke, self._node, str(request.path_params["link"]), session.actor)
        return reply({})

    async def _try(self, request: Request, act: Callable[[], _T]) -> _T:
        """Links that are not good are counted by network, after they were looked at: there may be a hall full of people
        behind one address, and a good link is good however many others guess there. Wrong answers count by link.
        """
        try:
            return await asyncio.to_thread(act)
        except ServiceError as error:
            if error.code == "link-not-good":
                who = {"address": group_of(address_of(request))}
                self._node.tally.take("wrong link", who, self._node.now())
            raise


def _held(node: Node, event: str, ticket: int) -> dict[str, Any]:
    try:
        made = certificate(node, event, ticket)
    except ServiceError:
        # The key is on the ledger whatever the certificate keys are like; the wallet can ask for one later.
        return {"ticket": ticket}
    signed = {"certificate": made.certificate.pack().hex(), "ledger_signature": made.signature.hex()}
    return {"ticket": ticket, "holder_key": made.certificate.holder_key.hex(), **signed}


def _token(request: Request) -> str:
    """From `Authorization: Bearer TOKEN`, which proxies do not log, unless the path has it."""
    text = request.path_params.get("token") or request.headers.get("authorization", "").removeprefix("Bearer ")
    return str(text).encode("utf-8", "replace").decode()
