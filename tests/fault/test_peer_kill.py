"""kill -9 of a gate while it is told things: what it said it has, it has; and what it missed is told again."""

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scanner.sync.peer_message import Message
from tests.fakes.clockwork import HandClock
from tests.fakes.event import NOON, row, stamp_at
from tests.fakes.killable_peer import TICKETS
from tests.fakes.peer_gates import PeerGate, converge, peer, peer_gate

KILLS = 6


@contextmanager
def listening(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.fakes.killable_peer", str(folder)]
    # What was on its way to it when it died cannot be flushed.
    with (
        suppress(BrokenPipeError),
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as running,
    ):
        try:
            yield running
        finally:
            running.kill()


def told_until_killed(folder: Path, first: PeerGate, after_s: float) -> int:
    """Tell, a record at a time, and kill in the middle; the last counter that the gate said it has."""
    with listening(folder) as running:
        assert running.stdout
        assert running.stdin
        have = int(running.stdout.readline())
        killer = threading.Timer(after_s, running.kill)
        killer.start()
        try:
            for _ in range(TICKETS):
                page = first.desk.compose(peer("A2"), have)
                one = Message.model_copy(page, update={"records": page.records[:1]})
                if not one.records:
                    break
                running.stdin.write(one.pack().decode() + "\n")
                line = running.stdout.readline()
                if not line:
                    break
                have = int(line)
        except BrokenPipeError:
            pass
        finally:
            killer.cancel()
            killer.join()
    return have


def test_what_a_gate_said_it_has_survives_its_death(tmp_path: Path) -> None:
    clock, draw = HandClock(float(NOON)), random.Random(3)
    with peer_gate(tmp_path, "A1", clock) as first:
        first.view.rows = {number: row(number) for number in range(1, TICKETS + 1)}
        released = set()
        for ticket in range(1, TICKETS + 1):
            counter = first.show(ticket).counter
            assert counter is not None
            if ticket % 5 == 0:
                first.journal.release(counter, "not-turned", stamp_at())
                released.add(ticket)
        said = 0
        for _ in range(KILLS):
            now = told_until_killed(tmp_path, first, draw.uniform(0.01, 0.15))
            assert now >= said, "a gate had less after its death than it had said"
            said = now
        with peer_gate(tmp_path, "A2", clock) as second:
            second.view.rows = first.view.rows
            assert second.store.damage == ""
            assert second.desk.has_of(first.peer) >= said
            converge(first, second)
            standing = {
                ticket
                for ticket in range(1, TICKETS + 1)
                if any(not told.released for told in second.desk.told(ticket))
            }
            assert standing == set(range(1, TICKETS + 1)) - released
