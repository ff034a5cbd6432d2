"""The gate's hardware: one thread owns the pins; everybody else puts commands in its queue.

It gives pulses, plays lamps and sounds, and reports what the inputs say. It does not decide who may enter, and it
does not drive the fire release, which goes from the alarm panel to the turnstile itself.
"""

import atexit
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from math import inf
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from scanner.errors import HardwareError
from scanner.hw.gpio import Board, Factory
from scanner.hw.inputs import Change, Contact
from scanner.hw.pins import PinConfig
from scanner.hw.relay import Coil, Guard, Relay, refuse
from scanner.hw.signals import LAMPS, SOUNDS, Outputs, Player
from scanner.ports import FireRelease, HardwareEvent, HardwareFault, Listener, Passage, Tamper
from scanner.signs import Lamp, Sound

# The longest that the thread sleeps: how soon an edge that got lost is found, and how often it says that it lives.
_TURN_S = 0.25
# Longer than a pause of the interpreter, shorter than a person needs to notice a gate that stays open.
_GUARD_MARGIN_S = 0.25
_CLAIM_LIMIT_S = 5.0
_CLOSE_LIMIT_S = 2.0
# The same sentence when a fault begins and when it is cleared, so that a listener can match the two.
_STUCK_INPUT = "the passage input stays active: check the sensor and its cable"
_STUCK_THREAD = "the pin thread did not end a pulse in time: the relay was released by its guard"


@dataclass(frozen=True, slots=True)
class _Show:
    lamp: Lamp
    sound: Sound


@dataclass(frozen=True, slots=True)
class _Edge:
    name: str
    at: float


class _Close:
    """The last command."""


_Command = Future[float] | _Show | _Edge | _Close


def _no_progress() -> None:
    """For a caller without a watchdog."""


class GpioHardware:
    """Implements `scanner.ports.Hardware` on the pins of `factory`. `progress` is called at least every 250 ms."""

    def __init__(self, config: PinConfig, factory: Factory, progress: Callable[[], None] = _no_progress) -> None:
        self._config = config
        self._factory = factory
        self._progress = progress
        self._commands: SimpleQueue[_Command] = SimpleQueue()
        self._thread = Thread(target=self._run, name="pins", daemon=True)
        self._started: Future[Board] = Future()
        self._listener: Listener | None = None
        self._in_service = False
        self._closing = False
        self._service = Lock()

    def start(self, listener: Listener) -> None:
        """Claim the pins, relay released. Raises HardwareError if they cannot be had within 5 s.

        `listener` is called from the pin thread (and, if that is stuck, from its guard); it must not block or raise.
        """
        self._listener = listener
        # A daemon thread and an exit hook: a program that ends without close() neither hangs nor leaves the relay on.
        atexit.register(self.close)
        self._thread.start()
        try:
            self._started.result(timeout=_CLAIM_LIMIT_S)
        except TimeoutError:
            raise HardwareError("the pins did not answer within 5 s: check the GPIO driver, then restart") from None

    def pulse(self) -> "Future[float]":
        """One pulse; the future holds the monotonic time of the rise, or HardwareError if there is none."""
        asked: Future[float] = Future()
        with self._service:
            if self._in_service:
                self._commands.put(asked)
                return asked
        refuse(asked, "the pins are not in service: no pulse was given")
        return asked

    def show(self, lamp: Lamp, sound: Sound) -> None:
        """Light one lamp and play one sound, in place of what is lit and playing."""
        self._commands.put(_Show(lamp, sound))

    def close(self) -> None:
        """Relay released, lamps dark, pins free. Returns within 2 s even if the pin thread is stuck."""
        atexit.unregister(self.close)
        if not self._thread.ident:
            return
        self._closing = True
        self._commands.put(_Close())
        self._thread.join(_CLOSE_LIMIT_S)
        if self._thread.is_alive() and self._in_service:
            self._started.result().drive("relay", on=False)

    def _run(self) -> None:
        try:
            board = Board(self._config, self._factory)
        except HardwareError as fault:
            self._started.set_exception(fault)
            return
        assert self._listener is not None
        pins = _Pins(self._config, board, self._listener)
        try:
            pins.start(lambda name, at: self._commands.put(_Edge(name, at)))
            self._in_service = True
            self._started.set_result(board)
            while self._turn(pins):
                self._progress()
        except HardwareError as fault:
            self._listener(HardwareFault(str(fault), time.monotonic()))
        finally:
            pins.close()
            self._end_service()

    def _turn(self, pins: "_Pins") -> bool:
        """Wait for a command or for the next due time, and act on it; False after the last command."""
        wait = min(max(pins.due - time.monotonic(), 0.0), _TURN_S)
        try:
            command = self._commands.get(timeout=wait)
        except Empty:
            pins.advance(time.monotonic())
            return True
        if self._closing or isinstance(command, _Close):
            self._commands.put(command)
            return False
        pins.obey(command)
        pins.advance(time.monotonic())
        return True

    def _end_service(self) -> None:
        with self._service:
            self._in_service = False
        while True:
            try:
                command = self._commands.get_nowait()
            except Empty:
                return
            if isinstance(command, Future):
                refuse(command, "the gate is closing: no pulse was given")


class _Pins:
    """What the pin thread owns: the board and the state of each thing on it."""

    def __init__(self, config: PinConfig, board: Board, listener: Listener) -> None:
        self._board = board
        self._listener = listener
        self._guard = Guard(time.monotonic, _GUARD_MARGIN_S, self._overdue)
        coil = Coil(on=lambda: board.drive("relay", on=True), off=lambda: board.drive("relay", on=False))
        self._relay = Relay(
            coil, time.monotonic, self._guard.expect, pulse=config.pulse_ms / 1000, gap=config.gap_ms / 1000
        )
        self._lamps = Player(lambda on: self._light(("green", "amber", "red"), on))
        self._buzzer = Player(lambda on: self._light(("buzzer",), on))
        now = time.monotonic()
        self._contacts = {
            name: Contact(
                active=board.active(name),
                now=now,
                debounce=config.debounce_ms / 1000,
                stuck_after=config.stuck_s if name == "passage" else inf,
            )
            for name in board.inputs
        }

    @property
    def due(self) -> float:
        contacts = (contact.due for contact in self._contacts.values())
        return min(self._relay.due, self._lamps.due, self._buzzer.due, *contacts)

    def start(self, on_edge: Callable[[str, float], None]) -> None:
        """Begin to listen, and tell what is already active: a fire release may be older than this process."""
        self._guard.start()
        self._board.listen(on_edge)
        for name, contact in self._contacts.items():
            if contact.active and name != "passage":
                self._report(name, Change(active=True, at=time.monotonic()))

    def obey(self, command: "Future[float] | _Show | _Edge") -> None:
        if isinstance(command, Future):
            self._relay.request(command)
        elif isinstance(command, _Edge):
            self._contacts[command.name].edge(command.at)
        else:
            now = time.monotonic()
            self._lamps.play(LAMPS[command.lamp], now)
            self._buzzer.play(SOUNDS[command.sound], now)

    def advance(self, now: float) -> None:
        self._relay.advance(now)
        if self._relay.recovered():
            self._listener(HardwareFault(_STUCK_THREAD, now, cleared=True))
        self._lamps.advance(now)
        self._buzzer.advance(now)
        for name, contact in self._contacts.items():
            change = contact.look(active=self._board.active(name), now=now)
            if change is not None:
                self._report(name, change)
            if contact.became_stuck(now):
                self._listener(HardwareFault(_STUCK_INPUT, now))
            elif contact.came_back():
                self._listener(HardwareFault(_STUCK_INPUT, now, cleared=True))

    def close(self) -> None:
        try:
            self._relay.close()
        except HardwareError as fault:
            self._listener(HardwareFault(f"the relay may be on: {fault}", time.monotonic()))
        finally:
            self._guard.close()
            self._board.close()

    def _light(self, names: tuple[str, ...], on: Outputs) -> None:
        for name in names:
            self._board.drive(name, on=name in on)

    def _overdue(self) -> None:
        try:
            self._relay.blow()
        finally:
            self._listener(HardwareFault(_STUCK_THREAD, time.monotonic()))

    def _report(self, name: str, change: Change) -> None:
        events: dict[str, Callable[[], HardwareEvent]] = {
            "passage": lambda: Passage(change.at),
            "fire_release": lambda: FireRelease(change.active, change.at),
            "tamper": lambda: Tamper(change.active, change.at),
        }
        if name != "passage" or change.active:
            self._listener(events[name]())
