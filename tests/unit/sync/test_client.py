"""Nothing is believed before it is verified, and no exchange outlives its bounds."""

import threading

import pytest

from scanner.errors import NoNetworkError, SyncError
from scanner.ports import Waiting
from scanner.sync.answers import Problem, Revoked
from scanner.sync.claims import ClaimDesk
from scanner.sync.signed import Timeouts
from scanner.verify.record import FIRST_PREVIOUS, Link, Scan, Stamp, sign_record
from tests.fakes import node_faults as faults
from tests.fakes.fake_ledger import DOORS, EVENT, FakeLedger, key
from tests.fakes.node_server import FakeNode
from tests.fakes.sync_bench import make_client

NOW = 1_790_000_123.456


@pytest.fixture
def node():
    with FakeNode(FakeLedger(), now=lambda: NOW) as running:
        yield running


@pytest.fixture
def times():
    return []


@pytest.fixture
def client(node, times):
    made = make_client(node, on_time=times.append)
    yield made
    made.close()


def record(counter=1, ticket=3, device="A1-gate", gate="A1"):
    link, stamp = (
        Link(device, gate, counter, FIRST_PREVIOUS),
        Stamp(DOORS * 1000, trusted=True, error_ms=1, view_size=0),
    )
    return Waiting(
        counter, sign_record("admission", EVENT, link, stamp, Scan(ticket, 0, bytes(80), "admit", "ok"), key(device))
    )


def test_claim_is_first_come_first_served(client):
    assert client.claim(record()).verdict == "accepted"
    second = client.claim(record(2))
    assert second.verdict == "duplicate"
    assert (second.first.gate, second.first.at) == ("A1", DOORS)


def test_signed_time_comes_with_every_answer(client, times):
    client.time()
    client.claim(record())
    assert [sample.node_ms for sample in times] == [int(NOW * 1000)] * 2
    assert all(sample.sent <= sample.received for sample in times)


def test_node_that_does_not_believe_its_own_clock_is_silent_and_no_stranger(node, client, times):
    node.more = {"time_told": False}
    client.time()
    assert client.claim(record()).verdict == "accepted"
    assert times == []


def test_gate_that_thinks_it_is_1970_is_told_the_time_and_asks_again(node, times):
    client = make_client(node, now=lambda: 0.0, on_time=times.append)
    assert client.changes(0, 0, 0).to == node.ledger.size
    assert client.claim(record()).verdict == "accepted"
    client.close()
    assert node.count("/changes") == 2
    assert times[0].node_ms == int(NOW * 1000)


def test_node_that_never_likes_our_clock_is_a_problem_and_no_loop(node, client):
    def refuse(exchange):
        exchange.send(*exchange.signed(*exchange.node.problem(401, "clock", "sign it again")))

    node.always("/changes", refuse)
    answer = client.changes(0, 0, 0)
    assert isinstance(answer, Problem)
    assert answer.code == "clock"
    assert node.count("/changes") == 2


def test_snapshot_is_asked_for_again_with_the_nodes_time(node, tmp_path):
    client = make_client(node, now=lambda: 0.0)
    assert client.download_snapshot(tmp_path / "snap") is None
    client.close()
    assert (tmp_path / "snap").read_bytes() == node.ledger.snapshot()


def test_snapshot_tells_its_progress(client, tmp_path):
    seen = []
    client.download_snapshot(tmp_path / "snap", seen.append)
    assert seen[-1] == (tmp_path / "snap").stat().st_size


def test_snapshot_without_room_says_so_and_leaves_nothing(client, tmp_path):
    with pytest.raises(SyncError, match=r"cannot be written to .*check the disk"):
        client.download_snapshot(tmp_path / "no-such-folder" / "snap")


def test_snapshot_at_a_trickle_is_given_up_before_its_deadline(node, tmp_path):
    patient = Timeouts(silence=2.0, total=2.0, snapshot=600.0)
    client = make_client(node, timeouts=patient)
    client._lines._line()._now = _fast_clock()
    node.trouble("/snapshot", faults.drip)
    with pytest.raises(SyncError, match="is too slow"):
        client.download_snapshot(tmp_path / "snap")
    client.close()
    assert list(tmp_path.iterdir()) == []


def _fast_clock():
    ticks = iter(range(10**9))
    return lambda: next(ticks) * 0.5


def test_revoked_device_is_told_so_by_everything_but_uploads(node, client, tmp_path):
    client.time()
    node.revoked.add("A1-gate")
    assert isinstance(client.claim(record()), Revoked)
    assert isinstance(client.changes(0, 0, 0), Revoked)
    assert isinstance(client.download_snapshot(tmp_path / "snap"), Revoked)
    assert client.upload([record()], 0).receipts[0].verdict == "accepted"
    assert list(tmp_path.iterdir()) == []


def test_nonce_used_twice_is_refused_by_the_node(node):
    client = make_client(node, nonce=lambda: "same")
    client.claim(record())
    assert client.claim(record(2)).code == "replayed"
    client.close()


def test_receipt_for_another_record_is_not_ours(node, client):
    node.trouble("/claims", faults.edit(counter=lambda counter: counter + 1))
    with pytest.raises(SyncError, match="asked about record 1, answered about 2"):
        client.claim(record())


def test_answer_of_another_shape_names_the_field(node, client):
    node.trouble("/claims", faults.edit(position=lambda _: "first"))
    with pytest.raises(SyncError, match=r"malformed .position"):
        client.claim(record())


@pytest.mark.parametrize("fault", [faults.hang, faults.drip, faults.drip_head], ids=lambda fault: fault.__name__)
def test_claim_returns_by_its_deadline_when_the_node_hangs(node, client, fault):
    node.always("/claims", fault)
    desk = ClaimDesk(client.claim, lambda _: None, lambda _: None)
    done = threading.Event()

    def claim():
        assert desk.claim(record(), 0.05) is None
        done.set()

    thread = threading.Thread(target=claim)
    thread.start()
    assert done.wait(5)
    client.close()
    thread.join()
    desk.close()


def test_close_ends_what_is_going_on_and_what_comes_after(node, client):
    node.always("/changes", faults.hang)
    raised = []

    def ask():
        with pytest.raises(SyncError) as caught:
            client.changes(0, 0, 30)
        raised.append(str(caught.value))

    thread = threading.Thread(target=ask)
    thread.start()
    node.wait_until_asked("/changes", 1)
    client.close()
    thread.join(5)
    assert raised == ["the connection was closed because the gate stops"]
    with pytest.raises(SyncError, match="the gate stops"):
        client.time()


@pytest.mark.parametrize("url", ["", "node:8440", "ftp://node", "http://", "file:///etc/passwd"])
def test_address_that_is_none_is_said_at_once(node, url):
    node.url = url
    with pytest.raises(SyncError, match="is not the address of a ledger node"):
        make_client(node)


def test_node_that_is_not_there_is_said_to_be(node):
    node.url = "http://127.0.0.1:1"
    client = make_client(node)
    with pytest.raises(SyncError, match="check that it runs") as met:
        client.time()
    assert not isinstance(met.value, NoNetworkError), "it is the node that is away"
    client.close()


def test_name_that_does_not_resolve_is_said_to_be(node):
    node.url = "http://node.invalid:8440"
    client = make_client(node)
    with pytest.raises(NoNetworkError, match="cannot be resolved"):
        client.time()
    client.close()


def test_proxies_and_passwords_of_the_environment_are_not_used(client, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert client.time().time_ms == int(NOW * 1000)


def test_kept_alive_connection_that_the_node_closed_is_made_anew(node, client):
    client.time()
    for wire in list(node._wires):
        wire.shutdown(2)
    assert client.time().time_ms == int(NOW * 1000)
