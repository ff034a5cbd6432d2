"""The composition of a gate: every part made, started, joined, and stopped in the reverse order."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import structlog

from scanner.admission import Admission, Nobody, stamp
from scanner.camera import CameraProcess
from scanner.cli import logs
from scanner.cli.beginning import node_asked, open_journal
from scanner.cli.clock import ClockDesk
from scanner.cli.eyes import DebouncedEyes
from scanner.cli.full_disk import full_disk_said
from scanner.cli.lock import only_gate
from scanner.cli.neighbours import make_peers
from scanner.cli.node import Node, identity_of, trust_of
from scanner.cli.settings import Settings, load
from scanner.cli.status import StatusFile
from scanner.cli.why_not import signal_why
from scanner.daemon import Daemon, LoopEvent, Parts, SyncNews
from scanner.errors import GateError
from scanner.gate import Timing
from scanner.hw.gpio import open_gpio
from scanner.hw.mock import mock_hardware
from scanner.hw.turnstile import GpioHardware
from scanner.hw.watchdog import Watchdog, systemd_watchdog
from scanner.identity import Identities
from scanner.inbox import Inbox
from scanner.journal import Identity
from scanner.kiosk.server import Kiosk
from scanner.ports import CameraHealth, GateStatus, Screen, Sighting
from scanner.system_clock import system_clock
from scanner.view import GateView, Trust

log = structlog.get_logger("gate")
LIMITS = {"loop": 5.0, "pins": 5.0, "camera": 30.0}
"""Seconds of silence after which a part counts as stuck; a camera that is gone still turns its thread."""


def run_gate(config: Path | None, *, pretty: bool) -> int:
    """Run until SIGTERM or SIGINT; the exit status. Raises GateError if the gate can't be put together."""
    logs.configure(pretty=pretty)
    settings = load(config)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    with ExitStack() as stack:
        try:
            with full_disk_said(settings.state_folder):
                stack.enter_context(only_gate(settings.state_folder))
                daemon, watchdog = _compose(settings, stack)
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, lambda *_: daemon.stop())
                daemon.start()
        except GateError as error:
            stack.close()
            signal_why(settings, error, ending)
            raise
        watchdog.ready()
        log.info("ready")
        daemon.loop()
        watchdog.stopping()
    log.info("stopped")
    return 0


def _compose(settings: Settings, stack: ExitStack) -> tuple[Daemon, Watchdog]:
    identities = Identities(settings.state_folder)
    enrolled, key = identities.enrolled(), identities.key()
    watchdog = systemd_watchdog(LIMITS)
    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    view = GateView(settings.state_folder / "view", Trust(bytes.fromhex(enrolled.node_key), enrolled.event), started)
    stack.callback(view.close)
    if view.damage:
        log.error("view", damage=view.damage)
    clock = system_clock(view.kept_time(), enrolled.device)
    who = Identity(enrolled.device, enrolled.gate, enrolled.event, key)
    asked = node_asked(settings.node.url or enrolled.url, identity_of(enrolled, key), clock, settings.node.ca or None)
    path = settings.state_folder / "journal.db"
    journal = open_journal(path, who, lambda: stamp(clock.now(), view.size), identities, asked)
    stack.callback(journal.close)

    peers = make_peers(settings, enrolled, key, journal, view, clock, started)

    def wipe() -> None:
        identities.forget()
        view.wipe()
        if peers:
            peers.wipe()

    inbox: Inbox[LoopEvent] = Inbox()
    node = Node(
        settings.node.url or enrolled.url,
        identity_of(enrolled, key),
        trust_of(enrolled, settings.trust),
        journal,
        view,
        clock,
        wipe,
        lambda: inbox.put(SyncNews()),
        settings.node.ca or None,
    )
    camera = CameraProcess(settings.camera)
    parts = Parts(
        hardware=_hardware(settings, partial(watchdog.beat, "pins"), stack),
        journal=journal,
        view=view,
        admission=Admission(enrolled.gate, view, journal, node, peers.desk if peers else Nobody()),
        clock=clock,
        eyes=DebouncedEyes(),
        screen=_screens(settings, stack),
        watchdog=watchdog,
        sync_health=node.health,
        peers_health=peers.health if peers else tuple,
        clock_desk=ClockDesk(settings.state_folder),
    )
    daemon = Daemon(enrolled.gate, inbox, parts, Timing(window=settings.pin_config.passage_window_s))
    node.start()
    stack.callback(node.stop)
    if peers:
        peers.start()
        stack.callback(peers.stop)
    stack.enter_context(_watching(camera, daemon, partial(watchdog.beat, "camera")))
    return daemon, watchdog


def _hardware(settings: Settings, progress: Callable[[], None], stack: ExitStack) -> GpioHardware:
    if settings.pins != "mock":
        hardware = GpioHardware(settings.pins, open_gpio(), progress)
        stack.callback(hardware.close)
        return hardware
    passage = settings.mock.passage_s
    hardware, turnstile = mock_hardware(settings.pin_config, passage if passage >= 0 else None, progress)
    turnstile.start()
    stack.callback(turnstile.close)
    stack.callback(hardware.close)
    return hardware


class _Screens:
    """Every place where the status is shown."""

    def __init__(self, screens: list[Screen]) -> None:
        self._all = screens

    def publish(self, status: GateStatus) -> None:
        for screen in self._all:
            screen.publish(status)


def _screens(settings: Settings, stack: ExitStack) -> _Screens:
    screens: list[Screen] = [StatusFile(settings.runtime_folder)]
    if settings.kiosk.enabled:
        kiosk = Kiosk(settings.kiosk.port, settings.kiosk.host)
        kiosk.start()
        stack.callback(kiosk.close)
        log.info("page", url=kiosk.url)
        screens.append(kiosk)
    return _Screens(screens)


@contextmanager
def _watching(camera: CameraProcess, daemon: Daemon, progress: Callable[[], None]) -> Iterator[None]:
    """The camera's thread: what it sees and how it is go to the inbox."""
    ending = threading.Event()

    def watch() -> None:
        camera.start()
        while not ending.is_set():
            match camera.poll(0.5):
                case Sighting() as sighting:
                    daemon.inbox.see(sighting)
                case CameraHealth() as health:
                    daemon.inbox.put(health)
            progress()
        camera.close()

    thread = threading.Thread(target=watch, name="camera")
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
