"""A real gate and a real node whose clock is wrong: the gate stays open and right, and says who lies."""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.kept_time import SETTLE_S
from scanner.verify.policy import Policy
from tests.fakes.clockwork import wait_until
from tests.fakes.lan import PATIENCE, LanGate, free_port, lan
from tests.fakes.running_node import EVENT, open_home, serving, stage
from tests.fakes.wallet import Wallet
from tests.show.stage import BIN

HOUR, DAY = 3600.0, 86_400.0


class LyingClock:
    """The node's clock: right, until it is told to be off."""

    def __init__(self) -> None:
        self.off = 0.0

    def __call__(self) -> float:
        return time.time() + self.off


@pytest.mark.timeout(300)
def test_a_node_that_lies_about_the_time_closes_no_gate_across_restarts(tmp_path: Path) -> None:
    clock, gate = LyingClock(), LanGate("R1", tmp_path / "R1", free_port())
    with open_home(tmp_path / "node", clock) as node, lan(gate):
        wallets = stage(node, 8, policy=Policy(claim_deadline_ms=3_000), doors=int(time.time()) - 3600)
        with serving(node) as served:
            gate.enrol(served.url, served.code())
            gate.start()
            _agreed(gate)
            tickets = iter(range(1, 9))
            for lie in (HOUR, 3 * DAY, -HOUR):
                clock.off = lie
                _admits_and_tells(gate, wallets, next(tickets), lie)
                gate.kill()
                gate.start()
                _admits_and_tells(gate, wallets, next(tickets), lie)
            clock.off = 0.0
            wait_until(lambda: gate.status().get("clock_alarm") == "", "the alarm ends with the lie", PATIENCE)
            assert gate.status()["view_age"] >= -1.0


@pytest.mark.timeout(300)
def test_a_gate_that_agreed_on_a_lie_is_set_right_by_a_person(tmp_path: Path) -> None:
    clock, gate = LyingClock(), LanGate("R1", tmp_path / "R1", free_port())
    clock.off = HOUR
    with open_home(tmp_path / "node", clock) as node, lan(gate):
        wallets = stage(node, 2, policy=Policy(claim_deadline_ms=3_000), doors=int(time.time()) - 3600)
        with serving(node) as served:
            gate.enrol(served.url, served.code())
            gate.start()
            _agreed(gate)
            clock.off = 0.0
            _wait(gate, lambda: _tells(gate, -HOUR), "an alarm")
            assert "FALSE TICKER" in _clock(gate, "show").stdout
            asked = _clock(gate, "reset", "--to", "node", said="n\n")
            assert (asked.returncode, asked.stderr) == (1, "gate-scanner: nothing was changed\n")
            assert "what node says now, -36" in asked.stdout
            done = _clock(gate, "reset", "--to", "node", said="y\n")
            assert (done.returncode, done.stderr) == (0, "")
            # A long poll's answer is good for the minute only: the next one is exact again.
            gate.kill()
            gate.start()
            _wait(gate, lambda: gate.ready(online=True) and gate.status()["clock_alarm"] == "", "no alarm")
            said = gate.hold_up(wallets[0].compact(EVENT, 1, 0, time.time()).text(), 1)
            assert (said["verdict"], said["reason"]) == ("admit", "ok")
            shown = subprocess.run(
                [BIN / "gate-scanner", "journal", "show", "--config", gate.config],
                capture_output=True, text=True, timeout=60, check=True,
            ).stdout  # fmt: skip
            assert "clock-reset" in shown


def _clock(gate: LanGate, *words: str, said: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [BIN / "gate-scanner", "clock", *words, "--config", gate.config]
    return subprocess.run(command, input=said, capture_output=True, text=True, timeout=60, check=False)


def _agreed(gate: LanGate) -> None:
    """Until the only source has said so often enough that it can't take it back."""
    wait_until(lambda: gate.ready(online=True), "online", PATIENCE)
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > SETTLE_S + 10 and gate.status()["clock_trusted"], "settled", PATIENCE)


def _admits_and_tells(gate: LanGate, wallets: list[Wallet], ticket: int, lie: float) -> None:
    _wait(gate, lambda: gate.ready(online=True), "online")
    _wait(gate, lambda: _tells(gate, lie), f"an alarm for {lie:+.0f} s")
    said = gate.hold_up(wallets[ticket - 1].compact(EVENT, ticket, 0, time.time()).text(), ticket)
    assert (said["verdict"], said["reason"], said["marks"]) == ("admit", "ok", [])
    status = gate.status()
    assert status["clock_trusted"]
    assert abs(status["unix"] - status["written"]) < 1.5
    assert "! node is" in gate.printed_status()


def _tells(gate: LanGate, lie: float) -> bool:
    """Whether the alarm names this lie of the node's, less what an answer of a long poll leaves open."""
    told = re.match(r"node is at least (\d+)\.\d s (ahead of|behind) ", gate.status()["clock_alarm"])
    way = "ahead of" if lie > 0 else "behind"
    return told is not None and told[2] == way and abs(lie) - 100 < int(told[1]) <= abs(lie)


def _wait(gate: LanGate, condition: Callable[[], bool], what: str) -> None:
    wait_until(lambda: bool(gate.status()) and condition(), f"{gate.name}: {what}", PATIENCE)
