"""Operator commands of a running node, on a unix socket in the home folder. Whoever may open the socket may do it all.

POST /do/<operation> takes and gives JSON; POST /import/<event> takes a CSV file; POST /orders/<event> and
/orders-whole/<event> take a feed of orders and tell in lines of JSON how it goes; GET /snapshot/<event> gives a file.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ledger_node.home_folder import full_disk
from ledger_node.services.errors import ServiceError
from ledger_node.services.issue import import_file
from ledger_node.services.node import Node
from ledger_node.services.operations import perform
from ledger_node.services.orders import import_orders
from ledger_node.services.snapshot import export_snapshot
from ledger_node.strict_json import NotJson, parse_json
from ledger_node.web.body import read_body
from ledger_node.web.reply import OCTETS, Reply, problem, reply

_SMALL = 1 << 20
_EVERY = 1.0
"""Seconds between two lines about what is under way."""


def make_admin(node: Node) -> Starlette:
    """The application behind the socket."""
    admin = _Admin(node)
    return Starlette(
        routes=[
            Route("/do/{operation}", _endpoint(admin.do), methods=["POST"]),
            Route("/import/{event}", _endpoint(admin.load), methods=["POST"]),
            Route("/orders/{event}", admin.orders, methods=["POST"]),
            Route("/orders-whole/{event}", admin.orders_whole, methods=["POST"]),
            Route("/snapshot/{event}", _endpoint(admin.snapshot), methods=["GET"]),
        ]
    )


class _Admin:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._running: set[asyncio.Task[bytes]] = set()

    async def do(self, request: Request) -> Reply:
        body = await read_body(request, _SMALL)
        try:
            values = parse_json(body)
        except NotJson:
            values = None
        if not isinstance(values, dict):
            raise ServiceError("bad-json", "the body is a JSON object, and no field stands there twice", 400)
        return reply(await asyncio.to_thread(perform, self._node, request.path_params["operation"], values))

    async def load(self, request: Request) -> Reply:
        """Tickets from a CSV file."""
        with await self._received(request) as file:
            count = await asyncio.to_thread(import_file, self._node, request.path_params["event"], _path(file))
        return reply({"count": count})

    async def orders(self, request: Request) -> Response:
        """Orders from a feed's file; the good ones are kept."""
        return await self._orders(request, whole=False)

    async def orders_whole(self, request: Request) -> Response:
        """Orders from a feed's file; all or none are kept."""
        return await self._orders(request, whole=True)

    async def _orders(self, request: Request, *, whole: bool) -> Response:
        """Lines of JSON: {"done": bytes} every now and then, at last what became of the orders, or a problem. They are
        taken in to the end, even if nobody waits for it any more.
        """
        event = request.path_params["event"]
        try:
            file = await self._received(request)
        except ServiceError as error:
            return _sent(problem(error))
        done: deque[int] = deque([0], maxlen=1)

        def work() -> bytes:
            with file:
                try:
                    taken = import_orders(self._node, event, _path(file), whole=whole, progress=done.append)
                except ServiceError as error:
                    return problem(error).body
                return reply(taken.to_map()).body

        task = asyncio.create_task(asyncio.to_thread(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return StreamingResponse(_told(task, done), media_type="application/jsonl")

    async def _received(self, request: Request) -> IO[bytes]:
        """The file is on disk while it is read, because it may be larger than memory is worth. It may hold contacts, so
        it has no name there, and is gone with this process however that ends.
        """
        with ExitStack() as stack:
            try:
                file = TemporaryFile(dir=self._node.home)  # noqa: SIM115 - whoever receives it closes it
                stack.callback(_closed, file)
                async for part in request.stream():
                    file.write(part)
                file.flush()
            except ClientDisconnect as error:
                raise ServiceError("no-file", f"the file did not arrive: {error}", 503) from error
            except OSError as error:
                raise self._disk(error) from error
            stack.pop_all()
        return file

    def _disk(self, error: OSError) -> ServiceError:
        home = self._node.home
        return ServiceError("disk", full_disk(home) or f"{home} cannot be written to ({error}): see to the disk", 503)

    async def snapshot(self, request: Request) -> Reply:
        """A snapshot of this moment; the file goes when the next one is asked for."""
        folder = self._node.home / "snapshots"
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise self._disk(error) from error
        path = folder / "export.snap"
        made = await asyncio.to_thread(export_snapshot, self._node, request.path_params["event"], path)
        return Reply(200, b"", OCTETS, {"Content-Length": str(made.length), "X-Log-Size": str(made.size)}, path)


def _endpoint(handler: Callable[[Request], Awaitable[Reply]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            answer = await handler(request)
        except ServiceError as error:
            answer = problem(error)
        return _sent(answer)

    return endpoint


def _sent(answer: Reply) -> Response:
    return answer.response({"Content-Type": answer.content_type, **answer.headers})


def _closed(file: IO[bytes]) -> None:
    """Closing writes what is left, which has failed already if it fails."""
    with suppress(OSError):
        file.close()


def _path(file: IO[bytes]) -> Path:
    """By which a file without a name is opened once more."""
    return Path(f"/proc/self/fd/{file.fileno()}")


async def _told(task: "asyncio.Task[bytes]", done: Sequence[int]) -> AsyncIterator[bytes]:
    while not (await asyncio.wait([task], timeout=_EVERY))[0]:
        yield b'{"done":%d}\n' % done[-1]
    yield task.result() + b"\n"
