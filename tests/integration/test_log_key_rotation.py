"""The key of a log is changed while node, witness and gate run, and a thief of the old key gets nowhere."""

import os
import secrets
import shutil
import socket
import time
from contextlib import contextmanager

import pytest

from ledger_node import config, home_folder
from ledger_node.adapters.remote_log import http_source
from ledger_node.cli.operator import operator
from ledger_node.contract.entries import Operator
from ledger_node.contract.outcome import Outcome
from ledger_node.log.ledger import Ledger
from ledger_node.log.witness_protocol import AddCheckpoint
from ledger_node.services.audit import Quorum, audit
from ledger_node.services.cosigning import WitnessAddress
from ledger_node.services.devices import make_code
from ledger_node.services.export import export
from ledger_node.services.node import open_node
from ledger_node.services.watch import WatchedLog
from ledger_node.services.witness import Witness
from scanner.clock import ClockReading
from scanner.sync.backoff import Backoff
from scanner.sync.client import Identity, NodeClient
from scanner.sync.enrol import enrol
from scanner.sync.reconcile import advance
from scanner.sync.signed import Signer, Timeouts
from scanner.sync.trail import Trail
from scanner.sync.trust import Alarm, LogTrust
from scanner.sync.worker import Pace
from scanner.verify.checkpoint import COSIGNATURE, Checkpoint, VerifierKey, open_checkpoint, sign_checkpoint
from scanner.verify.keys import SigningKey
from scanner.verify.log_keys import LogKeys
from tests.fakes.running_node import DOORS, EVENT, serving, stage
from tests.fakes.running_witness import get, post, serving_witness, wait_until
from tests.fakes.sync_bench import Gate, Place

NAME = "wallet.example/w1"
TIMEOUTS = Timeouts(connect=1.0, silence=6.0, total=8.0, claim=2.0, snapshot=20.0)
PACE = Pace(Backoff(0.02, 0.1), slowly=0.1, wait=1)


def now():
    return ClockReading(time.time(), trusted=True, error_s=0.1, source="test")


class House:
    """A served node, its witness, and gates that want the witness's word."""

    def __init__(self, folder, node, url, address, wallets):
        self.folder, self.node, self.url, self.address, self.wallets = folder, node, url, address, wallets
        self.root = VerifierKey.parse(node.ledger.vkey)

    def gate(self):
        device_key = SigningKey(secrets.token_bytes(32))
        draw = lambda: secrets.token_hex(16)  # noqa: E731 - a nonce
        told = enrol(self.url, make_code(self.node, EVENT, "R1").text(), Signer(device_key, now, draw), TIMEOUTS)
        identity = Identity(told.device, device_key, told.event, told.node_key)
        client = NodeClient(self.url, identity, now, draw, timeouts=TIMEOUTS, quorum=1)
        trust = LogTrust(told.origin, told.log, (self.address.key,), 1)
        place = Place(told.device, told.gate, told.event, device_key, told.node_key, trust)
        return Gate(place, client, self.folder / "gate", pace=PACE)

    def code(self, ticket):
        return self.wallets[ticket - 1].compact(EVENT, ticket, 0, DOORS).raw

    def listed(self):
        opened = LogKeys.open(get(self.url, "/log-keys").decode(), self.root)
        assert isinstance(opened, LogKeys)
        return opened


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setattr("ledger_node.services.cosigning.LONGEST_PAUSE", 0.2)
    witness_home = tmp_path / "witness"
    key = config.load_witness_key(witness_home, None, os.urandom)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = WitnessAddress(f"http://127.0.0.1:{port}", VerifierKey(NAME, key.public, COSIGNATURE))
    home = tmp_path / "node"
    with home_folder.hold(home):
        keys = config.load_keys(home, None, os.urandom)
        with open_node(home, keys, time.time, os.urandom, [address]) as node:
            wallets = stage(node, 12)
            with serving(node) as run:
                made = House(tmp_path, node, run.url, address, wallets)
                watched = [WatchedLog(made.root, http_source(run.url))]
                witness = Witness(witness_home, NAME, key, watched, lambda: int(time.time()))
                with serving_witness(witness, port=port, every=0.2):
                    made.witness = witness
                    yield made


@contextmanager
def synced(house):
    with house.gate() as gate:
        calm(gate)
        yield gate


def calm(gate):
    return gate.until(lambda s: s.queue == 0 and s.online and s.view_size > 0 and not s.alarm, patience=20)


def admit(house, gate, ticket):
    counter = gate.admit_code(ticket, house.code(ticket)).counter
    gate.until(lambda _: counter in gate.outbox.receipts, patience=20)
    gate.until(lambda _: gate.view.of(ticket).row.uses == 1, patience=20)
    calm(gate)


def rotate(house, **how):
    """As the command line does it at the node that serves."""
    with operator(house.node.home) as node:
        return node.do("keys-rotate-log", **how)["version"]


def test_gate_witness_and_auditor_follow_without_a_restart(house):
    with synced(house) as gate:
        admit(house, gate, 1)
        assert rotate(house, overlap=True) == 1
        admit(house, gate, 2)
        both = gate.view.checkpoint()
        for key in house.listed().keys:
            assert isinstance(open_checkpoint(both, key, house.root.name), Checkpoint)
        assert rotate(house) == 2
        admit(house, gate, 3)
        newest = gate.view.checkpoint()
        assert not isinstance(open_checkpoint(newest, house.root, house.root.name), Checkpoint)
        assert isinstance(house.listed().open_checkpoint(newest), Checkpoint)
        assert LogKeys.open(gate.view.log_keys(), house.root).version == 2
        assert get(house.url, "/log-keys-1").decode() == house.node.keys.signers.list_of(1)
        size = house.node.ledger.size
        wait_until(lambda: house.witness.standing(house.root.name).seen.size >= size)
        assert house.witness.standing(house.root.name).problem == ""
    with house.gate() as again:
        calm(again)
        assert again.view.tickets == 12
    export(house.node.ledger, house.folder / "copy", cosigning=house.node.cosigning)
    report = audit(house.folder / "copy", house.root.encode(), quorum=Quorum((house.address.key,), 1), seen=[both])
    assert (report.good, report.log_keys, report.findings) == (True, 2, ())


def thiefs_fork(house, key):
    """The log as it was, with another end, signed with a stolen key; checkpoint and proof are as good as can be."""
    copy = house.folder / "thief"
    copy.mkdir()
    for path in house.node.home.glob("ledger.sqlite3*"):
        shutil.copy(path, copy)
    ledger = Ledger.open(copy, house.node.keys.node, house.node.keys.origin, lambda: int(time.time()))
    at = int(time.time())
    ledger.sign_with([key], ())
    before = ledger.size
    raw = Operator(house.node.keys.node).set_state(EVENT, [9], "blocked", "stolen", at)
    assert isinstance(ledger.submit([raw]).result()[0], Outcome)
    with ledger.view() as view:
        proof = tuple(view.consistency(before, ledger.size))
    note = ledger.checkpoint()
    ledger.close()
    return before, note, proof


def test_a_thief_with_the_old_key_is_refused_by_all_and_each_says_why(house):
    rotate(house)
    stolen = house.node.keys.signers.keys[0]
    with synced(house) as gate:
        size = house.node.ledger.size
        wait_until(lambda: house.witness.standing(house.root.name).seen.size == size)
        before, note, proof = thiefs_fork(house, stolen)
        old_list = house.node.ledger.log_keys
        rotate(house)
        admit(house, gate, 4)
        trail = Trail(gate.place.trust, gate.view)
        refused = advance(trail.trust, trail.known(), note, proof)
        assert isinstance(refused, Alarm)
        assert "version 2 of the log's keys does not list: it was revoked" in refused.reason
        with pytest.raises(Exception, match="went back from version 2 to 1"):
            trail.learn(trail.trust, old_list)
    status, _, body = post(house.address.url, AddCheckpoint(before, proof, note).encode())
    assert status == 403
    assert "it was revoked, or is somebody else's; ask the log's operator" in body.decode()
    assert house.witness.evidence(house.root.name) == []
    live = http_source(house.url)
    seen = [get(house.url, "/log-keys").decode()]

    def shown(path):
        return {"checkpoint": note.encode(), "log-keys": old_list.encode()}.get(path) or live(path)

    said = [str(one) for one in audit(shown, house.root.encode(), seen=seen).findings]
    assert any("went back from version 2 to 1" in one for one in said)
    assert any("it was revoked" in one for one in said)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (2, "version 2 of the log's keys does not list: it was revoked"),
        (1, "went back from version 2 to 1: the node was restored from an old backup"),
    ],
    ids=["a revoked key", "an old list"],
)
def test_a_node_that_goes_back_to_the_old_key_is_an_alarm_at_the_gate_until_it_comes_forward(house, shown, said):
    rotate(house)
    old = house.node.keys.signers
    rotate(house)
    newest = house.node.keys.signers
    with synced(house) as gate:
        known = gate.view.checkpoint()
        house.node.ledger.sign_with(old.keys, newest.lists[: shown + 1])
        gate.admit_code(5, house.code(5))
        # A checkpoint that its witness does not sign may be told of first.
        told = gate.until(lambda s: said in s.alarm, patience=20)
        assert (told.queue, gate.view.checkpoint()) == (1, known)
        house.node.ledger.sign_with(newest.keys, newest.lists)
        calm(gate)
        assert gate.view.checkpoint() != known


def test_a_list_by_the_stolen_key_itself_helps_the_thief_to_nothing(house):
    rotate(house)
    stolen = house.node.keys.signers.keys[0]
    forged = LogKeys.open(house.node.ledger.log_keys, house.root).note.replace("\n1\n", "\n9\n")
    with synced(house) as gate:
        trail = Trail(gate.place.trust, gate.view)
        with pytest.raises(Exception, match="not signed by the log's root key"):
            trail.learn(trail.trust, forged)
        assert trail.trust.log_keys.version == 1
    note = sign_checkpoint(house.root.name, 5, bytes(32), stolen)
    assert not isinstance(LogKeys.unlisted(house.root).open_checkpoint(note), Checkpoint)
