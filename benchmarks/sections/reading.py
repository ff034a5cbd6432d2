"""Reading codes: milliseconds and shares read by condition, and what a frame without a code costs.

Frames are drawn (tests/show/phone.py) and handed over as grey pictures of 1280x720: unpacking a camera's MJPEG is not
in these figures.
"""

import time
from collections.abc import Iterator
from functools import partial
from itertools import cycle

import numpy as np

from benchmarks import limits
from benchmarks.figures import Bench, Figure, Limit, Target, ms
from benchmarks.timing import best, once, percentile
from scanner.camera.decode import Decoder, read
from scanner.camera.images import Gray, halved, smoothed
from tests.show.phone import CONDITIONS, Condition, Phone, any_condition, empty_scene, shots, still
from tests.unit.camera.texts import gate_text

FPS = 30
IN_TIME = 15
"""Frames in half a second."""


def run(bench: Bench) -> list[Figure]:
    figures = [_condition(bench, name, how) for name, how in CONDITIONS.items()]
    return [*figures, _visitors(bench), *_without_code(bench)]


def _condition(bench: Bench, name: str, how: Condition) -> Figure:
    rng = np.random.default_rng(11)
    bench.tell(f"reading: {name}")
    frames = []
    for n in range(bench.pick(40, 3)):
        text = gate_text(rng, full=n % 2 == 1)
        frames.append((text, still(Phone(text), rng, how, scene=n % 6)))
    single = _share(text in _cheap_looks(frame) for text, frame in frames)
    whole = _share(_in_time(rng, how, n) for n in range(bench.pick(20, 2)))
    taken = best(
        bench.pick(3, 1),
        zxing=limits.decode_s,
        frame=lambda: percentile([once(partial(_cheap_looks, frame)) for _, frame in frames], 50),
    )
    return Figure(
        f"two looks at a frame: {name}",
        ms(taken["frame"]),
        "ms",
        Limit("one zxing-cpp pass over a clean frame", ms(taken["zxing"])),
        note=f"single frames read {single:.0f} %, approaches within 0.5 s {whole:.0f} %",
    )


def _visitors(bench: Bench) -> Figure:
    """A mixed crowd, as it comes: the promise is about approaches, not about frames."""
    rng, crowd = np.random.default_rng(12), bench.pick(250, 4)
    bench.tell(f"reading: {crowd} approaches")
    share = _share(_in_time(rng, any_condition(rng), n) for n in range(crowd))
    target = Target(99.5, "at least 99.5 %")
    return Figure(f"{crowd} mixed approaches read within 0.5 s", share, "%", target=target)


def _without_code(bench: Bench) -> list[Figure]:
    """CPU time of this thread, because others want the cores too."""
    bench.tell("reading: frames without a code")
    rng, count = np.random.default_rng(13), bench.pick(120, 60)
    idle = [empty_scene(rng) for _ in range(count)]
    crowd = [empty_scene(rng, seed) for seed, _ in zip(cycle(range(1, 7)), range(count), strict=False)]
    taken = best(
        bench.pick(5, 1),
        zxing=limits.decode_s,
        idle=lambda: _cpu_per_frame(idle),
        crowd=lambda: _cpu_per_frame(crowd),
    )
    limit = Limit("one zxing-cpp pass over a clean frame", ms(taken["zxing"]))
    target = Target.of_time(2, limit)
    return [
        Figure("no code, nobody at the gate: CPU a frame", ms(taken["idle"]), "ms", limit, target),
        Figure(
            "no code, everything moves: CPU a frame",
            ms(taken["crowd"]),
            "ms",
            limit,
            target,
            note="mean over all looks, the enlarged and the second decoder's among them",
        ),
    ]


def _cpu_per_frame(frames: list[Gray]) -> float:
    decoder, began = Decoder(), time.thread_time()
    for frame in frames:
        decoder.see(frame)
    return (time.thread_time() - began) / len(frames)


def _cheap_looks(frame: Gray) -> tuple[str, ...]:
    """What the decoder does with two frames that follow each other: half the size, then the whole, smoothed."""
    return read(halved(frame)) + read(smoothed(frame))


def _in_time(rng: np.random.Generator, how: Condition, n: int) -> bool:
    """Whether an approach is read within half a second of the symbol being whole in view."""
    text, decoder, whole = gate_text(rng, full=n % 2 == 1), Decoder(), 0
    for shot in shots(Phone(text), rng, how, FPS, leave=False, scene=n % 6, skip_to_whole=True):
        whole += shot.whole or whole > 0
        if text in decoder.see(shot.frame):
            return True
        if whole >= IN_TIME:
            break
    return False


def _share(happened: Iterator[bool]) -> float:
    outcomes = list(happened)
    return 100 * sum(outcomes) / len(outcomes)
