"""kill -9 at any moment of a scan, and a restart: what was given is on record, and nothing is given twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scanner.journal_recovery import verify_chain
from scanner.verify.entry import Entry, open_entry
from tests.fakes.event import DEVICE, NOON, stamp_at
from tests.fakes.whole_gate import IDENTITY, Journal


@contextmanager
def forker(folder: Path) -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-m", "tests.fakes.killable_gate", str(folder)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def until(process: subprocess.Popen[str], word: str) -> list[str]:
    assert process.stdout
    for line in process.stdout:
        words = line.split()
        if words and words[0] == word:
            return words
    raise AssertionError(f"the gate ended before it said {word!r}")


def kill_once(process: subprocess.Popen[str], ticket: int, second: int, after: float) -> None:
    assert process.stdin
    process.stdin.write(f"{ticket} {second}\n")
    process.stdin.flush()
    heard = {"pid": None, "scanning": None}
    while None in heard.values():
        assert process.stdout
        words = process.stdout.readline().split()
        assert words, "the gate ended by itself"
        if words[0] in heard:
            heard[words[0]] = words[-1]
    time.sleep(after)
    os.kill(int(str(heard["pid"])), signal.SIGKILL)
    until(process, "dead")


def pulses(folder: Path) -> Counter[int]:
    path = folder / "pulses"
    return Counter(map(int, path.read_text().split())) if path.exists() else Counter()


def check(folder: Path) -> tuple[int, int]:
    """Every promise about the journal; how many pulses were given and how many are in doubt."""
    with Journal.open(folder / "journal.db", IDENTITY, stamp_at) as journal:
        journal.settle_restart(stamp_at())
        raws = list(journal.records())
    assert verify_chain(raws, DEVICE.public) == ""
    entries = [entry for entry in map(open_entry, raws) if isinstance(entry, Entry)]
    assert [entry.body["counter"] for entry in entries] == list(range(1, len(entries) + 1))
    gone = {entry.body["of"] for entry in entries if entry.type == "release"}
    given = pulses(folder)
    standing = Counter(e.body["ticket"] for e in entries if e.type == "admission" and e.body["counter"] not in gone)
    for ticket, times in given.items():
        assert times == 1, f"ticket {ticket} was given {times} pulses for one use"
        assert standing[ticket] == 1, f"the pulse of ticket {ticket} is on no record"
    return given.total(), standing.total() - given.total()


def scan_and_kill(folder: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    ticket = 1
    with forker(folder) as process:
        for number in range(kills):
            # The holder whose gate died tries again first, long after the window in which a green is repeated.
            kill_once(process, ticket, NOON + 60 * number, rng.uniform(0.0, 0.08))
            ticket = max([ticket, *pulses(folder)])
    given, doubtful = check(folder)
    assert given > kills / 4
    assert doubtful <= kills


def test_killed_in_mid_scan_nothing_is_lost_or_given_twice(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    scan_and_kill(tmp_path, 25, seed)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_killed_500_times(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    scan_and_kill(tmp_path, 500, seed)
