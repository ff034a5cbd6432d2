import sys
import threading
from pathlib import Path

import pytest

from tests.show.stage import Line, Program, ShowError, tool

SPEAKS = "import sys,time; print('{\"event\": \"ready\"}'); print('not json'); sys.stdout.flush(); time.sleep(60)"
DEAF = "import signal,sys,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True); time.sleep(60)"


class Ear:
    def __init__(self, lines: int) -> None:
        self.heard: list[Line] = []
        self.enough = threading.Event()
        self._lines = lines

    def __call__(self, line: Line) -> None:
        self.heard.append(line)
        if len(self.heard) == self._lines:
            self.enough.set()


def test_each_line_is_heard_and_the_last_ones_are_kept() -> None:
    ear = Ear(2)
    program = Program("gate", [sys.executable, "-c", SPEAKS], ear)
    assert ear.enough.wait(20)
    assert program.status is None
    assert program.stop() == -15
    assert [(line.who, line.fields.get("event")) for line in ear.heard] == [("gate", "ready"), ("gate", None)]
    assert program.tail() == ['{"event": "ready"}', "not json"]


def test_a_program_can_be_killed_and_stopped_again() -> None:
    ear = Ear(2)
    program = Program("node", [sys.executable, "-c", SPEAKS], ear)
    assert ear.enough.wait(20)
    program.kill()
    assert program.stop() == -9


def test_a_program_that_does_not_listen_is_killed() -> None:
    ear = Ear(1)
    program = Program("gate", [sys.executable, "-c", DEAF], ear, patience=0.2)
    assert ear.enough.wait(20)
    assert program.stop() == -9


def test_what_a_command_complained_about_is_told(tmp_path: Path) -> None:
    with pytest.raises(ShowError, match="there is no node in"):
        tool("ledger-node", "--home", str(tmp_path), "event", "show", "no-such-event")
