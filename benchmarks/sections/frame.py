"""From the newest frame to the pulse, through the real camera process.

Another process's pictures arrive in a folder, as they do for `follow:`; the camera's child decodes the newest and tells
the gate. The clock starts at `captured_at`, which is when the frame of the sighting that opened the gate was in the
child's hands, and ends when the relay's pin rose. What the decoding alone takes is measured on the same frames here.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.figures import Bench, Figure, Limit, Target, ms
from benchmarks.gate import BenchGate, bench_gate, in_thread
from benchmarks.tickets import gate_view, holders
from benchmarks.timing import best_of, once, percentile, spread
from scanner.camera import CameraConfig, CameraProcess
from scanner.camera.decode import Decoder
from scanner.camera.images import Gray, save
from scanner.ports import CameraHealth, Sighting
from tests.show.phone import Phone, empty_scene, still

SLACK_MS = 3.0
FRAME_S = 1 / 30
_PATIENCE = 20.0


def run(bench: Bench) -> list[Figure]:
    tickets, people = bench.most_tickets, bench.pick(15, 3)
    bench.tell(f"frame: a view of {tickets:,} tickets, the camera's process")
    with (
        bench.room() as folder,
        gate_view(folder, tickets) as view,
        bench_gate(folder, view) as gate,
        _camera(folder / "spool", gate) as camera,
    ):
        waiting = holders(tickets)
        bench.tell("frame: one person after the other")
        _admit(gate, camera, list(islice(waiting, 2)))
        taken = best_of(bench.pick(8, 1), [lambda: _admit(gate, camera, list(islice(waiting, people)))])
        assert gate.journal.counts().refused == 0, "a good ticket was refused: these figures mean nothing"
    decode = ms(taken["decode"])
    target = Target(decode + SLACK_MS, f"at most decode + {SLACK_MS:.0f} ms")
    limit = Limit("decoding that frame, nothing else", decode)
    what = f"newest frame to pulse, {tickets:,} tickets"
    return [
        Figure(f"{what}: p50", ms(taken["p50"]), "ms", limit, target),
        Figure(f"{what}: p99", ms(taken["p99"]), "ms", limit),
    ]


@dataclass
class _Camera:
    """The camera's process, and the thread that hands on what it says."""

    spool: Path
    process: CameraProcess
    gate: BenchGate
    sightings: dict[str, Sighting] = field(default_factory=dict)
    well: threading.Event = field(default_factory=threading.Event)
    ending: threading.Event = field(default_factory=threading.Event)
    shown: int = 0

    def show(self, frame: Gray) -> None:
        """Rename a picture into the spool, and take the one before away."""
        new = self.spool / ".new.png"
        save(new, frame)
        new.rename(self.spool / f"{self.shown:08}.png")
        (self.spool / f"{self.shown - 2:08}.png").unlink(missing_ok=True)
        self.shown += 1

    def watch(self) -> None:
        """The camera's thread of a gate: first sightings are remembered for the clock."""
        self.process.start()
        while not self.ending.is_set():
            match self.process.poll(0.5):
                case Sighting() as sighting:
                    for text in sighting.texts:
                        self.sightings.setdefault(text, sighting)
                    self.gate.daemon.inbox.see(sighting)
                case CameraHealth("ok"):
                    self.well.set()
        self.process.close()


@contextmanager
def _camera(spool: Path, gate: BenchGate) -> Iterator[_Camera]:
    spool.mkdir()
    camera = _Camera(spool, CameraProcess(CameraConfig(source=f"follow:{spool}", stale_after=60.0)), gate)
    with in_thread("camera", camera.watch, camera.ending.set):
        rng, give_up = np.random.default_rng(5), time.monotonic() + _PATIENCE
        while not camera.well.is_set() and time.monotonic() < give_up:
            camera.show(empty_scene(rng))
            time.sleep(0.1)
        assert camera.well.is_set(), "the camera's process did not come up"
        yield camera


def _admit(gate: BenchGate, camera: _Camera, tickets: list[int]) -> dict[str, float]:
    rng = np.random.default_rng(tickets[0])
    taken, decoding = [], []
    for ticket in tickets:
        text = gate.code(ticket)
        frames = [still(Phone(text), rng) for _ in range(3)]
        decoding.append(once(partial(Decoder().see, frames[0])))
        taken.append(_rise(gate, camera, frames) - camera.sightings[text].captured_at)
        gate.walk_through()
        camera.show(empty_scene(rng))
    return spread(taken) | {"decode": percentile(decoding, 50)}


def _rise(gate: BenchGate, camera: _Camera, frames: list[Gray]) -> float:
    """Show the phone, frame by frame as a camera would, until the gate opens; when it did."""
    for n in range(100):
        camera.show(frames[n % len(frames)])
        if (at := gate.risen(FRAME_S)) is not None:
            return at
    raise AssertionError("the code was not read")
