"""The router against routes of which nobody said who may call them."""

import asyncio
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from ledger_node.services.accounts.site import listening
from ledger_node.services.node import Node
from ledger_node.services.nonces import Nonces
from ledger_node.web import routes
from ledger_node.web.app import Parts, make_app
from ledger_node.web.authorisation import Caller, Row, Scope
from ledger_node.web.authorisation_matrix import ROWS, row_of
from ledger_node.web.feed import Feed
from ledger_node.web.hands import Hands
from ledger_node.web.metrics import Metrics
from ledger_node.web.reports import Reports
from tests.fakes.running_node import open_home


async def answer(_request: Request) -> Response:
    return Response(b"{}")


def test_a_route_without_a_row_is_not_added() -> None:
    app = FastAPI()
    app.state.guard = None
    with pytest.raises(LookupError, match="GET /v1/secrets has no row"):
        routes.add_route(app, "GET", "/v1/secrets", answer, "", "secrets")
    with pytest.raises(LookupError, match="GET /secrets has no row"):
        routes.add_page(app, "/secrets", answer)
    with pytest.raises(LookupError, match="DELETE /v1/events has no row"):
        routes.add_route(app, "DELETE", "/v1/events", answer, "", "public")


def test_a_route_that_was_added_past_the_matrix_is_found() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/v1/secrets", answer, methods=["GET"])
    with pytest.raises(LookupError, match=r"without a row in the authorisation matrix: \[\('GET', '/v1/secrets'\)\]"):
        routes.check_rows(app)


def test_a_node_with_a_row_too_many_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row("GET", "/v1/gone", {Caller.PUBLIC: Scope.ALL})
    monkeypatch.setattr(routes, "ROWS", {**ROWS, ("GET", "/v1/gone"): row})

    async def start(node: Node) -> None:
        made = Metrics(node.ledger), Reports(node.store), listening(node, 8080), Hands()
        app = make_app(lambda: Parts(node, Nonces(node.store, node.seconds), Feed(node.ledger), *made))
        with pytest.raises(LookupError, match=r"without a route: \[\('GET', '/v1/gone'\)\]"):
            async with app.router.lifespan_context(app):
                pytest.fail("it started")

    with open_home(tmp_path) as node:
        asyncio.run(start(node))


def test_all_callers_of_a_route_prove_who_they_are_in_the_same_way() -> None:
    assert all(row.proof for row in ROWS.values())
    assert row_of("GET", "/wallet/sw.js") is ROWS["GET", "/wallet/{file}"]
