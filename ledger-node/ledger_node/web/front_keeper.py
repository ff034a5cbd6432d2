"""Starts the public front's process, and again when it has ended or says nothing any more. Gates do not need it."""

import asyncio
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress

import structlog

from ledger_node.services.errors import ServiceError

SILENT = 30.0
"""Seconds without a word, after which it is taken for stuck."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
_SETTLED = 30.0
"""Seconds of life after which an end counts as the first one again."""
_START, _STOP = 30.0, 10.0
log = structlog.get_logger()


class FrontKeeper:
    """Of one front. `command` gets two arguments more: the descriptors of the public port's `listener` and of the
    front's end of the tether. The listener stays open here, so a client that connects meanwhile waits for the next.
    """

    def __init__(self, command: Sequence[str], listener: socket.socket) -> None:
        self._command = command
        self._listener = listener
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._tether: asyncio.StreamWriter | None = None
        self._over = asyncio.Event()

    async def start(self) -> None:
        """The first one; it serves when this returns. Raises ServiceError "front"."""
        self._task = asyncio.create_task(self._keep())
        try:
            async with asyncio.timeout(_START):
                await self._ready.wait()
        except TimeoutError:
            await self.stop()
            raise ServiceError("front", "the public front does not start: see its lines in the log above") from None

    async def stop(self) -> None:
        """Let it finish what is under way, and go."""
        self._over.set()
        if self._tether is not None:
            self._tether.close()
        if self._task is not None:
            if self._tether is None:
                self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep(self) -> None:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while not self._over.is_set():
            began = loop.time()
            try:
                status: int | str = await self._live()
            except OSError as error:
                status = f"{error.strerror}"
            if self._over.is_set():
                return
            pause = FIRST_PAUSE if loop.time() - began > _SETTLED else pause
            log.warning("front ended", status=status, again_in_s=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _live(self) -> int:
        """One front, from its start to its end; its exit status."""
        ours, theirs = socket.socketpair()
        with theirs:
            handed = (self._listener.fileno(), theirs.fileno())
            process = subprocess.Popen(
                [*self._command, *map(str, handed)],
                stdin=subprocess.DEVNULL,
                pass_fds=handed,
                # A terminal's Ctrl-C is for the ledger's process, which ends its front itself.
                start_new_session=True,
            )
        reader, self._tether = await asyncio.open_unix_connection(sock=ours)
        try:
            await self._listen(reader, process)
        finally:
            self._tether.close()
            self._tether = None
            status = await asyncio.to_thread(_ended, process)
        return status

    async def _listen(self, reader: asyncio.StreamReader, process: "subprocess.Popen[bytes]") -> None:
        """Until it is at its end."""
        first = True
        with suppress(OSError):
            while True:
                async with asyncio.timeout(SILENT):
                    if not await reader.read(64):
                        return
                if first:
                    log.info("front serves", pid=process.pid)
                    self._ready.set()
                    first = False


def _ended(process: "subprocess.Popen[bytes]") -> int:
    """Its status; one that does not go though its tether is cut is stuck."""
    try:
        return process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
