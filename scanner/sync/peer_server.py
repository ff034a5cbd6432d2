"""Where a gate listens to its peers: one path, one bounded request, one signed answer. What is said is peer_desk's.

Only requests that a known peer signed (RFC 9421, its device key) are looked into; others cost a little and change
nothing. A thread of its own; nothing that comes in ends it.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from scanner.errors import GateError, SyncError
from scanner.listening import listen
from scanner.sync.peer_guard import Guard
from scanner.sync.peer_message import MOST_BODY, PATH, Message
from scanner.sync.signed import JSON
from scanner.verify.entry import Malformed
from scanner.verify.httpsig import Refused, Signed, sign_response, sole_signature, verify_request
from scanner.verify.keys import SigningKey
from scanner.verify.told import Peer

log = structlog.get_logger("peers")
_BODY_S = 3.0
_KEEP_S = 30
_MOST_CONNECTIONS = 96
_MOST_HEAD = 16_384
_START_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Host:
    """For whom the server speaks: the device's key, unix seconds by the gate's clock, the peer with a public key, and
    what to answer a peer's message. `converse` may raise GateError.
    """

    key: SigningKey
    now: Callable[[], float]
    peer: Callable[[bytes], Peer | None]
    converse: Callable[[Peer, Message], Message]


class _TurnedAway(Exception):  # noqa: N818 - an answer, not a fault
    """What is answered instead; `peer` says whether a known one asked."""

    def __init__(self, status: int, code: str, detail: str = "", *, peer: bool = False) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.peer = status, code, detail, peer


class PeerServer:
    """See the module. `port` 0 takes a free one."""

    def __init__(self, host: str, port: int, home: Host) -> None:
        self._address, self._home = (host, port), home
        self._guard = Guard()
        self._listening = Event()
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None
        self.port = 0

    def start(self) -> None:
        """Listen; returns once peers can connect. Raises SyncError if the port cannot be had."""
        host, port = self._address
        try:
            listener = listen(host, port, "peers")
        except GateError as fault:
            raise SyncError(f"the other gates cannot reach this one: {fault}") from fault
        config = uvicorn.Config(
            Starlette(routes=[Route(PATH, self._asked, methods=["POST"])]),
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_KEEP_S,
            h11_max_incomplete_event_size=_MOST_HEAD,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._run, args=(self._server, listener), name="peer-server", daemon=True)
        self._thread.start()
        if not self._listening.wait(_START_LIMIT_S):
            raise SyncError("the gate did not begin to listen to other gates")
        self.port = listener.getsockname()[1]

    def close(self) -> None:
        """End the thread; may be called twice."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()

    def _run(self, server: uvicorn.Server, listener: socket.socket) -> None:
        async def serve() -> None:
            asyncio.get_running_loop().call_soon(self._listening.set)
            await server.serve(sockets=[listener])

        asyncio.run(serve())

    async def _asked(self, request: Request) -> Response:
        address, now = request.client.host if request.client else "", self._home.now()
        if self._guard.turned_away(address, now):
            return Response(status_code=429, headers={"Connection": "close"})
        try:
            body = await self._answer(request, now)
        except _TurnedAway as refused:
            if not refused.peer:
                self._guard.failed(address, now)
                return Response(status_code=refused.status, headers={"Connection": "close"})
            problem = {"status": refused.status, "code": refused.code, "detail": refused.detail}
            return self._signed(request, refused.status, json.dumps(problem).encode(), now)
        return self._signed(request, 200, body, now)

    async def _answer(self, request: Request, now: float) -> bytes:
        body = await _body(request)
        peer = self._who(request, body, now)
        message = Message.parse(body)
        if isinstance(message, Malformed):
            raise _TurnedAway(400, "malformed", message.reason, peer=True)
        try:
            answer = await asyncio.to_thread(self._home.converse, peer, message)
        except GateError as error:
            log.warning("peer not heard", gate=peer.gate, device=peer.device, problem=str(error))
            raise _TurnedAway(409, "not-taken", str(error), peer=True) from error
        except Exception as error:
            log.exception("a defect in hearing a peer", gate=peer.gate)
            raise _TurnedAway(500, "fault", "this gate failed at it", peer=True) from error
        return answer.pack()

    def _who(self, request: Request, body: bytes, now: float) -> Peer:
        def known(keyid: str) -> bytes | None:
            key = _key(keyid)
            return key if key is not None and self._home.peer(key) else None

        signed = verify_request(request.method, request.url.path, request.headers, body, known, now)
        if isinstance(signed, Refused):
            # A known peer's clock may be off: it is told ours, in an answer that it can believe.
            raise _TurnedAway(401, signed.reason, signed.detail, peer=signed.reason == "clock")
        peer = self._home.peer(bytes.fromhex(signed.keyid))
        if peer is None or request.url.query or not self._fresh(signed, now):
            raise _TurnedAway(401, "replayed")
        return peer

    def _fresh(self, signed: Signed, now: float) -> bool:
        return self._guard.spend(signed.keyid, signed.nonce, signed.created, now)

    def _signed(self, request: Request, status: int, body: bytes, now: float) -> Response:
        key = self._home.key
        headers = {"Content-Type": JSON, "Cache-Control": "no-store"}
        asked = sole_signature(request.headers)
        return Response(body, status, sign_response(status, headers, body, key, key.public.hex(), now, asked))


async def _body(request: Request) -> bytes:
    """The whole body, if it comes in time and is no longer than a message can be."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                size += len(part)
                if size > MOST_BODY:
                    raise _TurnedAway(413, "too-long")
                parts.append(part)
    except (TimeoutError, ClientDisconnect) as error:
        raise _TurnedAway(408, "too-slow") from error
    return b"".join(parts)


def _key(keyid: str) -> bytes | None:
    try:
        return bytes.fromhex(keyid)
    except ValueError:
        return None
