"""A real ledger node for tests: a real home folder, database and keys, served on 127.0.0.1 in a thread or a process.

Nothing is faked here but the clock, and that only where a test hands one in.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from ledger_node import config, home_folder
from ledger_node.cli.operator import operator
from ledger_node.contract.entries import NewTicket
from ledger_node.services.devices import make_code
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.node import Node, open_node
from ledger_node.web.patience import Patience
from ledger_node.web.public_server import PublicServer
from ledger_node.web.server import Ports, serve
from scanner.verify.policy import Policy
from tests.fakes.wallet import Wallet

EVENT = "coliseum-1122"
DOORS = 1_795_343_400


@contextmanager
def open_home(home: Path, now: Callable[[], float] = time.time) -> Iterator[Node]:
    """The node in `home`, not served."""
    with home_folder.hold(home):
        keys = config.load_keys(home, None, os.urandom)
        with open_node(home, keys, now, os.urandom) as node:
            yield node


def stage(
    node: Node,
    tickets: int,
    seed: int = 7,
    event: str = EVENT,
    *,
    policy: Policy | None = None,
    doors: int = DOORS,
    group: int = 1,
) -> list[Wallet]:
    """An event with `tickets` tickets, index 1 and up, each with its holder's key; the holders' wallets."""
    rng = Random(seed)
    wallets = [Wallet.new(rng) for _ in range(tickets)]
    create_event(
        node, EventOrder(event, "Harbour Nights", doors, doors + 5400, max(tickets, 100), policy=policy or Policy())
    )
    rows = [
        NewTicket(index, index, 0, group, 88_000, wallet.public, wallet.proof(event, index))
        for index, wallet in enumerate(wallets, 1)
    ]
    node.commit(list(node.operator.issue(event, rows, node.seconds)))
    return wallets


@dataclass(frozen=True, slots=True)
class Running:
    """A served node: its public address and port, and those of gates."""

    url: str
    port: int
    node: Node
    gates_url: str
    gates_port: int
    stop_front: Callable[[], None]

    def code(self, gate: str = "R1", event: str = EVENT) -> str:
        """A fresh enrolment code."""
        return make_code(self.node, event, gate).text()


@contextmanager
def serving(node: Node, patience: Patience | None = None) -> Iterator[Running]:
    """Serve `node` on a loop in a thread until the block ends; the public front is on the same loop."""
    ready = threading.Event()
    found: list[tuple[Ports, asyncio.AbstractEventLoop]] = []
    fronts: list[PublicServer] = []
    stop = asyncio.Event()

    async def run() -> None:
        def on_ready(at: Ports) -> None:
            found.append((at, asyncio.get_running_loop()))
            ready.set()

        def front(listener: socket.socket, home: Path) -> PublicServer:
            fronts.append(PublicServer(listener, home, patience))
            return fronts[0]

        await serve(node, Ports("127.0.0.1", 0, 0), front, on_ready, stop, patience)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="node")
    thread.start()
    assert ready.wait(20), "the node did not start"
    at, loop = found[0]
    try:

        def stop_front() -> None:
            asyncio.run_coroutine_threadsafe(fronts[0].stop(), loop).result(20)

        url = "http://127.0.0.1:"
        yield Running(f"{url}{at.public}", at.public, node, f"{url}{at.gates}", at.gates, stop_front)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@contextmanager
def staged(home: Path, tickets: int, patience: Patience | None = None) -> Iterator[Running]:
    """A served node with an event; for tests that need no wallet."""
    with open_home(home) as node:
        stage(node, tickets)
        with serving(node, patience) as running:
            yield running


@dataclass(frozen=True, slots=True)
class Processes:
    """`ledger-node serve` and the front that it started; `lines` are what either says from now on."""

    ledger: subprocess.Popen[str]
    front: int
    port: int
    gates_port: int
    lines: Iterator[dict[str, Any]]


@contextmanager
def process(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`ledger-node serve` as a process of its own; the process and its port. Killed at the end if it still runs."""
    with processes(home, *arguments) as running:
        yield running.ledger, running.port


@contextmanager
def processes(home: Path, *arguments: str) -> Iterator[Processes]:
    """The same, with all that is known of it."""
    ports = ["--port", "0", "--gates-port", "0"]
    command = [sys.executable, "-m", "ledger_node.cli", "--home", str(home), "serve", *ports, *arguments]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        lines = (json.loads(line) for line in running.stdout)
        front = next(line["pid"] for line in lines if line["event"] == "front serves")
        at = next(line for line in lines if line["event"] == "serving")
        yield Processes(running, front, at["port"], at["gates_port"], lines)
    finally:
        running.kill()
        running.wait()
        if running.stdout:
            running.stdout.close()


def code_by_socket(home: Path, gate: str = "R1", event: str = EVENT) -> str:
    """An enrolment code from the node that is being served from `home`, as the command line gets it."""
    with operator(home) as node:
        made: str = node.do("devices-code", event=event, gate=gate)["code"]
        return made
