"""A node that is being served from its home folder, reached through the socket there."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from ledger_node.cli.operator import Progress, connect
from ledger_node.services.errors import ServiceError

_PIECE = 1 << 18


class Remote:
    """A node that is being served from this home folder, reached through its socket."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def do(self, operation: str, **values: Any) -> Any:
        """See Operator."""
        with self._asked("POST", f"/do/{operation}", json.dumps(values).encode()) as answer:
            return json.load(answer)

    def load(self, event: str, path: Path, progress: Progress) -> int:
        """See Operator."""
        try:
            with path.open("rb") as file, self._asked("POST", _path("import", event), _Sent(file, progress)) as answer:
                count: int = json.load(answer)["count"]
                return count
        except OSError as error:
            raise ServiceError("no-file", f"cannot read {path}: {error.strerror}") from error

    def orders(self, event: str, path: Path, progress: Progress, *, whole: bool) -> Mapping[str, Any]:
        """See Operator."""
        target = _path("orders-whole" if whole else "orders", event)
        try:
            with path.open("rb") as file, self._asked("POST", target, file) as answer:
                return _last_line(answer, progress)
        except OSError as error:
            raise ServiceError("no-file", f"cannot read {path}: {error.strerror}") from error

    def snapshot(self, event: str, out: Path) -> Mapping[str, int]:
        """See Operator."""
        temporary = out.with_name(out.name + ".part")
        try:
            with self._asked("GET", _path("snapshot", event)) as answer, temporary.open("wb") as file:
                while piece := answer.read(_PIECE):
                    file.write(piece)
                length, size = file.tell(), int(answer.headers["X-Log-Size"])
            temporary.replace(out)
        except OSError as error:
            raise ServiceError("disk", f"cannot write {out}: {error.strerror}; name another file") from error
        finally:
            temporary.unlink(missing_ok=True)
        return {"size": size, "length": length}

    @contextmanager
    def _asked(self, method: str, path: str, body: Any = None) -> Iterator[http.client.HTTPResponse]:
        connection = _Connection(self._home)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                problem = json.load(answer)
                raise ServiceError(problem["code"], problem["detail"], answer.status)
            yield answer
        except (http.client.HTTPException, ConnectionError, ValueError, KeyError) as error:
            raise ServiceError("no-answer", f"the running node broke off ({error}): look at its log") from error
        finally:
            connection.close()


class _Connection(http.client.HTTPConnection):
    """HTTP over the unix socket."""

    def __init__(self, home: Path) -> None:
        super().__init__("ledger-node")
        self._home = home

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        connect(self.sock, self._home)


class _Sent:
    """A file that tells how much of it was sent."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress

    def read(self, size: int) -> bytes:
        piece = self._file.read(max(size, _PIECE))
        self._progress(self._file.tell())
        return piece


def _last_line(answer: http.client.HTTPResponse, progress: Progress) -> Mapping[str, Any]:
    """What became of it; the lines before say how much is done. Raises ServiceError for a problem in the end."""
    told: dict[str, Any] = {}
    for line in answer:
        told = json.loads(line)
        if "done" in told:
            progress(told["done"])
    if "code" in told:
        raise ServiceError(told["code"], told["detail"])
    if "done" in told or not told:
        raise ServiceError("no-answer", "the running node broke off: look at its log, and give it the file again")
    return told


def _path(what: str, event: str) -> str:
    return f"/{what}/{quote(event, safe='')}"
