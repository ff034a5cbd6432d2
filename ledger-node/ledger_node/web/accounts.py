"""The API of accounts: invitations, signing in and out, sessions, the second way, and what operators do with accounts.

Cookies and limits are handled here; every rule is in services/accounts. Answers are JSON and never kept by a cache.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import Request

from ledger_node.services.accounts import sessions, signing_in, staff
from ledger_node.services.accounts.site import Site
from ledger_node.services.accounts.tables import Account
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.web.account_models import Code, Coded, Credential, Empty, Invited, Joining, Token, read_model
from ledger_node.web.addresses import address_of, group_of
from ledger_node.web.guard import Guard, session_of
from ledger_node.web.reply import JSON, Reply, reply
from ledger_node.web.routes import add_route, plain

MOST_BODY = 32_768
"""A passkey's attestation may carry certificates."""
_ACCOUNTS = "/v1/accounts"
_GUESSES = frozenset({"not-signed-in", "invitation"})
_T = TypeVar("_T")
_M = TypeVar("_M", bound=BaseModel)


def add_accounts(app: FastAPI, node: Node, site: Site, guard: Guard) -> None:
    """All paths below /v1/accounts."""
    api = _Accounts(node, site, guard)

    def add(method: str, path: str, handler: Callable[[Request], Awaitable[Reply]], body: Any = None) -> None:
        takes = JSON if body else None
        add_route(app, method, _ACCOUNTS + path, plain(handler), handler.__doc__, "accounts", takes=takes, body=body)

    add("POST", "/join/begin", api.begin_join, Token)
    add("POST", "/join/finish", api.finish_join, Joining)
    add("POST", "/login/begin", api.begin_login, Empty)
    add("POST", "/login/finish", api.finish_login, Credential)
    add("POST", "/login/code", api.login_by_code, Coded)
    add("POST", "/logout", api.logout, Empty)
    add("GET", "/me", api.me)
    add("GET", "/sessions", api.sessions)
    add("DELETE", "/sessions/{number}", api.end_session)
    add("POST", "/passkeys/begin", api.begin_passkey, Empty)
    add("POST", "/passkeys/finish", api.finish_passkey, Credential)
    add("POST", "/second-way/begin", api.begin_second_way, Empty)
    add("POST", "/second-way/finish", api.finish_second_way, Code)
    add("GET", "", api.list_accounts)
    add("POST", "", api.invite, Invited)
    add("GET", "/trail", api.trail)
    add("POST", "/{account}/recover", api.recover, Empty)
    add("POST", "/{account}/revoke", api.revoke, Empty)


class _Accounts:
    """The handlers. One event loop."""

    def __init__(self, node: Node, site: Site, guard: Guard) -> None:
        self._node = node
        self._site = site
        self._guard = guard

    async def begin_join(self, request: Request) -> Reply:
        """Whom an invitation is for, and what the browser needs to make a passkey."""
        asked = await _read(request, Token)
        account, options = await self._try(request, signing_in.begin_join, self._node, self._site, asked.token)
        return _answer({"account": account_map(account), "options": options})

    async def finish_join(self, request: Request) -> Reply:
        """The passkey that was made: sets the session's cookie."""
        asked = await _read(request, Joining)
        given = (self._node, self._site, asked.token, asked.credential, address_of(request))
        return self._signed_in(await self._try(request, signing_in.finish_join, *given))

    async def begin_login(self, request: Request) -> Reply:
        """What the browser needs to sign in with a passkey."""
        await _read(request, Empty)
        return _answer({"options": signing_in.begin_login(self._node, self._site)})

    async def finish_login(self, request: Request) -> Reply:
        """The passkey that was used: sets the session's cookie."""
        asked = await _read(request, Credential)
        given = (self._node, self._site, asked.credential, address_of(request))
        return self._signed_in(await self._try(request, signing_in.finish_login, *given))

    async def login_by_code(self, request: Request) -> Reply:
        """Name, key and the app's code: sets the session's cookie."""
        asked = await _read(request, Coded)
        given = (self._node, asked.name, asked.key, asked.code, address_of(request))
        return self._signed_in(await self._try(request, signing_in.login_by_code, *given))

    async def logout(self, request: Request) -> Reply:
        """Ends this session."""
        session = session_of(request)
        await _read(request, Empty)
        await asyncio.to_thread(sessions.end_session, self._node, session, session.number)
        return _answer({}, {"Set-Cookie": self._guard.no_cookie()})

    async def me(self, request: Request) -> Reply:
        """Who is signed in, and how."""
        session = session_of(request)
        return _answer({**account_map(session.account), "way": session.way, "session": session.number})

    async def sessions(self, request: Request) -> Reply:
        """One's own sessions."""
        session = session_of(request)
        rows = await asyncio.to_thread(sessions.list_sessions, self._node, session.account.account)
        hidden = ("account",)
        return _answer([{name: value for name, value in asdict(row).items() if name not in hidden} for row in rows])

    async def end_session(self, request: Request) -> Reply:
        """Ends one of one's own sessions."""
        session = session_of(request)
        number = str(request.path_params["number"])
        if not (number.isascii() and number.isdecimal()) or len(number) > 15:
            raise ServiceError("unknown-session", f"you have no session {number}", 404)
        await asyncio.to_thread(sessions.end_session, self._node, session, int(number))
        return _answer({})

    async def begin_passkey(self, request: Request) -> Reply:
        """What the browser needs to make one more passkey."""
        session = session_of(request)
        await _read(request, Empty)
        return _answer({"options": signing_in.begin_passkey(self._node, self._site, session)})

    async def finish_passkey(self, request: Request) -> Reply:
        """One more passkey."""
        session = session_of(request)
        asked = await _read(request, Credential)
        given = (self._node, self._site, session, asked.credential)
        await asyncio.to_thread(signing_in.finish_passkey, *given)
        return _answer({})

    async def begin_second_way(self, request: Request) -> Reply:
        """A new code secret and key, shown this once. The second way before is off."""
        session = session_of(request)
        await _read(request, Empty)
        made = await asyncio.to_thread(signing_in.begin_second_way, self._node, session)
        return _answer({"secret": made.secret, "uri": made.uri, "key": made.key})

    async def finish_second_way(self, request: Request) -> Reply:
        """The app's first code switches the second way on."""
        session = session_of(request)
        asked = await _read(request, Code)
        await asyncio.to_thread(signing_in.finish_second_way, self._node, session, asked.code)
        return _answer({})

    async def list_accounts(self, _request: Request) -> Reply:
        """All accounts. For operators."""
        found = await asyncio.to_thread(self._node.accounts.accounts)
        return _answer([account_map(one) for one in found])

    async def invite(self, request: Request) -> Reply:
        """A new account's invitation. For operators with a passkey."""
        session = session_of(request)
        asked = await _read(request, Invited)
        given = (self._node, asked.role, asked.name, asked.organisation, session.actor)
        return self._invitation(await asyncio.to_thread(staff.invite, *given))

    async def recover(self, request: Request) -> Reply:
        """Takes away how the account signs in. For another operator with a passkey; the link that lets its person in
        again is printed at the console alone.
        """
        session = session_of(request)
        await _read(request, Empty)
        given = (self._node, str(request.path_params["account"]), session.actor)
        known = await asyncio.to_thread(staff.close, *given)
        return _answer({"account": known.account, "next": staff.AT_THE_CONSOLE})

    async def revoke(self, request: Request) -> Reply:
        """The account is out for good. For operators with a passkey."""
        session = session_of(request)
        await _read(request, Empty)
        await asyncio.to_thread(staff.revoke, self._node, str(request.path_params["account"]), session.actor)
        return _answer({})

    async def trail(self, _request: Request) -> Reply:
        """The audit trail's newest thousand acts, and its signed head. For operators and the regulator."""
        head = self._node.trail.head()
        acts = await asyncio.to_thread(self._node.trail.acts, max(0, head.n - 1_000))
        shown = {"n": head.n, "hash": head.hash.hex(), "signature": head.signature.hex()}
        return _answer({"head": shown, "acts": [asdict(act) for act in acts]})

    async def _try(self, request: Request, act: Callable[..., _T], *given: Any) -> _T:
        try:
            return await asyncio.to_thread(functools.partial(act, *given))
        except ServiceError as error:
            if error.code in _GUESSES:
                # Looked at first: who is right is let in however many others guess beside them.
                who = {"address": group_of(address_of(request))}
                self._node.tally.take("wrong sign-in", who, self._node.now())
            raise

    def _signed_in(self, token: str) -> Reply:
        return _answer({}, {"Set-Cookie": self._guard.cookie_for(token)})

    def _invitation(self, made: staff.Invitation) -> Reply:
        return _answer({"account": made.account, "link": self._site.link(made.path), "expires": made.expires})


def account_map(account: Account) -> dict[str, Any]:
    """An account as JSON."""
    return asdict(account)


async def _read(request: Request, model: type[_M]) -> _M:
    return await read_model(request, model, MOST_BODY)


def _answer(value: Any, headers: dict[str, str] | None = None) -> Reply:
    made = reply(value)
    return Reply(made.status, made.body, made.content_type, headers or {})
