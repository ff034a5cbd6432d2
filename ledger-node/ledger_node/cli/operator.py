"""How a command reaches the node: in this process if the home folder is free, over the socket if `serve` has it.

Either way the same operations run; a command need not know which it was.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from ledger_node import home_folder

_PATIENCE = 10.0
"""Seconds to wait for another command to be done with the home folder."""
_PAUSE = 0.05

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


@contextlib.contextmanager
def operator(home: Path, *, makes: bool = False) -> Iterator[Operator]:
    """The node in `home`, however it can be reached; where there is none, a new one if the command `makes` it. Raises
    HomeError.
    """
    if not makes:
        home_folder.require_node(home, os.environ)
    give_up = time.monotonic() + _PATIENCE
    while True:
        if _served(home):
            from ledger_node.cli.served_node import Remote  # noqa: PLC0415 - `--help` needs neither

            yield Remote(home)
            return
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(home_folder.hold(home))
            except home_folder.HomeInUseError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(_PAUSE)
                continue
            from ledger_node.cli.own_node import Local, own_node  # noqa: PLC0415

            yield Local(stack.enter_context(own_node(home)))
            return


@contextlib.contextmanager
def held(home: Path) -> Iterator[None]:
    """Have the home folder to oneself, once a command that has it is done. Raises HomeInUseError at once if a node is
    served from it, which would not end.
    """
    give_up = time.monotonic() + _PATIENCE
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(home_folder.hold(home))
                break
            except home_folder.HomeInUseError:
                if _served(home):
                    raise home_folder.HomeInUseError(f"a node is served from {home} already: stop that one") from None
                if time.monotonic() > give_up:
                    raise
            time.sleep(_PAUSE)
        yield


def connect(client: socket.socket, home: Path) -> None:
    """Connect to a home's socket; through the folder's descriptor, because a socket's path has only 107 bytes."""
    folder = os.open(home, os.O_RDONLY)
    try:
        client.connect(f"/proc/self/fd/{folder}/{home_folder.SOCKET_FILE}")
    finally:
        os.close(folder)


def _served(home: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            connect(client, home)
        except OSError:
            return False
        return True
