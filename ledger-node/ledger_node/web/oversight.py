"""The API of what others watch: tickets' histories and an event's promises for everybody, alerts for ops, and the
regulator's read-only view. Nothing here names a person.
"""

import asyncio
import re
from collections.abc import Iterator

from fastapi import FastAPI
from prometheus_client.core import GaugeMetricFamily
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ledger_node.services import oversight, regulator
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import read_event
from ledger_node.services.history import read_history
from ledger_node.services.node import Node
from ledger_node.web.account_models import Empty, read_model
from ledger_node.web.guard import session_of
from ledger_node.web.metrics import Metrics
from ledger_node.web.oversight_models import Acts, AlertFacts, AssuranceFacts, EventTotals, HistoryFacts, Overview
from ledger_node.web.reply import JSON, Reply, reply
from ledger_node.web.routes import add_route, plain

_EVENT = "/v1/events/{event}"
_REGULATOR = "/v1/regulator/events"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_MOST_TICKET = 2**32 - 1
_MOST_BODY = 4_096
_CSV = "text/csv; charset=utf-8"
_COSIGNED = {"cosigned": "how many witnesses must have cosigned the checkpoint in the answer"}
_OF_HISTORIES = {
    "from": "position to go on from (`next`)",
    "proofs": "1 = with an inclusion proof for each entry",
    **_COSIGNED,
}
_OF_ACTS = {"from": "position to go on from (`next`)", "limit": f"at most {regulator.MOST}"}


def add_oversight(app: FastAPI, node: Node, metrics: Metrics) -> None:
    """Histories, promises, alerts, and the regulator's view."""
    api = _Oversight(node)
    history = f"{_EVENT}/tickets/{{index}}/history"
    add_route(app, "GET", history, plain(api.history), api.history.__doc__, "public", HistoryFacts, query=_OF_HISTORIES)
    add_route(
        app, "GET", f"{_EVENT}/assurance", plain(api.assurance), api.assurance.__doc__, "public", AssuranceFacts,
        query=_COSIGNED,
    )  # fmt: skip
    alerts = "/v1/alerts"
    of_alerts = {"all": "1 = closed ones, too"}
    add_route(app, "GET", alerts, plain(api.alerts), api.alerts.__doc__, "oversight", list[AlertFacts], query=of_alerts)
    for act, handler in (("acknowledge", api.acknowledge), ("close", api.close)):
        path = f"{alerts}/{{number}}/{act}"
        add_route(app, "POST", path, plain(handler), handler.__doc__, "oversight", AlertFacts, takes=JSON, body=Empty)
    one = f"{_REGULATOR}/{{event}}"
    add_route(app, "GET", _REGULATOR, plain(api.overview), api.overview.__doc__, "oversight", list[Overview])
    add_route(app, "GET", one, plain(api.totals), api.totals.__doc__, "oversight", EventTotals)
    add_route(app, "GET", f"{one}/acts", plain(api.acts), api.acts.__doc__, "oversight", Acts, query=_OF_ACTS)
    add_route(app, "GET", f"{one}/totals.csv", plain(api.totals_csv), api.totals_csv.__doc__, "oversight")
    add_route(app, "GET", f"{one}/acts.csv", api.acts_csv, api.acts_csv.__doc__, "oversight")
    metrics.registry.register(_AlertCounts(node))  # type: ignore[no-untyped-call,unused-ignore]


class _Oversight:
    """The handlers. One event loop."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def history(self, request: Request) -> Reply:
        """Every entry that speaks of a ticket, without people; each can be proven against the answer's checkpoint."""
        index = _number(request.path_params["index"], _MOST_TICKET)
        if index is None:
            raise ServiceError("unknown-ticket", f"{request.path_params['index']!r} is not the index of a ticket", 404)
        start, proofs, cosigned = _query(request, "from", 0), _query(request, "proofs", 0) > 0, _quorum(request)

        def read() -> Reply:
            event = _event(request)
            found = read_history(self._node, event, index, start=start, proofs=proofs, cosigned=cosigned)
            return reply(oversight.history_map(found))

        return await asyncio.to_thread(read)

    async def assurance(self, request: Request) -> Reply:
        """The promises in numbers: issued <= licensed, sponsors' share <= declared, each transfer and resale <= its
        cap; with the positions of the entries behind each number.
        """
        cosigned = _quorum(request)
        return reply(await asyncio.to_thread(oversight.read_assurance, self._node, _event(request), cosigned))

    async def alerts(self, request: Request) -> Reply:
        """What monitoring raised, newest first. For ops and the regulator."""
        closed = _query(request, "all", 0) > 0
        found = await asyncio.to_thread(lambda: self._node.alerts.list_alerts(closed=closed))
        return reply([alert.to_map() for alert in found])

    async def acknowledge(self, request: Request) -> Reply:
        """Say that one looks after an alert. For ops."""
        return await self._act(request, oversight.acknowledge_alert)

    async def close(self, request: Request) -> Reply:
        """Be done with an alert. For ops."""
        return await self._act(request, oversight.close_alert)

    async def overview(self, _request: Request) -> Reply:
        """All events, with the promises in numbers. For the regulator and ops, like all below."""
        return reply(await asyncio.to_thread(regulator.events_overview, self._node))

    async def totals(self, request: Request) -> Reply:
        """One event's totals: promises, entries by type, money in cents."""
        return reply(await asyncio.to_thread(regulator.totals, self._node, _event(request)))

    async def acts(self, request: Request) -> Reply:
        """All acts on an event, without people, in pages."""
        start, limit = _query(request, "from", 0), _query(request, "limit", regulator.MOST)
        most = max(1, min(limit, regulator.MOST))
        return reply(await asyncio.to_thread(regulator.acts, self._node, _event(request), start, most))

    async def totals_csv(self, request: Request) -> Reply:
        """The totals as CSV."""
        text = await asyncio.to_thread(regulator.totals_csv, self._node, _event(request))
        return Reply(200, text.encode(), _CSV, _attached(request, "totals"))

    async def acts_csv(self, request: Request) -> Response:
        """All acts as CSV, streamed: an event's whole log in one file."""
        await asyncio.to_thread(read_event, self._node, _event(request))
        made = regulator.acts_csv(self._node, _event(request))
        return StreamingResponse(made, 200, _attached(request, "acts"), _CSV)

    async def _act(self, request: Request, act: "oversight.AlertAct") -> Reply:
        session = session_of(request)
        await read_model(request, Empty, _MOST_BODY)
        number = _number(request.path_params["number"], 2**53)
        if number is None:
            raise ServiceError("unknown-alert", f"{request.path_params['number']!r} is not the number of an alert", 404)
        return reply(await asyncio.to_thread(act, self._node, number, session.actor))


class _AlertCounts:
    """Alerts by rule and state, counted when somebody asks."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As prometheus_client calls it."""
        family = GaugeMetricFamily("ledger_alerts", "Alerts by rule and state", labels=["rule", "state"])
        for (rule, state), count in self._node.alerts.counts().items():
            family.add_metric([rule, state], count)
        yield family


def _event(request: Request) -> str:
    return str(request.path_params["event"])


def _number(text: str, most: int) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= most else None


def _query(request: Request, name: str, default: int) -> int:
    """An unsigned integer of the query. Raises ServiceError "bad-query"."""
    text = request.query_params.get(name, str(default))
    found = _number(text, 2**53)
    if found is None:
        raise ServiceError("bad-query", f"{name} is {text!r}, not an integer from 0 to {2**53}", 400)
    return found


def _quorum(request: Request) -> int:
    """How many witnesses must have signed what is shown; who asks has to look which they are."""
    return _query(request, "cosigned", 0)


def _attached(request: Request, what: str) -> dict[str, str]:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", _event(request))
    return {"Content-Disposition": f'attachment; filename="{name}-{what}.csv"'}
