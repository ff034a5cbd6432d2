"""How a command reaches the node: in this process if the home folder is free, over the socket if `serve` has it.

Either way the same operations run; a command need not know which it was.
"""

import contextlib
import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import quote

from ledger_node import config
from ledger_node.services.cosigning import WitnessAddress
from ledger_node.services.errors import ServiceError
from ledger_node.services.issue import import_file
from ledger_node.services.node import Node, open_node
from ledger_node.services.operations import perform
from ledger_node.services.orders import import_orders
from ledger_node.services.snapshot import export_snapshot

_PATIENCE = 10.0
"""Seconds to wait for another command to be done with the home folder."""
_PIECE = 1 << 18

Progress = Callable[[int], None]
"""Told how much is done: rows read here, or bytes sent to a running node."""


class Operator(Protocol):
    """What commands ask of a node. Every method raises ServiceError."""

    def do(self, operation: str, **values: Any) -> Any:
        """One operation, with JSON values in and out."""

    def load(self, event: str, path: Path, progress: Progress) -> int:
        """Import a CSV file; how many tickets."""

    def orders(self, event: str, path: Path, progress: Progress, *, whole: bool) -> Mapping[str, Any]:
        """Take in a feed's file (`services.orders`): how many were sold, known and bad, and the first bad ones."""

    def snapshot(self, event: str, out: Path) -> Mapping[str, int]:
        """Write a snapshot to `out`; its log size and length in bytes."""


class Local:
    """A node that this process has opened for itself."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def do(self, operation: str, **values: Any) -> Any:
        """See Operator."""
        return perform(self._node, operation, values)

    def load(self, event: str, path: Path, progress: Progress) -> int:
        """See Operator."""
        return import_file(self._node, event, path, progress)

    def orders(self, event: str, path: Path, progress: Progress, *, whole: bool) -> Mapping[str, Any]:
        """See Operator."""
        return import_orders(self._node, event, path, whole=whole, progress=progress).to_map()

    def snapshot(self, event: str, out: Path) -> Mapping[str, int]:
        """See Operator."""
        made = export_snapshot(self._node, event, out)
        return {"size": made.size, "length": made.length}


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

    @contextlib.contextmanager
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
    """HTTP over the unix socket; through the folder's descriptor, because a socket's path has only 107 bytes."""

    def __init__(self, home: Path) -> None:
        super().__init__("ledger-node")
        self._home = home

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        folder = os.open(self._home, os.O_RDONLY)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{config.SOCKET_FILE}")
        finally:
            os.close(folder)


class _Sent:
    """A file that tells how much of it was sent."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress

    def read(self, size: int) -> bytes:
        piece = self._file.read(max(size, _PIECE))
        self._progress(self._file.tell())
        return piece


@contextlib.contextmanager
def operator(home: Path) -> Iterator[Operator]:
    """The node in `home`, however it can be reached. Raises HomeError if it cannot."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        if _served(home):
            yield Remote(home)
            return
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(config.hold(home))
            except config.HomeInUseError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)
                continue
            yield Local(stack.enter_context(own_node(home)))
            return


@contextlib.contextmanager
def own_node(home: Path, witnesses: Sequence[WitnessAddress] = ()) -> Iterator[Node]:
    """The node in `home`, which this process holds."""
    keys = config.load_keys(home, config.credentials_folder(os.environ), os.urandom)
    with open_node(home, keys, time.time, os.urandom, witnesses) as node:
        yield node


def _served(home: Path) -> bool:
    connection = _Connection(home)
    try:
        connection.connect()
    except OSError:
        return False
    else:
        return True
    finally:
        connection.close()


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
