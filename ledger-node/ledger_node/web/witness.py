"""Runs a witness: C2SP tlog-witness at POST /add-checkpoint, what it knows for everybody to read, and a look at each
log every few seconds. What is signed, and what is not, is decided elsewhere.
"""

import asyncio
import json
import re
from collections.abc import Callable
from http import HTTPStatus

import structlog
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ledger_node.log.port import LedgerFault
from ledger_node.log.tiles import TilePath
from ledger_node.log.witness_protocol import MOST_BYTES, SIZE_TYPE, AddCheckpoint
from ledger_node.services.errors import ServiceError
from ledger_node.services.watch import Cosigned, Refused
from ledger_node.services.witness import Standing, Witness
from ledger_node.web.body import read_body
from ledger_node.web.reply import RETRY_AFTER
from ledger_node.web.serving import Listening, ended_by_signals, http_server, listen, notify, until
from scanner.verify.entry import Malformed
from scanner.verify.log_keys import NEWEST

_TOLD_EVERY = 100_000
_LIFE = 10.0
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,18})?")
log = structlog.get_logger("witness")


def make_witness_app(witness: Witness) -> Starlette:
    """The application."""
    desk = _Desk(witness)
    return Starlette(
        routes=[
            Route("/add-checkpoint", desk.add, methods=["POST"]),
            Route("/", desk.overview, methods=["GET"]),
            Route("/healthz", desk.health, methods=["GET"]),
            Route("/evidence", desk.evidence, methods=["GET"]),
            Route("/logs/{log}/checkpoint", desk.checkpoint, methods=["GET"]),
            Route("/logs/{log}/state", desk.state, methods=["GET"]),
            Route(f"/logs/{{log}}/{NEWEST}", desk.log_keys, methods=["GET"]),
            Route("/logs/{log}/tile/{path:path}", desk.tile, methods=["GET"]),
        ]
    )


def run_witness(witness: Witness, host: str, port: int, every: float) -> None:
    """Serve in this thread until SIGTERM. Raises ServiceError when the address cannot be had."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_witness(witness, host, port, every))


async def serve_witness(
    witness: Witness,
    host: str,
    port: int,
    every: float,
    on_ready: Callable[[Listening], None] = lambda _: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`, and follow each log every so many seconds."""
    stop = stop or asyncio.Event()
    listener = listen(host, port)
    server = http_server(make_witness_app(witness))
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started or running.done())
    address = listener.getsockname()
    on_ready(Listening(address[0], address[1]))
    following = [asyncio.create_task(_follow(witness, origin, every, stop)) for origin in witness.origins]
    living = asyncio.create_task(_live(witness))
    with ended_by_signals(stop):
        notify("READY=1")
        log.info("serving", host=address[0], port=address[1], name=witness.key.name, vkey=witness.key.encode())
        await asyncio.wait([asyncio.create_task(stop.wait()), running], return_when=asyncio.FIRST_COMPLETED)
    notify("STOPPING=1")
    stop.set()
    server.should_exit = True
    living.cancel()
    await asyncio.gather(running, *following)
    log.info("stopped")


async def _follow(witness: Witness, origin: str, every: float, stop: asyncio.Event) -> None:
    """Look at one log again and again; each change of how it stands is told once."""
    told = None
    while not stop.is_set():
        answer = await asyncio.to_thread(witness.follow, origin, _teller(origin))
        now = "" if isinstance(answer, Cosigned) else answer.reason
        if now != told:
            told = now
            tell = log.error if now and witness.evidence(origin) else log.warning if now else log.info
            tell("log", origin=origin, problem=now, size=answer.size)
        try:
            await asyncio.wait_for(stop.wait(), every)
        except TimeoutError:
            continue


async def _live(witness: Witness) -> None:
    """Feed the watchdog while the memory can be read."""
    while True:
        try:
            async with asyncio.timeout(_LIFE):
                await asyncio.to_thread(lambda: [witness.standing(origin) for origin in witness.origins])
            notify("WATCHDOG=1")
        except (ServiceError, TimeoutError) as error:
            log.warning("memory", problem=str(error) or "it does not answer")
        await asyncio.sleep(_LIFE / 2)


def _teller(origin: str) -> Callable[[int, int], None]:
    marks = set[int]()

    def tell(done: int, total: int) -> None:
        mark = done // _TOLD_EVERY
        if mark and mark not in marks and done < total:
            marks.add(mark)
            log.info("replaying", origin=origin, done=done, of=total)

    return tell


class _Desk:
    """The handlers."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def add(self, request: Request) -> Response:
        try:
            body = await read_body(request, MOST_BYTES)
        except ServiceError as error:
            return PlainTextResponse(f"{error.sentence}\n", error.status, {"Connection": "close"})
        asked = AddCheckpoint.parse(body)
        if isinstance(asked, Malformed):
            return PlainTextResponse(f"{asked.reason}\n", HTTPStatus.BAD_REQUEST)
        answer = await asyncio.to_thread(self._witness.add_checkpoint, asked.checkpoint, asked.old, asked.proof)
        if isinstance(answer, Refused) and answer.status not in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
            log.warning("not signed", status=answer.status, reason=answer.reason)
        return _reply(answer)

    async def overview(self, _request: Request) -> Response:
        standings = await asyncio.to_thread(lambda: [self._witness.standing(one) for one in self._witness.origins])
        key = self._witness.key
        return JSONResponse({"name": key.name, "vkey": key.encode(), "logs": [_facts(one) for one in standings]})

    async def health(self, _request: Request) -> Response:
        standings = await asyncio.to_thread(lambda: [self._witness.standing(one) for one in self._witness.origins])
        problems = {one.origin: one.problem for one in standings if one.problem}
        return JSONResponse({"status": "problem" if problems else "ok", "problems": problems})

    async def evidence(self, _request: Request) -> Response:
        found = await asyncio.to_thread(
            lambda: [json.loads(e.to_json()) for one in self._witness.origins for e in self._witness.evidence(one)]
        )
        return JSONResponse(found)

    async def checkpoint(self, request: Request) -> Response:
        origin = self._origin(request)
        note = await asyncio.to_thread(self._witness.cosigned, origin) if origin else ""
        if not note:
            return PlainTextResponse("nothing of this log is signed here: see /\n", HTTPStatus.NOT_FOUND)
        return PlainTextResponse(note)

    async def log_keys(self, request: Request) -> Response:
        origin = self._origin(request)
        note = self._witness.log_keys(origin) if origin else ""
        if not note:
            return PlainTextResponse("there is no list: the root key itself signs\n", HTTPStatus.NOT_FOUND)
        return PlainTextResponse(note)

    async def tile(self, request: Request) -> Response:
        """The log as it was replayed here: with the checkpoint, a mirror from which its operator can take it back."""
        origin, path = self._origin(request), TilePath.parse(f"tile/{request.path_params['path']}")
        try:
            data = await asyncio.to_thread(self._witness.tile, origin, path) if origin and path else None
        except LedgerFault as fault:
            return PlainTextResponse(f"{fault}\n", HTTPStatus.SERVICE_UNAVAILABLE)
        if data is None:
            return PlainTextResponse("there is no such tile here: see /\n", HTTPStatus.NOT_FOUND)
        return Response(data, media_type="application/octet-stream")

    async def state(self, request: Request) -> Response:
        origin = self._origin(request)
        if origin is None:
            return PlainTextResponse("this log is not watched here: see /\n", HTTPStatus.NOT_FOUND)
        wanted = request.query_params.get("size", "")
        if not _SIZE.fullmatch(wanted):
            return PlainTextResponse("size is a number of entries\n", HTTPStatus.BAD_REQUEST)
        said = await asyncio.to_thread(self._witness.statement, origin, int(wanted) if wanted else None)
        return _reply(said) if isinstance(said, Refused) else PlainTextResponse(said)

    def _origin(self, request: Request) -> str | None:
        return self._witness.origin_of(str(request.path_params["log"]))


def _reply(answer: Cosigned | Refused) -> Response:
    if isinstance(answer, Cosigned):
        return PlainTextResponse(answer.line)
    if answer.status == HTTPStatus.CONFLICT:
        return Response(f"{answer.size}\n", answer.status, {"Content-Type": SIZE_TYPE})
    wait = {"Retry-After": RETRY_AFTER} if answer.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return PlainTextResponse(f"{answer.reason}\n", answer.status, wait)


def _facts(standing: Standing) -> dict[str, object]:
    return {
        "origin": standing.origin,
        "checkpoint": f"/logs/{standing.short_name}/checkpoint",
        "state": f"/logs/{standing.short_name}/state",
        "size": standing.seen.size,
        "root": standing.seen.root.hex(),
        "signed_at": standing.seen.at or None,
        "problem": standing.problem,
        "evidence": standing.evidence,
        "log_keys": standing.log_keys,
    }
