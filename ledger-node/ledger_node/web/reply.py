"""What a handler answers, before it is signed and sent: a value. Problems follow RFC 9457."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.responses import Response, StreamingResponse

from ledger_node.services.errors import ServiceError

JSON = "application/json"
CBOR = "application/cbor"
PROBLEM = "application/problem+json"
OCTETS = "application/octet-stream"
RETRY_AFTER = "1"
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a body and its type, with further headers. `file` is sent instead of `body`, in pieces."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None

    def closing(self) -> "Reply":
        """The same, on a connection that cannot go on because its request was not read to the end."""
        return replace(self, headers={**self.headers, "Connection": "close"})

    def response(self, headers: dict[str, str]) -> Response:
        """As the web framework sends it, with these headers."""
        if self.file is None:
            return Response(self.body, self.status, headers)
        return StreamingResponse(_pieces(self.file), self.status, headers)


def reply(value: Any, status: int = 200) -> Reply:
    """JSON, compact, in UTF-8."""
    return Reply(status, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def problem(error: ServiceError, **more: Any) -> Reply:
    """A problem (RFC 9457): `code` is for programs, `detail` says what happened and what to do."""
    value = {"title": error.code, "status": error.status, "code": error.code, "detail": error.sentence, **more}
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    wait = str(error.wait) if error.wait else RETRY_AFTER if error.status == 503 else ""
    headers = {"Retry-After": wait} if wait else {}
    return Reply(error.status, body, PROBLEM, headers)


def _pieces(path: Path) -> Iterator[bytes]:
    # Starlette reads a plain iterator on a worker thread, one piece at a time, as fast as the reader takes them.
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
