"""Gates against a real ledger node in a process of its own: enrolled, synced, killed at any moment, and settled."""

import json
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from ledger_node.services.devices import make_code
from ledger_node.services.devices import revoke as revoke_device
from scanner.clock import ClockReading
from scanner.ports import Waiting
from scanner.sync.backoff import Backoff
from scanner.sync.client import Identity, NodeClient
from scanner.sync.enrol import enrol
from scanner.sync.signed import Signer, Timeouts
from scanner.sync.trust import LogTrust
from scanner.sync.worker import Pace
from scanner.verify.entry import open_entry
from scanner.verify.keys import SigningKey
from scanner.verify.record import check_record
from tests.fakes.fake_ledger import DOORS as SCANNED
from tests.fakes.running_node import DOORS, EVENT, open_home, stage
from tests.fakes.sync_bench import Gate, Place

TICKETS = 120
BRISK = Timeouts(connect=1.0, silence=3.0, total=5.0, claim=2.0, snapshot=20.0)
PACE = Pace(Backoff(0.02, 0.1), slowly=0.1, wait=2)


class NodeProcess:
    """`ledger-node serve` on one port, which can be killed and started again."""

    def __init__(self, home):
        self._home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = None

    def start(self):
        command = [
            sys.executable,
            "-m",
            "ledger_node.cli",
            "--home",
            str(self._home),
            "serve",
            "--port",
            str(self.port),
            "--gates-port",
            "0",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        lines = (json.loads(line) for line in self._process.stdout)
        assert next(line["port"] for line in lines if line["event"] == "serving") == self.port

    def end(self, how=signal.SIGKILL):
        if self._process:
            self._process.send_signal(how)
            self._process.communicate(timeout=20)
            self._process = None


class Venue:
    """A node's home with an event, the wallets of its holders, and gates that were enrolled over HTTP."""

    def __init__(self, folder):
        self.home, self._folder = folder / "node", folder
        with open_home(self.home) as node:
            self.wallets = stage(node, TICKETS)
            with node.view() as view:
                gates = view.event(EVENT).manifest.gates()
            self.codes = {gate: make_code(node, EVENT, gate).text() for gate in gates}
        self.gates = list(self.codes)
        self.node = NodeProcess(self.home)

    def gate(self, name):
        device_key = SigningKey(secrets.token_bytes(32))

        def now():
            return ClockReading(time.time(), trusted=True, error_s=0.1, source="test")

        def nonce():
            return secrets.token_hex(16)

        told = enrol(self.node.url, self.codes[name], Signer(device_key, now, nonce), BRISK)
        identity = Identity(told.device, device_key, told.event, told.node_key)
        client = NodeClient(told.url, identity, now, nonce, timeouts=BRISK)
        place = Place(told.device, told.gate, told.event, device_key, told.node_key, LogTrust(told.origin, told.log))
        return Gate(place, client, self._folder / name, pace=PACE)

    def code(self, ticket):
        return self.wallets[ticket - 1].compact(EVENT, ticket, 0, DOORS).raw

    def admit(self, gate, *tickets):
        return [gate.admit_code(ticket, self.code(ticket)) for ticket in tickets]

    def log(self):
        """The records in the stopped node's log: (device, counter), in order."""
        with open_home(self.home) as node, node.view() as view:
            entries = [open_entry(raw) for raw in view.entries(0, view.size)]
        return [(entry.body["device"], entry.body["counter"]) for entry in entries if check_record(entry) is None]


@pytest.fixture
def venue(tmp_path):
    made = Venue(tmp_path)
    made.node.start()
    yield made
    made.node.end()


def settled(gate):
    return gate.until(lambda now: now.queue == 0 and now.online and now.view_size > 0, patience=30)


def test_what_one_gate_admits_the_other_knows(venue):
    with venue.gate(venue.gates[0]) as one, venue.gate(venue.gates[1]) as other:
        settled(one)
        settled(other)
        assert other.view.tickets == TICKETS
        venue.admit(one, 1, 2, 3)
        settled(one)
        assert {receipt.verdict for receipt in one.outbox.receipts.values()} == {"accepted"}
        other.until(lambda _: all(other.view.of(ticket).row.uses for ticket in (1, 2, 3)))
        venue.admit(other, 3)
        settled(other)
        assert other.outbox.receipts[1].verdict == "duplicate"
        assert other.outbox.receipts[1].first == (venue.gates[0], SCANNED)


def test_a_claim_is_won_once(venue):
    with venue.gate(venue.gates[0]) as one, venue.gate(venue.gates[1]) as other:
        (mine,) = venue.admit(one, 9)
        (theirs,) = venue.admit(other, 9)
        verdicts = {one.client.claim(mine).verdict, other.client.claim(theirs).verdict}
        assert verdicts == {"accepted", "duplicate"}
        settled(one)
        settled(other)
    venue.node.end(signal.SIGTERM)
    assert sorted(venue.log()) == sorted({(one.place.device, 1), (other.place.device, 1)})


def test_node_that_is_killed_at_any_moment_of_an_upload_has_every_record_once(venue):
    tickets = range(1, TICKETS + 1)
    with venue.gate(venue.gates[0]) as gate:
        settled(gate)
        rng = random.Random(5)
        for begin in range(0, TICKETS, 30):
            venue.admit(gate, *tickets[begin : begin + 30])
            threading.Event().wait(rng.random() * 0.05)
            venue.node.end()
            venue.node.start()
        settled(gate)
        assert gate.worker.alive()
        assert gate.worker.status().alarm == ""
        positions = [receipt.position for receipt in gate.outbox.receipts.values()]
        assert len(set(positions)) == TICKETS
    venue.node.end(signal.SIGTERM)
    assert sorted(venue.log()) == [(gate.place.device, counter) for counter in range(1, TICKETS + 1)]


def test_damaged_record_is_set_aside_by_the_real_node_and_the_rest_go_on(venue):
    with venue.gate(venue.gates[0]) as gate:
        settled(gate)
        good = venue.admit(gate, 1, 2)
        answer = gate.client.upload([good[0], Waiting(9, b"\x00" * 200), good[1]], 0)
        assert [one.verdict for one in answer.receipts] == ["accepted", "rejected", "accepted"]
        assert answer.receipts[1].counter is None
        settled(gate)


def test_revoked_gate_is_told_and_still_delivers(venue):
    with venue.gate(venue.gates[0]) as gate:
        settled(gate)
        venue.node.end(signal.SIGTERM)
        with open_home(venue.home) as node:
            revoke_device(node, EVENT, gate.place.device, "stolen")
        venue.admit(gate, 1)
        venue.node.start()
        gate.until(lambda now: now.revoked and now.queue == 0, patience=30)
        assert gate.outbox.receipts[1].verdict == "revoked"


def test_node_restored_from_an_old_backup_raises_the_alarm(venue):
    with venue.gate(venue.gates[0]) as gate:
        settled(gate)
        venue.node.end(signal.SIGTERM)
        backup = {path.name: path.read_bytes() for path in venue.home.glob("ledger.sqlite3*")}
        venue.node.start()
        venue.admit(gate, 1, 2, 3)
        settled(gate)
        venue.node.end(signal.SIGTERM)
        for path in venue.home.glob("ledger.sqlite3*"):
            path.unlink()
        for name, data in backup.items():
            (venue.home / name).write_bytes(data)
        venue.node.start()
        was = gate.view.size
        alarmed = gate.until(lambda now: now.alarm, patience=30)
        assert "the log went back" in alarmed.alarm
        assert gate.view.size == was
        assert gate.worker.alive()
