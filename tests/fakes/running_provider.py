"""The sandbox provider as tests use it: served in this process or one of its own, with a desk to set it up at, and a
ledger node's client that asks it with real signatures.
"""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger_node.adapters.exchange import HttpDoor, Limits
from ledger_node.adapters.provider import ProviderSettings, WalletProvider
from ledger_node.adapters.provider_orders import Attest, Capture, Hold
from ledger_node.adapters.retry import Patience
from ledger_node.contract.provider import Share
from ledger_node.sandbox.provider import Provider
from ledger_node.sandbox.server import SandboxServer
from scanner.verify.keys import SigningKey

EVENT = "coliseum-1122"
NODE = SigningKey(b"ledger node of the provider test")
HOLDER = SigningKey(b"a ticket holder of provider test")


class DeskError(Exception):
    """The desk's no: its status and code."""


class Desk:
    """What people, their phones and the provider's staff do."""

    def __init__(self, url: str) -> None:
        self._door = HttpDoor(f"{url}/sandbox", Limits(within=20.0))

    def do(self, what: str, **given: Any) -> Any:
        body = json.dumps(given).encode() if given else b""
        answer = self._door.ask("POST" if given else "GET", f"/{what}", {"Content-Type": "application/json"}, body)
        said = json.loads(answer.body)
        if answer.status != 200:
            raise DeskError(f"{answer.status} {said['code']}: {said['detail']}")
        return said

    def account(self, name: str, deposit: int = 0, **more: Any) -> bytes:
        """Open it; its party in EVENT."""
        self.do("accounts", account=name, deposit=deposit, **more)
        return self.party(name)

    def party(self, name: str, event: str = EVENT) -> bytes:
        return bytes.fromhex(self.do("parties", account=name, event=event)["party"])

    def yes(self, name: str, purpose: str = "pay", event: str = EVENT, **more: Any) -> str:
        token: str = self.do("permissions", account=name, event=event, purpose=purpose, **more)["authorisation"]
        return token

    def hold(self, name: str, reference: str, amount: int, **changes: Any) -> Hold:
        """An order that `name` said yes to."""
        until = changes.pop("until", int(time.time()) + 3_600)
        order = {"authorisation": self.yes(name), "payer": self.party(name), **changes}
        return Hold(reference, EVENT, amount, "HKD", order["authorisation"], until, order["payer"])

    def attest(self, name: str, reference: str, level: int = 2, key: bytes = HOLDER.public) -> Attest:
        return Attest(reference, EVENT, key, level, self.yes(name, "identify"))

    def close(self) -> None:
        self._door.close()


def capture(reference: str, of: str, *shares: tuple[bytes, int]) -> Capture:
    return Capture(reference, EVENT, of, tuple(Share(party, amount) for party, amount in shares))


@dataclass(frozen=True)
class Bench:
    """A provider that is served, its desk, and a client of it."""

    url: str
    desk: Desk
    client: WalletProvider
    key: bytes


def client_of(
    url: str, key: bytes, *, within: float = 5.0, tries: int = 4, sleep: Callable[[float], None] = lambda _: None
) -> WalletProvider:
    settings = ProviderSettings(url, "sandbox", key, limits=Limits(connect=2.0, within=within))
    patience = Patience(sleep, lambda: 0.5, tries=tries)
    return WalletProvider(settings, NODE, time.time, lambda: secrets.token_hex(8), patience)


@contextlib.contextmanager
def bench(url: str, within: float = 5.0) -> Iterator[Bench]:
    desk = Desk(url)
    key = bytes.fromhex(desk.do("about")["public_key"])
    desk.do("clients", public_key=NODE.public.hex())
    client = client_of(url, key, within=within)
    try:
        yield Bench(url, desk, client, key)
    finally:
        desk.close()
        client.close()


@contextlib.contextmanager
def served_provider(home: Path, now: Callable[[], float] = time.time) -> Iterator[SandboxServer]:
    """In this process, on threads."""
    provider = Provider(home, "sandbox", os.urandom, now)
    server = SandboxServer(provider, 0)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        provider.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextlib.contextmanager
def provider_process(home: Path, port: int = 0, *options: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """`ledger-node provider-sandbox`; the process and what it says of itself. Killed at the end if it still runs."""
    command = [sys.executable, "-m", "ledger_node.cli", "provider-sandbox", "--home", str(home), "--port", str(port)]
    running = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        yield running, json.loads(running.stdout.readline())
    finally:
        running.kill()
        running.wait()
        if running.stdout:
            running.stdout.close()
