"""The process of the public front: lives as long as the ledger's, which started it, and comes after it on the machine.

The two are tethered by a pair of sockets: the front says that it lives, once a second, and when the other end is gone
it ends, so that nothing keeps the public port when the ledger's process was killed.
"""

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

import structlog
import uvloop

from ledger_node.web.public_server import PublicServer
from ledger_node.web.serving import ended_by_signals

BEAT = 1.0
_NICE = 10
_FIRST_TO_GO = 500
log = structlog.get_logger()


def run_front(listener: socket.socket, tether: socket.socket, home: Path) -> None:
    """Serve in this process until the tether's other end is gone, or SIGTERM."""
    _come_after()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(listener, tether, home))


def _come_after() -> None:
    """For the processor, and where memory runs out: what the public asks for is less than a gate's claim."""
    try:
        os.nice(_NICE)
        Path("/proc/self/oom_score_adj").write_text(str(_FIRST_TO_GO), "ascii")
    except OSError as error:
        log.warning("front not set behind the ledger", problem=f"{error.strerror}: see docs/operations.md, Ports")


async def _serve(listener: socket.socket, tether: socket.socket, home: Path) -> None:
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    tether.settimeout(0)
    server = PublicServer(listener, home)
    await server.start()
    # Nothing is ever said from there: it can be read when it is at its end.
    loop.add_reader(tether, gone.set)
    with ended_by_signals(gone):
        while not gone.is_set():
            with suppress(OSError):
                tether.send(b".")
            with suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), BEAT)
    loop.remove_reader(tether)
    await server.stop()
