"""A gate's sync with a real journal, a real view and a real client, against a node in the same process."""

import random
import secrets
import threading
from dataclasses import dataclass

from scanner.clock import ClockReading
from scanner.journal import Identity as Signs
from scanner.journal import Journal
from scanner.sync.backoff import Backoff
from scanner.sync.client import Identity, NodeClient
from scanner.sync.signed import Timeouts
from scanner.sync.trust import LogTrust
from scanner.sync.worker import Pace, SyncWorker
from scanner.verify.keys import NO_KEY, SigningKey
from scanner.verify.record import Scan, Stamp
from scanner.view import GateView, Trust
from tests.fakes.disk import Disk
from tests.fakes.fake_ledger import DOORS, key

BRISK = Timeouts(connect=1.0, silence=0.4, total=0.8, claim=0.6, snapshot=1.0)
PACE = Pace(Backoff(0.005, 0.02), slowly=0.02, wait=1)
PATIENCE = 10.0


def trust_of(ledger):
    return LogTrust(ledger.origin, ledger.vkey)


def make_client(node, device="A1-gate", *, now=None, timeouts=BRISK, on_time=None, nonce=lambda: secrets.token_hex(16)):
    """A client whose device is enrolled at the node."""
    device_key = key(device)
    node.ledger.devices.setdefault(device_key.public, device)
    clock = now or node.now
    return NodeClient(
        node.url,
        Identity(device, device_key, node.ledger.event, node.ledger.key.public),
        lambda: ClockReading(clock(), trusted=True, error_s=0.1, source="test"),
        nonce,
        on_time,
        timeouts=timeouts,
    )


class Outbox:
    """The journal's outbox; remembers what was settled."""

    def __init__(self, journal):
        self._journal = journal
        self.receipts = {}
        self.waiting, self.queue_length = journal.waiting, journal.queue_length
        self.send_again = journal.send_again

    def settle(self, receipts, log_size):
        self._journal.settle(receipts, log_size)
        self.receipts |= {receipt.counter: receipt for receipt in receipts}


@dataclass(frozen=True)
class Place:
    """Where a gate stands, and whom it believes."""

    device: str
    gate: str
    event: str
    key: SigningKey
    node_key: bytes
    trust: LogTrust


class Gate:
    """One gate's journal, view and sync. A context manager; `until` waits for its status to say something."""

    def __init__(self, place, client, folder, *, pace=PACE):
        folder.mkdir(parents=True, exist_ok=True)
        self.place, self.client = place, client
        self.stamp = Stamp(DOORS * 1000, trusted=True, error_ms=10, view_size=0)
        self.disk = Disk()
        who = Signs(place.device, place.gate, place.event, place.key)
        self.journal = Journal.open(folder / "journal.db", who, lambda: self.stamp, self.disk)
        self.outbox = Outbox(self.journal)
        self.view = GateView(folder / "view", Trust(place.node_key, place.event), "stamp")
        self.statuses = []
        self._news = threading.Condition()
        self.worker = SyncWorker(
            client,
            place.trust,
            self.outbox,
            self.view,
            lambda: self.view.manifest,
            self._hear,
            random.random,
            pace=pace,
        )
        self.journal.on_record(self.worker.wake)

    def __enter__(self):
        self.worker.start()
        return self

    def __exit__(self, *_):
        stopped = self.worker.stop(5.0)
        self.journal.close()
        self.view.close()
        assert stopped, "a sync thread did not end"

    def admit(self, *tickets):
        """Tickets whose code nobody looks at."""
        for ticket in tickets:
            self.admit_code(ticket, bytes(80))

    def admit_code(self, ticket, code):
        return self.journal.admit(Scan(ticket, 0, code, "admit", "ok"), NO_KEY, self.stamp, "alone")

    def until(self, good, patience=PATIENCE):
        """The first status, from now on or now, for which `good` holds."""
        with self._news:
            assert self._news.wait_for(lambda: good(self.worker.status()), patience), self.worker.status()
            return self.worker.status()

    def _hear(self, status):
        with self._news:
            self.statuses.append(status)
            self._news.notify_all()


class FakeGate(Gate):
    """A gate whose node is the one in memory."""

    def __init__(self, node, folder, device="A1-gate", gate="A1", *, pace=PACE):
        self.node = node
        place = Place(device, gate, node.ledger.event, key(device), node.ledger.key.public, trust_of(node.ledger))
        super().__init__(place, make_client(node, device), folder, pace=pace)

    def synced(self):
        """Wait until the view is at the node's size and the outbox is empty."""
        return self.until(lambda now: now.view_size == self.node.ledger.size and now.queue == 0 and now.online)
