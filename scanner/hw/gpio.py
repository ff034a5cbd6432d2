"""The one door to gpiozero: claim the pins of a wiring, drive them, read them. Rules of the gate are not here.

Whatever goes wrong in gpiozero or in the library below it leaves this module as HardwareError. Nothing here may be
called from two threads, except `Board.drive`, which writes one level.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from gpiozero import DigitalInputDevice, OutputDevice
from gpiozero.pins.mock import MockFactory, MockPin

from scanner.errors import HardwareError
from scanner.hw.lgpio_door import load_lgpio
from scanner.hw.pins import INPUTS, OUTPUTS, PinConfig

# gpiozero has no types; a factory is any gpiozero.pins.Factory.
Factory = Any
OnEdge = Callable[[str, float], None]


class PinChange(NamedTuple):
    """One transition of a mock pin: BCM number, level, CLOCK_MONOTONIC seconds."""

    number: int
    high: bool
    at: float


class RecordingPin(MockPin):  # type: ignore[misc]
    """gpiozero's mock pin, which enforces the real rules, and tells its factory of each transition."""

    def _change_state(self, value: object) -> bool:
        changed: bool = super()._change_state(value)
        if changed:
            self.factory.record(PinChange(self._number, bool(value), time.monotonic()))
        return changed

    def _set_pull(self, value: str) -> None:
        super()._set_pull(value)
        # A contact that is closed outweighs the pull resistor of a pin that is claimed later.
        outside = self.factory.contacts.get(self._number)
        if outside is not None:
            self.factory.drive(self._number, high=outside)


class RecordingFactory(MockFactory):  # type: ignore[misc]
    """Pins of a machine without GPIO. `changes` is every transition in order; a watcher hears each as it happens.

    A watcher runs in the thread that moved the pin and must not block.
    """

    def __init__(self) -> None:
        super().__init__(pin_class=RecordingPin)
        self.changes: list[PinChange] = []
        self.contacts: dict[int, bool] = {}
        self._watchers: list[Callable[[PinChange], None]] = []

    def record(self, change: PinChange) -> None:
        """Note a transition; called by the pins."""
        self.changes.append(change)
        for watcher in self._watchers:
            watcher(change)

    def watch(self, watcher: Callable[[PinChange], None]) -> None:
        """Call `watcher` with each later transition."""
        self._watchers.append(watcher)

    def level(self, number: int) -> bool:
        """Whether a pin is high now."""
        return bool(self.pin(number).state)

    def drive(self, number: int, *, high: bool) -> None:
        """Move an input from outside, as a contact does."""
        self.contacts[number] = high
        pin = self.pin(number)
        if high:
            pin.drive_high()
        else:
            pin.drive_low()


def open_gpio() -> Factory:
    """The pins of this machine, through lgpio. Raises HardwareError when it has none or they may not be used."""
    with _as_hardware_error("open the GPIO chip (is this a Raspberry Pi, and is the user in the group gpio?)"):
        # Here and not above: a gate with mock pins does without.
        load_lgpio()
        from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415

        return LGPIOFactory()


class Board:
    """The claimed pins of one wiring. Claiming drives every output to its resting level."""

    def __init__(self, config: PinConfig, factory: Factory, names: tuple[str, ...] = (*OUTPUTS, *INPUTS)) -> None:
        self._outputs: dict[str, Any] = {}
        self._inputs: dict[str, Any] = {}
        self._inverted = frozenset(config.normally_closed)
        try:
            for name, number in config.wired().items():
                if name in names:
                    self._claim(name, number, config, factory)
        except HardwareError:
            self.close()
            raise

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs that are wired."""
        return tuple(self._inputs)

    def drive(self, name: str, *, on: bool) -> None:
        """Set one output; one that is not wired is ignored. Raises HardwareError."""
        device = self._outputs.get(name)
        if device is not None:
            with _as_hardware_error(f"drive the {name} pin"):
                device.value = on

    def active(self, name: str) -> bool:
        """Whether an input is active now: the contact is not as it is at rest. Raises HardwareError."""
        with _as_hardware_error(f"read the {name} pin"):
            return bool(self._inputs[name].value) != (name in self._inverted)

    def listen(self, on_edge: OnEdge) -> None:
        """Call `on_edge(name, time)` on each edge of an input, from a thread that is not ours."""
        for name, device in self._inputs.items():
            device.when_activated = device.when_deactivated = _edge_of(name, on_edge)

    def close(self) -> None:
        """Outputs to rest and pins free, the relay first; goes on past a pin that fails. May be called twice."""
        devices = [*self._outputs.values(), *self._inputs.values()]
        for device in self._outputs.values():
            _quietly(device.off)
        for device in devices:
            _quietly(device.close)
        self._outputs, self._inputs = {}, {}

    def _claim(self, name: str, number: int, config: PinConfig, factory: Factory) -> None:
        with _as_hardware_error(f"claim GPIO{number} for pins.{name}"):
            if name in OUTPUTS:
                self._outputs[name] = OutputDevice(
                    number, active_high=name not in config.active_low, initial_value=False, pin_factory=factory
                )
            else:
                self._inputs[name] = DigitalInputDevice(
                    number, pull_up=name not in config.pull_down, pin_factory=factory
                )


def _edge_of(name: str, on_edge: OnEdge) -> Callable[[], None]:
    return lambda: on_edge(name, time.monotonic())


def _quietly(action: Callable[[], None]) -> None:
    """Letting go must reach every pin, and a pin that fails to let go can do no more than be skipped."""
    with suppress(Exception):  # lgpio raises classes that exist only where it is installed
        action()


@contextmanager
def _as_hardware_error(doing: str) -> Iterator[None]:
    try:
        yield
    except HardwareError:
        raise
    except Exception as fault:
        raise HardwareError(f"cannot {doing}: {fault or type(fault).__name__}") from fault
