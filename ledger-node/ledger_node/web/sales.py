"""The API of selling: the seat plan, seats that are kept, payment, and the ticketing system's webhook."""

import asyncio
import hashlib

from starlette.requests import Request

from ledger_node.adapters import webhook
from ledger_node.services import orders, sale
from ledger_node.services.counted import giving_back
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.policies import versions
from ledger_node.services.pricing import free_seats
from ledger_node.services.sale import Buyer
from ledger_node.services.tally import Charge
from ledger_node.services.vacancy import Vacancies
from ledger_node.web import market_models as models
from ledger_node.web.account_models import Empty, read_model
from ledger_node.web.addresses import group_of, stranger
from ledger_node.web.body import read_body
from ledger_node.web.hands import Hands
from ledger_node.web.market_door import MOST_JSON, Paths, declined_counted, event_of, payer_of
from ledger_node.web.reply import JSON, Reply, problem, reply

_PAGE = 500
_OF_SEATS = {"from": "the first ticket", "count": f"how many indexes from there, at most {_PAGE}"}


def add_sales(paths: Paths, node: Node, hands: Hands) -> None:
    """Seats, holds, payment, orders, policy."""
    api = _Sales(node, hands)
    paths.get("/policy", api.policy, None)
    paths.get("/seats", api.seats, list[models.Seat], _OF_SEATS)
    paths.take_json("/holds", api.keep, models.Keeping, models.Kept)
    paths.take_json("/holds/{hold}/release", api.let_go, Empty, models.Logged)
    paths.take_json("/holds/{hold}/pay", api.pay, models.Paying, models.Sold)
    paths.take_json("/orders", api.receive, models.Feed, models.TakenIn)


class _Sales:
    """The handlers. One event loop."""

    def __init__(self, node: Node, hands: Hands) -> None:
        self._node = node
        self._hands = hands
        self._vacancies = Vacancies()

    async def policy(self, request: Request) -> Reply:
        """All versions of the event's ticket policy, oldest first."""
        known = await asyncio.to_thread(versions, self._node, event_of(request))
        return reply(
            [{"version": one.version, "effective": one.effective, **_hexed(one.policy.to_map())} for one in known]
        )

    async def seats(self, request: Request) -> Reply:
        """A part of the seat plan, by ticket."""
        first, count = _number(request, "from", 0), _number(request, "count", _PAGE)
        return reply(await asyncio.to_thread(self._seats, event_of(request), first, min(count, _PAGE)))

    async def keep(self, request: Request) -> Reply:
        """Keep seats for a few minutes, all or none; 409 "none-free" or "sold-out" if there are no others either."""
        asked, event = await read_model(request, models.Keeping, MOST_JSON), event_of(request)
        charge = await self._counted(request, event)
        with giving_back(self._node, charge):
            held = await self._hands.do(
                lambda: sale.keep(self._node, event, asked.tickets, asked.tier, self._vacancies)
            )
        self._node.tally.keep_soon(charge, self._node.now(), _ref(held.token))
        lines = [{"ticket": line.ticket, "tier": line.tier, "price": line.price} for line in held.lines]
        kept = {"hold": held.token, "until": held.until, "tickets": lines, "fee": held.fee, "currency": held.currency}
        return reply(kept, 201)

    async def let_go(self, request: Request) -> Reply:
        """Seats that are not wanted after all."""
        await read_model(request, Empty, MOST_JSON)
        event, hold = event_of(request), str(request.path_params["hold"])
        outcome = await self._hands.do(lambda: sale.let_go(self._node, event, hold))
        self._node.tally.end(_ref(hold), "unpaid hold")
        return reply({"position": outcome.position, "at": outcome.at})

    async def pay(self, request: Request) -> Reply:
        """Pay for a hold through the wallet provider; the same hold again is the same order."""
        asked, event = await read_model(request, models.Paying, MOST_JSON), event_of(request)
        payer, hold = payer_of(asked.payer, asked.authorisation), str(request.path_params["hold"])
        buyer = Buyer(payer, asked.phone, asked.email, asked.eticket, asked.tier)
        bought = await declined_counted(
            self._node, request, _ref(hold), lambda: self._hands.do(lambda: sale.pay(self._node, event, hold, buyer))
        )
        # What costs nothing goes on counting as a hold: else one network could take every free seat.
        self._node.tally.end(_ref(hold), *(() if bought.amount else ("unpaid hold",)))
        return reply(
            {
                "number": bought.number,
                "order": bought.order.hex(),
                "position": bought.position,
                "amount": bought.amount,
                "tickets": list(bought.tickets),
            }
        )

    async def receive(self, request: Request) -> Reply:
        """Orders of the ticketing system, signed as Standard Webhooks says; repeat it until it is taken.

        200 says that every order is on the ledger. If some are bad it is 422 "bad-orders": the good ones are kept, each
        bad one stands in `faults` with its place in the list, its number and the reason. Sent again, what is known is
        passed over.
        """
        given = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if given != JSON:
            raise ServiceError("wrong-type", f"the body is {given or 'of no type'}; send {JSON}", 415)
        body, event = await read_body(request, webhook.MOST_BODY), event_of(request)
        taken = await self._hands.do(lambda: orders.receive(self._node, event, dict(request.headers), body))
        if not taken.bad:
            return reply(taken.to_map())
        of = "order" if taken.bad == 1 else "orders"
        why = f"{of} {taken.places()} of the list cannot be taken, faults says why; the others are kept"
        return problem(ServiceError("bad-orders", why), **taken.to_map())

    async def _counted(self, request: Request, event: str) -> Charge:
        """A hold of a stranger's counts before it is made, so that many at once are counted, too."""
        address = stranger(request)
        if address is None:
            return ()
        terms, now = await asyncio.to_thread(sale.terms_of, self._node, event), self._node.now()
        who, tally = {"address": f"{event} {group_of(address)}"}, self._node.tally
        unpaid = tally.take("unpaid hold", who, now, most=terms.holds, seconds=terms.seconds)
        with giving_back(self._node, unpaid):
            return unpaid + tally.take("hold", {**who, "event": event}, now)

    def _seats(self, event: str, first: int, count: int) -> list[dict[str, object]]:
        with self._node.view() as view:
            self._node.event(view, event)
            found = [view.ticket(event, index) for index in range(first, first + count)]
            tickets = [ticket for ticket in found if ticket]
            free = free_seats(view, event, tickets, self._node.seconds)
        return [
            {
                "ticket": ticket.row.ticket,
                "seat": ticket.row.seat,
                "category": ticket.row.category,
                "face_value": ticket.face_value,
                "free": good,
            }
            for ticket, good in zip(tickets, free, strict=True)
        ]


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal()) or len(text) > 10 or int(text) >= 2**32:
        raise ServiceError("bad-query", f"{name} is {text[:40]!r}, not an integer from 0 to {2**32 - 1}", 400)
    return int(text)


def _ref(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _hexed(policy: dict[str, object]) -> dict[str, object]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in policy.items()}
