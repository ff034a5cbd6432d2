"""What the parts of a gate say to each other: plain values and the duties of each port. No behaviour is here.

Times are seconds of CLOCK_MONOTONIC, which is one clock for all processes of a machine, unless a name says otherwise.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, Protocol

CameraState = Literal["starting", "ok", "lost", "frozen", "decoder-died"]
Lamp = Literal["off", "ready", "green", "amber", "red", "fault"]
Sound = Literal["none", "admit", "amber", "refuse", "fault"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """The texts that one frame held, in no order; never empty."""

    texts: tuple[str, ...]
    captured_at: float
    decoded_at: float


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """How the camera is; sent on each change of state and as a sign of life at least once a second."""

    state: CameraState
    detail: str
    frames: int
    at: float


class Camera(Protocol):
    """A source of sightings. One thread polls it; a camera that is lost is retried inside, without an end."""

    def start(self) -> None:
        """Begin; returns at once, and the first health says how it went."""

    def poll(self, timeout: float) -> Sighting | CameraHealth | None:
        """The next thing seen, or None after `timeout` seconds. Never raises for a camera that is gone."""

    def close(self) -> None:
        """Give the device back; may be called twice."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody went through: one turn of the turnstile."""

    at: float


@dataclass(frozen=True, slots=True)
class FireRelease:
    """The alarm panel holds the gate open, or let it go; we sense it and do not drive it."""

    active: bool
    at: float


@dataclass(frozen=True, slots=True)
class Tamper:
    """The housing was opened or closed."""

    active: bool
    at: float


@dataclass(frozen=True, slots=True)
class HardwareFault:
    """An input or output that cannot be believed, e.g. a passage input that never goes back."""

    detail: str
    at: float
    cleared: bool = False


HardwareEvent = Passage | FireRelease | Tamper | HardwareFault
Listener = Callable[[HardwareEvent], None]


class Hardware(Protocol):
    """The turnstile, the lamps, the buzzer and the inputs of one gate. One thread inside owns the pins."""

    def start(self, listener: Listener) -> None:
        """Claim the pins with the relay released; `listener` is called from the pin thread and must not block."""

    def pulse(self) -> "Future[float]":
        """Release the turnstile once for the configured time; the future holds when the pin rose, or HardwareError."""

    def show(self, lamp: Lamp, sound: Sound) -> None:
        """Light one lamp and play one sound; returns at once."""

    def close(self) -> None:
        """Leave the relay released, the lamps dark and the pins free; may be called twice."""
