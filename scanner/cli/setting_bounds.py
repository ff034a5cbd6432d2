"""Values that no camera, page or node can be used with, found before the gate starts; the pins' bounds are in hw."""

from collections.abc import Iterator
from pathlib import Path

from scanner.camera.config import CameraConfig
from scanner.config import Fault
from scanner.sync.address import address_fault

_CAMERA = {
    "width": (16, 16_384),
    "height": (16, 16_384),
    "fps": (0.1, 1000),
    "exposure_us": (1, 1_000_000),
    "lens_position": (0, 100),
    "stale_after": (0.1, 3600),
    "retry_after": (0, 3600),
    "stuck_after": (0.1, 3600),
    "silent_after": (0.1, 3600),
}
_FOURCC = 4


def within(key: str, value: float, least: float, most: float) -> Iterator[Fault]:
    """A fault unless the number is between the bounds; what is no number is between none."""
    if not least <= value <= most:
        yield Fault(key, f"{value} is out of bounds: from {least} to {most}")


def camera(config: CameraConfig) -> Iterator[Fault]:
    """What no camera can be asked for."""
    if not config.source.strip():
        yield Fault("camera.source", 'is empty: "0" is the first USB camera')
    for name, (least, most) in _CAMERA.items():
        yield from within(f"camera.{name}", getattr(config, name), least, most)
    if len(config.pixel_format) != _FOURCC or not config.pixel_format.isascii():
        yield Fault("camera.pixel_format", f"{config.pixel_format!r} is not a format of four letters, like MJPG")


def listener(table: str, host: str, port: int) -> Iterator[Fault]:
    """Where something listens."""
    if not host or any(mark.isspace() or mark == "/" for mark in host):
        yield Fault(f"{table}.host", f"{host!r} is not an address to listen at, like 127.0.0.1")
    if not 0 <= port < 65_536:
        yield Fault(f"{table}.port", "must be from 0 to 65535; 0 takes any that is free")


def node(url: str, ca: str) -> Iterator[Fault]:
    """How the node is reached; empty means as it was enrolled."""
    if url and (fault := address_fault(url)):
        yield Fault("node.url", fault)
    if ca and not Path(ca).is_file():
        yield Fault("node.ca", f"there is no file {ca}")
