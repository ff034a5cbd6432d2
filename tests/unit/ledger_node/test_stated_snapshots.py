"""A snapshot for gates that want witnesses carries what the witnesses state of its size, or is the one before."""

import os
import threading
import time
from contextlib import contextmanager
from urllib.error import HTTPError

import pytest

from ledger_node.adapters.remote_log import http_source
from ledger_node.adapters.witness_client import WitnessAnswer
from ledger_node.log.stated import state_of
from ledger_node.services import keys, witness_peer
from ledger_node.services.cosigning import Cosigning
from ledger_node.services.errors import ServiceError
from ledger_node.services.snapshot import FRESH, Snapshots
from ledger_node.services.watch import Refused, WatchedLog
from ledger_node.services.witness import Witness
from scanner.verify.checkpoint import VerifierKey
from scanner.verify.keys import SigningKey
from scanner.verify.snapshot import manifest_digest, read_header
from scanner.verify.statement import heard
from tests.fakes.running_node import EVENT, open_home, serving, stage
from tests.fakes.running_witness import get, serving_witness, wait_until

SOON = 15.0


class Clock:
    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def node(tmp_path, clock):
    with open_home(tmp_path / "node", clock) as made, serving(made) as run:
        stage(made, 5)
        made.url = run.url
        yield made


@pytest.fixture
def witness(node, tmp_path):
    """A factory of served witnesses of the node's log."""

    @contextmanager
    def make(name="w1"):
        watched = WatchedLog(VerifierKey.parse(node.ledger.vkey), http_source(node.url))
        key = SigningKey(name.encode().ljust(32))
        with serving_witness(Witness(tmp_path / name, name, key, [watched], lambda: int(time.time()))) as running:
            yield running

    return make


@contextmanager
def asking(node, *addresses):
    """Have the node ask these witnesses."""
    before, node.cosigning = node.cosigning, Cosigning(node.ledger, addresses, lambda *_: None)
    node.cosigning.start()
    try:
        yield node.cosigning
    finally:
        node.cosigning.close()
        node.cosigning = before


def grow(node):
    state = ("blocked", "active")[node.ledger.size % 2]
    node.commit([node.operator.set_state(EVENT, [3], state, os.urandom(8).hex(), node.seconds)])


def header_of(made):
    with made.path.open("rb") as file:
        return read_header(file)


def vouched(header, node, *witnesses):
    """How many of these state exactly what the snapshot holds."""
    keys_of = [one.address.key for one in witnesses]
    said = heard(header.statements, keys_of, node.keys.origin, header.size, header.root)
    stated = (header.state_digest, manifest_digest(header.event_manifest))
    return sum(events[EVENT] == stated for events in said.values())


def test_every_snapshot_carries_the_statements_of_its_size(node, witness):
    stage(node, 2, event="other")
    with witness("w1") as one, witness("w2") as two, asking(node, one.address, two.address):
        snapshots = Snapshots(node)
        for _ in range(3):
            header = header_of(snapshots.get(EVENT, 2))
            assert (header.size, vouched(header, node, one, two)) == (node.ledger.size, 2)
            grow(node)
            snapshots = Snapshots(node)
        assert header_of(snapshots.get(EVENT, 0)).statements == ()


def test_statements_are_had_while_the_log_grows_without_a_pause(node, witness):
    stop = threading.Event()

    def work():
        while not stop.is_set():
            grow(node)

    busy = threading.Thread(target=work)
    with witness() as one, asking(node, one.address) as cosigning:
        wait_until(lambda: cosigning.best(1) is not None)
        busy.start()
        try:
            for _ in range(3):
                wait_until(lambda: stated(cosigning))
        finally:
            stop.set()
            busy.join()


def stated(cosigning):
    """Whether a view was had of whose size there are statements; between two rounds there may be none for a moment."""
    try:
        with cosigning.stated_view(1) as (view, made):
            assert made.statements
            assert f"\n{view.size}\n" in made.statements[0]
            return True
    except ServiceError:
        return False


def test_without_its_witness_the_snapshot_before_is_served_until_its_key_is_revoked(node, witness, clock, monkeypatch):
    snapshots = Snapshots(node)
    with witness() as one, asking(node, one.address):
        first = snapshots.get(EVENT, 1)
    with asking(node, one.address), monkeypatch.context() as patch:
        patch.setattr("ledger_node.services.cosigning.SIGNED_WITHIN", 0.3)
        grow(node)
        assert snapshots.get(EVENT, 1) == first
        clock.ahead += FRESH + 10 * first.took + 1
        older = snapshots.get(EVENT, 1)
        assert (older.size, older.path) == (first.size, first.path)
        assert older.tried >= first.made
        assert snapshots.get(EVENT, 1) == older, "it is not tried again at once"
        keys.rotate_log(node)
        with pytest.raises(ServiceError, match="cosignatures now"):
            snapshots.get(EVENT, 1)
    with witness() as one, asking(node, one.address):
        newest = snapshots.get(EVENT, 1)
        assert newest.size == node.ledger.size
        assert header_of(newest).log_keys == node.ledger.log_keys


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (WitnessAnswer(404, b"not found\n"), "404: not found"),
        (WitnessAnswer(409, b"7\n"), "409: 7"),
        (WitnessAnswer(200, b"<html>"), "cannot be used"),
        (WitnessAnswer(200, "another"), "another log, or of size"),
    ],
    ids=["a witness that only cosigns", "moved on", "not a statement", "of another size"],
)
def test_a_witness_that_states_nothing_of_use_is_said_and_cosigns_on(node, witness, monkeypatch, answer, said):
    with witness() as one, asking(node, one.address) as cosigning:
        wait_until(lambda: cosigning.best(1) is not None)
        if answer.body == "another":
            answer = WitnessAnswer(200, one.witness.statement(node.keys.origin).encode())
            monkeypatch.setattr(one.witness, "statement", None)
            grow(node)
        monkeypatch.setattr(witness_peer, "ask_state", lambda *_: answer)
        with pytest.raises(ServiceError) as refused, cosigning.stated_view(1):
            pass
        assert said in refused.value.sentence
        assert "0 of 1 witnesses state the tickets at one size now, 1 must" in refused.value.sentence
        with cosigning.witnessed_view(1) as (view, _):
            assert view.size == node.ledger.size


def test_a_witness_states_the_size_that_is_asked_for_or_none(node, witness):
    with witness() as one:
        origin = node.keys.origin
        one.witness.follow(origin)
        size, short = node.ledger.size, one.witness.standing(origin).short_name
        with node.view() as view:
            ours = state_of(view, origin)
        assert get(one.url, f"/logs/{short}/state?size={size}").decode().startswith(ours.body())
        assert one.witness.statement(origin, size) == one.witness.statement(origin)
        for other in (size - 1, size + 1):
            assert isinstance(one.witness.statement(origin, other), Refused)
            with pytest.raises(HTTPError, match="409"):
                get(one.url, f"/logs/{short}/state?size={other}")
        with pytest.raises(HTTPError, match="400"):
            get(one.url, f"/logs/{short}/state?size=x")
