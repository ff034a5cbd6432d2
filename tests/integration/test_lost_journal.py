"""A gate whose journal is gone, with all that stood beside it but the device's key: its next records do not take the
counters of those that the ledger has.
"""

import time

import pytest

from ledger_node.services.devices import make_code
from scanner.cli.beginning import node_asked, open_journal
from scanner.errors import SyncError
from scanner.identity import Identities
from scanner.journal import Identity
from scanner.sync.client import Identity as Asking
from scanner.sync.counter import last_counter
from scanner.sync.signed import Signer
from scanner.system_clock import system_clock
from scanner.verify.keys import SigningKey
from scanner.verify.record import GateIncident, Stamp
from tests.fakes.gate_client import GateClient
from tests.fakes.running_node import EVENT, open_home, serving, stage


def stamp():
    return Stamp(int(time.time() * 1000), trusted=True, error_ms=5, view_size=3)


@pytest.fixture
def gate(tmp_path):
    """A gate with a folder of its own, at a node that is served; and how it asks."""
    with open_home(tmp_path / "home") as node:
        stage(node, 3)
        with serving(node) as running:
            client = GateClient(running.url, node.keys.node.public, EVENT)
            assert client.enrol(make_code(node, EVENT, "R1").text()).status == 200
            yield client, tmp_path / "gate", asking(client, running.url)
            client.close()


def asking(client, url, node_key=None):
    asked = Asking(client.device, client.key, EVENT, node_key or client.node_key)
    return node_asked(url, asked, system_clock(), None)


def opened(client, folder, asked):
    folder.mkdir(exist_ok=True)
    who = Identity(client.device, "R1", EVENT, client.key)
    return open_journal(folder / "journal.db", who, stamp, Identities(folder, environ={}), asked)


def written(journal, client, count):
    """Records, uploaded; their counters."""
    for _ in range(count):
        journal.incident(GateIncident("tamper", {"active": True}), stamp())
    receipts = client.upload(list(journal.records())).json["receipts"]
    assert {one["verdict"] for one in receipts} == {"accepted"}, receipts
    return [one["counter"] for one in receipts]


def lose(folder):
    for path in folder.glob("journal.db*"):
        path.unlink()


def test_new_journal_begins_behind_what_the_ledger_has(gate):
    client, folder, asked = gate
    with opened(client, folder, asked) as journal:
        assert written(journal, client, 3) == [1, 2, 3]
    assert asked() == 3
    lose(folder)
    with opened(client, folder, asked) as journal:
        counters = written(journal, client, 1)
        assert counters == [100_001, 100_002], "what happened, and the record"
    lose(folder)
    with opened(client, folder, asked) as journal:
        assert written(journal, client, 0) == [200_001], "lost twice"
    with opened(client, folder, asked) as journal:
        assert written(journal, client, 1) == [200_001, 200_002], "not lost"


def test_lost_while_the_node_is_away_it_leaves_a_wide_gap(gate):
    client, folder, asked = gate

    def away():
        raise SyncError("no route")

    with opened(client, folder, away) as journal:
        assert written(journal, client, 2) == [1, 2], "a gate that has just been enrolled"
    lose(folder)
    with opened(client, folder, away) as journal:
        assert written(journal, client, 0) == [100_001]
    assert asked() == 100_001


def test_older_copy_of_a_card_still_shows_as_a_conflict(gate):
    client, folder, asked = gate
    with opened(client, folder, asked) as journal:
        written(journal, client, 2)
        old = list(journal.records())
    (folder / "journal.db").rename(folder / "copy")
    copy = opened(client, folder / "other", lambda: 0)
    with copy:
        copy.incident(GateIncident("tamper", {"active": False}), stamp())
        (receipt,) = client.upload(list(copy.records())).json["receipts"]
    assert (receipt["error"], len(old)) == ("conflict", 2)
    assert "enrol it anew" in receipt["reason"]


def test_nobody_but_the_node_says_how_far_it_is(gate):
    client, _, _ = gate
    asked = Asking(client.device, client.key, EVENT, SigningKey(b"x" * 32).public)
    signer = Signer(client.key, system_clock().now, lambda: "n" * 32)
    with pytest.raises(SyncError, match="another ledger node"):
        last_counter(client.url, asked, signer)
    with pytest.raises(SyncError):
        last_counter("http://127.0.0.1:1", asked, signer)


def test_strangers_are_told_nothing(gate):
    client, _, _ = gate
    stranger = GateClient(client.url, client.node_key, EVENT)
    assert stranger.ask("GET", "/v1/counter").status == 401
    stranger.close()
    assert client.ask("GET", "/v1/counter").json["device"] == client.device
