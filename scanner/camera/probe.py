"""A short look through the camera for `gate-scanner doctor`: is there a picture, how large, how often, how much light.

It uses the same child process as the gate, so that a driver that hangs or crashes is a line of the report.
"""

import time
from dataclasses import dataclass

from scanner.camera.config import CameraConfig
from scanner.camera.process import CameraProcess
from scanner.ports import CameraHealth

ENOUGH_FRAMES = 15
# Half of what was asked for still gives seven frames of an approach; below that, the promise of half a second is gone.
SLOW = 0.5


@dataclass(frozen=True, slots=True)
class Probe:
    """What the camera did; `advice` is empty when nothing needs doing."""

    good: bool
    report: str
    advice: str


def probe(config: CameraConfig, patience: float = 10.0) -> Probe:
    """Open the camera, count frames for up to `patience` seconds from when it is open, and say what came of it.

    Never raises.
    """
    camera = CameraProcess(config)
    until = time.monotonic() + patience
    first = last = None
    camera.start()
    try:
        while time.monotonic() < until:
            message = camera.poll(0.5)
            if not isinstance(message, CameraHealth):
                continue
            if message.state == "starting" and (last is None or last.state == "starting"):
                until = time.monotonic() + patience
            last = message
            if message.state == "ok" and first is None:
                first = message
            if first is not None and message.frames - first.frames >= ENOUGH_FRAMES:
                break
    finally:
        camera.close()
    return _judged(config, first, last)


def _judged(config: CameraConfig, first: CameraHealth | None, last: CameraHealth | None) -> Probe:
    if first is None or last is None or last.state != "ok":
        said = "nothing was heard of it" if last is None else f"{last.state}: {last.detail}"
        return Probe(good=False, report=f"camera {config.source}: {said}", advice="check source, cable and power")
    fps = (last.frames - first.frames) / max(last.at - first.at, 1e-3)
    report = f"camera {config.source}: {last.detail} at {fps:.1f} frames a second"
    if fps < config.fps * SLOW:
        return Probe(good=False, report=report, advice="more light, a shorter exposure, or pixel_format MJPG on USB 2")
    return Probe(good=True, report=report, advice="")
