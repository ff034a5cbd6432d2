"""Runs the node: gates on a port of their own, the public behind its front, operator commands on a unix socket at home,
signs of life to systemd.

One event loop serves gates, the front's questions and commands. Readiness is told when each can be reached; the
watchdog is fed only while the loop turns *and* the ledger's writer answers, so a stuck node is restarted. What is
served is said elsewhere.
"""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
import uvloop

from ledger_node.home_folder import PUBLIC_SOCKET_FILE, SOCKET_FILE, credentials_folder
from ledger_node.log.ledger import LedgerFault
from ledger_node.services import records
from ledger_node.services.accounts.site import listening
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import list_events
from ledger_node.services.leases import resume
from ledger_node.services.node import Node
from ledger_node.services.nonces import Nonces
from ledger_node.services.refeeder import Refeeder
from ledger_node.services.tending import Tender
from ledger_node.services.watchkeeper import Watchkeeper
from ledger_node.web.admin import make_admin
from ledger_node.web.app import Parts, make_app
from ledger_node.web.feed import Feed
from ledger_node.web.hands import Hands
from ledger_node.web.metrics import Metrics
from ledger_node.web.patience import Patience, for_gates
from ledger_node.web.reports import Reports
from ledger_node.web.serving import QuietServer, ended_by_signals, http_server, listen, notify, until
from ledger_node.web.sides import GatesSide, PublicSide
from ledger_node.web.turns import Turns

TICK = 5.0
"""Seconds between two rounds of housekeeping."""
_LIFE = 5.0
_LET_GO, _LOOK = 3.0, 0.05
log = structlog.get_logger()


class PublicDoor(Protocol):
    """What answers at the public port, and asks the node over the socket in its home."""

    async def start(self) -> None:
        """Answer from now on. Raises ServiceError."""

    async def stop(self) -> None:
        """Finish what is under way, and answer no more."""


Fronting = Callable[[socket.socket, Path], PublicDoor]
"""Makes it, for the public port's listener and the node's home."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Of the public and of gates, at one address; 0 for any that is free."""

    host: str
    public: int
    gates: int


def run(node: Node, ports: Ports, fronting: Fronting) -> None:
    """Serve in this thread, on a loop of its own. Raises ServiceError when an address cannot be had."""
    # The loop and the ledger's writer hand the interpreter to each other for every claim: 5 ms is too long a turn.
    sys.setswitchinterval(0.0005)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(node, ports, fronting))


async def serve(
    node: Node,
    ports: Ports,
    fronting: Fronting,
    on_ready: Callable[[Ports], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    patience: Patience | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`; `patience` is with gates. Raises ServiceError when an address cannot be
    had.
    """
    stop = stop or asyncio.Event()
    watchkeeper = Watchkeeper(node, credentials_folder(os.environ))
    # An old copy that was put back must not grant what the log has granted: first those are asked who saw it.
    await asyncio.to_thread(node.cosigning.look_ahead)
    nonces = Nonces(node.store, node.seconds)
    parts: list[Parts] = []

    public, gates = await _listen(ports)
    at = Ports(public.getsockname()[0], public.getsockname()[1], gates.getsockname()[1])
    site = listening(node, at.public)

    def start() -> Parts:
        made = Parts(node, nonces, Feed(node.ledger), Metrics(node.ledger), Reports(node.store), site, Hands())
        parts.append(made)
        return made

    app, turns, servers = make_app(start), Turns(), _Servers()
    await servers.add(http_server(PublicSide(app, turns)), _listen_locally(node.home, PUBLIC_SOCKET_FILE))
    await servers.add(http_server(make_admin(node)), _listen_locally(node.home, SOCKET_FILE))
    await servers.add(http_server(GatesSide(app, turns.claimed), patience or for_gates(), lifespan="off"), gates)
    front = fronting(public, node.home)
    await front.start()
    on_ready(at)
    tending = asyncio.create_task(_tend(parts[0]))
    tender, refeeder = Tender(node), Refeeder(node)
    with ended_by_signals(stop):
        notify("READY=1")
        _say_where(node, at, site.origin)
        node.cosigning.start()
        for one in (watchkeeper, tender, refeeder):
            one.start()
        await asyncio.wait([asyncio.create_task(stop.wait()), *servers.running], return_when=asyncio.FIRST_COMPLETED)
    notify("STOPPING=1")
    parts[0].feed.close()
    tending.cancel()
    await front.stop()
    public.close()
    await servers.stop()
    for name in (SOCKET_FILE, PUBLIC_SOCKET_FILE):
        (node.home / name).unlink(missing_ok=True)
    parts[0].reports.flush()
    for close in (watchkeeper.close, node.cosigning.close, tender.close, refeeder.close):
        await asyncio.to_thread(close)
    nonces.close()
    log.info("stopped", size=node.ledger.size)


class _Servers:
    """Those of this process."""

    def __init__(self) -> None:
        self._servers: list[QuietServer] = []
        self.running: list[asyncio.Task[None]] = []

    async def add(self, server: QuietServer, listener: socket.socket) -> None:
        """Serve with it from now on."""
        task = asyncio.create_task(server.serve([listener]))
        self._servers.append(server)
        self.running.append(task)
        await until(lambda: server.started or task.done())

    async def stop(self) -> None:
        """Finish what is under way."""
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self.running)


def _say_where(node: Node, at: Ports, origin: str) -> None:
    log.info(
        "serving",
        host=at.host,
        port=at.public,
        gates_port=at.gates,
        home=str(node.home),
        site=origin,
        size=node.ledger.size,
    )


async def _listen(ports: Ports) -> tuple[socket.socket, socket.socket]:
    loop = asyncio.get_running_loop()
    until_then = loop.time() + _LET_GO
    while True:
        try:
            public = listen(ports.host, ports.public)
            break
        except ServiceError as error:
            # The front of a node that was killed lets go of the port in a moment.
            taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
            if not taken or loop.time() > until_then:
                raise
            await asyncio.sleep(_LOOK)
    try:
        return public, listen(ports.host, ports.gates, "--gates-port")
    except ServiceError:
        public.close()
        raise


def _listen_locally(home: Path, name: str) -> socket.socket:
    """Bound through the folder's descriptor, because the path of a unix socket has only 107 bytes."""
    folder = os.open(home, os.O_RDONLY)
    local = socket.socket(socket.AF_UNIX)
    try:
        (home / name).unlink(missing_ok=True)
        local.bind(f"/proc/self/fd/{folder}/{name}")
        (home / name).chmod(0o600)
    except OSError as error:
        local.close()
        raise ServiceError("socket", f"cannot make {home / name}: {error.strerror}") from error
    finally:
        os.close(folder)
    return local


async def _tend(parts: Parts) -> None:
    """Housekeeping: reports to disk, double entries and the end of a pause of leases to the ledger, and the watchdog,
    if all that still works.
    """
    while True:
        try:
            async with asyncio.timeout(_LIFE):
                await asyncio.wrap_future(parts.node.ledger.probe())
            notify("WATCHDOG=1")
            await asyncio.to_thread(parts.reports.flush)
            await asyncio.to_thread(_report_double_entries, parts)
            await asyncio.to_thread(resume, parts.node)
        except (ServiceError, LedgerFault, TimeoutError) as error:
            log.warning("housekeeping", problem=str(error) or "the ledger does not answer")
        parts.metrics.nonces.set(len(parts.nonces))
        await asyncio.sleep(TICK)


def _report_double_entries(parts: Parts) -> None:
    for state in list_events(parts.node):
        reported = records.report_double_entries(parts.node, state.manifest.event)
        if reported:
            parts.metrics.incidents.inc(reported)
            log.warning("double entries reported", show=state.manifest.event, count=reported)
