"""What every server of this program does the same way: the HTTP server's settings, listening, signals, signs of life
to systemd. What is served is said elsewhere.
"""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import uvicorn

from ledger_node.services.errors import ServiceError
from ledger_node.web.patience import Patience, patient

_BACKLOG = 512
_TAKES_NOTHING = 60_000


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server can be reached."""

    host: str
    port: int


class QuietServer(uvicorn.Server):
    """uvicorn, without its own signal handling: two of them share one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield


def http_server(app: Any, patience: Patience | None = None, lifespan: Literal["auto", "off"] = "auto") -> QuietServer:
    """A server of `app` with our limits; `lifespan` "off" where another server begins and ends the application."""
    patience = patience or Patience()
    config = uvicorn.Config(
        app,
        loop="none",
        http=patient(patience),
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=round(patience.idle) or 1,
        timeout_graceful_shutdown=5,
        backlog=_BACKLOG,
    )
    return QuietServer(config)


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """A listening TCP socket, of the port that `option` gives. Raises ServiceError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        why = f"{host!r} is no address of this machine: see `ip addr`, or --host 0.0.0.0 for all of them"
        raise ServiceError("address", why) from error
    try:
        listener = socket.create_server((host, port), backlog=_BACKLOG, family=family)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        try_this = {
            errno.EADDRNOTAVAIL: "this machine has no such address: see `ip addr`, or --host 0.0.0.0 for all of them",
            errno.EACCES: f"ports below 1024 are the system's: try another {option}",
        }.get(error.errno or 0, f"try another {option}")
        raise ServiceError("address", f"cannot listen at {host}:{port} ({why}): {try_this}") from error
    # Connections inherit it. asyncio's own loop forgets it for such a socket, and each answer then waits 40 ms for an
    # acknowledgement of its headers (Nagle's algorithm against delayed ones).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # So is this: whoever acknowledges nothing, or takes nothing at all, is gone after so many milliseconds (RFC 5482).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _TAKES_NOTHING)
    return listener


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    while not condition():
        await asyncio.sleep(0.005)


@contextlib.contextmanager
def ended_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGTERM and SIGINT end the service in order; outside the main thread (tests) there are no signals to take."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    taken = (signal.SIGTERM, signal.SIGINT)
    for one in taken:
        loop.add_signal_handler(one, stop.set)
    try:
        yield
    finally:
        for one in taken:
            loop.remove_signal_handler(one)


def notify(state: str) -> None:
    """sd_notify(3), if systemd started us."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
        sender.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
