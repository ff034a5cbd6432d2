"""Requests go straight to the endpoint of their path; FastAPI, which describes the API, is asked about all others.

FastAPI tries the pattern of each route in turn and opens a stack of contexts for parameters that it would read. Our
endpoints take the request as it is, so of what a small request costs that was the larger part.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from ledger_node.web.authorisation import SECURITY_SCHEMES

_NAMED = re.compile(r"{\w+}")


@dataclass(frozen=True, slots=True)
class _Way:
    """A path in its parts: which are fixed, and which have a name."""

    fixed: tuple[tuple[int, str], ...]
    named: tuple[tuple[int, str], ...]
    route: APIRoute

    def values(self, parts: list[str]) -> dict[str, str] | None:
        """What the named parts are, if the path is this one."""
        for place, text in self.fixed:
            if parts[place] != text:
                return None
        found = {name: parts[place] for place, name in self.named}
        return None if "" in found.values() else found


class Shortcuts:
    """The paths of an application whose parts are each fixed or named."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._ways: dict[tuple[str, int], list[_Way]] = {}
        for route in routes:
            if isinstance(route, APIRoute):
                self._add(route)

    def find(self, method: str, path: str) -> tuple[APIRoute, dict[str, str]] | None:
        """The first route that was added for a path, and its values; None if FastAPI has to look."""
        parts = path.split("/")
        for way in self._ways.get((method, len(parts)), ()):
            values = way.values(parts)
            if values is not None:
                return way.route, values
        return None

    def _add(self, route: APIRoute) -> None:
        parts = route.path.split("/")
        named = tuple((place, part[1:-1]) for place, part in enumerate(parts) if _NAMED.fullmatch(part))
        # From the end: most paths begin alike.
        fixed = tuple((place, part) for place, part in enumerate(parts) if "{" not in part)[::-1]
        if len(named) + len(fixed) < len(parts):
            return
        for method in route.methods or ():
            self._ways.setdefault((method, len(parts)), []).append(_Way(fixed, named, route))


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
