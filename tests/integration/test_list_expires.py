"""A real gate whose node is away for longer than its list is good: it stops alone, says so, and goes on with a word."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scanner.list_age import Unheard
from scanner.store import connect
from scanner.verify.policy import Policy
from scanner.view_db import ViewDb
from tests.fakes.clockwork import wait_until
from tests.fakes.lan import PATIENCE, LanGate, free_port, lan
from tests.fakes.running_node import EVENT, code_by_socket, open_home, process, serving, stage
from tests.fakes.wallet import Wallet
from tests.show.stage import BIN

HOUR = 3_600
DAY = 24 * HOUR
POLICY = Policy(claim_deadline_ms=3_000, list_expires=HOUR)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[LanGate]:
    gate = LanGate("R1", tmp_path / "R1", free_port())
    with lan(gate):
        yield gate


def aged(gate: LanGate, seconds: float) -> None:
    """As if it had run for so long without its node; it is not running now."""
    with closing(ViewDb(gate.folder / "state" / "view" / "view.db", "test", connect)) as kept:
        kept.set_facts(unheard=Unheard(seconds).pack())


def shows(gate: LanGate, wallets: list[Wallet], ticket: int) -> tuple[str, str]:
    said = gate.hold_up(wallets[ticket - 1].compact(EVENT, ticket, 0, time.time()).text(), ticket)
    return said["verdict"], said["reason"]


def told(gate: LanGate, *words: str) -> str:
    command = [BIN / "gate-scanner", *words, "--config", gate.config]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.mark.timeout(300)
def test_a_list_that_no_node_confirms_admits_nobody_by_itself(tmp_path: Path, gate: LanGate) -> None:
    home = tmp_path / "node"
    with open_home(home) as node:
        wallets = stage(node, 4, policy=POLICY, doors=int(time.time()) - HOUR)
    with process(home) as (running, port):
        gate.enrol(f"http://127.0.0.1:{port}", code_by_socket(home))
        gate.start()
        wait_until(lambda: gate.ready(online=True), "online", PATIENCE)
        running.kill()
    wait_until(lambda: gate.ready(online=False), "alone", PATIENCE)
    assert shows(gate, wallets, 1) == ("admit", "ok"), "a short outage"

    gate.kill()
    aged(gate, HOUR - 20)
    gate.start()
    wait_until(lambda: gate.ready(online=False), "alone again", PATIENCE)
    wait_until(lambda: gate.status()["list"]["unheard"] > HOUR, "the list expires", PATIENCE)
    assert shows(gate, wallets, 2) == ("amber", "list-expired")
    assert "it has expired, and nobody is admitted by it alone" in gate.printed_status()
    gate.kill()
    assert "list-expired" in told(gate, "journal", "show")
    assert "BAD  view     no node has confirmed the list for 1.0 h: it has expired" in told(gate, "doctor")

    gate.start()
    wait_until(lambda: gate.ready(online=False), "a restart still knows", PATIENCE)
    assert shows(gate, wallets, 2) == ("amber", "list-expired")
    with process(home, "--port", str(port)):
        wait_until(lambda: gate.ready(online=True), "online again", PATIENCE)
        wait_until(lambda: gate.status()["list"]["unheard"] < HOUR / 2, "a fresh list", PATIENCE)
        assert shows(gate, wallets, 2) == ("admit", "ok")


@pytest.mark.timeout(300)
def test_one_clock_that_lies_makes_no_list_old(tmp_path: Path, gate: LanGate) -> None:
    """Attack: a node tells that it is three days later, and goes away; each gate's list would be three days old."""
    off = 0.0
    with open_home(tmp_path / "node", lambda: time.time() + off) as node:
        wallets = stage(node, 2, policy=POLICY, doors=int(time.time()) - HOUR)
        with serving(node) as served:
            gate.enrol(served.url, served.code())
            gate.start()
            wait_until(lambda: gate.ready(online=True), "online", PATIENCE)
            wait_until(lambda: bool(gate.status()["clock_trusted"]), "a time", PATIENCE)
            off = 3.0 * DAY
            gate.kill()
            gate.start()
            wait_until(lambda: gate.ready(online=True), "online, and lied to", PATIENCE)
    wait_until(lambda: gate.ready(online=False), "alone", PATIENCE)
    gate.kill()
    gate.start()
    wait_until(lambda: gate.ready(online=False), "alone after a restart", PATIENCE)
    assert not gate.status()["list"]["unheard"] > HOUR
    verdict, reason = shows(gate, wallets, 1)
    assert reason != "list-expired", verdict
