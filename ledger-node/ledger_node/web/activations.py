"""The API of activation: a holder's link, and what the help desk does with links.

A holder has no account: the link's token is the key, so nothing of it is logged or kept by a cache. Wrong answers are
counted for each link by the service, and for each network here; only so many answers are worked on at a time, because
each takes 19 MiB.
"""

import asyncio
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request

from ledger_node.services import activation, links
from ledger_node.services.accounts.roles import Role
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.tickets import certificate
from ledger_node.web.account_models import Activating, Empty, read_model
from ledger_node.web.guard import Guard
from ledger_node.web.limits import Limits, address_of
from ledger_node.web.reply import JSON, Reply, reply
from ledger_node.web.routes import add_route, plain

_MOST_BODY = 65_536
_AT_A_TIME = 4
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_GUESSES = frozenset({"link-not-good", "wrong-answer", "link-locked"})


def add_activations(app: FastAPI, node: Node, guard: Guard) -> None:
    """/v1/activation for holders, with the token in a header or in the path; /v1/activations for the help desk."""
    api = _Activations(node, guard)
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

    def __init__(self, node: Node, guard: Guard) -> None:
        self._node = node
        self._limits = Limits()
        self._ops = guard.require(Role.OPS)
        self._room = asyncio.Semaphore(_AT_A_TIME)

    async def look(self, request: Request) -> Reply:
        """What the link is for and what is asked. Reading it uses nothing up."""
        opened = await self._try(request, lambda: activation.look(self._node, _token(request)))
        places = [{"ticket": place.ticket, "owner_seq": place.owner_seq} for place in opened.places]
        facts = {"question": opened.question, "expires": opened.expires, "tries_left": opened.tries_left}
        return _answer({"event": opened.event, "tickets": places, **facts})

    async def activate(self, request: Request) -> Reply:
        """The answer and a key for each ticket; gives the certificates that gates with an older list ask for."""
        asked = await read_model(request, Activating, _MOST_BODY)
        keys = [
            activation.Key(key.ticket, bytes.fromhex(key.holder_key), bytes.fromhex(key.proof)) for key in asked.keys
        ]

        def act() -> list[dict[str, Any]]:
            held = activation.activate(self._node, _token(request), asked.answer, keys)
            return [_held(self._node, ticket.event, ticket.row.ticket) for ticket in held]

        async with self._room:
            return _answer({"tickets": await self._try(request, act)})

    async def list_links(self, request: Request) -> Reply:
        """An event's links, without persons. For operators."""
        await self._ops(request)
        found = await asyncio.to_thread(self._node.activations.of_event, str(request.path_params["event"]))
        return _answer([activation.link_map(link) for link in found])

    async def unlock(self, request: Request) -> Reply:
        """All tries are there again. For operators, who have made sure of the person in another way."""
        session = await self._ops(request)
        await read_model(request, Empty, _MOST_BODY)
        await asyncio.to_thread(activation.unlock, self._node, str(request.path_params["link"]), session.actor)
        return _answer({})

    async def renew(self, request: Request) -> Reply:
        """A new link in place of a lost or expired one, sent to where its person is written to. For operators."""
        session = await self._ops(request)
        await read_model(request, Empty, _MOST_BODY)
        made = await asyncio.to_thread(links.renew, self._node, str(request.path_params["link"]), session.actor)
        return _answer({"link": made.link, "expires": made.expires})

    async def revoke(self, request: Request) -> Reply:
        """The link is good for nothing any more. For operators."""
        session = await self._ops(request)
        await read_model(request, Empty, _MOST_BODY)
        await asyncio.to_thread(activation.revoke, self._node, str(request.path_params["link"]), session.actor)
        return _answer({})

    async def _try(self, request: Request, act: Any) -> Any:
        address = address_of(request)
        self._limits.check(address, self._node.now())
        try:
            return await asyncio.to_thread(act)
        except ServiceError as error:
            if error.code in _GUESSES:
                self._limits.wrong(address, self._node.now())
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


def _answer(value: Any) -> Reply:
    made = reply(value)
    return Reply(made.status, made.body, made.content_type, _PRIVATE)
