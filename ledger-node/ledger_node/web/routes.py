"""Paths of the API and their descriptions in /openapi.json. What they answer is said where they are handled."""

import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from ledger_node.services.errors import ServiceError
from ledger_node.web import schemas
from ledger_node.web.reply import Reply, problem

Query = Mapping[str, str]
NO_QUERY: Query = MappingProxyType({})
Answering = Callable[[Request], Awaitable[Response]]
log = structlog.get_logger()


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
    extra: dict[str, Any] = {"parameters": parameters}
    if takes:
        schema = _shape(body) if body else {"type": "string", "format": "binary"}
        extra["requestBody"] = {"required": True, "content": {takes: {"schema": schema}}}
    responses: dict[int | str, dict[str, Any]] = {"default": {"model": schemas.Problem, "description": "Problem"}}
    if answer is not None:
        responses[200] = {"model": answer}
    app.add_api_route(
        path,
        endpoint,
        methods=[method],
        response_model=None,
        response_class=Response,
        responses=responses,
        description=doc,
        tags=[tag],
        openapi_extra=extra,
        operation_id=f"{method} {path}",
    )


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
