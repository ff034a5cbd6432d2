"""A gate put together for tests: real journal, view, signatures and mock pins; only time and the node are held.

The node is `FakeNode`: it keeps the one use of each ticket, as the real one does, and can be silent or away.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scanner.admission import Admission, Decision
from scanner.cli.eyes import DebouncedEyes
from scanner.clock import TrustedClock
from scanner.clock_watch import ClockDesk, NoDesk
from scanner.daemon import Daemon, LoopEvent, Parts
from scanner.hw.gpio import RecordingFactory
from scanner.hw.mock import MockTurnstile
from scanner.hw.pins import PinConfig
from scanner.hw.turnstile import GpioHardware
from scanner.inbox import Inbox
from scanner.journal import Identity, Journal
from scanner.ports import GateStatus, Receipt, Sighting, SyncHealth, Waiting
from scanner.verify.entry import Entry, open_entry
from scanner.verify.manifest import EventManifest
from scanner.verify.row import Row
from scanner.view import GateView, Trust
from tests.fakes.clockwork import HandClock, wait_until
from tests.fakes.event import DEVICE, EVENT, NODE, NOON, event_manifest, row, stamp_at, write_snapshot_file

GATE = "A1"
LOG_SIZE = 100
IDENTITY = Identity("gate-1", GATE, EVENT, DEVICE)


@dataclass
class FakeNode:
    """Implements ports.Claims: first come, first served; `answer` overrides it, `away` and `silent` say why not.

    A silent one has not answered after `silent_s` seconds.
    """

    away: bool = True
    silent: bool = False
    silent_s: float = 0.0
    copied: bool = False
    answer: Receipt | None = None
    used: dict[int, str] = field(default_factory=dict)
    heard: list[Entry] = field(default_factory=list)

    def available(self) -> bool:
        return not self.away

    def claim(self, record: Waiting, deadline_s: float) -> Receipt | None:
        assert deadline_s > 0
        entry = open_entry(record.raw)
        assert isinstance(entry, Entry)
        self.heard.append(entry)
        if self.silent:
            time.sleep(min(self.silent_s, deadline_s))
            return None
        if self.answer:
            return self.answer
        ticket = entry.body["ticket"]
        if ticket in self.used:
            return Receipt(record.counter, "duplicate", LOG_SIZE + 1, (self.used[ticket], NOON - 5))
        self.used[ticket] = entry.body["gate"]
        return Receipt(record.counter, "accepted", LOG_SIZE)


@dataclass
class FakeScreen:
    """Keeps what was shown."""

    shown: list[GateStatus] = field(default_factory=list)

    def publish(self, status: GateStatus) -> None:
        self.shown.append(status)


class FakeWatchdog:
    """Counts the loop's turns."""

    def __init__(self) -> None:
        self.beats = 0

    def beat(self, part: str) -> None:
        assert part == "loop"
        self.beats += 1

    def feed(self) -> list[str]:
        return []


@dataclass
class WholeGate:
    """The parts, within reach of a test. `clock` turns the gate's time; nothing runs but the pins."""

    folder: Path
    clock: HandClock
    journal: Journal
    view: GateView
    node: FakeNode
    daemon: Daemon
    screen: FakeScreen
    turnstile: MockTurnstile
    factory: RecordingFactory
    admission: Admission
    time: TrustedClock

    def decide(self, text: str) -> Decision:
        """One scan without the loop."""
        return self.admission.decide(text, self.time.now())

    def show(self, *texts: str) -> GateStatus:
        """Hold codes up to the camera, long enough to be believed; let the loop act on it."""
        for _ in range(3):
            self.daemon.handle(Sighting(texts, self.clock(), self.clock()))
            self.clock.pass_time(0.2)
        return self.screen.shown[-1]

    def take_away(self) -> None:
        """Nothing in view for long enough that the next code counts as new."""
        self.clock.pass_time(3)

    def settle(self) -> GateStatus:
        """Let the loop take what the pins have to say."""
        while (event := self.daemon.inbox.get(0.05)) is not None:
            self.daemon.handle(event)
        return self.screen.shown[-1]

    def let_time_pass(self, seconds: float) -> GateStatus:
        """Turn the clock and let the loop do what is due."""
        self.clock.pass_time(seconds)
        self.daemon.turn()
        return self.screen.shown[-1]

    def pulses(self) -> int:
        """How often the relay was accepted by the turnstile."""
        return len(self.turnstile.openings)

    def await_pulses(self, number: int) -> None:
        """Wait for the pin thread."""
        wait_until(lambda: self.pulses() >= number, f"{number} pulses")

    def lit(self, lamp: str) -> bool:
        """Whether this lamp's pin is high now."""
        return self.factory.level(PinConfig().wired()[lamp])

    def kinds(self) -> list[str]:
        """The types of all records, oldest first."""
        entries = [open_entry(raw) for raw in self.journal.records()]
        return [entry.type for entry in entries if isinstance(entry, Entry)]


@contextmanager
def whole_gate(
    folder: Path,
    rows: list[Row] | None = None,
    manifest: EventManifest | None = None,
    *,
    passage_s: float | None = 0.05,
    clock_desk: ClockDesk | None = None,
) -> Iterator[WholeGate]:
    """A gate A1 at NOON with tickets 1 to 20 of gate group 1, the node away, the camera well."""
    clock = HandClock(float(NOON))
    with ExitStack() as stack:
        view = GateView(folder / "view", Trust(NODE.public, EVENT), "test", monotonic=clock)
        stack.callback(view.close)
        tickets = [row(number) for number in range(1, 21)] if rows is None else rows
        view.install(write_snapshot_file(folder / "download", tickets, LOG_SIZE, manifest=manifest or event_manifest()))
        journal = stack.enter_context(Journal.open(folder / "journal.db", IDENTITY, stamp_at))
        config = PinConfig(pulse_ms=120)
        factory = RecordingFactory()
        hardware, turnstile = GpioHardware(config, factory), MockTurnstile(factory, config, passage_s)
        turnstile.start()
        stack.callback(turnstile.close)
        stack.callback(hardware.close)
        node, screen = FakeNode(), FakeScreen()
        time = TrustedClock(clock, clock, lambda: 0.0)
        admission = Admission(GATE, view, journal, node)
        inbox: Inbox[LoopEvent] = Inbox()
        parts = Parts(
            hardware=hardware,
            journal=journal,
            view=view,
            admission=admission,
            clock=time,
            clock_desk=clock_desk or NoDesk(),
            eyes=DebouncedEyes(),
            screen=screen,
            watchdog=FakeWatchdog(),
            sync_health=lambda: SyncHealth(online=not node.away, copied=node.copied),
        )
        daemon = Daemon(GATE, inbox, parts, monotonic=clock)
        daemon.start()
        yield WholeGate(folder, clock, journal, view, node, daemon, screen, turnstile, factory, admission, time)
