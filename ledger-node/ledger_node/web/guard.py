"""Lets people in by their session's cookie, and only from the node's own pages. Devices come through `door` instead.

Against other sites that send a browser here (CSRF): the cookie is SameSite=Strict, and everything but reading needs the
browser's own word that the request is of this origin (Sec-Fetch-Site, else Origin). For routers:
`Depends(guard.require(Role.OPS))`, or `session = await guard.require(Role.OPS)(request)`.
"""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request

from ledger_node.services.accounts.roles import Role, Way
from ledger_node.services.accounts.sessions import LIFE, Session, find_session
from ledger_node.services.accounts.site import Site
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.web.limits import address_of

_READING = frozenset({"GET", "HEAD"})
Requirement = Callable[[Request], Awaitable[Session]]


class Guard:
    """Knows the node's sessions and its site. One event loop."""

    def __init__(self, node: Node, site: Site) -> None:
        self._node = node
        self._site = site
        # __Host-: a browser takes it only over https, from this very host, for every path (RFC 6265bis).
        self.cookie = "__Host-ticketme" if site.secure else "ticketme"

    def require(self, *roles: Role, way: Way | None = None) -> Requirement:
        """Whoever asks has a session of one of these roles (none named: any), signed in in this way if one is named.

        What it gives raises ServiceError: "cross-site" and "forbidden" (403), "not-signed-in" (401).
        """

        async def required(request: Request) -> Session:
            if request.method not in _READING:
                self.same_site(request)
            session = await self.session(request)
            if session is None:
                raise ServiceError("not-signed-in", "sign in first: /account/login", 401)
            if roles and session.account.role not in roles:
                raise ServiceError("forbidden", f"this is for {', '.join(roles)}; you are {session.account.role}", 403)
            if way is not None and session.way is not way:
                raise ServiceError("passkey-needed", "sign in with a passkey for this", 403)
            return session

        return required

    async def session(self, request: Request) -> Session | None:
        """Whose request this is, if anybody's."""
        token = request.cookies.get(self.cookie)
        if not token or not token.isascii():
            return None
        return await asyncio.to_thread(find_session, self._node, token, address_of(request))

    def same_site(self, request: Request) -> None:
        """Raises ServiceError "cross-site" unless a page of this origin sent the request."""
        origin, fetched = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        said = [origin == self._site.origin] if origin is not None else []
        said += [fetched == "same-origin"] if fetched is not None else []
        if not said or not all(said):
            raise ServiceError("cross-site", f"this must come from a page of {self._site.origin}", 403)

    def cookie_for(self, token: str) -> str:
        """Set-Cookie for a new session."""
        return f"{self.cookie}={token}; Max-Age={LIFE}; {self._attributes}"

    def no_cookie(self) -> str:
        """Set-Cookie that makes the browser forget."""
        return f"{self.cookie}=; Max-Age=0; {self._attributes}"

    @property
    def _attributes(self) -> str:
        return f"Path=/; HttpOnly; SameSite=Strict{'; Secure' if self._site.secure else ''}"
