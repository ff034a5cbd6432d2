"""How a request to the market is read: names in its path, entries that people signed, JSON. Nobody signs in here: what
people may do, their keys' signatures say.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import Request

from ledger_node.contract.outcome import Outcome
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.purchases import Payer
from ledger_node.web.addresses import address_of, group_of
from ledger_node.web.body import read_body
from ledger_node.web.reply import CBOR, JSON, Reply, reply
from ledger_node.web.routes import NO_QUERY, Query, add_route, plain

Handler = Callable[[Request], Awaitable[Reply]]
EVENT = "/v1/events/{event}"
_DECLINED = frozenset({"payment-declined", "identity-declined"})
_T = TypeVar("_T")
MOST_JSON = 8_192
MOST_ENTRY = 4_096
"""Bytes of an entry that people sign. Its longest part is a provider's receipt of at most 2,000."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Adds the paths of one part of the market."""

    app: FastAPI
    tag: str

    def get(self, path: str, handler: Handler, answer: object, query: Query = NO_QUERY) -> None:
        """For reading."""
        add_route(self.app, "GET", f"{EVENT}{path}", plain(handler), handler.__doc__, self.tag, answer, None, query)

    def take_json(self, path: str, handler: Handler, body: type[BaseModel], answer: object) -> None:
        """For what comes as JSON."""
        endpoint, doc = plain(handler), handler.__doc__
        add_route(self.app, "POST", f"{EVENT}{path}", endpoint, doc, self.tag, answer, JSON, NO_QUERY, body)

    def take_entry(self, path: str, handler: Handler, answer: object) -> None:
        """For a signed entry as it is."""
        add_route(self.app, "POST", f"{EVENT}{path}", plain(handler), handler.__doc__, self.tag, answer, CBOR)


async def read_entry(request: Request) -> bytes:
    """The signed entry that is the body. Raises ServiceError."""
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != CBOR:
        raise ServiceError("wrong-type", f"the body is {given or 'of no type'}; send {CBOR}: one signed entry", 415)
    return await read_body(request, MOST_ENTRY)


def event_of(request: Request) -> str:
    """The event that the path names."""
    return str(request.path_params["event"])


def deal_of(request: Request) -> bytes:
    """The deal that the path names. Raises ServiceError "deal-gone" for what cannot be one."""
    text = str(request.path_params["deal"])
    try:
        deal = bytes.fromhex(text)
    except ValueError:
        deal = b""
    if len(deal) != 32 or deal.hex() != text:
        raise ServiceError("deal-gone", "there is no such offer or listing", 404)
    return deal


async def declined_counted(node: Node, request: Request, purchase: str, work: Callable[[], Awaitable[_T]]) -> _T:
    """What `work` gives; what the provider declines is counted by address and purchase, so that a deal that everybody
    sees can still be paid by others. Raises ServiceError "too-many-payments", and what `work` raises.
    """
    who = {"address and purchase": f"{group_of(address_of(request))} {purchase}"}
    node.tally.check("declined by the provider", who, node.now())
    try:
        return await work()
    except ServiceError as error:
        if error.code in _DECLINED:
            with suppress(ServiceError):
                node.tally.take("declined by the provider", who, node.now())
        raise


def payer_of(payer: str | None, authorisation: str | None) -> Payer | None:
    """Who pays, if anybody said so."""
    return Payer(bytes.fromhex(payer), authorisation) if payer and authorisation else None


def logged(outcome: Outcome) -> Reply:
    """Where an entry stands."""
    return reply({"position": outcome.position, "at": outcome.at})
