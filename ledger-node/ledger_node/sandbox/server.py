"""The sandbox provider over HTTP, on this machine only. Under /v1 a ledger node asks with signed messages and gets
signed answers (RFC 9421); under /sandbox a demonstration sets up accounts, lets people say yes, and switches faults.

It is the standard library's plain server, because the faults need the bare connection: hanging up after the commit, and
answering twice. Nothing is logged but the start and the end.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from ledger_node.sandbox.bank import RefusedError
from ledger_node.sandbox.consent import PATH as CONSENT
from ledger_node.sandbox.consent import consent
from ledger_node.sandbox.desk import Desk
from ledger_node.sandbox.orders import SHAPES
from ledger_node.sandbox.provider import BadOrderError, Provider
from ledger_node.strict_json import NotJson, parse_json
from scanner.verify.httpsig import Lines, Refused, sign_response, sole_signature, verify_request

MOST_BODY = 65_536
_SLOW_SENDER = 10.0
_JSON = "application/json"
_OPERATIONS = "/v1/operations/"
Said = tuple[int, Mapping[str, Any]]


class SandboxServer:
    """Serves `provider` at 127.0.0.1 in threads of its own, from `start` to `stop`."""

    def __init__(self, provider: Provider, port: int) -> None:
        self.provider = provider
        self.desk = Desk(provider)
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port = int(self._server.server_port)
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox"
        )

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody."""
        self.closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, path: str, headers: Lines, body: bytes) -> tuple[Said, frozenset[str]]:
        """What to say to a request of the API, and what goes wrong on the way."""
        signed = verify_request(method, path, headers, body, self.provider.client_key, self.provider.now())
        if isinstance(signed, Refused):
            return (401, {"code": signed.reason, "detail": signed.detail}), frozenset()
        if method == "GET" and path.startswith(_OPERATIONS):
            return (200, self.provider.answered(unquote(path.removeprefix(_OPERATIONS)))), frozenset()
        kind = path.removeprefix("/v1/")
        if method != "POST" or kind not in SHAPES:
            return (
                404,
                {"code": "no-such-path", "detail": "POST /v1/hold, capture, release, refund, attest"},
            ), frozenset()
        faults = self.provider.faults.take()
        return _performed(self.provider, kind, body, decline="refuse" in faults), faults


def _performed(provider: Provider, kind: str, body: bytes, *, decline: bool) -> Said:
    order = read_object(body)
    if order is None:
        return 400, {"code": "bad-json", "detail": "the body is a JSON object"}
    try:
        return 200, provider.perform(kind, order, decline=decline)
    except BadOrderError as bad:
        return 422, {"code": "bad-order", "detail": str(bad)}
    except RefusedError as refused:
        return 409, {"code": refused.code, "detail": str(refused)}


def read_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object, or None."""
    try:
        value = parse_json(body)
    except NotJson:
        return None
    return value if isinstance(value, dict) else None


def _handler(server: SandboxServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        sandbox = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    sandbox: SandboxServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _SLOW_SENDER

    def do_POST(self) -> None:
        """Anything that was asked, whatever the method."""
        announced = self.headers.get("Content-Length", "0")
        if not announced.isascii() or not announced.isdecimal() or int(announced) > MOST_BODY:
            self.close_connection = True
            self._send(413, {"code": "too-large", "detail": f"at most {MOST_BODY} bytes, announced"})
            return
        body = self.rfile.read(int(announced))
        path, _, query = self.path.partition("?")
        if path == CONSENT:
            form = body.decode("utf-8", "replace") if self.command == "POST" else None
            self._write(*consent(self.sandbox.provider, query, form).content())
        elif self.path.startswith("/sandbox/"):
            self._send(*self.sandbox.desk.answer(self.command, self.path.removeprefix("/sandbox/"), body))
        else:
            self._serve(body)

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - the library's names

    def _serve(self, body: bytes) -> None:
        (status, said), faults = self.sandbox.answer(self.command, self.path, self.headers, body)
        if "slow" in faults:
            self.sandbox.closing.wait(self.sandbox.provider.faults.delay)
        if "lost" in faults:
            self.close_connection = True
            return
        provider, content = self.sandbox.provider, json.dumps(said).encode()
        signature = sole_signature(self.headers)
        key = provider.key
        fields = sign_response(
            status, {"Content-Type": _JSON}, content, key, key.public.hex(), provider.now(), signature
        )
        for _ in range(2 if "twice" in faults else 1):
            self._write(status, fields, content)

    def _send(self, status: int, said: Mapping[str, Any]) -> None:
        self._write(status, {"Content-Type": _JSON}, json.dumps(said).encode())

    def _write(self, status: int, fields: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Requests are not logged: they speak of people."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._wires: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """A connection, from beginning to end."""
        self._wires.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._wires.discard(request)

    def hang_up(self) -> None:
        """On everybody who is connected."""
        for wire in list(self._wires):
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is nothing to report."""
