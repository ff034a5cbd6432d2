"""What one admission costs the disk, counted under the real gate: a memory card needs 5 to 50 ms a flush and wears out.

The real loop, pins, decision, journal, view, sync and peers' notes, against a node in the same process, when some
hundred people have come already: a longer table spreads what one admission changes over more pages. Time is turned by
hand: somebody comes every three seconds.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from scanner.admission import Admission
from scanner.cli.eyes import DebouncedEyes
from scanner.cli.node import Node
from scanner.clock import TimeSample, TrustedClock
from scanner.daemon import Daemon, LoopEvent, Parts, Pulsed
from scanner.hw.gpio import RecordingFactory
from scanner.hw.mock import MockTurnstile
from scanner.hw.pins import PinConfig
from scanner.hw.turnstile import GpioHardware
from scanner.inbox import Inbox
from scanner.journal import Identity, Journal
from scanner.ports import CameraHealth, Change, Passage, Receipt, Sighting
from scanner.sync.client import Identity as Asking
from scanner.sync.peer_book import Chain, Plan
from scanner.sync.peer_desk import PeerDesk
from scanner.sync.peer_store import PeerStore
from scanner.sync.trust import LogTrust
from scanner.verify.keys import SigningKey
from scanner.verify.told import Told
from scanner.view import GateView, Trust
from tests.fakes.clockwork import HandClock, wait_until
from tests.fakes.disk_use import DiskUse
from tests.fakes.event import EVENT, NOON, compact_code, holder, key, row, scan_of, stamp_at, used
from tests.fakes.fake_ledger import FakeLedger, Step
from tests.fakes.node_server import FakeNode
from tests.fakes.peer_gates import PeerGate, exchange, peer, peer_gate
from tests.fakes.recorded_disk import own_calls, recorded
from tests.fakes.whole_gate import FakeScreen, FakeWatchdog

PEOPLE = 24
BEFORE = 300
"""Admissions that each table holds before it is counted."""
PACE = 3
MOST_FLUSHES, MOST_KIB = 4, 40
"""With an admission that the gate beside this one tells of: it is in what peers told, and in the view."""


@dataclass
class CountedGate:
    """Gate A1 with its node and, if it has one, the gate beside it."""

    clock: HandClock
    ledger: FakeLedger
    node: FakeNode
    journal: Journal
    view: GateView
    desk: PeerDesk
    daemon: Daemon
    use: DiskUse
    other: PeerGate | None = None

    @property
    def peer(self) -> object:
        return peer("A1")

    def admit(self, ticket: int, *, online: bool) -> None:
        """One person: the code, the pulse, the walk through, and what the node and the other gate hear of it."""
        text = self._code(ticket)
        for _ in range(3):
            self.daemon.handle(Sighting((text,), self.clock(), self.clock()))
            self.clock.pass_time(0.2)
        wait_until(self._pulsed, "the turnstile opens", 30)
        self.daemon.handle(Passage(self.clock()))
        assert self.daemon._state.name == "passed"
        if self.other:
            exchange(self, self.other)  # type: ignore[arg-type]
        if online:
            self._settled()
        for _ in range(PACE):
            self.clock.pass_time(1)
            self.daemon.turn()

    def hear_of_another(self, ticket: int, *, online: bool) -> None:
        """The gate beside this one admits somebody."""
        assert self.other
        assert self.other.admission.decide(self._code(ticket), self.other_time()).opens
        exchange(self.other, self)  # type: ignore[arg-type]
        if online:
            self.node.change(ticket, uses=1, used_gate=2, used_at=int(self.clock()))
            self._settled()

    def other_time(self):  # type: ignore[no-untyped-def]
        return TrustedClock(self.clock, self.clock, lambda: 0.0).now()

    def _code(self, ticket: int) -> str:
        return compact_code(ticket, at=int(self.clock()), manifest=self.ledger.manifest).text()

    def _pulsed(self) -> bool:
        event = self.daemon.inbox.get(0.02)
        if event is not None:
            self.daemon.handle(event)
        return isinstance(event, Pulsed)

    def _settled(self) -> None:
        wait_until(lambda: self.journal.queue_length() == 0, "every record has its receipt")
        wait_until(lambda: self.view.size == self.ledger.size, "the view follows")


class HandTime(TrustedClock):
    """Takes the node's time as received at a second of the hand's clock, which is not the machine's."""

    def observe(self, sample: TimeSample) -> None:
        now = self._monotonic()
        super().observe(replace(sample, sent=now, received=now))


TICKETS = Random(1).sample(range(1, 12_500), 2 * (PEOPLE + BEFORE))
"""People come in no order of their tickets: first those who are counted, behind them those who came before."""


def came(gate: int) -> Sequence[int]:
    """The tickets of those who came before, to this gate (1) or to another one (2)."""
    first = 2 * PEOPLE + (gate - 1) * BEFORE
    return TICKETS[first : first + BEFORE]


def earlier_evening(inside: Path, device: SigningKey) -> None:
    """BEFORE people came here, and as many at a gate that told of them."""
    with Journal.open(inside / "journal.db", Identity("A1-device", "A1", EVENT, device), stamp_at) as journal:
        for ticket in came(1):
            counter = journal.admit(scan_of(compact_code(ticket)), holder(ticket).public, stamp_at(), "alone").counter
            journal.pulsed(counter, NOON * 1000)
            journal.passed(counter)
        waiting = journal.waiting(BEFORE)
        journal.settle([Receipt(one.counter, "accepted", one.counter) for one in waiting], BEFORE)
    told = [Told("A3-device", "A3", number, ticket, NOON * 1000) for number, ticket in enumerate(came(2), 1)]
    with closing(PeerStore(inside / "peers.db", EVENT, "A1-device", "test")) as store:
        store.add(Plan(Chain("A3-device", BEFORE, bytes(32), BEFORE, BEFORE), tuple(told)))


def whole_ledger() -> FakeLedger:
    ledger = FakeLedger(tickets=0)
    for ticket in TICKETS[: 2 * PEOPLE]:
        ledger.append(Step(b"ticket %d" % ticket, (row(ticket),)))
    return ledger


@contextmanager
def counted_gate(folder: Path, *, beside: bool) -> Iterator[CountedGate]:
    clock, use, inside = HandClock(float(NOON)), DiskUse(folder / "A1"), folder / "A1"
    inside.mkdir()
    ledger = whole_ledger()
    with ExitStack() as stack:
        node = stack.enter_context(FakeNode(ledger, clock))
        device = key("A1-device")
        ledger.devices[device.public] = "A1-device"
        earlier_evening(inside, device)
        stack.enter_context(recorded(use.hear))
        stack.enter_context(own_calls(use.hear))
        time = HandTime(clock, clock, lambda: 0.0)
        view = GateView(inside / "view", Trust(ledger.key.public, EVENT), "test")
        stack.callback(view.close)
        journal = stack.enter_context(
            Journal.open(inside / "journal.db", Identity("A1-device", "A1", EVENT, device), stamp_at)
        )
        store = PeerStore(inside / "peers.db", EVENT, "A1-device", "test")
        stack.callback(store.close)
        desk = PeerDesk(EVENT, "A1-device", journal, view, store, clock)
        inbox: Inbox[LoopEvent] = Inbox()
        claims = Node(
            node.url,
            Asking("A1-device", device, EVENT, ledger.key.public),
            LogTrust(ledger.origin, ledger.vkey),
            journal,
            view,
            time,
            lambda: None,
            lambda: None,
            None,
        )
        config = PinConfig(pulse_ms=120)
        factory = RecordingFactory()
        hardware, turnstile = GpioHardware(config, factory), MockTurnstile(factory, config, None)
        turnstile.start()
        stack.callback(turnstile.close)
        stack.callback(hardware.close)
        parts = Parts(
            hardware=hardware,
            journal=journal,
            view=view,
            admission=Admission("A1", view, journal, claims, desk),
            clock=time,
            eyes=DebouncedEyes(),
            screen=FakeScreen(),
            watchdog=FakeWatchdog(),
            sync_health=claims.health,
        )
        daemon = Daemon("A1", inbox, parts, monotonic=clock)
        claims.start()
        stack.callback(claims.stop)
        wait_until(lambda: view.size == ledger.size and claims.available(), "the first sync")
        daemon.start()
        daemon.handle(CameraHealth("ok", "", 1, 0.0))
        earlier = tuple(used(row(ticket), gate) for gate in (1, 2) for ticket in came(gate))
        view.apply(Change(view.size, view.size, earlier, None, "", int(clock())))
        other = stack.enter_context(peer_gate(folder, "A2", clock)) if beside else None
        if other:
            other.view.rows = {number: row(number) for number in TICKETS[: 2 * PEOPLE]}
            other.view.manifest = ledger.manifest
        yield CountedGate(clock, ledger, node, journal, view, desk, daemon, use, other)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "with a gate beside it"])
@pytest.mark.parametrize("online", [True, False], ids=["online", "offline"])
def test_an_admission_costs_at_most_four_flushes(tmp_path: Path, *, online: bool, beside: bool) -> None:
    with counted_gate(tmp_path, beside=beside) as gate:
        if not online:
            gate.node.close()
        gate.use.begin()
        for number in range(PEOPLE):
            gate.admit(TICKETS[2 * number], online=online)
            if beside:
                gate.hear_of_another(TICKETS[2 * number + 1], online=online)
        assert gate.journal.counts().admitted == BEFORE + PEOPLE
        flushes, kib = gate.use.flushes / PEOPLE, gate.use.kib / PEOPLE
    assert flushes <= MOST_FLUSHES, dict(gate.use.by_file)
    assert kib <= MOST_KIB
