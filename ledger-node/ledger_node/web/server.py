"""Runs the node: the API on a TCP port, operator commands on a unix socket at home, signs of life to systemd.

One event loop serves both. Readiness is told when both listen; the watchdog is fed only while the loop turns *and* the
ledger's writer answers, so a stuck node is restarted. What is served is said elsewhere.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import structlog
import uvloop

from ledger_node.home_folder import SOCKET_FILE, credentials_folder
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
from ledger_node.web.patience import Patience
from ledger_node.web.reports import Reports
from ledger_node.web.serving import Listening, ended_by_signals, http_server, listen, notify, until

TICK = 5.0
"""Seconds between two rounds of housekeeping."""
_LIFE = 5.0
log = structlog.get_logger()


def run(node: Node, host: str, port: int) -> None:
    """Serve in this thread, on a loop of its own. Raises ServiceError when the address cannot be had."""
    # The loop and the ledger's writer hand the interpreter to each other for every claim: 5 ms is too long a turn.
    sys.setswitchinterval(0.0005)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(node, host, port))


async def serve(
    node: Node,
    host: str,
    port: int,
    on_ready: Callable[[Listening], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    patience: Patience | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`. Raises ServiceError when the address cannot be had."""
    stop = stop or asyncio.Event()
    watchkeeper = Watchkeeper(node, credentials_folder(os.environ))
    # An old copy that was put back must not grant what the log has granted: first those are asked who saw it.
    await asyncio.to_thread(node.cosigning.look_ahead)
    nonces = Nonces(node.store, node.seconds)
    parts: list[Parts] = []

    listener = listen(host, port)
    site = listening(node, listener.getsockname()[1])

    def start() -> Parts:
        made = Parts(node, nonces, Feed(node.ledger), Metrics(node.ledger), Reports(node.store), site, Hands())
        parts.append(made)
        return made

    door = _listen_locally(node.home)
    servers = [http_server(make_app(start), patience), http_server(make_admin(node))]
    running = [asyncio.create_task(one.serve([sock])) for one, sock in zip(servers, (listener, door), strict=True)]
    await until(lambda: all(server.started for server in servers) or any(task.done() for task in running))
    address = listener.getsockname()
    on_ready(Listening(address[0], address[1]))
    tender = Tender(node)
    refeeder = Refeeder(node)
    tending = asyncio.create_task(_tend(parts[0]))
    with ended_by_signals(stop):
        notify("READY=1")
        log.info(
            "serving", host=address[0], port=address[1], home=str(node.home), site=site.origin, size=node.ledger.size
        )
        node.cosigning.start()
        watchkeeper.start()
        tender.start()
        refeeder.start()
        await asyncio.wait([asyncio.create_task(stop.wait()), *running], return_when=asyncio.FIRST_COMPLETED)
    notify("STOPPING=1")
    parts[0].feed.close()
    tending.cancel()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)
    (node.home / SOCKET_FILE).unlink(missing_ok=True)
    parts[0].reports.flush()
    await asyncio.to_thread(watchkeeper.close)
    await asyncio.to_thread(node.cosigning.close)
    await asyncio.to_thread(tender.close)
    await asyncio.to_thread(refeeder.close)
    nonces.close()
    log.info("stopped", size=node.ledger.size)


def _listen_locally(home: Path) -> socket.socket:
    """Bound through the folder's descriptor, because the path of a unix socket has only 107 bytes."""
    folder = os.open(home, os.O_RDONLY)
    local = socket.socket(socket.AF_UNIX)
    try:
        (home / SOCKET_FILE).unlink(missing_ok=True)
        local.bind(f"/proc/self/fd/{folder}/{SOCKET_FILE}")
        (home / SOCKET_FILE).chmod(0o600)
    except OSError as error:
        local.close()
        raise ServiceError("socket", f"cannot make {home / SOCKET_FILE}: {error.strerror}") from error
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
