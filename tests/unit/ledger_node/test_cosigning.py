"""The node collects cosignatures from real witnesses over HTTP, and none of them can hold it up or lie to it."""

import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ledger_node.log.ledger import Ledger
from ledger_node.log.tiles import TilePath
from ledger_node.services.audit import Quorum, audit
from ledger_node.services.cosigning import Cosigning, WitnessAddress, witness_of
from ledger_node.services.errors import ServiceError
from ledger_node.services.export import export
from ledger_node.services.watch import WatchedLog
from ledger_node.services.witness import Witness
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey, cosign, cosigned_at, parse_checkpoint
from tests.fakes.box_office import NODE, NOW, code, gates, key, opening, rekey
from tests.fakes.running_witness import serving_witness
from tests.fakes.tile_logs import LOG, ORIGIN, TileLog

SOON = 10.0


class Answers(BaseHTTPRequestHandler):
    """A witness's door that answers as it is told."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, kind, answer = self.server.answer(body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@contextmanager
def door(answer):
    """An address at which `answer(body)` says status, type and body."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.answer = answer
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def ledger(tmp_path):
    made = Ledger.open(tmp_path / "node", NODE, ORIGIN, lambda: NOW)
    made.submit(opening()).result()
    yield made
    made.close()


@contextmanager
def asking(ledger, *addresses):
    cosigning = Cosigning(ledger, addresses, lambda *_: None)
    cosigning.start()
    try:
        yield cosigning
    finally:
        cosigning.close()


@pytest.fixture
def witness(ledger, tmp_path):
    """A factory of served witnesses of the ledger."""

    @contextmanager
    def make(name="w1"):
        def read(path):
            if path == "checkpoint":
                return ledger.checkpoint().encode()
            with ledger.view() as view:
                tile = TilePath.parse(path)
                return view.read(tile) if tile else None

        made = Witness(tmp_path / name, f"{name}.example", key(name), [WatchedLog(LOG, read)], lambda: NOW)
        with serving_witness(made) as running:
            yield running

    return make


def signers(note, *addresses):
    checkpoint = parse_checkpoint(note)
    return [cosigned_at(checkpoint, one.key) is not None for one in addresses]


def test_every_new_size_is_cosigned_by_all(ledger, witness):
    with witness("w1") as one, witness("w2") as two, asking(ledger, one.address, two.address) as cosigning:
        for seq in range(1, 4):
            best = cosigning.wait_beyond(2, ledger.size - 1, SOON)
            assert best.head.size == ledger.size
            assert signers(best.shown.checkpoint, one.address, two.address) == [True, True]
            ledger.submit([rekey(3, seq)]).result()
        assert cosigning.problems() == {}


def test_a_witness_that_is_away_holds_up_nobody(ledger, witness):
    gone = WitnessAddress("http://127.0.0.1:9", VerifierKey("gone.example", key("gone").public, COSIGNATURE))
    with witness("w1") as one, asking(ledger, gone, one.address) as cosigning:
        assert cosigning.wait_beyond(1, ledger.size - 1, SOON).count == 1
        assert "nothing listens there" in cosigning.problems()["gone.example"]
        wait_until(lambda: signers(cosigning.published(), one.address, gone) == [True, False])


def test_a_witness_that_hangs_holds_up_nobody(ledger, witness):
    with socket.create_server(("127.0.0.1", 0)) as silent, witness("w1") as one:
        hanging = WitnessAddress(
            f"http://127.0.0.1:{silent.getsockname()[1]}", VerifierKey("slow.example", key("slow").public, COSIGNATURE)
        )
        with asking(ledger, hanging, one.address) as cosigning:
            for seq in range(1, 4):
                assert cosigning.wait_beyond(1, ledger.size - 1, SOON).head.size == ledger.size
                ledger.submit([rekey(3, seq)]).result()
            silent.close()


def test_a_witness_that_comes_back_is_told_of_what_it_missed(ledger, witness):
    with witness("w1") as one, asking(ledger, one.address) as cosigning:
        cosigning.wait_beyond(1, 0, SOON)
    ledger.submit([gates()[0].admit(code(1))]).result()
    with witness("w1") as again, asking(ledger, again.address) as cosigning:
        assert cosigning.wait_beyond(1, ledger.size - 1, SOON).head.size == ledger.size


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: (200, "text/plain", b"\xe2\x80\x94 liar.example AAAAAAAA\n"), "no good cosignature"),
        (lambda _: (200, "text/html", b"<html>welcome</html>"), "no good cosignature"),
        (lambda _: (200, "text/plain", b""), "no good cosignature"),
        (lambda _: (409, "text/x.tlog.size", b"999\n"), "restored from a backup"),
        (lambda _: (409, "text/x.tlog.size", b"0\n"), "another log of size 0"),
        (lambda _: (409, "text/plain", b"busy"), "answers 409: busy"),
        (lambda _: (422, "text/plain", b"this log forked\nand more"), "answers 422: this log forked"),
        (lambda _: (500, "text/plain", b""), "answers 500: no reason given"),
    ],
)
def test_what_a_witness_answers_wrongly_is_said_and_not_shown(ledger, answer, said):
    with door(answer) as url:
        liar = WitnessAddress(url, VerifierKey("liar.example", key("liar").public, COSIGNATURE))
        with asking(ledger, liar) as cosigning:
            wait_until(cosigning.problems)
            assert said in cosigning.problems()["liar.example"]
            assert cosigning.best(1) is None
            assert cosigning.published() == ledger.checkpoint()


def test_a_cosignature_of_another_checkpoint_is_not_shown(ledger):
    other = parse_checkpoint(TileLog(opening()).checkpoint(2))
    line = cosign(other, "liar.example", key("liar"), NOW).line().encode()
    with door(lambda _: (200, "text/plain", line)) as url:
        liar = WitnessAddress(url, VerifierKey("liar.example", key("liar").public, COSIGNATURE))
        with asking(ledger, liar) as cosigning:
            wait_until(cosigning.problems)
            assert cosigning.best(1) is None


def test_two_histories_are_told_to_the_operator_by_the_witness(ledger, witness):
    with witness("w1") as one:
        other = TileLog(opening()).fork(3, rekey(3, 1), rekey(4, 1))
        assert one.witness.add_checkpoint(ledger.checkpoint(), 0, []).size == ledger.size
        assert other.size == ledger.size
        assert one.witness.add_checkpoint(other.checkpoint(), other.size, []).status == 422
        with asking(ledger, one.address) as cosigning:
            wait_until(cosigning.problems)
            assert "two different roots" in cosigning.problems()["w1.example"]


def exactly_cosigned(cosigning, address):
    try:
        with cosigning.witnessed_view(1) as (view, shown):
            assert parse_checkpoint(shown.checkpoint).size == view.size
            assert signers(shown.checkpoint, address) == [True]
            return True
    except ServiceError:
        return False


def test_a_snapshot_gets_a_view_of_exactly_the_size_that_is_cosigned(ledger, witness):
    stop = threading.Event()

    def write():
        gate = gates()[0]
        while not stop.is_set():
            ledger.submit([gate.refuse(code(1))]).result()
            time.sleep(0.005)

    busy = threading.Thread(target=write)
    with witness("w1") as one, asking(ledger, one.address) as cosigning:
        busy.start()
        try:
            # Between two rounds with the witness there may be none for a moment, which is said, and asked again.
            wait_until(lambda: exactly_cosigned(cosigning, one.address))
        finally:
            stop.set()
            busy.join()


def test_more_witnesses_than_there_are_is_said(ledger):
    with asking(ledger) as cosigning:
        with pytest.raises(ServiceError, match="this node asks 0 witnesses"):
            cosigning.require(1)
        with pytest.raises(ServiceError, match="1 cosignatures"), cosigning.witnessed_view(1):
            pass
        assert cosigning.published() == ledger.checkpoint()


def test_an_export_carries_the_cosignatures_that_an_auditor_asks_for(ledger, witness, tmp_path):
    with witness("w1") as one, witness("w2") as two, asking(ledger, one.address, two.address) as cosigning:
        wait_until(lambda: cosigning.willing() == 2)
        export(ledger, tmp_path / "out", cosigning=cosigning)
        keys = (one.address.key, two.address.key)
    assert audit(tmp_path / "out", LOG.encode(), quorum=Quorum(keys, 2)).good
    stranger = VerifierKey("w3.example", key("w3").public, COSIGNATURE)
    report = audit(tmp_path / "out", LOG.encode(), quorum=Quorum((keys[0], stranger), 2))
    assert [str(one) for one in report.findings] == ["checkpoint: 1 of the 2 witnesses cosigned it, 2 must"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://w", "no witness's key"),
        (f"ftp://w,{LOG.encode()}", "not URL,VKEY"),
        (f"http://w,{LOG.encode()}", "a log's key"),
    ],
)
def test_a_slip_in_a_witnesss_address_is_named(text, said):
    with pytest.raises(ServiceError, match=said):
        witness_of(text)


def wait_until(condition):
    give_up = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)
