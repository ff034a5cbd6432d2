"""A show whose node's folder is copied aside and put back later: a real node, a real witness, gates with journals."""

import json
import secrets
import shutil
import signal
import socket
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ledger_node.cli.operator import operator
from ledger_node.services.devices import make_code
from scanner.clock import ClockReading
from scanner.sync.backoff import Backoff
from scanner.sync.client import Identity, NodeClient
from scanner.sync.enrol import enrol
from scanner.sync.signed import Signer, Timeouts
from scanner.sync.trust import LogTrust
from scanner.sync.worker import Pace
from scanner.verify.keys import NO_KEY, SigningKey
from scanner.verify.policy import Policy
from scanner.verify.record import Scan
from tests.fakes.running_node import DOORS, EVENT, open_home, process, stage
from tests.fakes.running_witness import wait_for_size, witness_process
from tests.fakes.sync_bench import Gate, Place

PATIENT = Timeouts(connect=2.0, silence=10.0, total=15.0, claim=10.0, snapshot=20.0)
PACE = Pace(Backoff(0.02, 0.1), slowly=0.1, wait=1)
TICKETS = 60


class OldCopy:
    """See the module. Ports stay, whatever is started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "node"
        with open_home(self.home) as node:
            self.wallets = stage(node, TICKETS, policy=Policy(offline="refuse"))
            self.vkey = node.ledger.vkey
            self._codes = {gate: make_code(node, EVENT, gate).text() for gate in ("R1", "R2", "R3")}
        self._port, self._witness_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.witness_url, self.witness_key = f"http://127.0.0.1:{self._witness_port}", ""
        self._node, self._witness, self._gates = ExitStack(), ExitStack(), ExitStack()

    def close(self) -> None:
        """End what runs."""
        self._gates.close()
        self._node.close()
        self._witness.close()

    def start(self) -> None:
        """Serve the node; its witness is asked, once there is one."""
        asked = ("--witness", f"{self.witness_url},{self.witness_key}") if self.witness_key else ()
        self.process, _ = self._node.enter_context(process(self.home, "--port", str(self._port), *asked))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the node."""
        self.process.send_signal(how)
        self.process.wait(30)
        self._node.close()

    def watch(self) -> None:
        """Have the witness follow the log."""
        arguments = (self.url, "--log", self.vkey, "--port", str(self._witness_port), "--every", "0.2")
        _, said = self._witness.enter_context(witness_process(self.folder / "witness", *arguments))
        self.witness_key = said["vkey"]

    def witnessed(self) -> None:
        """Wait until the witness has signed all that the node has."""
        wait_for_size(self.witness_url, self.health()["size"])

    def unwatch(self) -> None:
        """The witness is away."""
        self._witness.close()

    def copy(self) -> None:
        """Copy the stopped node's folder aside."""
        shutil.copytree(self.home, self.folder / "aside", ignore=shutil.ignore_patterns("*.sock"))

    def put_back(self) -> None:
        """The folder of the stopped node is as it was."""
        shutil.rmtree(self.home)
        shutil.copytree(self.folder / "aside", self.home)

    def gate(self, name: str) -> Gate:
        """A gate, enrolled over HTTP and syncing until the end."""
        key = SigningKey(secrets.token_bytes(32))

        def now() -> ClockReading:
            return ClockReading(time.time(), trusted=True, error_s=0.1, source="test")

        def nonce() -> str:
            return secrets.token_hex(16)

        told = enrol(self.url, self._codes[name], Signer(key, now, nonce), PATIENT)
        identity = Identity(told.device, key, told.event, told.node_key)
        client = NodeClient(told.url, identity, now, nonce, timeouts=PATIENT)
        place = Place(told.device, told.gate, told.event, key, told.node_key, LogTrust(told.origin, told.log))
        gate = Gate(place, client, self.folder / name, pace=PACE)
        self._gates.enter_context(gate)
        settled(gate)
        return gate

    def leave(self, gate: Gate) -> None:
        """This gate is cut off."""
        assert gate.worker.stop(10.0)

    def part(self) -> None:
        """All gates are away."""
        self._gates.close()

    def alone(self, gate: Gate, ticket: int) -> None:
        """A gate that hears no node lets a ticket in that it holds."""
        gate.journal.admit(self._scan(ticket), NO_KEY, gate.stamp, "alone")

    def _scan(self, ticket: int) -> Scan:
        return Scan(ticket, 0, self.wallets[ticket - 1].compact(EVENT, ticket, 0, DOORS).raw, "admit", "ok")

    def show(self, gate: Gate, ticket: int) -> str:
        """A ticket at a gate that is connected: its claim's verdict, or the code of the refusal. The record is kept."""
        record = gate.journal.admit(self._scan(ticket), NO_KEY, gate.stamp, "pending")
        answer = gate.client.claim(record, gate.worker.verified())
        verdict = getattr(answer, "verdict", None) or getattr(answer, "code", "revoked")
        if verdict == "accepted":
            gate.journal.decided(record.counter, "claimed")
        else:
            gate.journal.void(record.counter, "not-granted", gate.stamp)
        return str(verdict)

    def do(self, operation: str, **values: object) -> dict:
        """An operator's command to the running node."""
        with operator(self.home) as node:
            return node.do(operation, **values)

    def health(self) -> dict:
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
            return json.load(answer)

    def entered(self) -> set[int]:
        """The tickets that entered and were not taken back, by the stopped node's log."""
        with open_home(self.home) as node, node.view() as view:
            return {at for at in range(1, TICKETS + 1) if view.ticket(EVENT, at).row.uses}


def settled(gate: Gate) -> None:
    """It is online, without an alarm, and owes nothing."""
    gate.until(lambda now: now.queue == 0 and now.online and now.view_size > 0 and not now.alarm, patience=40)


@contextmanager
def old_copy(folder: Path):
    """One, closed at the end."""
    made = OldCopy(folder)
    try:
        yield made
    finally:
        made.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
