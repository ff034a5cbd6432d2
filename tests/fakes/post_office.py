"""A real SMTP server on 127.0.0.1 that keeps what it takes, and refuses what it is told to refuse."""

import asyncio
import contextlib
import socket
import threading
from collections import deque
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.fakes.certificate import Certificate

ADDRESS = ("tickets@box.example", "canary-password")


class PostOffice:
    """The server's handler. `replies` are what it says to the next letters' recipients or content; None = take it."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.raw: list[bytes] = []
        self.rcpt: deque[str | None] = deque()
        self.data: deque[str | None] = deque()
        self.secured: list[bool] = []
        self.greetings: list[str] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        reply = self.rcpt.popleft() if self.rcpt else None
        if reply:
            return f"{reply} <{address}>: canary-reply"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        reply = self.data.popleft() if self.data else None
        if reply and not reply.startswith("250"):
            return f"{reply} canary-reply {envelope.rcpt_tos[0]}"
        self.raw.append(envelope.original_content)
        self.letters.append(message_from_bytes(envelope.original_content, policy=default))  # type: ignore[arg-type]
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.secured.append(server.transport.get_extra_info("ssl_object") is not None)
        self.greetings.append(session.host_name)
        return reply or "250 OK"


def _authenticator(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == ADDRESS
    return AuthResult(success=good, handled=good)


class _Controller(Controller):
    """Hangs up on everybody when it stops; the library leaves open connections to the garbage collector."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._served: list[SMTP] = []

    def factory(self) -> SMTP:
        self._served.append(super().factory())
        return self._served[-1]

    def stop(self, no_assert: bool = False) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(5)
        super().stop(no_assert=no_assert)

    async def _hang_up(self) -> None:
        transports = [one.transport for one in self._served if one.transport is not None]
        for transport in transports:
            transport.abort()  # type: ignore[attr-defined]
        while any(one.transport is not None and one._handler_coroutine is not None for one in self._served):
            if all(one._handler_coroutine is None or one._handler_coroutine.done() for one in self._served):
                break
            await asyncio.sleep(0.005)


@contextlib.contextmanager
def open_office(
    office: PostOffice, certificate: Certificate | None = None, *, starttls: bool = False, login: bool = False
) -> Iterator[int]:
    """Serve; the port."""
    # Untold, the library asks the name service for the name of this machine.
    settings: dict[str, Any] = {"server_hostname": "localhost"}
    if certificate and starttls:
        settings |= {"tls_context": certificate.server_side(), "require_starttls": True}
    elif certificate:
        settings |= {"ssl_context": certificate.server_side()}
    if login:
        settings |= {"authenticator": _authenticator, "auth_required": True, "auth_require_tls": False}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    controller = _Controller(office, hostname="127.0.0.1", port=port, **settings)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextlib.contextmanager
def bad_office(*says: bytes, pause: float = 0.02) -> Iterator[int]:
    """A server that only ever says `says`, a piece at a time, and then nothing; the port."""
    closing = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(wire: socket.socket) -> None:
        with wire, contextlib.suppress(OSError):
            for piece in says:
                wire.sendall(piece)
                if closing.wait(pause):
                    return
            closing.wait(30)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(wire,)))
                threads[-1].start()

    door = threading.Thread(target=accept)
    door.start()
    try:
        yield listener.getsockname()[1]
    finally:
        closing.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        door.join()
        for thread in threads:
            thread.join()
