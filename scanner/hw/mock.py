"""A turnstile for a machine without one: it turns after a pulse, or never, on gpiozero's mock pins.

It keeps the rules of the real thing: a pulse under 100 ms opens nothing, one opening is one turn, and a contact
bounces. It does not decide anything, and it is not used on a gate with GPIO.
"""

import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread

from scanner.hw.gpio import PinChange, RecordingFactory
from scanner.hw.pins import INPUTS, PinConfig
from scanner.hw.turnstile import GpioHardware

# PERCo's tripods want 100 ms of dry contact; the sensor of one turn closes for about as long.
LEAST_PULSE_S = 0.1
TURN_S = 0.15


class MockTurnstile:
    """Somebody who walks through `passage_s` seconds after each release; `None` for somebody who never does.

    `openings` is when each release was accepted (monotonic seconds).
    """

    def __init__(self, factory: RecordingFactory, config: PinConfig, passage_s: float | None) -> None:
        self._factory = factory
        self._config = config
        self._passage_s = passage_s
        self._relay: SimpleQueue[PinChange | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="mock-turnstile", daemon=True)
        self._closing = Event()
        self.openings: list[float] = []

    def start(self) -> None:
        """Put every contact at rest and begin to watch the relay pin; call it before the hardware starts."""
        for name in INPUTS:
            if name in self._config.wired():
                self.contact(name, active=False)
        self._factory.watch(self._hear)
        self._thread.start()

    def turn(self) -> None:
        """One turn of the arm, whoever asked for it; returns when the arm is at rest."""
        self.contact("passage", active=True)
        self._closing.wait(TURN_S)
        self.contact("passage", active=False)

    def contact(self, name: str, *, active: bool) -> None:
        """Move the contact of one input, with one bounce."""
        closed = active != (name in self._config.normally_closed)
        high = closed == (name in self._config.pull_down)
        for level in (high, not high, high):
            self._factory.drive(self._config.wired()[name], high=level)

    def close(self) -> None:
        """Nobody walks any more; may be called twice."""
        self._closing.set()
        self._relay.put(None)
        if self._thread.ident:
            self._thread.join()

    def _hear(self, change: PinChange) -> None:
        if change.number == self._config.relay:
            self._relay.put(change)

    def _run(self) -> None:
        risen_at = 0.0
        while (change := self._relay.get()) is not None:
            if change.high == ("relay" not in self._config.active_low):
                risen_at = change.at
            elif change.at - risen_at >= LEAST_PULSE_S:
                self._open(risen_at)

    def _open(self, risen_at: float) -> None:
        self.openings.append(risen_at)
        if self._passage_s is not None:
            closing = self._closing.wait(max(risen_at + self._passage_s - time.monotonic(), 0.0))
            if not closing:
                self.turn()


def mock_hardware(
    config: PinConfig, passage_s: float | None, progress: Callable[[], None]
) -> tuple[GpioHardware, MockTurnstile]:
    """The hardware of `pins = "mock"`: start the turnstile, then the hardware; close them the other way round."""
    factory = RecordingFactory()
    return GpioHardware(config, factory, progress), MockTurnstile(factory, config, passage_s)
