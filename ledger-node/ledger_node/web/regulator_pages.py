"""The regulator's pages: all events, one event's promises in numbers, and any ticket's history. Read-only.

Server-rendered in Traditional Chinese and English, without a script; one style sheet of this origin and nothing from
anywhere else. The figures are those of the API (`oversight`); who is not signed in is sent to the sign-in page.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import jinja2
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from ledger_node.services import oversight, regulator
from ledger_node.services.errors import ServiceError
from ledger_node.services.history import read_history
from ledger_node.services.node import Node
from ledger_node.web.regulator_texts import TEXTS, TYPES
from ledger_node.web.routes import Answering, add_page

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_HTML = "text/html; charset=utf-8"
_STYLE = "/regulator/regulator.css"
_TICKET = re.compile(r"[0-9]{1,10}")
_HONG_KONG = timezone(timedelta(hours=8))


def add_regulator_pages(app: FastAPI, node: Node) -> None:
    """/regulator, /regulator/events/{event} (with ?ticket=N a look-up), and their style sheet."""
    pages = _Pages(node)
    style = (files("ledger_node.web") / "static" / "regulator.css").read_bytes()

    async def sheet(_request: Request) -> Response:
        return Response(style, 200, {**_HEADERS, "Content-Type": "text/css; charset=utf-8"})

    routes: dict[str, Answering] = {"/regulator": pages.overview, "/regulator/events/{event}": pages.event}
    add_page(app, _STYLE, sheet)
    for path, handler in routes.items():
        add_page(app, path, handler, pages.refuse)


class _Pages:
    """The handlers. One event loop."""

    def __init__(self, node: Node) -> None:
        self._node = node
        shelf = jinja2.PackageLoader("ledger_node.web", "templates")
        made = jinja2.Environment(loader=shelf, autoescape=True, undefined=jinja2.StrictUndefined)
        made.filters.update(moment=_moment, money=_money, percent=_percent, path=lambda text: quote(text, safe=""))
        self._environment = made

    async def overview(self, _request: Request) -> Response:
        """All events."""

        def make() -> str:
            return self._render("regulator.html", events=regulator.events_overview(self._node))

        return await self._answer(make)

    async def event(self, request: Request) -> Response:
        """One event, and a ticket if one is asked for."""
        event, asked = str(request.path_params["event"]), request.query_params.get("ticket", "").strip()

        def make() -> str:
            totals = regulator.totals(self._node, event)
            history, problem = self._look_up(event, asked)
            return self._render("regulator_event.html", e=totals, asked=asked, history=history, problem=problem)

        return await self._answer(make)

    def _look_up(self, event: str, asked: str) -> tuple[dict[str, Any] | None, bool]:
        """The ticket's history, and whether something was asked for that is not there."""
        if not asked:
            return None, False
        try:
            found = read_history(self._node, event, int(asked)) if _TICKET.fullmatch(asked) else None
        except ServiceError as error:
            if error.code != "unknown-ticket":
                raise
            found = None
        return (oversight.history_map(found), False) if found else (None, True)

    def _render(self, name: str, **values: Any) -> str:
        return self._environment.get_template(name).render(t=TEXTS, types=TYPES, style=_STYLE, **values)

    def refuse(self, error: ServiceError) -> Response:
        """The sign-in page for who has not signed in; a page that says what is wrong for others."""
        if error.status == 401:
            return Response(b"", 303, {**_HEADERS, "Location": "/account/login"})
        text = self._render("regulator_problem.html", code=error.code)
        return Response(text, error.status, {**_HEADERS, "Content-Type": _HTML})

    async def _answer(self, make: Callable[[], str]) -> Response:
        return Response(await asyncio.to_thread(make), 200, {**_HEADERS, "Content-Type": _HTML})


def _moment(seconds: int) -> str:
    """Unix seconds as people read them in Hong Kong."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(_HONG_KONG).strftime("%Y-%m-%d %H:%M:%S")


def _money(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"


def _percent(basis_points: int) -> str:
    return f"{basis_points / 100:g} %"
