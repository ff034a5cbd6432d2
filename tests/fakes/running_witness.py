"""A real witness for tests: its own home, key and databases, served on 127.0.0.1 in a thread or as a process."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger_node import config
from ledger_node.adapters.remote_log import http_source
from ledger_node.services.cosigning import WitnessAddress
from ledger_node.services.watch import WatchedLog
from ledger_node.services.witness import Witness
from ledger_node.web.serving import Listening
from ledger_node.web.witness import serve_witness
from scanner.verify.checkpoint import VerifierKey


@dataclass(frozen=True, slots=True)
class RunningWitness:
    """A served witness."""

    url: str
    witness: Witness

    @property
    def address(self) -> WitnessAddress:
        return WitnessAddress(self.url, self.witness.key)


@contextmanager
def witnessing(home: Path, vkey: str, log_url: str, name: str = "wallet.example/w1", every: float = 30.0, port: int = 0):
    """Serve a witness of one log until the block ends."""
    key = config.load_witness_key(home, None, os.urandom)
    log = VerifierKey.parse(vkey)
    witness = Witness(home, name, key, [WatchedLog(log, http_source(log_url))], lambda: int(time.time()))
    ready, found, stop = threading.Event(), [], asyncio.Event()

    async def run() -> None:
        def on_ready(at: Listening) -> None:
            found.append((at, asyncio.get_running_loop()))
            ready.set()

        await serve_witness(witness, "127.0.0.1", port, every, on_ready, stop)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="witness")
    thread.start()
    assert ready.wait(20), "the witness did not start"
    at, loop = found[0]
    try:
        yield RunningWitness(f"http://127.0.0.1:{at.port}", witness)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        witness.close()


@contextmanager
def witness_process(home: Path, *arguments: str, environment: dict[str, str] | None = None):
    """`ledger-node witness` as a process of its own; the process and what it said when it served."""
    command = [sys.executable, "-m", "ledger_node.cli", "witness", *arguments, "--home", str(home)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | (environment or {}))
    try:
        assert running.stdout is not None
        yield running, json.loads(running.stdout.readline())
    finally:
        running.kill()
        running.wait()
        if running.stdout:
            running.stdout.close()
