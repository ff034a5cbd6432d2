"""Paths of the API and their descriptions in /openapi.json. What they answer is said where they are handled.

Each is added with its row of the authorisation matrix or not at all: callers are held against the row before the
handler is called, and what is private goes out with the headers that keep it so.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import structlog
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from ledger_node.services.errors import ServiceError
from ledger_node.web import schemas
from ledger_node.web.authorisation import DEVICES, SECURITY_SCHEMES, Row
from ledger_node.web.authorisation_matrix import ROWS, WALLET_FILE, row_of
from ledger_node.web.reply import Reply, problem

Query = Mapping[str, str]
NO_QUERY: Query = MappingProxyType({})
Answering = Callable[[Request], Awaitable[Response]]
Refusing = Callable[[ServiceError], Response]
NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
_TO_DEVICES = {**NO_SNIFFING, "Cache-Control": "no-store"}
_TO_PEOPLE = {
    **_TO_DEVICES,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
log = structlog.get_logger()


class Admitting(Protocol):
    """Who holds a caller against a row, as `guard` does. Raises ServiceError."""

    async def admit(self, request: Request, row: Row) -> None:
        """Let the request through."""


def add_route(
    app: FastAPI,
    method: str,
    path: str,
    endpoint: Answering,
    doc: str | None,
    tag: str,
    answer: Any = None,
    takes: str | None = None,
    query: Query = NO_QUERY,
    body: type[BaseModel] | None = None,
) -> None:
    """One path, described: FastAPI reads parameters off a function's signature, and ours takes only the request."""
    named = re.findall(r"{(\w+)", path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in named]
    for name, what in query.items():
        schema = {"type": "integer", "minimum": 0}
        parameters.append({"name": name, "in": "query", "required": False, "schema": schema, "description": what})
    row = row_of(method, path)
    extra: dict[str, Any] = {"parameters": parameters, "x-authorisation": row.described()}
    if row.proof in SECURITY_SCHEMES:
        extra["security"] = [{row.proof.value: []}]
    if takes:
        schema = _shape(body) if body else {"type": "string", "format": "binary"}
        extra["requestBody"] = {"required": True, "content": {takes: {"schema": schema}}}
    responses: dict[int | str, dict[str, Any]] = {"default": {"model": schemas.Problem, "description": "Problem"}}
    if answer is not None:
        responses[200] = {"model": answer}
    app.add_api_route(
        path,
        _behind(app.state.guard, row, endpoint),
        methods=[method],
        response_model=None,
        response_class=Response,
        responses=responses,
        description=doc,
        tags=[tag],
        openapi_extra=extra,
        operation_id=f"{method} {path}",
    )


def refusal(error: ServiceError) -> Response:
    """As programs read it."""
    answer = problem(error)
    return answer.response({"Content-Type": answer.content_type, **answer.headers})


def add_page(app: FastAPI, path: str, endpoint: Answering, refuse: Refusing = refusal) -> None:
    """A page or a file for browsers, which the description leaves out; `refuse` makes a page of a refusal."""
    behind = _behind(app.state.guard, row_of("GET", path), endpoint, refuse)
    app.add_route(path, behind, methods=["GET"], include_in_schema=False)


def check_rows(app: FastAPI) -> None:
    """Raises LookupError unless each route has a row and each row a route: to be called when all have been added."""
    there = {(method, _known(route)) for route in app.routes for method in getattr(route, "methods", None) or {""}}
    # Starlette answers HEAD wherever a page answers GET.
    unwritten = sorted(one for one in there - ROWS.keys() if one[0] != "HEAD" or ("GET", one[1]) not in ROWS)
    unused = sorted(ROWS.keys() - there)
    if unwritten or unused:
        raise LookupError(f"routes without a row in the authorisation matrix: {unwritten}; without a route: {unused}")


def _known(route: Any) -> str:
    return WALLET_FILE if route.path.startswith("/wallet/") else str(route.path)


def _behind(guard: Admitting, row: Row, endpoint: Answering, refuse: Refusing = refusal) -> Answering:
    """The endpoint, for the callers of its row only."""
    headers = NO_SNIFFING
    if row.private:
        headers = _TO_DEVICES if row.scopes.keys() & DEVICES else _TO_PEOPLE

    async def behind(request: Request) -> Response:
        try:
            await guard.admit(request, row)
            answer = await endpoint(request)
        except ServiceError as error:
            answer = refuse(error)
        for name, value in headers.items():
            answer.headers.setdefault(name, value)
        return answer

    return behind


def _shape(body: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema in one piece: its references are to itself, and would lead nowhere in the description."""
    schema = body.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(value: Any) -> Any:
        match value:
            case {"$ref": str(name), **more}:
                return whole({**parts[name.rpartition("/")[2]], **more})
            case dict():
                return {key: whole(item) for key, item in value.items()}
            case list():
                return [whole(item) for item in value]
        return value

    made: dict[str, Any] = whole(schema)
    return made


def plain(handler: Callable[[Request], Awaitable[Reply]]) -> Answering:
    """An endpoint of a handler whose answers are not signed: refusals as problems, and our own faults, too."""

    async def endpoint(request: Request) -> Response:
        try:
            answer = await handler(request)
        except ServiceError as error:
            answer = problem(error)
        except Exception:
            # The path's pattern, not the path: a link's token may be part of it.
            log.exception("fault", route=request.scope["route"].path)
            answer = problem(ServiceError("fault", "the node failed at this: try it again later", 500))
        return answer.response({"Content-Type": answer.content_type, **answer.headers})

    return endpoint
