"""A gate that wants witnesses, a real node and a real witness: what is stopped while too few sign, and what goes on."""

import hashlib
import itertools
import os
import secrets
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ledger_node import config, home_folder
from ledger_node.adapters.remote_log import http_source
from ledger_node.services import changes
from ledger_node.services.cosigning import WitnessAddress
from ledger_node.services.devices import make_code
from ledger_node.services.events import change_event
from ledger_node.services.node import open_node
from ledger_node.services.snapshot import Snapshots
from ledger_node.services.tickets import register_key
from ledger_node.services.watch import WatchedLog
from ledger_node.services.witness import Witness
from scanner.clock import ClockReading
from scanner.sync.backoff import Backoff
from scanner.sync.client import Identity, NodeClient
from scanner.sync.enrol import enrol
from scanner.sync.signed import Signer, Timeouts
from scanner.sync.trust import LogTrust
from scanner.sync.worker import Pace
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey, cosigned_at, parse_checkpoint
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.keys import SigningKey
from scanner.verify.manifest import LedgerKey
from scanner.verify.row import ROW_BYTES, Row
from scanner.verify.snapshot import StateDigest, manifest_digest, read_header, sign_header, unpack_rows, write_file
from scanner.verify.statement import Stated, StateStatement, sign_statement
from tests.fakes.running_node import DOORS, EVENT, serving, stage
from tests.fakes.running_witness import serving_witness, wait_until
from tests.fakes.sync_bench import Gate, Place

NAME = "wallet.example/w1"
TICKETS = 40
TIMEOUTS = Timeouts(connect=1.0, silence=6.0, total=8.0, claim=2.0, snapshot=20.0)
PACE = Pace(Backoff(0.02, 0.1), slowly=0.1, wait=1, recheck=0.1)


def now():
    return ClockReading(time.time(), trusted=True, error_s=0.1, source="test")


def nonce():
    return secrets.token_hex(16)


class Venue:
    """A node that asks one witness, which may or may not be running, and gates that want so many."""

    def __init__(self, folder, node, url, address, key):
        self.folder, self.node, self.url, self.address, self._key = folder, node, url, address, key

    @contextmanager
    def witness(self):
        log = VerifierKey.parse(self.node.ledger.vkey)
        made = Witness(
            self.folder / "witness", NAME, self._key, [WatchedLog(log, http_source(self.url))], lambda: int(time.time())
        )
        with serving_witness(made, port=int(self.address.url.rpartition(":")[2])) as running:
            yield running

    def gate(self, quorum=1, witnesses=None):
        device_key = SigningKey(secrets.token_bytes(32))
        code = make_code(self.node, EVENT, "R1").text()
        told = enrol(self.url, code, Signer(device_key, now, nonce), TIMEOUTS)
        identity = Identity(told.device, device_key, told.event, told.node_key)
        client = NodeClient(self.url, identity, now, nonce, timeouts=TIMEOUTS, quorum=quorum)
        trust = LogTrust(told.origin, told.log, witnesses or (self.address.key,), quorum)
        place = Place(told.device, told.gate, told.event, device_key, told.node_key, trust)
        return Gate(place, client, self.folder / told.device, pace=PACE)


@pytest.fixture
def venue(tmp_path, monkeypatch):
    monkeypatch.setattr("ledger_node.services.cosigning.LONGEST_PAUSE", 0.2)
    monkeypatch.setattr("ledger_node.web.gates.COSIGNED_WITHIN", 0.5)
    key = config.load_witness_key(tmp_path / "witness", None, os.urandom)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = WitnessAddress(f"http://127.0.0.1:{port}", VerifierKey(NAME, key.public, COSIGNATURE))
    home = tmp_path / "node"
    with home_folder.hold(home):
        keys = config.load_keys(home, None, os.urandom)
        with open_node(home, keys, time.time, os.urandom, [address]) as node:
            wallets = stage(node, TICKETS)
            with serving(node) as run:
                made = Venue(tmp_path, node, run.url, address, key)
                made.wallets = wallets
                yield made


def code(venue, ticket):
    return venue.wallets[ticket - 1].compact(EVENT, ticket, 0, DOORS).raw


def witnessed(note, key):
    return cosigned_at(parse_checkpoint(note), key) is not None


def synced(gate):
    return gate.until(lambda s: s.queue == 0 and s.online and s.view_size > 0 and not s.alarm, patience=20)


def test_everything_that_the_gate_keeps_is_cosigned(venue):
    with venue.witness(), venue.gate() as gate:
        synced(gate)
        assert gate.view.tickets == TICKETS
        gate.admit_code(1, code(venue, 1))
        gate.admit_code(2, code(venue, 2))
        synced(gate)
        assert {one.verdict for one in gate.outbox.receipts.values()} == {"accepted"}
        gate.until(lambda _: all(gate.view.of(ticket).row.uses for ticket in (1, 2)))
        assert witnessed(gate.view.checkpoint(), venue.address.key)


def test_without_its_witness_the_gate_goes_on_admitting_and_an_alarm_says_so(venue):
    with venue.gate() as gate:
        with venue.witness():
            synced(gate)
        known = gate.view.size
        gate.admit_code(3, code(venue, 3))
        claimed = gate.admit_code(4, code(venue, 4))
        assert gate.client.claim(claimed).verdict == "accepted"
        told = gate.until(lambda s: s.alarm)
        assert "the log's witnesses are missing" in told.alarm
        assert told.queue == 2
        assert gate.view.size == known
        assert witnessed(gate.view.checkpoint(), venue.address.key)
        with venue.witness():
            synced(gate)
            assert len(gate.outbox.receipts) == 2
            gate.until(lambda _: gate.view.of(3).row.uses == 1)


def rows_and_header(path):
    with path.open("rb") as file:
        header = read_header(file)
        return b"".join(unpack_rows(file, header)), header


def lie(venue, honest, *, rows=None, manifest=None, statements=None):
    """A snapshot that a dishonest node makes for one gate: its own signature, digest and checkpoint are all good."""
    true_rows, told = rows_and_header(honest.path)
    rows, manifest = rows or true_rows, manifest or told.event_manifest
    digest = StateDigest(told.event, told.size, told.count)
    digest.update(rows)
    header = sign_header(
        manifest, told.size, told.root, digest.digest(), told.at, told.count, told.checkpoint, venue.node.keys.node,
        statements=told.statements if statements is None else statements,
    )  # fmt: skip
    path = honest.path.with_name("lie.snap")
    with path.open("w+b") as file:
        write_file(file, header, [rows])
    data = path.read_bytes()
    return replace(honest, path=path, length=len(data), sha256=hashlib.sha256(data).digest())


def stolen_ticket(venue, honest):
    """Ticket 7 is somebody else's."""
    rows, _ = rows_and_header(honest.path)
    at = next(at for at in range(0, len(rows), ROW_BYTES) if Row.unpack(rows[at : at + ROW_BYTES]).ticket == 7)
    row = Row.unpack(rows[at : at + ROW_BYTES])._replace(holder_key=SigningKey(b"x" * 32).public)
    return lie(venue, honest, rows=rows[:at] + row.pack() + rows[at + ROW_BYTES :])


def forged_certificates(venue, honest):
    """Tickets are as they should be, and whoever has another key may vouch for new owners of them."""
    _, told = rows_and_header(honest.path)
    keys = (*told.event_manifest.keys, LedgerKey(9, SigningKey(b"x" * 32).public))
    return lie(venue, honest, manifest=replace(told.event_manifest, keys=keys))


def own_witness(venue, honest):
    """The node states the lie itself, in the witness's name."""
    false = stolen_ticket(venue, honest)
    rows, told = rows_and_header(false.path)
    stated = Stated(told.state_digest, manifest_digest(told.event_manifest))
    statement = StateStatement(venue.node.keys.origin, told.size, told.root, {EVENT: stated})
    note = sign_statement(statement, venue.address.key, venue.node.keys.node)
    return lie(venue, honest, rows=rows, statements=[note])


@pytest.mark.parametrize(
    ("lying", "said"),
    [
        (stolen_ticket, "false snapshot: wallet.example/w1 states other tickets"),
        (forged_certificates, "false snapshot: wallet.example/w1 states other tickets, or another manifest"),
        (own_witness, "0 of our 1 witnesses state the tickets"),
        (lambda venue, honest: lie(venue, honest, statements=[]), "0 of our 1 witnesses state the tickets"),
    ],
    ids=["rows", "keys", "forged statement", "no statement"],
)
def test_false_snapshot_by_the_node_itself(venue, monkeypatch, lying, said):
    honest = Snapshots.get
    with venue.witness(), venue.gate() as gate:
        synced(gate)
        known = gate.view.size
    with venue.witness(), monkeypatch.context() as patch:
        patch.setattr(Snapshots, "get", lambda *asked: lying(venue, honest(*asked)))
        with venue.gate() as fresh:
            told = fresh.until(lambda s: s.alarm)
            assert said in told.alarm
            assert "it is not used" in told.alarm
            assert fresh.view.size == 0
        with venue.gate(quorum=0) as trusting:
            synced(trusting)
    with venue.witness(), gate_of(venue, gate) as again:
        synced(again)
        assert again.view.size >= known
        assert again.view.of(7).row.holder_key == venue.wallets[6].public


def test_false_changes_by_the_node_are_found_at_the_next_quiet_moment(venue, monkeypatch):
    honest = changes.read_page

    def lying(*asked):
        """One ticket becomes a thief's in what this gate is told; log, proofs and signatures are as good as ever."""
        page = honest(*asked)
        rows = [Row.unpack(row) for row in page.rows]
        stolen = [row._replace(holder_key=SigningKey(b"x" * 32).public) if row.ticket == 9 else row for row in rows]
        return replace(page, rows=tuple(row.pack() for row in stolen))

    with venue.witness(), venue.gate() as gate:
        synced(gate)
        monkeypatch.setattr("ledger_node.web.gates.read_page", lying)
        block(venue, 9)
        told = gate.until(lambda s: s.alarm, patience=20)
        assert "false changes: wallet.example/w1 states other tickets" in told.alarm
        gate.until(lambda s: not s.alarm and gate.view.of(9).row.holder_key == venue.wallets[8].public, patience=20)
        monkeypatch.setattr("ledger_node.web.gates.read_page", honest)
        block(venue, 10)
        calm = gate.until(lambda s: s.view_size == venue.node.ledger.size, patience=20)
        assert calm.alarm == ""


def test_honest_changes_of_every_kind_are_confirmed(venue):
    with capture_logs() as said, venue.witness(), venue.gate() as gate:
        synced(gate)
        gate.admit_code(11, code(venue, 11))
        block(venue, 12)
        rekeyed = SigningKey(b"k" * 32)
        proof = rekeyed.sign(possession_message(event_hash(EVENT), 13, 1, rekeyed.public))
        register_key(venue.node, EVENT, 13, 1, rekeyed.public, proof)
        change_event(venue.node, EVENT, lambda manifest: replace(manifest, closed_groups=(1,)))
        size = venue.node.ledger.size
        wait_until(lambda: any(one.get("log_size", 0) >= size for one in said if one["event"] == "view-confirmed"))
        assert gate.worker.status().alarm == ""
        assert gate.view.manifest.closed_groups == (1,)


def block(venue, ticket):
    venue.node.commit([venue.node.operator.set_state(EVENT, [ticket], "blocked", "x", venue.node.seconds)])


def gate_of(venue, gate):
    """The same gate once more, after a restart."""
    client = NodeClient(venue.url, gate.client.identity, now, nonce, timeouts=TIMEOUTS, quorum=1)
    return Gate(gate.place, client, venue.folder / gate.place.device, pace=PACE)


def test_a_gate_gets_its_snapshot_while_the_log_grows_without_a_pause(venue):
    stop = threading.Event()

    def work():
        for n in itertools.count():
            if stop.is_set():
                return
            state = ("blocked", "active")[n % 2]
            venue.node.commit([venue.node.operator.set_state(EVENT, [30], state, f"busy {n}", venue.node.seconds)])

    busy = threading.Thread(target=work)
    with venue.witness():
        busy.start()
        try:
            with venue.gate() as gate:
                gate.until(lambda s: s.view_size > 0, patience=20)
                grown = gate.view.size
                gate.until(lambda s: s.view_size > grown, patience=20)
        finally:
            stop.set()
            busy.join()


def test_a_witness_of_others_is_not_believed(venue):
    stranger = VerifierKey("stranger.example", SigningKey(bytes(31) + b"\1").public, COSIGNATURE)
    with venue.witness(), venue.gate(witnesses=(stranger,)) as gate:
        told = gate.until(lambda s: s.alarm)
        assert "0 of our 1 witnesses cosigned" in told.alarm
        assert gate.view.size == 0


def test_more_witnesses_than_the_node_asks_is_said(venue):
    with venue.gate(quorum=2, witnesses=(venue.address.key, venue.address.key)) as gate:
        assert "this node asks 1 witnesses" in gate.until(lambda s: s.alarm).alarm


def test_a_gate_that_wants_none_is_not_held_up_by_a_witness_that_is_away(venue):
    with venue.gate(quorum=0) as gate:
        synced(gate)
        gate.admit_code(5, code(venue, 5))
        synced(gate)
        assert gate.outbox.receipts[1].verdict == "accepted"
