"""Serves the public port with the front, on the loop that it is started on."""

import asyncio
import resource
import socket
from pathlib import Path

from ledger_node.web.front import Front
from ledger_node.web.patience import Patience, most_connections
from ledger_node.web.serving import http_server, until
from ledger_node.web.upstream import Upstream

_SPARE_FILES = 128
_LEAST = 64


class PublicServer:
    """Of the node in `home`; `listener` is the public port's."""

    def __init__(self, listener: socket.socket, home: Path, patience: Patience | None = None) -> None:
        self._listener = listener
        self._upstream = Upstream(home)
        self._server = http_server(Front(self._upstream), patience or _patience(), lifespan="off")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve from now on."""
        self._task = task = asyncio.create_task(self._server.serve([self._listener]))
        await until(lambda: self._server.started or task.done())
        if task.done():
            await task

    async def stop(self) -> None:
        """Finish what is under way, a few seconds at most."""
        # First the port: another node may wait for it.
        for listening in self._server.servers if self._server.started else ():
            listening.close()
        self._listener.close()
        self._server.should_exit = True
        if self._task is not None:
            task, self._task = self._task, None
            await task
            self._upstream.close()


def _patience() -> Patience:
    """Each page that listens takes two of the files that the process may have open: one goes on to the ledger's."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = most_connections()
    halved = most if soft == resource.RLIM_INFINITY else max(_LEAST, (soft - _SPARE_FILES) // 2)
    return Patience(most_connections=min(most, halved))
