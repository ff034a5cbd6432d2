"""The gates' port: what is there and what is not, and that gates are answered there whatever the public's side does."""

import contextlib
import os
import select
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from ledger_node.services import tickets
from ledger_node.web import front
from ledger_node.web.authorisation import Proof
from ledger_node.web.authorisation_matrix import ROWS, at_gates_port
from ledger_node.web.patience import Patience
from ledger_node.web.places import Places
from ledger_node.web.public import Public
from ledger_node.web.upstream import CLIENT
from scanner.verify.enrolment import EnrolmentCode, fingerprint
from tests.fakes.everybody import Everybody, everybody
from tests.fakes.gate_client import GateClient
from tests.fakes.running_node import DOORS, EVENT, Running, open_home, serving, stage
from tests.fakes.wallet import Wallet
from tests.integration.test_authorisation import filled, refusal_of, told

FEW = Patience(head=20.0, idle=20.0, most_connections=8)
HEAD = b"GET /v1/events HTTP/1.1\r\nHost: node\r\n"


class House:
    """A served node, its holders and one gate at the gates' port."""

    def __init__(self, running: Running, wallets: list[Wallet]) -> None:
        self.running, self._wallets = running, wallets
        self.gate = GateClient(running.gates_url, running.node.keys.node.public, EVENT)
        assert self.gate.enrol(running.code()).status == 200

    def claim(self, ticket: int) -> str:
        """One admission at the gate; the verdict."""
        code = self._wallets[ticket - 1].compact(EVENT, ticket, 0, DOORS).raw
        answer = self.gate.claim(self.gate.admission(ticket, code))
        return str(answer.json["verdict"])


@contextlib.contextmanager
def house(home: Path, patience: Patience | None = None) -> Iterator[House]:
    with open_home(home) as node:
        wallets = stage(node, 10)
        with serving(node, patience) as running:
            made = House(running, wallets)
            with contextlib.closing(made.gate):
                yield made


@pytest.fixture(scope="module")
def all_of_them(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with everybody(tmp_path_factory.mktemp("node")) as made:
        yield made


# What is there


def test_at_the_gates_port_devices_are_answered_and_all_others_refused_as_the_matrix_says(
    all_of_them: Everybody,
) -> None:
    wrong = []
    for row in ROWS.values():
        if row.proof is Proof.SIGNATURE:
            path = filled(all_of_them, row.path)
            for asker in all_of_them.askers:
                kind, body = ({"Content_Type": "text/plain"}, b"?") if row.method == "POST" else ({}, b"")
                answer = asker.ask(row.method, path, body, at=all_of_them.gates_url, **kind)
                got = told(answer)
                expected = refusal_of(row, asker)
                if row.method == "HEAD":
                    got = expected if (expected is None) == (answer.status_code == 200) else f"{answer.status_code}"
                if got != expected or answer.status_code >= 500:
                    wrong.append((row.method, row.path, asker.name, expected, got, answer.status_code))
    assert wrong == []


def test_nothing_of_the_publics_is_at_the_gates_port(all_of_them: Everybody) -> None:
    """Each route of the matrix is asked for by a stranger, by ops and by a device."""
    for row in ROWS.values():
        if at_gates_port(row.method, row.path):
            continue
        for name in ("public", "ops", "device"):
            asked = filled(all_of_them, row.path)
            answer = all_of_them.named(name).ask(row.method, asked, at=all_of_them.gates_url)
            assert answer.status_code == 404, (row.method, row.path, name)
            if row.method != "HEAD":
                assert answer.json()["code"] == "no-such-path"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_time_is_at_both_ports(all_of_them: Everybody) -> None:
    for url in (all_of_them.url, all_of_them.gates_url):
        assert requests.get(f"{url}/v1/time", timeout=20).json()["time_ms"] > 0


# Whatever the public's side does


def test_claims_are_answered_while_the_publics_side_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many strangers as are let through wait in the ledger's process, and the queue before it is full."""
    go, inside = threading.Event(), threading.Semaphore(0)
    real = Public._history

    def slow(self: Public, event: str, index: int) -> object:
        inside.release()
        assert go.wait(60)
        return real(self, event, index)

    monkeypatch.setattr(Public, "_history", slow)
    monkeypatch.setattr(front, "Places", lambda _at_once, _most, _patience: Places(2, 2, 60.0))
    with house(tmp_path) as made, contextlib.ExitStack() as stack:
        stack.callback(go.set)
        strangers = [stack.enter_context(_asking(made.running.port, ticket)) for ticket in range(1, 9)]
        assert all(inside.acquire(timeout=20) for _ in range(2))
        turned_away = _answered(strangers, 4)
        assert all(b"503" in answer and b"retry-after: 1" in answer.lower() for answer in turned_away)
        assert [made.claim(ticket) for ticket in range(1, 6)] == ["accepted"] * 5
        go.set()
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in _answered(strangers, 4))


def test_claims_are_answered_while_slow_clients_hold_every_public_connection(tmp_path: Path) -> None:
    with house(tmp_path, FEW) as made, contextlib.ExitStack() as stack:
        for _ in range(FEW.most_connections):
            stack.enter_context(_connected(made.running.port)).sendall(HEAD)
        assert made.claim(1) == "accepted"


def test_claims_are_answered_while_no_front_is_there(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        made.running.stop_front()
        assert made.claim(1) == "accepted"
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{made.running.url}/healthz", timeout=20)


def test_a_gate_that_still_asks_at_the_public_port_is_served_there(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        made.gate.url = made.running.url
        assert made.claim(1) == "accepted"
        assert made.gate.changes(0).json["rows"]


# What the front says of a client


def test_only_the_front_says_who_asks(tmp_path: Path) -> None:
    """Attack: a stranger guesses enrolment codes, each time under another name, at either port."""
    with house(tmp_path) as made:
        urls = [made.running.url, made.running.gates_url] * 20
        got = [_guess(made, url, "127.0.0.1", f"203.0.113.{number} 1") for number, url in enumerate(urls)]
        assert Counter(got) == {"code-refused": 20, "too-many-guesses": 20}


def test_each_address_is_counted_by_itself_behind_the_front(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        assert [_guess(made, made.running.url, "127.0.0.1") for _ in range(21)][-1] == "too-many-guesses"
        assert _guess(made, made.running.url, "127.0.0.2") == "code-refused"


def test_a_page_that_is_read_once_is_kept_and_what_changes_is_not(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        url = f"{made.running.url}/v1/events/{EVENT}/tickets/3"
        assert requests.get(url, timeout=20).json()["state"] == "active"
        tickets.set_state(made.running.node, EVENT, [3], "cancelled", "test")
        assert requests.get(url, timeout=20).json()["state"] == "cancelled"
        pages = [requests.get(f"{made.running.url}/wallet/{query}", timeout=20) for query in ("", "?n=1", "?n=2")]
        assert {page.status_code for page in pages} == {200}
        assert len({page.content for page in pages}) == 1


def test_the_front_answers_head_and_unknown_methods_as_the_ledger_does(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        whole = requests.get(f"{made.running.url}/wallet/", timeout=20)
        head = requests.head(f"{made.running.url}/wallet/", timeout=20)
        assert (head.status_code, head.headers["Content-Length"]) == (200, whole.headers["Content-Length"])
        assert requests.put(f"{made.running.url}/v1/events", timeout=20).json()["code"] == "wrong-method"
        assert requests.get(f"{made.running.url}/nowhere", timeout=20).json()["code"] == "no-such-path"


def _guess(made: House, url: str, address: str, name: str | None = None) -> str:
    """With what a wrong code from this address is refused."""
    key = made.running.node.keys.node.public
    stranger = GateClient(url, key, EVENT)
    stranger.session.mount("http://", _From(address))
    if name:
        stranger.session.headers[CLIENT.decode()] = name
    with contextlib.closing(stranger):
        return str(stranger.enrol(EnrolmentCode(os.urandom(5), fingerprint(key)).text()).json["code"])


class _From(HTTPAdapter):
    """Asks from an address of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named, source_address=(self._address, 0))


@contextlib.contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
        yield wire


@contextlib.contextmanager
def _asking(port: int, ticket: int) -> Iterator[socket.socket]:
    """A connection on which a ticket's facts are waited for."""
    with _connected(port) as wire:
        wire.sendall(f"GET /v1/events/{EVENT}/tickets/{ticket} HTTP/1.1\r\nHost: node\r\n\r\n".encode())
        yield wire


def _answered(wires: list[socket.socket], count: int) -> list[bytes]:
    """How so many answers begin; those that were answered are taken from the list."""
    found: list[bytes] = []
    while len(found) < count:
        ready, _, _ = select.select(wires, [], [], 20)
        assert ready, f"{len(found)} of {count} were answered"
        for wire in ready:
            found.append(wire.recv(65_536))
            wires.remove(wire)
    return found
