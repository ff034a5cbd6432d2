"""Lets people in by their session's cookie, and only from the node's own pages. Devices come through `door` instead.

Who may call which route is in `authorisation_matrix`; here it is looked up and held against the caller, before a
handler is called. Against other sites that send a browser here (CSRF): the cookie is SameSite=Strict, and everything
but reading needs the browser's own word that the request is of this origin (Sec-Fetch-Site, else Origin).
"""

import asyncio

from starlette.requests import Request

from ledger_node.contract.facts import Actor
from ledger_node.services.accounts.roles import Role, Way
from ledger_node.services.accounts.sessions import LIFE, Session, find_session
from ledger_node.services.accounts.site import Site
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.web.addresses import address_of
from ledger_node.web.authorisation import Proof, Row, Scope

_READING = frozenset({"GET", "HEAD"})


class Guard:
    """Knows the node's sessions and its site. One event loop."""

    def __init__(self, node: Node, site: Site) -> None:
        self._node = node
        self._site = site
        # __Host-: a browser takes it only over https, from this very host, for every path (RFC 6265bis).
        self.cookie = "__Host-ticketme" if site.secure else "ticketme"

    async def admit(self, request: Request, row: Row) -> None:
        """Let the request through to this route, with its session for `session_of` where the route asks for one.

        Raises ServiceError: "cross-site", "forbidden" and "passkey-needed" (403), "not-signed-in" (401), and
        "unknown-actor" (404) where a caller asks for things that are not theirs.
        """
        if row.proof is Proof.PAGE:
            self.same_site(request)
        if row.proof is Proof.SESSION:
            request.state.session = await self._signed_in(request, row)

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

    async def _signed_in(self, request: Request, row: Row) -> Session:
        if request.method not in _READING:
            self.same_site(request)
        session = await self.session(request)
        if session is None:
            raise ServiceError("not-signed-in", "sign in first: /account/login", 401)
        role = session.account.role
        if role not in row.roles:
            raise ServiceError("forbidden", f"this is for {', '.join(row.roles)}; you are {role}", 403)
        if row.passkey and session.way is not Way.PASSKEY:
            raise ServiceError("passkey-needed", "sign in with a passkey for this", 403)
        await self._within(request, row.roles[role], session.account.organisation)
        return session

    async def _within(self, request: Request, scope: Scope, organisation: str) -> None:
        """Raises ServiceError for what is another's."""
        if scope is Scope.EVENT:
            event = str(request.path_params["event"])
            if not await asyncio.to_thread(self._acts, event, organisation, Role.ORGANISER):
                sentence = f"{organisation!r} is no organiser of {event}: see `actors add`"
                raise ServiceError("unknown-actor", sentence, 404)
        if scope is Scope.ORGANISATION:
            event, asked = (str(request.path_params[name]) for name in ("event", "sponsor"))
            if organisation != asked or not await asyncio.to_thread(self._acts, event, asked, Role.SPONSOR):
                raise ServiceError("unknown-actor", f"{event} has no sponsor {asked!r} of yours", 404)

    def _acts(self, event: str, organisation: str, role: Role) -> bool:
        """Whether the ledger knows the organisation in this role at this event, today."""
        with self._node.view() as view:
            self._node.event(view, event)
            actor = view.find(Actor, event, organisation)
        return actor is not None and actor.role == role.value and actor.revoked_at is None


def session_of(request: Request) -> Session:
    """Whose request this is, on a route that is for accounts."""
    found: Session = request.state.session
    return found
