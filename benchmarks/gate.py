"""A gate put together as `gate-scanner run` does it, its loop in a thread; only the ledger node is away.

Real view, journal (on the disk of `folder`), signatures, table, status file, page and pin thread. The pins are
gpiozero's mock pins; a pulse is the moment at which the relay's pin rose, and somebody walks through once it is over.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from scanner.admission import Admission, stamp
from scanner.cli.eyes import DebouncedEyes
from scanner.cli.status import StatusFile
from scanner.clock import TrustedClock
from scanner.daemon import Daemon, LoopEvent, Parts
from scanner.gate import Timing
from scanner.hw.gpio import PinChange, RecordingFactory
from scanner.hw.mock import MockTurnstile
from scanner.hw.pins import PinConfig
from scanner.hw.turnstile import GpioHardware
from scanner.hw.watchdog import systemd_watchdog
from scanner.inbox import Inbox
from scanner.journal import Journal
from scanner.kiosk.server import Kiosk
from scanner.ports import GateStatus, Passage, Screen, Sighting, SyncHealth
from scanner.view import GateView
from tests.fakes.event import NOON, compact_code
from tests.fakes.whole_gate import GATE, IDENTITY, FakeNode

PINS = PinConfig(pulse_ms=50, gap_ms=50)
"""The shortest pulse that a gate may be set to: between two people it is only waited for."""
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class BenchGate:
    """One gate; its time starts at NOON and passes as the clock does."""

    daemon: Daemon
    clock: TrustedClock
    journal: Journal
    admission: Admission
    rises: SimpleQueue[PinChange]
    _eyes: DebouncedEyes

    def code(self, ticket: int) -> str:
        """The text on the holder's phone now."""
        return compact_code(ticket, at=int(self.clock.now().seconds)).text()

    def see(self, text: str) -> float:
        """Hand the loop a sighting, as the camera's thread does; seconds until the relay's pin rose."""
        now = time.monotonic()
        self.daemon.inbox.see(Sighting((text,), now, now))
        return self.rise() - now

    def admit(self, text: str) -> None:
        """The scan step alone: a durable verdict, without the loop and the pins."""
        assert self.admission.decide(text, self.clock.now()).opens

    def rise(self) -> float:
        """Wait for the relay; the monotonic second at which it rose."""
        at = self.risen(_PATIENCE)
        assert at is not None, "the relay did not rise"
        return at

    def risen(self, seconds: float) -> float | None:
        """The same, or None after so many seconds."""
        try:
            change = self.rises.get(timeout=seconds)
        except Empty:
            return None
        assert change.high
        return change.at

    def walk_through(self) -> None:
        """The pulse ends, the arm turns, the phone is put away."""
        assert not self.rises.get(timeout=_PATIENCE).high
        self.daemon.inbox.put(Passage(time.monotonic()))
        time.sleep(PINS.gap_ms / 1000 + 0.01)
        self._eyes.forget()


@contextmanager
def bench_gate(folder: Path, view: GateView) -> Iterator[BenchGate]:
    """Gate A1 over this view."""
    started = time.monotonic()
    clock = TrustedClock(lambda: NOON + time.monotonic() - started, time.monotonic, lambda: 0.0)
    node, eyes = FakeNode(away=True), DebouncedEyes()
    with ExitStack() as stack:
        journal = Journal.open(folder / "journal.db", IDENTITY, lambda: stamp(clock.now(), view.size))
        stack.callback(journal.close)
        hardware, rises = _pins(stack)
        admission = Admission(GATE, view, journal, node)
        parts = Parts(
            hardware=hardware,
            journal=journal,
            view=view,
            admission=admission,
            clock=clock,
            eyes=eyes,
            screen=_Screens(folder, stack),
            watchdog=systemd_watchdog({"loop": 5.0}),
            sync_health=SyncHealth,
        )
        inbox: Inbox[LoopEvent] = Inbox()
        # "passed" stays for a moment only: then the gate is ready again, and tidies up when it is.
        daemon = Daemon(GATE, inbox, parts, Timing(passed=0.02))
        daemon.start()
        stack.enter_context(in_thread("loop", daemon.loop, daemon.stop))
        yield BenchGate(daemon, clock, journal, admission, rises, eyes)


@contextmanager
def in_thread(name: str, run: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """`run` in a thread of its own until the end of the block."""
    thread = threading.Thread(target=run, name=name)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()


def _pins(stack: ExitStack) -> tuple[GpioHardware, SimpleQueue[PinChange]]:
    factory, rises = RecordingFactory(), SimpleQueue[PinChange]()
    hardware = GpioHardware(PINS, factory)
    turnstile = MockTurnstile(factory, PINS, None)
    turnstile.start()
    stack.callback(turnstile.close)
    stack.callback(hardware.close)
    factory.watch(lambda change: rises.put(change) if change.number == PINS.relay else None)
    return hardware, rises


class _Screens:
    """The status file and the page, as a running gate has them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        kiosk = Kiosk(0)
        kiosk.start()
        stack.callback(kiosk.close)
        self._all: tuple[Screen, ...] = (StatusFile(folder), kiosk)

    def publish(self, status: GateStatus) -> None:
        for screen in self._all:
            screen.publish(status)
