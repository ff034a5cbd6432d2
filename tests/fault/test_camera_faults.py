"""A camera that is pulled out, freezes, or whose decoder crashes: noticed within three seconds, cured in place.

Real processes, real signals, real pictures; the cameras are spools that a thread fills, as a driver fills its queue.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from scanner.camera import CameraConfig, CameraProcess, process
from scanner.camera.images import save
from scanner.camera.probe import probe
from scanner.ports import CameraHealth, Sighting
from tests.show.phone import Phone, empty_scene, still
from tests.unit.camera.texts import gate_text

NOTICED_WITHIN = 3.0
# A busy machine starts Python slowly; this bounds a broken test, it measures nothing.
PATIENCE = 25.0


class Spool:
    """A camera of files: 20 new frames a second until told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rng = np.random.default_rng(1)
        self.number = 0
        self.running = threading.Event()
        self.frozen = threading.Event()
        self._stop = threading.Event()
        self._last = empty_scene(self.rng)
        self._thread = threading.Thread(target=self._fill)

    def __enter__(self) -> "Spool":
        self.running.set()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def show(self, frame: np.ndarray) -> None:
        self.number += 1
        aside = self.folder / f".{self.number:06d}.jpg"
        try:
            save(aside, frame)
            aside.replace(self.folder / f"{self.number:06d}.jpg")
            (self.folder / f"{self.number - 20:06d}.jpg").unlink(missing_ok=True)
        except Exception:
            if self.folder.exists():
                raise

    def _fill(self) -> None:
        while not self._stop.wait(0.05):
            if self.running.is_set() and self.folder.exists():
                if not self.frozen.is_set():
                    self._last = empty_scene(self.rng)
                self.show(self._last)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    folder = tmp_path / "spool"
    folder.mkdir()
    with Spool(folder) as spool:
        yield spool


@pytest.fixture
def camera(spool: Spool) -> Iterator[CameraProcess]:
    camera = CameraProcess(CameraConfig(source=f"follow:{spool.folder}", stale_after=1.0, retry_after=0.2))
    camera.start()
    yield camera
    camera.close()


def health_until(camera: CameraProcess, state: str, patience: float = PATIENCE) -> CameraHealth:
    """Poll until the camera is in `state`."""
    until = time.monotonic() + patience
    seen = []
    while time.monotonic() < until:
        message = camera.poll(0.5)
        if isinstance(message, CameraHealth):
            seen.append(message.state)
            if message.state == state:
                return message
    raise AssertionError(f"no {state!r} within {patience} s, only {sorted(set(seen))}")


def text_until(camera: CameraProcess, spool: Spool, text: str) -> Sighting:
    """Show `text` until it is read."""
    until = time.monotonic() + PATIENCE
    rng = np.random.default_rng(3)
    while time.monotonic() < until:
        spool.show(still(Phone(text), rng))
        message = camera.poll(0.2)
        if isinstance(message, Sighting) and text in message.texts:
            return message
    raise AssertionError("the text was never read")


def test_code_in_a_followed_folder_is_read(camera: CameraProcess, spool: Spool) -> None:
    health_until(camera, "ok")
    before = time.monotonic()
    sighting = text_until(camera, spool, gate_text(spool.rng))
    assert before <= sighting.captured_at <= sighting.decoded_at <= time.monotonic()


@pytest.mark.parametrize("crash", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_decoder_that_crashes_is_noticed_and_restarted(camera: CameraProcess, spool: Spool, crash: int) -> None:
    frames = health_until(camera, "ok").frames
    first = camera.pid
    os.kill(first, crash)
    died = health_until(camera, "decoder-died", NOTICED_WITHIN)
    assert str(-crash) in died.detail
    health_until(camera, "starting")
    assert health_until(camera, "ok").frames > frames
    assert camera.pid != first
    text_until(camera, spool, gate_text(spool.rng))


def test_decoder_that_hangs_is_killed_and_restarted(camera: CameraProcess) -> None:
    health_until(camera, "ok")
    first = camera.pid
    os.kill(first, signal.SIGSTOP)
    assert "silent" in health_until(camera, "decoder-died", NOTICED_WITHIN + 1).detail
    health_until(camera, "ok")
    assert camera.pid != first


def slow_start(folder: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Let every Python that is started do this first: a board on which the imports take their time."""
    (folder / "sitecustomize.py").write_text(how)
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")


def test_a_slow_start_is_waited_for_as_long_as_it_gets_somewhere(
    tmp_path: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as long as a child may stand still, and longer than one that has begun may be silent."""
    busy = "import time\nend = time.process_time() + 4.0\nwhile time.process_time() < end: pass\n"
    slow_start(tmp_path, monkeypatch, busy)
    monkeypatch.setattr(process, "START_LIMIT", 2.0)
    camera = CameraProcess(CameraConfig(source=f"follow:{spool.folder}"))
    camera.start()
    first, states, until = camera.pid, set(), time.monotonic() + 2 * PATIENCE
    while "ok" not in states and time.monotonic() < until:
        if isinstance(message := camera.poll(0.5), CameraHealth):
            states.add(message.state)
    assert states == {"starting", "ok"}
    assert camera.pid == first
    camera.close()


def test_a_start_that_gets_nowhere_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_start(tmp_path, monkeypatch, "import time\ntime.sleep(600)\n")
    monkeypatch.setattr(process, "START_LIMIT", 1.0)
    camera = CameraProcess(CameraConfig(source=f"follow:{tmp_path}"))
    camera.start()
    first = camera.pid
    assert "did not start" in health_until(camera, "decoder-died").detail
    health_until(camera, "starting")
    assert camera.pid != first
    camera.close()


def test_camera_unplugged_is_lost_and_comes_back(camera: CameraProcess, spool: Spool) -> None:
    health_until(camera, "ok")
    first = camera.pid
    away = spool.folder.with_name("unplugged")
    spool.folder.rename(away)
    assert "spool" in health_until(camera, "lost", NOTICED_WITHIN).detail
    away.rename(spool.folder)
    health_until(camera, "ok")
    assert camera.pid == first
    text_until(camera, spool, gate_text(spool.rng))


def test_camera_that_stops_delivering_is_frozen(camera: CameraProcess, spool: Spool) -> None:
    health_until(camera, "ok")
    spool.running.clear()
    assert "no new frame" in health_until(camera, "frozen", NOTICED_WITHIN).detail
    spool.running.set()
    health_until(camera, "ok")


def test_same_bits_again_and_again_is_frozen(camera: CameraProcess, spool: Spool) -> None:
    health_until(camera, "ok")
    spool.frozen.set()
    assert "one bit" in health_until(camera, "frozen", NOTICED_WITHIN).detail
    spool.frozen.clear()
    health_until(camera, "ok")


def test_broken_and_tiny_pictures_do_no_harm(camera: CameraProcess, spool: Spool) -> None:
    health_until(camera, "ok")
    first = camera.pid
    for data in (b"", b"\xff\xd8\xff", b"not a picture"):
        spool.number += 1
        (spool.folder / f"{spool.number:06d}.jpg").write_bytes(data)
    spool.show(np.zeros((1, 1), np.uint8))
    spool.show(np.zeros((40, 3000), np.uint8))
    text_until(camera, spool, gate_text(spool.rng))
    assert camera.pid == first


def test_sign_of_life_comes_each_second_in_every_state(tmp_path: Path) -> None:
    camera = CameraProcess(CameraConfig(source=f"follow:{tmp_path / 'nowhere'}"))
    camera.start()
    told = []
    until = time.monotonic() + 4.0
    while time.monotonic() < until:
        message = camera.poll(0.25)
        if message is not None:
            told.append((time.monotonic(), message.state))
    camera.close()
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(told)]
    assert max(gaps) < 2.0
    assert told[-1][1] == "lost"


def test_child_dies_with_its_parent_and_holds_none_of_its_files(tmp_path: Path) -> None:
    secret = tmp_path / "journal.db"
    program = (
        "import sys, time; from scanner.camera import *; "
        f"kept = open({str(secret)!r}, 'w'); import os; os.set_inheritable(kept.fileno(), True); "
        f"camera = CameraProcess(CameraConfig(source='follow:{tmp_path}')); camera.start(); "
        "print(camera.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        held = {str(link.readlink()) for link in Path(f"/proc/{child}/fd").iterdir() if link.exists()}
        parent.kill()
    assert str(secret) not in held
    until = time.monotonic() + PATIENCE
    while alive(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_close_ends_the_child_and_may_be_called_twice(camera: CameraProcess) -> None:
    health_until(camera, "ok")
    child = camera.pid
    camera.close()
    camera.close()
    assert not alive(child)
    assert camera.poll(0.0) is None


def test_probe_says_what_the_camera_does(spool: Spool) -> None:
    seen = probe(CameraConfig(source=f"follow:{spool.folder}", fps=20.0))
    assert seen.good
    assert "1280x720 at" in seen.report
    missing = probe(CameraConfig(source="97"), patience=2.0)
    assert not missing.good
    assert "there is no such camera" in missing.report
    assert missing.advice
