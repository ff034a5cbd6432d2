"""What the lamps of a gate out of service say: not there yet is told apart from broken, whatever came first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scanner.clock import TrustedClock
from scanner.daemon import Daemon, LoopEvent, Parts, SyncNews
from scanner.inbox import Inbox
from scanner.ports import CameraHealth, SyncHealth
from tests.fakes.whole_gate import FakeScreen, FakeWatchdog, WholeGate, whole_gate

STARTING, WELL = CameraHealth("starting", "opening", 0, 0.0), CameraHealth("ok", "1280x720", 1, 0.0)
LOST, DEAD = CameraHealth("lost", "unplugged", 1, 0.0), CameraHealth("decoder-died", "", 1, 0.0)


@dataclass
class Lamps:
    """Stands in for the pins: keeps what was shown."""

    shown: list[tuple[str, str]] = field(default_factory=list)

    def start(self, _listener: object) -> None:
        """Nothing to claim."""

    def show(self, lamp: str, sound: str) -> None:
        self.shown.append((lamp, sound))


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[WholeGate]:
    with whole_gate(tmp_path) as gate:
        yield gate


def started(whole: WholeGate) -> tuple[Daemon, Lamps]:
    """A second loop on the same journal and view, with lamps that remember."""
    lamps = Lamps()
    parts = Parts(
        hardware=lamps,
        journal=whole.journal,
        view=whole.view,
        admission=whole.admission,
        clock=TrustedClock(whole.clock, whole.clock, lambda: 0.0),
        eyes=None,
        screen=FakeScreen(),
        watchdog=FakeWatchdog(),
        sync_health=SyncHealth,
    )
    inbox: Inbox[LoopEvent] = Inbox()
    daemon = Daemon("A1", inbox, parts, monotonic=whole.clock)
    daemon.start()
    return daemon, lamps


def test_a_gate_that_starts_is_busy_and_then_ready(whole: WholeGate) -> None:
    daemon, lamps = started(whole)
    assert lamps.shown[0] == ("busy", "none")
    daemon.handle(STARTING)
    assert lamps.shown[-1] == ("busy", "none")
    daemon.handle(WELL)
    assert lamps.shown[-1] == ("ready", "none")


def test_a_gate_without_a_list_says_so_from_its_start(whole: WholeGate) -> None:
    whole.view.wipe()
    daemon, lamps = started(whole)
    daemon.handle(STARTING)
    daemon.handle(WELL)
    assert lamps.shown[-1] == ("no-list", "none")
    whole.view.install(whole.folder / "download")
    daemon.handle(SyncNews())
    assert lamps.shown[-1] == ("ready", "none")


def test_a_broken_camera_is_a_fault_although_the_list_is_missing_too(whole: WholeGate) -> None:
    whole.view.wipe()
    daemon, lamps = started(whole)
    for health in (STARTING, LOST):
        daemon.handle(health)
    assert lamps.shown[-1][0] == "fault"
    daemon.handle(WELL)
    assert lamps.shown[-1][0] == "no-list"


def test_a_camera_that_starts_again_and_again_stays_a_fault(whole: WholeGate) -> None:
    daemon, lamps = started(whole)
    for health in (STARTING, WELL, DEAD, STARTING, DEAD, STARTING):
        daemon.handle(health)
    assert lamps.shown[-1][0] == "fault"
    assert lamps.shown.count(("fault", "fault")) == 1
    daemon.handle(WELL)
    assert lamps.shown[-1] == ("ready", "none")
