"""One bounded HTTP exchange with a ledger node: the only door to `requests`. Knows nothing of signatures or of the API.

Bounded in every way: connecting, the silence between two bytes, the whole exchange (also against a server that drips a
byte a second: the deadline holds for every read of the socket, headers included) and the size of the answer. Redirects
are never followed and no proxy or password is taken from the environment. Whatever goes wrong is one SyncError whose
sentence says what it was. A line is one thread's; only `close` may come from another, and ends what is going on.
"""

import contextlib
import errno
import http.client
import io
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError

from scanner.errors import NoNetworkError, SyncError
from scanner.sync.address import address_fault
from scanner.verify.plain_faults import causes, in_plain_words

CHUNK = 64 * 1024
GRACE = 5.0
_NO_WAY = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `target` is the path with its query, spelled as it is to be sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for the whole exchange, seconds of silence, bytes of the answer, and bytes a second at the slowest.

    `slowest` is for long bodies, which would need a long deadline otherwise; it counts after GRACE seconds.
    """

    within: float
    silence: float
    most: int
    slowest: float = 0.0


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer whose body is still to be read; `chunks` raises SyncError when a bound is met."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class Line:
    """A kept-alive connection to `base_url`. Times are seconds; `ca` is a file of certificates to trust, or None."""

    def __init__(
        self,
        base_url: str,
        connect: float,
        ca: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if fault := address_fault(base_url):
            raise SyncError(fault)
        parts = urlsplit(base_url)
        self._base = base_url.rstrip("/")
        self._host, self._https = parts.netloc, parts.scheme == "https"
        self._connect, self._now = connect, monotonic
        self._guard = threading.Lock()
        self._wire: socket.socket | None = None
        self._limits = Limits(connect, connect, 0)
        self._began, self._received = 0.0, 0
        self._closed = self._answered = False
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca or True
        self._session.headers.clear()
        self._session.mount(f"{parts.scheme}://", _Adapter(self))

    @contextmanager
    def open(self, ask: Ask, limits: Limits) -> Iterator[Incoming]:
        """Send, and read the answer's head; the body is read in the block, all of it within `limits`.

        A body that is not read to its end costs the connection, nothing else.
        """
        self._limits, self._began, self._received = limits, self._now(), 0
        with self._as_sync_error():
            response = self._session.request(
                ask.method,
                self._base + ask.target,
                data=ask.body,
                headers={"Accept-Encoding": "identity", **ask.headers},
                stream=True,
                allow_redirects=False,
                timeout=(min(self._connect, limits.within), min(limits.silence, limits.within)),
            )
        self._answered = True
        try:
            yield Incoming(response.status_code, response.headers, self._read(response, limits.most))
        finally:
            response.close()

    def close(self) -> None:
        """Hang up, also on an exchange that another thread waits for. May be called twice."""
        with self._guard:
            self._closed = True
            if self._wire is not None:
                with contextlib.suppress(OSError):
                    # Not SSLSocket.shutdown, which takes the TLS state away from under the reading thread.
                    socket.socket.shutdown(self._wire, socket.SHUT_RDWR)
        self._session.close()

    def connected(self, wire: socket.socket) -> None:
        """A new connection was made (called by the connection below)."""
        with self._guard:
            if self._closed:
                raise TimeoutError("closed while connecting")
            self._wire = wire

    def bound(self, wire: socket.socket) -> None:
        """Before each read of `wire`: no longer than the silence allowed and the time left."""
        left = self._deadline() - self._now()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        wire.settimeout(min(self._limits.silence, left))

    def count(self, received: int) -> None:
        """After each read: how many bytes came."""
        self._received += received

    def _deadline(self) -> float:
        limits = self._limits
        paced = GRACE + self._received / limits.slowest if limits.slowest else limits.within
        return self._began + min(limits.within, paced)

    def _read(self, response: requests.Response, most: int) -> Iterator[bytes]:
        if "Content-Encoding" in response.headers:
            raise SyncError(f"{self._host} answered in an encoding that was not asked for")
        announced = response.headers.get("Content-Length", "")
        size = int(announced) if announced.isascii() and announced.isdecimal() else 0
        if size <= most:
            size = 0
            with self._as_sync_error():
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    size += len(chunk)
                    if size > most:
                        break
                    yield chunk
        if size > most:
            raise SyncError(f"{self._host} answered with more than the {most} bytes that such an answer can have")

    @contextmanager
    def _as_sync_error(self) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            kind = NoNetworkError if _no_way(causes(error)) else SyncError
            raise kind(self._explain(error)) from error

    def _explain(self, error: Exception) -> str:
        if self._closed:
            return "the connection was closed because the gate stops"
        if self._now() >= self._deadline():
            return f"{self._host} is too slow: no whole answer in {self._now() - self._began:.3g} s"
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return f"{self._host} does not accept a connection within {self._connect:.3g} s: check the network"
        words = in_plain_words(self._host, error, https=self._https, known_host=self._answered)
        if words:
            return words
        found = list(causes(error))
        if any(isinstance(cause, TimeoutError) for cause in found):
            return f"{self._host} was silent for {self._limits.silence:.3g} s"
        if any(isinstance(cause, NewConnectionError) for cause in found):
            return f"{self._host} cannot be reached ({found[-1]}): check that it runs, and the network"
        return f"{self._host} broke the connection off ({found[-1]})"


class _Bounded(io.RawIOBase):
    """The bytes of a connection, with the line's bounds on every read."""

    def __init__(self, line: Line, wire: socket.socket, raw: io.RawIOBase) -> None:
        self._line, self._wire, self._raw = line, wire, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._line.bound(self._wire)
        received = self._raw.readinto(buffer)
        self._line.count(received or 0)
        return received

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, line: Line, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Bounded(line, sock, self.fp.detach()))


def _no_way(found: Iterable[BaseException]) -> bool:
    """Whether this machine could not even ask: no route, no interface, no name server."""
    return any(
        isinstance(cause, socket.gaierror) or (isinstance(cause, OSError) and cause.errno in _NO_WAY) for cause in found
    )


def _watched(kind: type[Any], line: Line) -> type[Any]:
    """urllib3's connection, except that the line knows its socket and bounds its reads."""

    class Connection(kind):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            # The instance's: as an attribute of the class, a partial is a method from Python 3.14 on.
            self.response_class = partial(_Response, line)

        def connect(self) -> None:
            super().connect()
            line.connected(self.sock)

    return Connection


class _Adapter(HTTPAdapter):
    def __init__(self, line: Line) -> None:
        self._line = line
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools: dict[str, type[Any]] = {"http": urllib3.HTTPConnectionPool, "https": urllib3.HTTPSConnectionPool}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(pool.__name__, (pool,), {"ConnectionCls": _watched(pool.ConnectionCls, self._line)})
            for scheme, pool in pools.items()
        }
