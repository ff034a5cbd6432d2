"""The node's HTTP API: which path leads to which handler, and the description of all of them at /openapi.json.

Handlers take a request and give a Reply; no model is built on the way. The models are for the description.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ledger_node.log.ledger import DATABASE
from ledger_node.log.precheck import Precheck
from ledger_node.services.accounts.site import Site
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.nonces import Nonces
from ledger_node.web import schemas
from ledger_node.web.accounts import add_accounts
from ledger_node.web.activations import add_activations
from ledger_node.web.addresses import networks
from ledger_node.web.authorisation_matrix import TIME, row_of
from ledger_node.web.counters import Counter, Counters
from ledger_node.web.door import Door, Handler, Rules
from ledger_node.web.feed import Feed
from ledger_node.web.gates import Gates
from ledger_node.web.guard import Guard
from ledger_node.web.hands import Hands
from ledger_node.web.live import Live, add_live
from ledger_node.web.market import add_market
from ledger_node.web.metrics import Metrics
from ledger_node.web.oversight import add_oversight
from ledger_node.web.pages import add_pages
from ledger_node.web.peers import OF_PEERS, PeerList, PeerLists
from ledger_node.web.public import Public
from ledger_node.web.recalls import OF_RECALLS, CalledBack, RecallAnswers, Recalls
from ledger_node.web.regulator_pages import add_regulator_pages
from ledger_node.web.reply import CBOR, JSON, Reply, problem, reply
from ledger_node.web.reports import Reports
from ledger_node.web.routes import NO_QUERY, NO_SNIFFING, Answering, Query, add_page, add_route, check_rows, plain
from ledger_node.web.shortcut import Api
from ledger_node.web.wallet import add_wallet
from ledger_node.web.wallet_pages import add_wallet_pages
from scanner.verify.log_keys import NEWEST, path_of
from scanner.verify.record import MOST_RECORD

_BATCH_BYTES = 8 << 20
"""1,000 records of a few hundred bytes each, and room."""
_SMALL = 4_096
_CHECKPOINT = 32_768
_BODIES: dict[str, type[BaseModel]] = {
    "enrol": schemas.Enrolment,
    "recalls": RecallAnswers,
    "newer": schemas.Shown,
}
_EVENT = "/v1/events/{event}"

_COSIGNED = {"cosigned": "how many witnesses must have cosigned the checkpoint in the answer"}
_OF_RECEIPTS = {"from": "the log size that you have verified; the answer proves that the log extends it", **_COSIGNED}
_OF_CLAIMS = {"from": "the log size that you have verified: a node that has less grants nothing"}
_OF_UPLOADS = {**_OF_RECEIPTS, "proofs": "1 = with inclusion proofs"}
_OF_CHANGES = {
    "from": "the log size that your rows are at",
    "verified": "the size of the checkpoint that you have verified, if it is not `from`",
    "wait": "seconds to wait for a change, at most 30",
    "queue": "how many records wait at the gate",
    **_COSIGNED,
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What lives as long as the server does."""

    node: Node
    nonces: Nonces
    feed: Feed
    metrics: Metrics
    reports: Reports
    site: Site
    hands: Hands


def make_app(start: Callable[[], Parts]) -> Api:
    """The application; `start` is called once, on the event loop that serves it."""

    @asynccontextmanager
    async def lifespan(app: Api) -> AsyncIterator[None]:
        parts = start()
        precheck = Precheck(parts.node.home / DATABASE)
        app.state.proxies = networks(parts.node.proxies)
        app.state.guard = guard = Guard(parts.node, parts.site)
        try:
            _add_gates(app, parts, precheck)
            _add_public(app, Public(parts.node, parts.metrics))
            _add_people(app, parts, guard)
            add_page(app, "/openapi.json", _description(app))
            check_rows(app)
            app.shorten()
            yield
        finally:
            parts.feed.close()
            precheck.close()
            await asyncio.to_thread(parts.hands.close)

    app = Api(
        title="TicketME ledger node",
        version="1",
        summary="An append-only log of signed entries, and what gates need of it",
        description="Gates sign their requests and the node its answers: RFC 9421, Ed25519, single-use nonce, 60 s.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={HTTPException: _on_http_error},
    )
    app.openapi_version = "3.1.0"
    return app


def _add_gates(app: FastAPI, parts: Parts, precheck: Precheck) -> None:
    door = Door(parts.node, parts.nonces, parts.metrics)
    recalls = Recalls(parts.node, parts.feed)
    recalls.serve_operators()
    gates = Gates(parts.node, parts.feed, parts.metrics, parts.reports, precheck, recalls)

    def add(method: str, path: str, handler: Handler, rules: Rules, answer: Any, query: Query = NO_QUERY) -> None:
        endpoint = door.endpoint(handler, rules, row_of(method, path))
        body = _BODIES.get(handler.__name__)
        add_route(app, method, path, endpoint, handler.__doc__, "gates", answer, rules.content_type, query, body)

    record, upload = Rules(MOST_RECORD, CBOR), Rules(_BATCH_BYTES, CBOR)
    add("POST", "/v1/enrol", gates.enrol, Rules(_SMALL, JSON), schemas.Enrolled)
    add("GET", f"{_EVENT}/snapshot", gates.snapshot, Rules(), None, _COSIGNED)
    add("HEAD", f"{_EVENT}/snapshot", gates.snapshot, Rules(), None, _COSIGNED)
    add("GET", f"{_EVENT}/state", gates.state, Rules(), schemas.Stated, _COSIGNED)
    add("GET", f"{_EVENT}/changes", gates.changes, Rules(), schemas.Changes, _OF_CHANGES)
    add("GET", f"{_EVENT}/peers", PeerLists(parts.node).peers, Rules(), PeerList, OF_PEERS)
    add("GET", "/v1/counter", Counters(parts.node).last, Rules(), Counter)
    add("POST", f"{_EVENT}/recalls", recalls.recalls, Rules(_SMALL, JSON), CalledBack, OF_RECALLS)
    add("POST", f"{_EVENT}/claims", gates.claim, record, schemas.ClaimAnswer, _OF_CLAIMS)
    add("POST", "/v1/newer", gates.newer, Rules(_CHECKPOINT, JSON), schemas.Heard, _COSIGNED)
    add("POST", f"{_EVENT}/admissions", gates.admit, upload, schemas.Receipts, _OF_UPLOADS)
    receipt = f"{_EVENT}/receipts/{{device}}/{{counter}}"
    add("GET", receipt, gates.receipt, Rules(), schemas.ProvenReceipt, _OF_RECEIPTS)
    add("GET", f"{_EVENT}/revocation", gates.revocation, Rules(), schemas.ProvenRevocation, _OF_RECEIPTS)
    add_route(app, "GET", TIME, _time(parts, door), _time.__doc__, "gates", schemas.Time)


def _add_people(app: FastAPI, parts: Parts, guard: Guard) -> None:
    add_accounts(app, parts.node, parts.site, guard)
    add_activations(app, parts.node)
    add_market(app, parts.node, parts.hands)
    add_oversight(app, parts.node, parts.metrics)
    add_wallet(app, parts.node)
    add_live(app, Live(parts.node, parts.feed))
    add_pages(app, parts.site)
    add_wallet_pages(app, parts.site)
    add_regulator_pages(app, parts.node)


def _add_public(app: FastAPI, public: Public) -> None:
    def add(path: str, handler: Callable[[Request], Awaitable[Reply]], answer: Any = None) -> None:
        add_route(app, "GET", path, plain(handler), handler.__doc__, "public", answer)

    add("/v1/events", public.events, list[schemas.EventFacts])
    add(_EVENT, public.event, schemas.EventFacts)
    add(f"{_EVENT}/tickets/{{index}}", public.ticket, schemas.TicketHistory)
    add("/checkpoint", public.checkpoint)
    add(f"/{NEWEST}", public.log_keys)
    add(f"/{path_of('{version}')}", public.log_keys)
    add("/state", public.state, schemas.State)
    add("/tile/{path:path}", public.tile)
    add("/healthz", public.health)
    add("/metrics", public.metrics)


def _time(parts: Parts, door: Door) -> Answering:
    """The node's time, signed; a question that is signed need not be in time, or of an enrolled device."""

    async def endpoint(request: Request) -> Response:
        return door.sign(reply(parts.node.time_told), request)

    return endpoint


def _description(app: FastAPI) -> Answering:
    async def endpoint(_request: Request) -> Response:
        return Response(json.dumps(app.openapi()), 200, {"Content-Type": JSON})

    return endpoint


async def _on_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = {404: "there is nothing at this path: see /openapi.json", 405: "this path takes another method"}
    code = {404: "no-such-path", 405: "wrong-method"}.get(error.status_code, "http")
    answer = problem(ServiceError(code, sentence.get(error.status_code, str(error.detail)), error.status_code))
    return answer.response({"Content-Type": answer.content_type, **NO_SNIFFING, **(error.headers or {})})
