"""The API of passing tickets on: transfers, resale, identities. What people sign is their authorisation; the checkout
hands a newcomer the entry to sign, with the provider's receipt in it.
"""

import asyncio
from typing import Any

from starlette.requests import Request

from ledger_node.contract.facts import Deal
from ledger_node.services import dealing, identities, resale, transfers
from ledger_node.services.dealing import Needs, Newcomer
from ledger_node.services.errors import ServiceError
from ledger_node.services.identities import Consent
from ledger_node.services.node import Node
from ledger_node.services.resale import Listing
from ledger_node.services.transfers import Recipient
from ledger_node.web import market_models as models
from ledger_node.web.account_models import read_model
from ledger_node.web.addresses import address_of, group_of
from ledger_node.web.hands import Hands, Lane
from ledger_node.web.market_door import (
    MOST_ENTRY,
    MOST_JSON,
    Paths,
    deal_of,
    declined_counted,
    event_of,
    logged,
    payer_of,
    read_entry,
)
from ledger_node.web.reply import Reply, reply

_MOST_OFFER = 2 * MOST_ENTRY + 4_096
_AT_A_TIME, _MOST_WAITING, _MOST_OF_ONE = 4, 64, 16


def add_transfers(paths: Paths, node: Node, hands: Hands) -> None:
    """Offers to one person, and identities."""
    api = _Transfers(node, hands)
    one = "/transfers/{deal}"
    paths.take_json("/identities", api.identify, models.Identifying, None)
    paths.take_json("/transfers", api.offer, models.Offering, models.Opened)
    paths.get(one, api.show, models.DealFacts)
    paths.take_json(f"{one}/checkout", api.checkout, models.Checkout, models.Ready)
    paths.take_entry(f"{one}/accept", api.accept, models.Logged)
    paths.take_entry(f"{one}/reject", api.reject, models.Logged)
    paths.take_entry(f"{one}/cancel", api.cancel, models.Logged)


def add_resale(paths: Paths, node: Node, hands: Hands) -> None:
    """Listings for anybody."""
    api = _Resale(node, hands)
    one = "/listings/{deal}"
    paths.get("/listings", api.listings, list[models.Listed])
    paths.take_entry("/listings", api.put_up, models.Opened)
    paths.get(one, api.show, models.Listed)
    paths.take_json(f"{one}/checkout", api.checkout, models.Checkout, models.Ready)
    paths.take_entry(f"{one}/buy", api.buy, models.Logged)
    paths.take_entry(f"{one}/unlist", api.unlist, models.Logged)


class _Transfers:
    """The handlers. One event loop."""

    def __init__(self, node: Node, hands: Hands) -> None:
        self._node = node
        self._hands = hands
        self._lane = Lane(_AT_A_TIME, _MOST_WAITING, _MOST_OF_ONE)

    async def identify(self, request: Request) -> Reply:
        """Put on the ledger what a wallet provider says of a key, and of the tickets that it holds."""
        asked, event = await read_model(request, models.Identifying, MOST_JSON), event_of(request)
        tickets = tuple(asked.tickets)
        if asked.attestation:
            raw = bytes.fromhex(asked.attestation)
            proof = bytes.fromhex(asked.proof or "")
            await self._hands.do(lambda: identities.attest(self._node, event, raw, proof, tickets))
        elif asked.key and asked.authorisation:
            key, given = bytes.fromhex(asked.key), Consent(asked.authorisation, bytes.fromhex(asked.proof or ""))

            async def ask() -> None:
                await self._hands.do(lambda: identities.identify(self._node, event, key, asked.level, given, tickets))

            # Keys cost nothing, so besides counting by key only so many such questions are under way at a time.
            async with self._lane.turn(group_of(address_of(request))):
                await declined_counted(self._node, request, asked.key, ask)
        else:
            raise ServiceError("bad-json", "give attestation, or key and authorisation", 400)
        return reply({})

    async def offer(self, request: Request) -> Reply:
        """Offer a ticket to one person: a transfer.offer that its holder signed."""
        asked, event = await read_model(request, models.Offering, _MOST_OFFER), event_of(request)
        to = Recipient(bytes.fromhex(asked.secret), asked.phone, asked.email) if asked.secret else None
        raw = bytes.fromhex(asked.entry)
        made = await self._hands.do(lambda: transfers.offer(self._node, event, raw, to))
        return reply({"deal": made.deal.hex(), "position": made.position}, 201)

    async def show(self, request: Request) -> Reply:
        """An open offer."""
        found = await asyncio.to_thread(transfers.show, self._node, event_of(request), deal_of(request))
        needs = await asyncio.to_thread(dealing.needs_of, self._node, found)
        return reply(_facts(found, needs))

    async def checkout(self, request: Request) -> Reply:
        """Hold the price, and get the transfer.accept to sign. Only for whoever has the offer's secret."""
        asked, event, deal = await read_model(request, models.Checkout, MOST_JSON), event_of(request), deal_of(request)
        secret, newcomer = bytes.fromhex(asked.secret or ""), _newcomer(asked)
        ready = await declined_counted(
            self._node,
            request,
            deal.hex(),
            lambda: self._hands.do(lambda: transfers.checkout(self._node, event, deal, secret, newcomer)),
        )
        return reply(_ready(ready))

    async def accept(self, request: Request) -> Reply:
        """The signed transfer.accept: the ticket changes hands and the money follows, or neither."""
        raw, event, deal = await read_entry(request), event_of(request), deal_of(request)
        return logged(await self._hands.do(lambda: transfers.accept(self._node, event, deal, raw)))

    async def reject(self, request: Request) -> Reply:
        """A signed transfer.reject."""
        raw, event, deal = await read_entry(request), event_of(request), deal_of(request)
        return logged(await self._hands.do(lambda: transfers.reject(self._node, event, deal, raw)))

    async def cancel(self, request: Request) -> Reply:
        """A signed transfer.cancel, by the holder."""
        raw, event, deal = await read_entry(request), event_of(request), deal_of(request)
        return logged(await self._hands.do(lambda: transfers.cancel(self._node, event, deal, raw)))


class _Resale:
    """The handlers. One event loop."""

    def __init__(self, node: Node, hands: Hands) -> None:
        self._node = node
        self._hands = hands

    async def listings(self, request: Request) -> Reply:
        """Every ticket that can be bought from its holder now."""
        found = await asyncio.to_thread(resale.listings, self._node, event_of(request))
        return reply([_listed(one) for one in found])

    async def put_up(self, request: Request) -> Reply:
        """List a ticket: a signed resale.list."""
        raw, event = await read_entry(request), event_of(request)
        deal, outcome = await self._hands.do(lambda: resale.put_up(self._node, event, raw))
        return reply({"deal": deal.hex(), "position": outcome.position}, 201)

    async def show(self, request: Request) -> Reply:
        """One listing."""
        return reply(_listed(await asyncio.to_thread(resale.show, self._node, event_of(request), deal_of(request))))

    async def checkout(self, request: Request) -> Reply:
        """Hold the price, and get the resale.buy to sign."""
        asked, event, deal = await read_model(request, models.Checkout, MOST_JSON), event_of(request), deal_of(request)
        newcomer = _newcomer(asked)
        ready = await declined_counted(
            self._node,
            request,
            deal.hex(),
            lambda: self._hands.do(lambda: resale.checkout(self._node, event, deal, newcomer)),
        )
        return reply(_ready(ready))

    async def buy(self, request: Request) -> Reply:
        """The signed resale.buy: the first in the log has the ticket, everybody else their money."""
        raw, event, deal = await read_entry(request), event_of(request), deal_of(request)
        return logged(await self._hands.do(lambda: resale.buy(self._node, event, deal, raw)))

    async def unlist(self, request: Request) -> Reply:
        """A signed resale.unlist, by the holder."""
        raw, event, deal = await read_entry(request), event_of(request), deal_of(request)
        return logged(await self._hands.do(lambda: resale.unlist(self._node, event, deal, raw)))


def _newcomer(asked: models.Checkout) -> Newcomer:
    payer = payer_of(asked.payer, asked.authorisation)
    given = Consent(asked.identify, bytes.fromhex(asked.identify_proof or "")) if asked.identify else None
    return Newcomer(bytes.fromhex(asked.key), payer, given)


def _facts(deal: Deal, needs: Needs) -> dict[str, Any]:
    return {
        "deal": deal.deal.hex(),
        "ticket": deal.ticket,
        "owner_seq": deal.owner_seq,
        "price": deal.price,
        "until": deal.until,
        "currency": needs.currency,
        "identity": needs.identity,
        "level": needs.level,
    }


def _listed(one: Listing) -> dict[str, Any]:
    return {
        **_facts(one.deal, one.needs),
        "seat": one.seat,
        "category": one.category,
        "face_value": one.face_value,
        "seller": one.seller,
        "organiser": one.organiser,
        "fees": one.fees,
    }


def _ready(made: dealing.Ready) -> dict[str, Any]:
    return {
        "owner_seq": made.owner_seq,
        "payment": made.payment.hex(),
        "payload": made.draft.payload.hex(),
        "message": made.draft.message.hex(),
        "sign_by": made.sign_by,
    }
