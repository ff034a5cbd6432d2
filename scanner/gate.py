"""What a gate does next: a pure transition table. No pins, no clock, no journal and no decision about a ticket here.

`step(state, event)` gives the next state and what has to be done. A pair that is in neither `TABLE` nor `IGNORED`
cannot happen unless the caller is wrong, and raises `ImpossibleEvent`.

Three rules run through the table:
- the relay pulses on one transition only, deciding -> open, and the admission is durable before that event is sent;
- each admission ends in exactly one `RecordPassed` or `RecordRelease`;
- while one person's passage is outstanding nobody else is decided: with two pulses out, a turn of the arm could not be
  told to be the first person's or the second's. The next code waits in front of the camera; `Rearm` lets it be seen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from scanner.gate_events import (
    CancelTimer,
    CodeSeen,
    CountPassage,
    Decide,
    Decided,
    Effect,
    Event,
    FaultOff,
    FaultOn,
    FireOff,
    FireOn,
    IncidentKind,
    PassageSensed,
    Pulse,
    PulseFailed,
    Rearm,
    RecordIncident,
    RecordPassed,
    RecordRelease,
    Show,
    StartTimer,
    Tampered,
    Timeout,
)

StateName = Literal["ready", "deciding", "open", "passed", "not-passed", "refused", "amber", "fire-release", "fault"]
STATES: tuple[StateName, ...] = get_args(StateName)


@dataclass(frozen=True, slots=True)
class State:
    """Where the gate is, which parts do not work, and whether a code was held up that nobody decided.

    A gate starts in fault until the part "starting" is over.
    """

    name: StateName = "fault"
    faults: frozenset[str] = field(default=frozenset({"starting"}))
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. `window`: how long an opened gate waits for the turn; the others are how long a screen stays."""

    window: float = 5.0
    passed: float = 1.5
    notice: float = 4.0


@dataclass(frozen=True, slots=True)
class Transition:
    """The next state and the effects, to be carried out in this order."""

    state: State
    effects: tuple[Effect, ...] = ()


class ImpossibleEvent(Exception):  # noqa: N818 - it names what happened
    """An event that cannot follow this state: the caller is wrong, not the gate."""


def step(state: State, event: Event, timing: Timing = Timing()) -> Transition:
    """The one funnel for everything that happens at a gate. Raises ImpossibleEvent."""
    pair = (state.name, type(event))
    if pair in IGNORED:
        return Transition(state)
    rule = TABLE.get(pair)
    if rule is None:
        raise ImpossibleEvent(f"{type(event).__name__} cannot happen while the gate is {state.name}")
    return rule(state, event, timing)


Rule = Callable[[State, Event, Timing], Transition]
Pair = tuple[StateName, type[Event]]


def _rest(state: State, *first: Effect) -> Transition:
    """Back to ready, or to the fault that is left."""
    if state.faults:
        return Transition(replace(state, name="fault"), (*first, CancelTimer(), Show("fault", "fault")))
    return Transition(
        replace(state, name="ready", missed=False), (*first, CancelTimer(), Show("ready"), *_rearm(state))
    )


def _rearm(state: State) -> tuple[Effect, ...]:
    """Only after a code was held up in vain: a refused code that stays in view is not refused over and over."""
    return (Rearm(),) if state.missed else ()


def _miss(state: State, _event: Event, _timing: Timing) -> Transition:
    return Transition(replace(state, missed=True))


def _decide(state: State, _event: Event, _timing: Timing) -> Transition:
    return Transition(replace(state, name="deciding"), (CancelTimer(), Decide()))


def _decided(state: State, event: Event, timing: Timing) -> Transition:
    assert isinstance(event, Decided)
    if event.verdict == "admit":
        show = Show("amber" if event.marked else "green", "admit")
        return Transition(replace(state, name="open"), (Pulse(), show, StartTimer(timing.window)))
    if event.verdict == "repeat":
        return Transition(replace(state, name="passed"), (Show("green"), StartTimer(timing.passed)))
    if event.verdict == "amber":
        return Transition(replace(state, name="amber"), (Show("amber", "amber"), StartTimer(timing.notice)))
    return Transition(replace(state, name="refused"), (Show("red", "refuse"), StartTimer(timing.notice)))


def _decided_too_late(state: State, event: Event, _timing: Timing) -> Transition:
    """The gate went out of service while the code was being decided: what was admitted is undone, nothing pulses."""
    assert isinstance(event, Decided)
    if event.verdict != "admit":
        return Transition(state)
    return Transition(state, (RecordRelease("fire-release" if state.name == "fire-release" else "fault"),))


def _passed(state: State, _event: Event, timing: Timing) -> Transition:
    if state.faults:
        return _rest(state, RecordPassed())
    effects = (RecordPassed(), StartTimer(timing.passed), *_rearm(state))
    return Transition(replace(state, name="passed", missed=False), effects)


def _not_passed(state: State, _event: Event, timing: Timing) -> Transition:
    released = RecordRelease("not-turned")
    if state.faults:
        return _rest(state, released)
    # Always: the ticket may enter again, and its code is likely to be still in view.
    notice = (released, Show("amber", "amber"), StartTimer(timing.notice), Rearm())
    return Transition(replace(state, name="not-passed", missed=False), notice)


def _pulse_failed(state: State, _event: Event, _timing: Timing) -> Transition:
    return _rest(replace(state, faults=state.faults | {"turnstile"}), RecordRelease("pulse-failed"))


def _pulse_failed_late(state: State, _event: Event, timing: Timing) -> Transition:
    """The admission is settled already, e.g. by a fire release; the turnstile is out of service all the same."""
    if state.name == "fire-release":
        return _remember_fault(state, FaultOn("turnstile"), timing)
    return _fault(state, FaultOn("turnstile"), timing)


def _incident(kind: IncidentKind) -> Rule:
    return lambda state, _event, _timing: Transition(state, (RecordIncident(kind),))


def _count(state: State, _event: Event, _timing: Timing) -> Transition:
    return Transition(state, (CountPassage(),))


def _screen_over(state: State, _event: Event, _timing: Timing) -> Transition:
    return _rest(state)


def _fire(state: State, _event: Event, _timing: Timing) -> Transition:
    """Whoever was admitted and had not turned may come back after the alarm."""
    outstanding = (RecordRelease("fire-release"),) if state.name == "open" else ()
    return Transition(replace(state, name="fire-release"), (*outstanding, CancelTimer(), Show("amber")))


def _fault(state: State, event: Event, _timing: Timing) -> Transition:
    assert isinstance(event, FaultOn)
    return _rest(replace(state, faults=state.faults | {event.part}))


def _remember_fault(state: State, event: Event, _timing: Timing) -> Transition:
    """Open: the pulse is out and the person may be in the arm. Fire release: it has priority. The fault comes after."""
    assert isinstance(event, FaultOn)
    return Transition(replace(state, faults=state.faults | {event.part}))


def _more_faults(state: State, event: Event, timing: Timing) -> Transition:
    """One more part is away: shown again, because which parts these are decides what the lamps say."""
    worse = _remember_fault(state, event, timing).state
    return Transition(worse, (Show("fault", "fault"),) if worse != state else ())


def _forget_fault(state: State, event: Event, _timing: Timing) -> Transition:
    assert isinstance(event, FaultOff)
    return Transition(replace(state, faults=state.faults - {event.part}))


def _recover(state: State, event: Event, timing: Timing) -> Transition:
    left = _forget_fault(state, event, timing).state
    if not left.faults:
        return _rest(left)
    return Transition(left, (Show("fault"),) if left != state else ())


def _build() -> dict[Pair, Rule]:
    table: dict[Pair, Rule] = {(name, Tampered): _incident("tamper") for name in STATES}
    for name in STATES:
        if name != "fire-release":
            table[name, FireOn] = _fire
        table[name, PassageSensed] = _incident("passage-without-admission")
        table[name, FaultOn] = _fault
        table[name, FaultOff] = _forget_fault
        table[name, PulseFailed] = _pulse_failed_late
        table[name, CodeSeen] = _decide if name in _ATTENTIVE else _miss
    for name in _SCREENS:
        table[name, Timeout] = _screen_over
    table["deciding", Decided] = _decided
    table["open", PassageSensed] = _passed
    table["open", Timeout] = _not_passed
    table["open", PulseFailed] = _pulse_failed
    table["open", FaultOn] = _remember_fault
    table["not-passed", PassageSensed] = _incident("late-passage")
    table["fault", Decided] = _decided_too_late
    table["fault", FaultOn] = _more_faults
    table["fault", FaultOff] = _recover
    table["fire-release", Decided] = _decided_too_late
    table["fire-release", PassageSensed] = _count
    table["fire-release", FaultOn] = _remember_fault
    table["fire-release", FireOff] = _screen_over
    return table


# A screen ends by itself, or at once when the next code is seen.
_SCREENS: tuple[StateName, ...] = ("passed", "not-passed", "refused", "amber")
_ATTENTIVE: tuple[StateName, ...] = ("ready", *_SCREENS)

TABLE = _build()

IGNORED: dict[Pair, str] = {
    ("fire-release", FireOn): "the panel says so again",
    **{(name, FireOff): "the gate was not held open" for name in STATES if name != "fire-release"},
    **{(name, Timeout): "no timer runs here" for name in ("ready", "deciding", "fault", "fire-release")},
}
