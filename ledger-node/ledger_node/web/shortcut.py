"""Requests go straight to the endpoint of their path; FastAPI, which describes the API, is asked about all others.

FastAPI tries the pattern of each route in turn and opens a stack of contexts for parameters that it would read. Our
endpoints take the request as it is, so of what a small request costs that was the larger part.
"""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from ledger_node.web.authorisation import SECURITY_SCHEMES
from ledger_node.web.paths import Paths


class Shortcuts:
    """The paths of an application whose parts are each fixed or named."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._paths: Paths[APIRoute] = Paths()
        for route in routes:
            if isinstance(route, APIRoute):
                for method in route.methods or ():
                    self._paths.add(method, route.path, route)

    def find(self, method: str, path: str) -> tuple[APIRoute, dict[str, str]] | None:
        """The first route that was added for a path, and its values; None if FastAPI has to look."""
        return self._paths.find(method, path)


class Api(FastAPI):
    """The application with its shortcuts; `shorten` when all paths are there."""

    _shortcuts = Shortcuts(())

    def openapi(self) -> dict[str, Any]:
        """The description, with the ways in which callers prove who they are."""
        made = super().openapi()
        schemes = {proof.value: dict(scheme) for proof, scheme in SECURITY_SCHEMES.items()}
        made.setdefault("components", {})["securitySchemes"] = schemes
        return made

    def shorten(self) -> None:
        """From now on requests take them."""
        self._shortcuts = Shortcuts(self.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        found = None if scope["type"] != "http" else self._shortcuts.find(scope["method"], scope["path"])
        if found is None or scope.get("root_path"):
            await super().__call__(scope, receive, send)
            return
        route, values = found
        scope["app"], scope["route"], scope["path_params"] = self, route, values
        answer: Any = await route.endpoint(Request(scope, receive, send))
        await answer(scope, receive, send)
