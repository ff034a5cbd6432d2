"""What comes to a port and is no HTTP: what it is, and a line in the log, at most one a minute, for ops."""

from collections.abc import Callable

import structlog

EVERY = 60.0
"""Seconds between two lines: whoever connects could fill the disk with them."""
_TLS = b"\x16\x03"
"""How a TLS connection begins (RFC 8446, 5.1): a handshake record, of a version 3."""
log = structlog.get_logger()


class NotHttp:
    """Of one server; `now` is seconds of a clock that does not jump."""

    def __init__(self) -> None:
        self._count = 0
        self._said: float | None = None

    def came(self, first: bytes, address: str, now: Callable[[], float]) -> str:
        """What it is, for the answer; said in the log if nothing was for a minute, with how many there were since."""
        tls = first.startswith(_TLS)
        problem = (
            "this port speaks http, and https came: give the client the address of the proxy that has the certificate"
            if tls
            else "what came is no HTTP/1.1: see which program of this address speaks to this port"
        )
        self._count += 1
        if self._said is None or now() - self._said >= EVERY:
            log.warning("no http", address=address, tls=tls, count=self._count, problem=problem)
            self._said, self._count = now(), 0
        return problem
