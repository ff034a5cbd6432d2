"""Serves the page that gate staff look at, and pushes each status to it. It decides nothing and reads nothing back.

One thread of its own, bound to 127.0.0.1 unless told otherwise; no external asset, no inline script. There is no
heartbeat here on purpose: a page that hears nothing from the gate's loop for some seconds says so itself.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict
from importlib.resources import files
from threading import Event, Thread

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from scanner.errors import GateError
from scanner.kiosk.view import view_of
from scanner.listening import listen
from scanner.ports import GateStatus

LOOPBACK = "127.0.0.1"
_STREAMS = 8
_START_LIMIT_S = 10.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/kiosk.css": ("kiosk.css", "text/css; charset=utf-8"),
    "/kiosk.js": ("kiosk.js", "text/javascript; charset=utf-8"),
}


class Kiosk:
    """Implements `scanner.ports.Screen`. `port` 0 takes a free one."""

    def __init__(self, port: int, host: str = LOOPBACK) -> None:
        self._address = (host, port)
        self._feed = _Feed()
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None
        self._listening = Event()
        self.port = port

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self._address[0]}:{self.port}/"

    def start(self) -> None:
        """Listen; returns once the page can be had. Raises GateError if the port cannot."""
        host, port = self._address
        listener = listen(host, port, "kiosk")
        self.port = listener.getsockname()[1]
        any_host = host not in {LOOPBACK, "localhost", "::1"}
        app = Starlette(
            routes=[*(Route(path, _file) for path in _PAGE), Route("/events", self._events)],
            # A page of another site must not read the gate's screen through a name that points here.
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=["*"] if any_host else [LOOPBACK, "localhost"])
            ],
        )
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._run, args=(self._server, listener), name="kiosk", daemon=True)
        self._thread.start()
        if not self._listening.wait(_START_LIMIT_S):
            raise GateError(f"the kiosk page did not start on {self.url}")

    def publish(self, status: GateStatus) -> None:
        """Show this from now on; from any thread, returns at once. The work is done in the page's own thread."""
        self._feed.put(status)

    def close(self) -> None:
        """End the streams and the thread; may be called twice."""
        if self._server is None or self._thread is None:
            return
        self._feed.close()
        self._server.should_exit = True
        self._thread.join()

    def _run(self, server: uvicorn.Server, listener: socket.socket) -> None:
        async def serve() -> None:
            self._feed.attach(asyncio.get_running_loop())
            self._listening.set()
            await server.serve(sockets=[listener])

        with listener:
            asyncio.run(serve())

    async def _events(self, _request: Request) -> Response:
        """Server-sent events (WHATWG HTML, 9.2): one JSON object a message, the newest first of all."""
        if self._feed.readers >= _STREAMS:
            return PlainTextResponse("too many screens look at this gate", 503, _HEADERS)
        return StreamingResponse(self._feed.read(), headers=_HEADERS, media_type="text/event-stream")


async def _file(request: Request) -> Response:
    name, media_type = _PAGE[request.url.path]
    return Response(
        files("scanner.kiosk").joinpath("static", name).read_bytes(), headers=_HEADERS, media_type=media_type
    )


class _Feed:
    """The newest view, and those who wait for the next. `put` and `close` from any thread, the rest from the loop."""

    def __init__(self) -> None:
        self.readers = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._status: GateStatus | None = None
        self._newest: str | None = None
        self._closed = False

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._announce()

    def put(self, status: GateStatus) -> None:
        self._status = status
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    async def read(self) -> AsyncIterator[str]:
        """Each view as one message; views that come faster than they can be sent are skipped."""
        self.readers += 1
        sent: str | None = None
        try:
            yield "retry: 1000\n\n"
            while not self._closed:
                changed = self._changed
                if self._newest is sent or self._newest is None:
                    await changed.wait()
                else:
                    sent = self._newest
                    yield f"data: {sent}\n\n"
        finally:
            self.readers -= 1

    def _wake(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the page's thread has ended, and nobody is left to tell
                self._loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        """A new string for each status, even if nothing changed: hearing it is how the page knows that we live."""
        if self._status is not None:
            self._newest = json.dumps(asdict(view_of(self._status)), ensure_ascii=False)
        waited, self._changed = self._changed, asyncio.Event()
        waited.set()
