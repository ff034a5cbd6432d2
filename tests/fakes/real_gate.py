"""A gate as `gate-scanner run` puts it together, without camera and pins: journal, list, claims, recalls and sync."""

import secrets
import time
from contextlib import ExitStack
from pathlib import Path

from scanner.admission import Admission, Decision
from scanner.cli.node import Node
from scanner.clock import ClockReading, TrustedClock
from scanner.journal import Identity as Signs
from scanner.journal import Journal
from scanner.sync.client import Identity
from scanner.sync.enrol import enrol
from scanner.sync.signed import Signer, Timeouts
from scanner.sync.trust import LogTrust
from scanner.verify.keys import SigningKey
from scanner.verify.record import Stamp
from scanner.view import GateView, Trust
from tests.fakes.clockwork import wait_until
from tests.fakes.running_node import EVENT, Running
from tests.fakes.wallet import Wallet


class RealGate:
    """Enrolled and synced; `cut` and `mend` are its network. Its clock is right."""

    def __init__(self, running: Running, name: str, folder: Path) -> None:
        self.name, self._stack = name, ExitStack()
        secret = SigningKey(secrets.token_bytes(32))
        self.clock = TrustedClock(time.time, time.monotonic, lambda: 0.01)

        def reading() -> ClockReading:
            return ClockReading(time.time(), trusted=True, error_s=0.01, source="test")

        told = enrol(
            running.url, running.code(name), Signer(secret, reading, lambda: secrets.token_hex(16)), Timeouts()
        )
        self.device = told.device
        self._url, self._trust = told.url, LogTrust(told.origin, told.log)
        self._identity = Identity(told.device, secret, told.event, told.node_key)
        signs = Signs(told.device, name, EVENT, secret)
        self.journal = self._stack.enter_context(Journal.open(folder / f"{name}.db", signs, self._stamp))
        self.view = GateView(folder / f"view-{name}", Trust(told.node_key, EVENT), "test")
        self._stack.callback(self.view.close)
        self.node = self._made()
        self.mend()

    def close(self) -> None:
        """The end."""
        self.node.stop()
        self._stack.close()

    def cut(self) -> None:
        """No network from now on."""
        self.node.stop()
        self.node = self._made()

    def mend(self) -> None:
        """The network is there (again), and the gate has told the node all that it owed."""
        self.node = self._made()
        self.node.start()
        wait_until(self._settled, f"{self.name} is online")

    def show(self, wallet: Wallet, ticket: int) -> Decision:
        """A fresh code of this ticket is held up."""
        now = self.clock.now()
        admission = Admission(self.name, self.view, self.journal, self.node)
        return admission.decide(wallet.compact(EVENT, ticket, 0, now.seconds).text(), now)

    def _settled(self) -> bool:
        return self.node.available() and self.view.size > 0 and not self.journal.queue_length()

    def _made(self) -> Node:
        return Node(
            self._url, self._identity, self._trust, self.journal, self.view, self.clock, _never, lambda: None, None
        )

    def _stamp(self) -> Stamp:
        return Stamp(int(time.time() * 1000), trusted=True, error_ms=10, view_size=0)


def _never() -> None:
    raise AssertionError("no gate is revoked here")
