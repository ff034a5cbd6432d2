"""The gate's loop: one thread to which everything happens in turn. Short: the rules are in gate.py, the decision in
admission.py, the pins, the camera and the sync in their own threads, which meet this one in the inbox.

What moved the turnstile is in the journal before it moves; a part that fails stops admissions, not the loop.
"""

import time
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog

from scanner import gate_events as g
from scanner.admission import Admission, Decision, stamp
from scanner.admission_life import ImpossibleMove
from scanner.clock import TrustedClock
from scanner.clock_watch import ClockDesk, ClockWatch, NoDesk
from scanner.errors import HardwareError, JournalError
from scanner.gate import ImpossibleEvent, State, Timing, step
from scanner.inbox import Inbox
from scanner.list_watch import ListWatch
from scanner.ports import (
    CameraHealth,
    FireRelease,
    Hardware,
    HardwareEvent,
    HardwareFault,
    Knowledge,
    Passage,
    PeerHealth,
    Records,
    Screen,
    Sighting,
    SyncHealth,
    Tamper,
)
from scanner.showing import Showing
from scanner.signs import Lamp, Sound
from scanner.verify.admit import MARK_CERTIFICATE, Verdict
from scanner.verify.reasons import NEXT_CODE_TELLS, Reason
from scanner.verify.record import GateIncident

TURN_S = 0.25
TICK_S = 1.0
PULSE_FIRST_S = 0.005
log = structlog.get_logger("gate")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the debounce made of a sighting: a text to decide, or a verdict that needs no decision."""

    text: str = ""
    verdict: Verdict | None = None


class Eyes(Protocol):
    """The debounce: pure, fed with each sighting."""

    def look(self, texts: tuple[str, ...], now: float) -> Seen | None:
        """What is new in view, if anything."""

    def expect_next(self, text: str) -> None:
        """Let the next code of this text's ticket count as new, though the ticket stays in view."""

    def forget(self) -> None:
        """Let a code that is still in view count as new."""


class Alive(Protocol):
    """The watchdog."""

    def beat(self, part: str) -> None:
        """This part turns."""

    def feed(self) -> list[str]:
        """Tell the system; returns the parts that are late."""


@dataclass(frozen=True, slots=True)
class Pulsed:
    """The pin rose for the admission with this counter, or `error` says why not."""

    counter: int
    at: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gate is made of."""

    hardware: Hardware
    journal: Records
    view: Knowledge
    admission: Admission
    clock: TrustedClock
    eyes: Eyes
    screen: Screen
    watchdog: Alive
    sync_health: Callable[[], SyncHealth]
    peers_health: Callable[[], tuple[PeerHealth, ...]] = tuple
    clock_desk: ClockDesk = NoDesk()  # noqa: RUF009 - it holds nothing


@dataclass(frozen=True, slots=True)
class SyncNews:
    """The view moved on, or the node spoke: look at both at once, not at the next tick."""


LoopEvent = HardwareEvent | CameraHealth | Pulsed | SyncNews | g.Timeout


class Daemon:
    """See the module. `start`, then `loop` until `stop`; a test calls `turn` and `handle` instead."""

    def __init__(
        self,
        gate: str,
        inbox: Inbox[LoopEvent],
        parts: Parts,
        timing: Timing | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inbox = inbox
        self._parts, self._timing, self._monotonic = parts, timing or Timing(), monotonic
        self._state = State()
        self._gate, self._showing = gate, Showing(gate)
        self._clocks = ClockWatch(parts.clock, parts.clock_desk, self._incident, self._showing.clock_answered)
        self._list = ListWatch(parts.view, parts.clock, self._incident)
        self._decision: Decision | None = None
        self._seen: Seen | None = None
        self._captured = 0.0
        self._deadline: float | None = None
        self._next_tick = 0.0
        self._stopping = False

    def stop(self) -> None:
        """End `loop` within a turn; from any thread or a signal handler."""
        self._stopping = True

    def loop(self) -> None:
        """Take turns until `stop`."""
        while not self._stopping:
            self.turn()

    def start(self) -> None:
        """Settle what a crash left pending, then leave the state "starting"."""
        for left in self._parts.journal.settle_restart(self._stamp()):
            log.warning("settled after a restart", counter=left.counter, ticket=left.ticket, was=left.outcome)
        self._parts.hardware.start(self.inbox.put)
        self._parts.hardware.show("busy", "none")
        self._check_view()
        self._step(g.FaultOff("starting"))

    def turn(self) -> None:
        """Take one event, if one comes; then whatever is due."""
        now = self._monotonic()
        due = min(self._deadline or now + TURN_S, now + TURN_S)
        event = self.inbox.get(max(due - now, 0.0))
        if event is not None:
            self.handle(event)
        now = self._monotonic()
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self.handle(g.Timeout())
        if now >= self._next_tick:
            self._next_tick = now + TICK_S
            self._tick()
        self._parts.watchdog.beat("loop")
        self._parts.watchdog.feed()

    def handle(self, event: LoopEvent | Sighting) -> None:
        """One thing that happened. A journal that fails closes the gate, as a defect does; it does not end the loop."""
        try:
            self._handle(event)
        except JournalError as fault:
            log.critical("journal fault", error=str(fault))
            self._step(g.FaultOn("journal"))
        except ImpossibleMove:
            log.exception("a defect: an admission's life has no place for this")
            self._step(g.FaultOn("defect"))

    def _handle(self, event: LoopEvent | Sighting) -> None:
        match event:
            case Sighting():
                self._look(event)
            case Pulsed():
                self._pulsed(event)
            case g.Timeout():
                self._step(event)
            case CameraHealth():
                self._camera(event)
            case SyncNews():
                self._check_view()
            case _:
                self._sensed(event)

    def _sensed(self, event: HardwareEvent) -> None:
        match event:
            case Passage():
                self._step(g.PassageSensed())
            case FireRelease(active):
                log.warning("fire release", active=active)
                self._step(g.FireOn() if active else g.FireOff())
            case Tamper(active):
                log.warning("tamper", active=active)
                if active:
                    self._step(g.Tampered())
            case HardwareFault(detail, _, cleared):
                log.warning("hardware", detail=detail, cleared=cleared)
                self._fault(f"hardware: {detail}", broken=not cleared)

    # Scans

    def _look(self, sighting: Sighting) -> None:
        seen = self._parts.eyes.look(sighting.texts, sighting.captured_at)
        if seen is None:
            return
        self._seen, self._captured = seen, sighting.captured_at
        self._step(g.CodeSeen())

    def _decide(self) -> None:
        seen = self._seen
        assert seen is not None
        time_now = self._parts.clock.now()
        try:
            decision = Decision(seen.verdict) if seen.verdict else self._parts.admission.decide(seen.text, time_now)
        except LookupError:
            self._step(g.FaultOn("snapshot"))
            return
        self._decision = decision
        verdict = decision.verdict
        self._showing.scanned(verdict)
        if verdict.reason in NEXT_CODE_TELLS:
            self._parts.eyes.expect_next(seen.text)
        said: g.DecidedVerdict = "repeat" if verdict.reason == Reason.REPEAT else verdict.outcome
        # A ticket sold since the last sync is a good ticket; other marks are for staff to look at.
        self._step(g.Decided(said, marked=any(mark != MARK_CERTIFICATE for mark in verdict.marks)))
        if not decision.opens:
            self._log_scan(self._monotonic())

    def _pulsed(self, event: Pulsed) -> None:
        if event.error:
            log.error("no pulse", counter=event.counter, error=event.error)
            if self._decision and self._decision.counter == event.counter:
                self._step(g.PulseFailed())
            return
        self._parts.journal.pulsed(event.counter, int(self._parts.clock.now().seconds * 1000))
        if self._decision and self._decision.counter == event.counter:
            self._log_scan(event.at)

    def _log_scan(self, at: float) -> None:
        """One line a scan: never the code, never a person."""
        assert self._decision is not None
        verdict = self._decision.verdict
        log.info(
            "scan",
            gate=self._gate,
            verdict=verdict.outcome,
            reason=str(verdict.reason),
            ticket=verdict.ticket,
            owner_seq=verdict.owner_seq,
            counter=self._decision.counter,
            detail=verdict.detail,
            marks=list(verdict.marks),
            ms=round((at - self._captured) * 1000, 1),
            pulse=self._decision.opens,
            view_size=self._parts.view.size,
            online=self._parts.sync_health().online,
        )

    # The gate's table

    def _step(self, event: g.Event) -> None:
        try:
            transition = step(self._state, event, self._timing)
        except ImpossibleEvent:
            log.exception("a defect: the gate's table has no place for this")
            transition = step(self._state, g.FaultOn("defect"), self._timing)
        self._state = transition.state
        for effect in transition.effects:
            self._do(effect)
        self._publish()

    def _do(self, effect: g.Effect) -> None:
        match effect:
            case g.Decide():
                self._decide()
            case g.Pulse():
                self._pulse()
            case g.Show(lamp, sound):
                self._parts.hardware.show(*self._sign(lamp, sound))
            case g.StartTimer(seconds):
                self._deadline = self._monotonic() + seconds
            case g.CancelTimer():
                self._deadline = None
            case g.Rearm():
                self._parts.eyes.forget()
            case g.CountPassage():
                self._showing.walked()
            case g.RecordPassed() | g.RecordRelease() | g.RecordIncident():
                self._record(effect)

    def _sign(self, lamp: Lamp, sound: Sound) -> tuple[Lamp, Sound]:
        """A view that is too old to be trusted shows while idle; what is only not there yet is no alarm."""
        if lamp == "ready":
            return self._showing.idle(), sound
        if lamp != "fault":
            return lamp, sound
        return self._showing.waiting_for(self._state) or (lamp, sound)

    def _pulse(self) -> None:
        assert self._decision is not None
        assert self._decision.counter is not None
        future = self._parts.hardware.pulse()
        future.add_done_callback(partial(self._report_pulse, self._decision.counter))
        # The holder waits for the pin and nothing else: lamps and pages do not take the interpreter from its thread.
        wait([future], PULSE_FIRST_S)

    def _report_pulse(self, counter: int, future: Any) -> None:
        try:
            self.inbox.put(Pulsed(counter, future.result()))
        except HardwareError as fault:
            self.inbox.put(Pulsed(counter, self._monotonic(), str(fault)))

    def _record(self, effect: g.RecordPassed | g.RecordRelease | g.RecordIncident) -> None:
        journal, counter = self._parts.journal, self._decision.counter if self._decision else None
        if isinstance(effect, g.RecordIncident):
            log.warning("incident", kind=effect.kind)
            journal.incident(GateIncident(effect.kind), self._stamp())
        elif isinstance(effect, g.RecordRelease):
            assert counter is not None
            log.info("release", gate=self._gate, counter=counter, reason=effect.reason)
            journal.release(counter, effect.reason, self._stamp())
        elif counter is not None:
            journal.passed(counter)

    # What is due

    def _tick(self) -> None:
        try:
            self._clocks.tick()
            self._list.tick()
            self._check_view()
            if "journal" in self._state.faults:
                self._parts.journal.probe()
                self._fault("journal", broken=False)
            if self._state.name == "ready":
                self._parts.journal.tell_ways(self._stamp())
                self._parts.journal.tidy()
            self._showing.counted(self._parts.journal.counts())
        except JournalError as fault:
            if "journal" not in self._state.faults:
                log.critical("journal fault", error=str(fault))
            self._fault("journal", broken=True)
        self._publish()

    def _incident(self, incident: GateIncident) -> None:
        self._parts.journal.incident(incident, self._stamp())

    def _check_view(self) -> None:
        self._fault("snapshot", broken=self._parts.view.manifest is None)
        health = self._parts.sync_health()
        self._fault("revoked", broken=health.revoked)
        self._fault("card-copied", broken=health.copied)

    def _camera(self, health: CameraHealth) -> None:
        news = self._showing.camera(health)
        if news:
            log.info("camera", state=health.state, detail=health.detail)
        self._fault("camera", broken=health.state != "ok")
        if news and self._state.name == "fault":
            # Shown anew: a camera that was only not there yet has become one that is broken.
            self._parts.hardware.show(*self._sign("fault", "none"))

    def _fault(self, part: str, *, broken: bool) -> None:
        if broken != (part in self._state.faults):
            log.warning("fault", part=part, broken=broken)
            self._step(g.FaultOn(part) if broken else g.FaultOff(part))

    def _publish(self) -> None:
        parts = self._parts
        status = self._showing.refresh(self._state, parts.view, parts.clock, parts.sync_health(), parts.peers_health())
        parts.screen.publish(status)

    def _stamp(self) -> Any:
        return stamp(self._parts.clock.now(), self._parts.view.size)
