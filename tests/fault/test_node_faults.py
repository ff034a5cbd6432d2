"""What goes wrong around a ledger node: killed in mid-upload, replays, wrong clocks, slow and odd senders, a full disk.

Each gets a clear answer, nothing is lost or doubled, and the service stays up.
"""

import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ledger_node.services.node import Node
from ledger_node.web import body
from scanner.verify.entry import canonical
from scanner.verify.httpsig import Signed, verify_response
from tests.fakes.gate_client import CBOR, GateClient
from tests.fakes.running_node import EVENT, Running, code_by_socket, open_home, process, processes, serving, stage
from tests.fakes.wallet import Wallet

CLAIMS, UPLOADS = f"/v1/events/{EVENT}/claims", f"/v1/events/{EVENT}/admissions"


def enrolled(url: str, node: Node, code: str, gates: list[GateClient]) -> GateClient:
    gate = GateClient(url, node.keys.node.public, EVENT)
    gates.append(gate)
    assert gate.enrol(code).status == 200
    return gate


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Running, GateClient, list[Wallet]]]:
    gates: list[GateClient] = []
    with open_home(tmp_path) as node:
        wallets = stage(node, 20)
        with serving(node) as running:
            yield running, enrolled(running.gates_url, node, running.code(), gates), wallets
            for gate in gates:
                gate.close()


def entering(gate: GateClient, wallets: list[Wallet], ticket: int) -> bytes:
    return gate.admission(ticket, wallets[ticket - 1].compact(EVENT, ticket, 0, time.time()).raw)


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.08])
def test_killed_in_mid_upload_every_record_is_in_the_log_exactly_once(tmp_path: Path, pause: float) -> None:
    gates: list[GateClient] = []
    with open_home(tmp_path) as node:
        wallets, key = stage(node, 300), node.keys.node.public
    gate = GateClient("", key, EVENT)
    with processes(tmp_path) as at:
        gate.url = f"http://127.0.0.1:{at.gates_port}"
        gate.enrol(code_by_socket(tmp_path))
        records = [entering(gate, wallets, ticket) for ticket in range(1, 301)]
        sender = threading.Thread(target=upload_until_dead, args=(gate, records))
        sender.start()
        time.sleep(pause)
        at.ledger.kill()
        sender.join()
        at.ledger.wait()
    gate.close()
    with process(tmp_path) as (_, port):
        again = GateClient(f"http://127.0.0.1:{port}", key, EVENT, key=gate.key, device=gate.device, gate=gate.gate)
        gates.append(again)
        verdicts = [one["verdict"] for one in until_believed(again, records)]
        again.close()
    assert verdicts == ["accepted"] * 300
    with open_home(tmp_path) as node, node.view() as view:
        admissions = sum(len(view.admissions(EVENT, ticket)) for ticket in range(1, 301))
        logged = [raw for raw in view.entries(0, view.size) if raw in set(records)]
    assert sorted(logged) == sorted(records)
    assert admissions == 300


def upload_until_dead(gate: GateClient, records: list[bytes]) -> None:
    for start in range(0, len(records), 50):
        try:
            gate.upload(records[start : start + 50])
        except requests.RequestException:  # it dies before, in, or after its answer
            return


def until_believed(gate: GateClient, records: list[bytes]) -> list[dict[str, object]]:
    """After a crash a request of the same second as the start is refused as a matter of the clock: sign again."""
    while True:
        answer = gate.upload(records)
        if answer.status == 200:
            receipts: list[dict[str, object]] = answer.json["receipts"]
            return receipts
        assert answer.json["code"] == "clock"
        threading.Event().wait(0.1)


def test_a_request_is_acted_upon_once(served) -> None:
    running, gate, wallets = served
    record = entering(gate, wallets, 1)
    headers = gate.sign("POST", CLAIMS, record, CBOR)
    assert gate.send("POST", CLAIMS, record, headers).status == 200
    replayed = gate.send("POST", CLAIMS, record, headers)
    assert (replayed.status, replayed.json["code"]) == (401, "replayed")
    assert running.node.ledger.size == 4


@pytest.mark.parametrize("ahead", [-30, 0, 30])
def test_a_request_is_not_acted_upon_again_after_a_crash(tmp_path: Path, ahead: int) -> None:
    with open_home(tmp_path) as node:
        wallets, key = stage(node, 5), node.keys.node.public
    gate = GateClient("", key, EVENT, offset=ahead)
    with process(tmp_path) as (running, port):
        gate.url = f"http://127.0.0.1:{port}"
        gate.enrol(code_by_socket(tmp_path))
        record = entering(gate, wallets, 1)
        headers = gate.sign("POST", CLAIMS, record, CBOR)
        assert gate.send("POST", CLAIMS, record, headers).status == 200
        running.kill()
        running.wait()
    gate.close()
    with process(tmp_path) as (_, port):
        gate.url = f"http://127.0.0.1:{port}"
        answer = gate.send("POST", CLAIMS, record, headers)
        assert (answer.status, answer.json["code"]) in {(401, "clock"), (401, "replayed")}
        gate.close()


def test_a_request_is_not_acted_upon_again_after_an_orderly_restart_which_costs_nobody_a_second(tmp_path: Path) -> None:
    with open_home(tmp_path) as node:
        wallets = stage(node, 5)
        gate = GateClient("", node.keys.node.public, EVENT)
        with serving(node) as running:
            gate.url = running.url
            gate.enrol(running.code())
            record = entering(gate, wallets, 1)
            headers = gate.sign("POST", CLAIMS, record, CBOR)
            gate.send("POST", CLAIMS, record, headers)
            gate.close()
        with serving(node) as running:
            gate.url = running.url
            assert gate.send("POST", CLAIMS, record, headers).json["code"] == "replayed"
            assert gate.claim(record).json["verdict"] == "accepted"
            gate.close()


@pytest.mark.parametrize("offset", [-3600, -65, 65, 86_400 * 3, -1_700_000_000])
def test_a_gate_whose_clock_is_off_is_told_the_time_and_signs_again(served, offset: int) -> None:
    _, gate, _ = served
    gate.offset = offset
    refused = gate.changes(0)
    assert (refused.status, refused.json["code"]) == (401, "clock")
    gate.offset += refused.json["time_ms"] / 1000 - gate.now()
    assert gate.changes(0).status == 200


@pytest.mark.parametrize(
    ("path", "content", "content_type", "status", "code"),
    [
        (CLAIMS, b"x" * 70_000, CBOR, 413, "too-large"),
        (UPLOADS, b"x" * 9_000_000, CBOR, 413, "too-large"),
        (CLAIMS, b"<html>hello</html>", "text/html", 415, "wrong-type"),
        (CLAIMS, b"{}", "application/json", 415, "wrong-type"),
        (CLAIMS, b"\xff" * 200, CBOR, 422, "not-a-claim"),
        (CLAIMS, b"", None, 415, "wrong-type"),
        (UPLOADS, b"\xff\xff", CBOR, 400, "not-a-batch"),
        (UPLOADS, canonical([1]), CBOR, 400, "not-a-batch"),
        (UPLOADS, canonical({"records": [1]}), CBOR, 400, "not-a-batch"),
        (UPLOADS, canonical({"records": [b"x"] * 1001}), CBOR, 413, "too-many"),
        (UPLOADS + "?from=-1", canonical({"records": []}), CBOR, 400, "bad-query"),
        (UPLOADS + "?from=99999", canonical({"records": []}), CBOR, 409, "log-behind"),
        ("/v1/events/other/claims", b"x", CBOR, 404, "other-event"),
        ("/v1/enrol", b"<html>", "text/html", 415, "wrong-type"),
        ("/v1/enrol", b"[", "application/json", 400, "bad-json"),
        ("/v1/enrol", b'{"code": 1}', "application/json", 400, "bad-json"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason_and_signed(
    served, path: str, content: bytes, content_type: str | None, status: int, code: str
) -> None:
    _, gate, wallets = served
    answer = gate.ask("POST", path, content, content_type)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["detail"]
    assert gate.claim(entering(gate, wallets, 3)).json["verdict"] == "accepted", "the service is up"


def test_a_path_or_a_method_that_does_not_exist_is_named(served) -> None:
    running, _, _ = served
    nowhere = requests.get(f"{running.url}/v2/nothing", timeout=5)
    wrong = requests.delete(f"{running.url}/v1/events", timeout=5)
    assert [(one.status_code, one.json()["code"]) for one in (nowhere, wrong)] == [
        (404, "no-such-path"),
        (405, "wrong-method"),
    ]


def test_one_byte_a_second_holds_up_nobody_and_is_cut_off(served, monkeypatch: pytest.MonkeyPatch) -> None:
    running, gate, wallets = served
    monkeypatch.setattr(body, "DEADLINE", 1.0)
    slow = socket.create_connection(("127.0.0.1", running.port))
    head = f"POST {CLAIMS} HTTP/1.1\r\nHost: node\r\nContent-Type: {CBOR}\r\nContent-Length: 500\r\n\r\n"
    slow.sendall(head.encode() + b"x")
    assert gate.claim(entering(gate, wallets, 1)).json["verdict"] == "accepted"
    with slow, slow.makefile("rb") as answer:
        status = answer.readline()
        assert b" 408 " in status
        assert json.loads(answer.read().partition(b"\r\n\r\n")[2])["code"] == "too-slow"


def test_a_sender_who_hangs_up_half_way_disturbs_nobody(served) -> None:
    running, gate, wallets = served
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", running.port)) as gone:
            gone.sendall(f"POST {CLAIMS} HTTP/1.1\r\nHost: node\r\nContent-Length: 500\r\n\r\nabc".encode())
    assert gate.claim(entering(gate, wallets, 1)).json["verdict"] == "accepted"


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    with open_home(tmp_path) as node:
        wallets, key = stage(node, 200), node.keys.node.public
    gate = GateClient("", key, EVENT)
    with process(tmp_path) as (running, port):
        gate.url = f"http://127.0.0.1:{port}"
        gate.enrol(code_by_socket(tmp_path))
        records = [entering(gate, wallets, ticket) for ticket in range(1, 201)]
        assert gate.claim(records[0]).status == 200
        _, hard = resource.prlimit(running.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, ((tmp_path / "ledger.sqlite3-wal").stat().st_size, hard))
        full = gate.upload(records)
        assert (full.status, full.json["code"], full.headers["retry-after"]) == (503, "disk", "1")
        assert requests.get(f"{gate.url}/healthz", timeout=5).status_code == 200
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        receipts = gate.upload(records).json["receipts"]
        gate.close()
    assert [one["verdict"] for one in receipts] == ["accepted"] * 200
    assert len({one["position"] for one in receipts}) == 200


def test_an_answer_of_somebody_else_at_the_nodes_address_is_not_believed(served) -> None:
    _, gate, _ = served
    headers = gate.sign("GET", "/v1/time")
    portal = {"Content-Type": "text/html"}
    believed = verify_response(200, portal, b"<html>Welcome to the venue's Wi-Fi", gate.node_key, headers["Signature"])
    assert not isinstance(believed, Signed)
