"""A real witness for tests: its own home, key and databases, served on 127.0.0.1 in a thread or as a process."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger_node.services.cosigning import WitnessAddress
from ledger_node.services.witness import Witness
from ledger_node.web.serving import Listening
from ledger_node.web.witness import serve_witness

SOON = 15.0
"""Seconds until what a test waits for has happened, or it fails."""


@dataclass(frozen=True, slots=True)
class RunningWitness:
    """A served witness."""

    url: str
    witness: Witness

    @property
    def address(self) -> WitnessAddress:
        return WitnessAddress(self.url, self.witness.key)


@contextmanager
def serving_witness(witness: Witness, every: float = 30.0, port: int = 0):
    """Serve it on a loop in a thread until the block ends, and close it then."""
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


def get(url, path=""):
    """What a server answers to GET. Raises HTTPError, closed: whoever expects one need not do it."""
    try:
        with urllib.request.urlopen(f"{url}{path}", timeout=5) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        raise


def post(url, body):
    """Status, type and body of an add-checkpoint."""
    request = urllib.request.Request(f"{url}/add-checkpoint", body)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read()


def wait_until(condition):
    """Until it is true."""
    give_up = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


@contextmanager
def watching(tmp_path, url, vkey, home="witness", name="wallet.example/w1", every="0.2"):
    """A witness's process that watches one log: the process, its address and its key."""
    arguments = (url, "--log", vkey, "--port", "0", "--every", every, "--name", name)
    with witness_process(tmp_path / home, *arguments) as (running, said):
        yield running, f"http://127.0.0.1:{said['port']}", said["vkey"]


def wait_for_size(url, size):
    """How the witness's first log stands once it has signed that size."""
    found = {}

    def reached():
        found.update(json.loads(get(url))["logs"][0])
        return found["size"] >= size

    wait_until(reached)
    return found
