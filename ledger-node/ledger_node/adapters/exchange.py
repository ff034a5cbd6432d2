"""One bounded HTTP exchange with an outside organisation; kept-alive connections, any thread may ask.

Bounded in every way: connecting, the whole exchange (the deadline holds for every read, so also against a server that
drips a byte a second) and the size of the answer. Redirects are not followed, nothing is tried twice, no proxy or
password is taken from the environment. Unencrypted only to this machine itself. What an answer means is for the caller.
Looking a name up is not bounded: that is the system's resolver.
"""

import functools
import http.client
import io
import ipaddress
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

_IDLE = 32
"""Connections that are kept for the next request."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect, seconds for the whole exchange, bytes of an answer's body."""

    connect: float = 5.0
    within: float = 15.0
    most: int = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpError(Exception):
    """No whole answer. The text says why, without the request's content.

    `sent` is False only if the other side cannot have read a byte of the request, so that nothing can have happened.
    """

    def __init__(self, sentence: str, *, sent: bool) -> None:
        super().__init__(sentence)
        self.sent = sent


class BadAddressError(ValueError):
    """Not the address of a service that may be spoken to; the text says why."""


def read_address(base_url: str) -> SplitResult:
    """The parts of a service's address. Raises BadAddressError for one that may not be spoken to."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BadAddressError(f"{base_url!r} is not the address of a service like https://name/path")
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise BadAddressError(f"{base_url!r} is not encrypted: use https, or http to 127.0.0.1 only")
    return parts


class HttpDoor:
    """A way to one service, below `base_url`. `ca` is a file of certificates to trust instead of the system's."""

    def __init__(self, base_url: str, limits: Limits = Limits(), ca: str | None = None) -> None:
        parts = read_address(base_url)
        host = str(parts.hostname)
        self._host, self._port = host, parts.port
        self.path = parts.path.rstrip("/")
        """What stands before every path."""
        self._limits = limits
        self._tls = ssl.create_default_context(cafile=ca) if parts.scheme == "https" else None
        self._idle: list[_Connection] = []
        self._guard = threading.Lock()

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer, whatever its status. `path` begins with /, or is empty. Raises HttpError."""
        connection = self._connection()
        try:
            return self._exchange(connection, method, self.path + path, headers, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise HttpError(self._explain(error, connection), sent=True) from error
        except HttpError:
            connection.close()
            raise

    def close(self) -> None:
        """Hang up on what waits for the next request."""
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(
        self, connection: "_Connection", method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        connection.request(method, target or "/", body, {"Accept-Encoding": "identity", **headers})
        answer = connection.getresponse()
        content = answer.read(self._limits.most + 1)
        if len(content) > self._limits.most:
            raise HttpError(f"{self._host} answered with more than {self._limits.most} bytes", sent=True)
        if answer.length:
            raise HttpError(f"{self._host} broke the connection off in mid-answer", sent=True)
        if answer.getheader("Content-Encoding"):
            raise HttpError(f"{self._host} answered in an encoding that was not asked for", sent=True)
        made = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)
        self._put_back(connection, kept=not answer.will_close and answer.isclosed())
        return made

    def _connection(self) -> "_Connection":
        """One that waits and is still good, or a new one. Raises HttpError."""
        while True:
            with self._guard:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._connected()
            if connection.quiet():
                connection.until = time.monotonic() + self._limits.within
                return connection
            connection.close()

    def _connected(self) -> "_Connection":
        connection = _Connection(self._host, self._port, self._limits, self._tls)
        try:
            connection.connect()
        except (OSError, ValueError) as error:
            connection.close()
            raise HttpError(f"{self._host} cannot be reached ({_brief(error)})", sent=False) from error
        return connection

    def _put_back(self, connection: "_Connection", *, kept: bool) -> None:
        with self._guard:
            if kept and len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _explain(self, error: Exception, connection: "_Connection") -> str:
        if isinstance(error, TimeoutError) or time.monotonic() >= connection.until:
            return f"{self._host} gave no whole answer within {self._limits.within:g} s"
        return f"{self._host} broke the connection off ({_brief(error)})"


class _Connection(http.client.HTTPConnection):
    """A connection whose every read ends at `until` (monotonic seconds)."""

    def __init__(self, host: str, port: int | None, limits: Limits, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port or (443 if tls else 80), timeout=limits.connect)
        self._tls = tls
        self._within = limits.within
        self.until = time.monotonic() + limits.within
        self.response_class = functools.partial(_response, self)  # type: ignore[assignment]

    def connect(self) -> None:
        super().connect()
        if self._tls:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
        self.until = time.monotonic() + self._within
        self.sock.settimeout(self._within)

    def quiet(self) -> bool:
        """Whether nothing came since the last answer: neither its end nor a second answer."""
        if self.sock is None:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)


def _response(connection: _Connection, sock: socket.socket, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(sock, *args, **kwargs)
    response.fp = io.BufferedReader(_Bounded(sock, response.fp.detach(), connection))
    return response


class _Bounded(io.RawIOBase):
    """The bytes of a connection, none of them after its time."""

    def __init__(self, sock: socket.socket, raw: Any, connection: _Connection) -> None:
        self._sock, self._raw, self._connection = sock, raw, connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._connection.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(left)
        received: int | None = self._raw.readinto(buffer)
        return received

    def close(self) -> None:
        self._raw.close()
        super().close()


def is_this_machine(host: str) -> bool:
    """Whether what is sent there leaves no network card."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _brief(error: Exception) -> str:
    """A line of the other side's making is not repeated: it may hold anything."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
