"""The demo itself: the show that `make demo` plays, shortened, with both real programs on real frames."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from scanner.camera.decode import Decoder
from tests.fakes.other_verifier import check_with_another_verifier
from tests.show.audience import Lane, Visit
from tests.show.cast import EVENT
from tests.show.phone import Phone
from tests.show.spool import Spool

DEMO = [sys.executable, "-m", "tests.show"]
LEDGER = [sys.executable, "-m", "ledger_node.cli"]
PATIENCE_S = 240
BOUGHT = ["sale", "activation", "key.register"]
HALVES = {" ": (255, 255), "▀": (0, 255), "▄": (255, 0), "█": (0, 0)}


def running_with(words: str) -> list[str]:
    """The command lines of processes that mention `words`, this one excepted."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in command and "pytest" not in command:
            found.append(command)
    return found


@contextmanager
def demo(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], str]]]:
    """The running demo, and a function that waits for a line that matches."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    with subprocess.Popen([*DEMO, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None

        def read() -> None:
            for line in process.stdout or ():
                lines.put(line)
            lines.put(None)

        reader = threading.Thread(target=read)
        reader.start()
        said: list[str] = []

        def wait_for(pattern: str) -> str:
            while (line := lines.get(timeout=60)) is not None:
                said.append(line)
                if re.search(pattern, line):
                    return line
            raise AssertionError(f"the demo ended without {pattern!r}:\n{''.join(said)}")

        try:
            yield process, wait_for
        finally:
            process.terminate()
            reader.join(60)


def played(*arguments: str) -> tuple[int, str]:
    """The demo's exit status and all that it said."""
    with subprocess.Popen([*DEMO, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said, _ = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.terminate()
            said, _ = process.communicate()
    return process.returncode, said


@pytest.mark.timeout(PATIENCE_S + 60)
def test_the_show_goes_as_the_script_says_and_the_books_balance(tmp_path: Path) -> None:
    status, said = played("--short", "--folder", str(tmp_path / "demo"))
    assert status == 0, said
    assert "the books balance" in said
    verdicts = [line for line in said.splitlines() if re.search("● (GREEN|AMBER|RED) +[A-Z]", line)]
    shown = [line for line in verdicts if re.match(r"\d\d:\d\d:\d\d ", line)]
    assert len(shown) == 18
    assert {line.split()[-1] for line in shown} == {"online", "offline"}
    proven = [line for line in said.splitlines() if "✓ in the log" in line]
    assert len(proven) == sum("▶ opens" in line for line in shown) > 5
    assert_paths_stand_in_the_log(said, tmp_path / "demo" / "node")
    audited = subprocess.run([*LEDGER, "audit", str(tmp_path / "demo" / "node")], capture_output=True, check=True)
    checked = check_with_another_verifier(tmp_path / "demo" / "node", tmp_path)
    assert checked >= json.loads(audited.stdout)["checked"] > 40
    for gate in ("R1", "B1"):
        source = tomllib.loads((tmp_path / "demo" / gate / "gate.toml").read_text())["camera"]["source"]
        frames = source.removeprefix("follow:")
        assert not Path(frames).exists()
        assert running_with(frames) == []
    assert running_with(str(tmp_path)) == []


def assert_paths_stand_in_the_log(said: str, home: Path) -> None:
    """Every person's steps are what the ledger on disk tells of their ticket, in its order and with its numbers."""
    shown: dict[tuple[str, int], dict[int, str]] = {}
    who = ("", 0)
    for row in re.findall(r"│ (.{1,21}) │ +(\d*) │ +#(\d+) │ (\S+) +│", said.partition("Everybody's path")[2]):
        who = (row[0].strip(), int(row[1])) if row[1] else who
        assert int(row[2]) > max(shown.get(who, {}), default=-1)
        shown.setdefault(who, {})[int(row[2])] = row[3]
    chan, before, chow, lee, wong, ho, lam = shown.values()
    assert list(chan.values()) == [*BOUGHT, "admission"]
    assert list(before.values())[:5] == [*BOUGHT, "identity.attest", "transfer.offer"]
    assert list(chow.values()) == ["transfer.offer", "transfer.reject"]
    assert list(lee.values()) == ["transfer.offer", "transfer.accept", "payment.capture", "admission"]
    paid = ["seat.hold", "sale", "payment.capture", "activation", "key.register"]
    assert sorted(wong.values()) == sorted([*paid, "identity.attest", "resale.list", "refusal"])
    assert list(ho.values()) == ["resale.buy", "payment.capture", "admission"]
    assert list(lam.values()) == ["sponsor.allot", "sponsor.grant", "key.register", "admission"]
    for (_, ticket), steps in shown.items():
        told = subprocess.run([*LEDGER, "--home", home, "tickets", "history", EVENT, str(ticket)],
                              capture_output=True, text=True, timeout=30, check=True)  # fmt: skip
        logged = {step["position"]: step["type"] for step in json.loads(told.stdout)["entries"]}
        assert steps.items() <= logged.items()


def reads(process: subprocess.Popen[str], library: str) -> bool:
    """Whether it has come to the import of a library."""
    return library in Path(f"/proc/{process.pid}/maps").read_text()


@pytest.mark.parametrize("moment", ["its modules are read", "its tickets are imported"])
def test_stopped_at_any_moment_it_ends_in_one_sentence_and_leaves_nothing_running(tmp_path: Path, moment: str) -> None:
    command = [*DEMO, "--short", "--folder", str(tmp_path / "demo")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        while moment == "its modules are read" and not reads(process, "_sodium"):
            assert process.poll() is None
        if moment == "its tickets are imported":
            assert any("each key proves" in line for line in process.stdout or ())
        # As a terminal does it, by two strokes: to every process of the group.
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Stopped by hand" in said
    assert "Traceback" not in said
    assert running_with(str(tmp_path)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_gets_full_in_mid_show_is_what_the_last_word_says(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=64m none {tmp_path} && exec "$@"'
    command = ["unshare", "--mount", "sh", "-euc", mount, "sh", *DEMO, "--short", "--folder", str(tmp_path / "demo")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert any("✓ the ledger node starts" in line for line in process.stdout or ())
        # The disk as that process sees it.
        with pytest.raises(OSError, match="space"):
            Path(f"/proc/{process.pid}/root{tmp_path}/filler").write_bytes(bytes(64 << 20))
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    # A long path is folded anywhere.
    assert f"thediskof{tmp_path / 'demo'}isfull" in re.sub(r"[│\s]", "", said)
    assert not re.search("^Traceback", said, re.MULTILINE)
    assert running_with(str(tmp_path)) == []


def test_a_camera_reads_the_code_in_the_terminal_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    lane = Lane("R1", Spool(tmp_path / "frames"), hall=1, seed=3)
    lane.start()
    source = f"follow:{tmp_path / 'frames'}"
    with demo("--camera", source, "--folder", str(tmp_path / "demo")) as (process, wait_for):
        wait_for("gate is")
        wait_for("Good ticket 1")
        lane.hold_up(Visit([Phone(_code_of(wait_for))], calm=True))
        line = wait_for("● ")
        assert "good ticket 1" in line
        assert "● GREEN" in line
        assert "▶ opens" in line
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    lane.close()
    assert running_with(str(tmp_path)) == []


def test_without_a_camera_one_sentence_says_so(tmp_path: Path) -> None:
    arguments = ["--camera", "/dev/video-none", "--folder", str(tmp_path / "demo")]
    done = subprocess.run([*DEMO, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "there is no such camera" in " ".join(done.stdout.split())
    assert done.stderr == ""


def _code_of(wait_for: Callable[[str], str]) -> str:
    """The text of the QR that the next lines draw in half blocks."""
    rows: list[list[int]] = []
    line = wait_for("[▀▄█]")
    while re.search("[▀▄█]", line):
        rows += [[HALVES[block][half] for block in line.rstrip("\n").ljust(41)[:41]] for half in (0, 1)]
        line = wait_for("")
    picture = np.kron(np.array(rows, dtype=np.uint8), np.ones((6, 6), dtype=np.uint8))
    (text,) = Decoder(second_look=True).see(np.pad(picture, 60, constant_values=255))
    return text
