"""The public front dies, stands still or loses the ledger's process: gates notice nothing, and people are told."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fakes.clockwork import wait_until
from tests.fakes.gate_client import GateClient
from tests.fakes.running_node import DOORS, EVENT, Processes, code_by_socket, open_home, processes, stage
from tests.fakes.wallet import Wallet


class House:
    """A served node in processes of its own, and one gate at the gates' port."""

    def __init__(self, at: Processes, node_key: bytes, code: str, wallets: list[Wallet]) -> None:
        self.at, self._wallets = at, wallets
        self.url = f"http://127.0.0.1:{at.port}"
        self.gate = GateClient(f"http://127.0.0.1:{at.gates_port}", node_key, EVENT)
        assert self.gate.enrol(code).status == 200

    def claim(self, ticket: int) -> str:
        """One admission at the gate; the verdict."""
        code = self._wallets[ticket - 1].compact(EVENT, ticket, 0, DOORS).raw
        return str(self.gate.claim(self.gate.admission(ticket, code)).json["verdict"])

    def said(self, event: str) -> dict[str, object]:
        """The next line of this kind."""
        return next(line for line in self.at.lines if line["event"] == event)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_home(tmp_path) as node:
        wallets, key = stage(node, 10), node.keys.node.public
    with processes(tmp_path) as at:
        made = House(at, key, code_by_socket(tmp_path), wallets)
        with contextlib.closing(made.gate):
            yield made


def test_a_front_that_is_killed_is_started_again_and_gates_go_on_meanwhile(house: House) -> None:
    os.kill(house.at.front, signal.SIGSTOP)
    assert house.claim(1) == "accepted"
    os.kill(house.at.front, signal.SIGKILL)
    assert house.claim(2) == "accepted"
    ended, again = house.said("front ended"), house.said("front serves")
    assert (ended["status"], again["pid"] != house.at.front) == (-signal.SIGKILL, True)
    assert requests.get(f"{house.url}/healthz", timeout=20).json()["status"] == "ok"
    assert house.claim(3) == "accepted"


def test_who_connects_while_no_front_is_there_waits_for_the_next(house: House) -> None:
    os.kill(house.at.front, signal.SIGKILL)
    assert requests.get(f"{house.url}/healthz", timeout=20).json()["status"] == "ok"


def test_when_the_ledgers_process_is_killed_people_are_told_and_the_port_is_free_again(house: House) -> None:
    house.at.ledger.send_signal(signal.SIGSTOP)
    before = _files(house.at.front)
    with socket.create_connection(("127.0.0.1", house.at.port), timeout=20) as waiting:
        waiting.sendall(f"GET /v1/events/{EVENT}/tickets/1 HTTP/1.1\r\nHost: node\r\n\r\n".encode())
        wait_until(lambda: _files(house.at.front) == before + 2, "the front asks the ledger's process")
        house.at.ledger.kill()
        answer = b"".join(iter(lambda: waiting.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"ledger-away" in answer
    assert b"retry-after: 1" in answer.lower()
    wait_until(lambda: _is_free(house.at.port), "the port is free")


def test_the_front_comes_after_the_ledger_for_processor_and_memory(house: House) -> None:
    nice, ledger = (_niceness(pid) for pid in (house.at.front, house.at.ledger.pid))
    assert nice == min(ledger + 10, 19)
    assert Path(f"/proc/{house.at.front}/oom_score_adj").read_text() == "500\n"


def test_the_node_stops_with_its_front(house: House) -> None:
    house.at.ledger.terminate()
    assert house.at.ledger.wait(20) == 0
    wait_until(lambda: not Path(f"/proc/{house.at.front}").exists(), "the front has gone")
    assert _is_free(house.at.port)


def _niceness(pid: int) -> int:
    """By proc(5)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])


def _files(pid: int) -> int:
    """How many the process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
