"""What `doctor` says of the other gates: who can be reached, and whether they can reach this one."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.cli.doctor import _gates as examine_gates
from scanner.cli.neighbours import open_peer_store
from scanner.cli.settings import PeerSettings, Settings
from scanner.errors import GateError
from scanner.identity import Enrolled, Identities
from scanner.verify.told import Peer
from tests.fakes.event import EVENT, NODE
from tests.fakes.lan import free_port
from tests.fakes.peer_gates import peer

ENROLLED = Enrolled("http://127.0.0.1:9", "A1-device", EVENT, "A1", NODE.public.hex(), "", "")


@pytest.fixture
def other() -> Iterator[str]:
    """A gate that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def settings(folder: Path, *peers: Peer, port: int = 0, enabled: bool = True) -> Settings:
    made = Settings(state=str(folder), peers=PeerSettings(enabled=enabled, host="127.0.0.1", port=port))
    Identities(folder).enrol(ENROLLED)
    store = open_peer_store(made, ENROLLED, "test")
    store.keep_peers(peers)
    store.close()
    return made


def test_gates_that_answer_are_counted_and_the_others_named(tmp_path: Path, other: str) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    found = examine_gates(settings(tmp_path, peer("A2", other), peer("A3", nobody), peer("A4"), peer("A5", "no:port")))
    assert found.good
    assert "1 of 4 other gates can be reached" in found.report
    assert found.advice.startswith(f"not A3 ({nobody}), A4 (no address), A5 (no:port): ")
    assert "client isolation" in found.advice


def test_gates_that_share_a_gate_are_told_apart(tmp_path: Path) -> None:
    first, second, ours = (Peer(f"{gate}-{n}", gate, bytes(32), "") for gate, n in (("A2", 1), ("A2", 2), ("A1", 3)))
    found = examine_gates(settings(tmp_path, first, second, ours, peer("A3")))
    assert "not A2-1 (no address), A2-2 (no address), A1-3 (no address), A3 (no address): " in found.advice


def test_a_gate_that_reaches_no_other_is_not_well(tmp_path: Path) -> None:
    found = examine_gates(settings(tmp_path, peer("A2", f"127.0.0.1:{free_port()}")))
    assert not found.good
    assert "0 of 1" in found.report


def test_a_gate_that_knows_no_other_is_well(tmp_path: Path) -> None:
    found = examine_gates(settings(tmp_path))
    assert (found.good, found.advice) == (True, "")


def test_a_port_that_is_taken_is_named(tmp_path: Path, other: str) -> None:
    port = int(other.rpartition(":")[2])
    with pytest.raises(GateError, match=f"port {port}: Address already in use"):
        examine_gates(settings(tmp_path, port=port))


def test_peers_that_are_off_are_said_to_be(tmp_path: Path) -> None:
    found = examine_gates(settings(tmp_path, enabled=False))
    assert found.good
    assert "off" in found.report
