"""Every pair of state and event, and the sequences that a night at a gate is made of."""

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from scanner import ports
from scanner.gate import IGNORED, STATES, TABLE, ImpossibleEvent, State, StateName, Timing, Transition, step
from scanner.gate_events import (
    EVENTS,
    CancelTimer,
    CodeSeen,
    CountPassage,
    Decide,
    Decided,
    DecidedVerdict,
    Effect,
    Event,
    FaultOff,
    FaultOn,
    FireOff,
    FireOn,
    Lamp,
    PassageSensed,
    Pulse,
    PulseFailed,
    Rearm,
    RecordIncident,
    RecordPassed,
    RecordRelease,
    Show,
    Sound,
    StartTimer,
    Tampered,
    Timeout,
)

READY = State("ready", frozenset())


def at(name: StateName) -> State:
    return State(name, frozenset({"camera"}) if name == "fault" else frozenset())


def run(state: State, *events: Event) -> tuple[State, list[Effect]]:
    effects: list[Effect] = []
    for event in events:
        transition = step(state, event)
        state = transition.state
        effects += transition.effects
    return state, effects


def examples(kind: type[Event]) -> list[Event]:
    if kind is Decided:
        return [Decided(verdict) for verdict in get_args(DecidedVerdict)] + [Decided("admit", marked=True)]
    if kind in {FaultOn, FaultOff}:
        return [kind("camera"), kind("journal")]
    return [kind()]


# Where each event leads: the next state's letter, "." ignored, "!" impossible, "*" depends on the event (tested below).
LETTERS = {
    "r": "ready",
    "D": "deciding",
    "O": "open",
    "P": "passed",
    "N": "not-passed",
    "R": "refused",
    "A": "amber",
    "X": "fire-release",
    "F": "fault",
}
EXPECTED = {
    #               r D O P N R A X F
    CodeSeen: "     D D O D D D D X F",
    Decided: "      ! * ! ! ! ! ! X F",
    PulseFailed: "  F F F F F F F X F",
    PassageSensed: "r D P P N R A X F",
    Timeout: "      . . N r r r r . .",
    FireOn: "       X X X X X X X . X",
    FireOff: "      . . . . . . . r .",
    FaultOn: "      F F O F F F F X F",
    FaultOff: "     r D O P N R A X *",
    Tampered: "     r D O P N R A X F",
}
CELLS = {
    (LETTERS[n], kind): cell for kind, row in EXPECTED.items() for n, cell in zip(LETTERS, row.split(), strict=True)
}


@pytest.mark.parametrize(("name", "kind"), list(product(STATES, EVENTS)), ids=lambda v: getattr(v, "__name__", v))
def test_every_pair_goes_where_the_page_says(name: StateName, kind: type[Event]) -> None:
    expected = CELLS[name, kind]
    for event in examples(kind):
        if expected == "!":
            with pytest.raises(ImpossibleEvent, match=name):
                step(at(name), event)
        elif expected == ".":
            assert step(at(name), event) == Transition(at(name))
        elif expected != "*":
            assert step(at(name), event).state.name == LETTERS[expected]


def test_every_pair_is_in_the_table_or_ignored_or_impossible_and_never_two_of_them() -> None:
    impossible = {pair for pair, cell in CELLS.items() if cell == "!"}
    assert set(CELLS) == set(product(STATES, EVENTS))
    assert set(TABLE) | set(IGNORED) | impossible == set(product(STATES, EVENTS))
    assert not set(TABLE) & set(IGNORED)
    assert all(IGNORED.values())


def test_the_gate_speaks_the_words_of_the_hardware() -> None:
    assert set(get_args(Lamp)) <= set(get_args(ports.Lamp))
    assert set(get_args(Sound)) <= set(get_args(ports.Sound))


def test_gate_starts_in_fault_until_everything_has_started() -> None:
    state, effects = run(State(), FaultOn("snapshot"), FaultOff("starting"))
    assert state.name == "fault"
    assert effects == [Show("fault", "fault"), Show("fault", "none")]
    state, effects = run(state, FaultOff("snapshot"))
    assert state == READY
    assert effects == [CancelTimer(), Show("ready")]


def test_admission_and_a_turn() -> None:
    state, effects = run(READY, CodeSeen(), Decided("admit"), PassageSensed(), Timeout())
    assert state == READY
    assert effects == [
        CancelTimer(),
        Decide(),
        Pulse(),
        Show("green", "admit"),
        StartTimer(5.0),
        RecordPassed(),
        StartTimer(1.5),
        CancelTimer(),
        Show("ready"),
    ]


def test_admitted_person_does_not_turn_and_may_try_again() -> None:
    state, effects = run(READY, CodeSeen(), Decided("admit"), Timeout())
    assert state.name == "not-passed"
    assert effects[-4:] == [RecordRelease("not-turned"), Show("amber", "amber"), StartTimer(4.0), Rearm()]
    _, effects = run(state, CodeSeen(), Decided("admit"))
    assert Pulse() in effects


def test_next_person_waits_until_the_first_is_through() -> None:
    state, effects = run(READY, CodeSeen(), Decided("admit"), CodeSeen(), CodeSeen())
    assert state.name == "open"
    assert effects.count(Decide()) == 1
    state, effects = run(state, PassageSensed())
    assert effects == [RecordPassed(), StartTimer(1.5), Rearm()]
    assert not state.missed


def test_same_code_in_view_after_the_turn_is_not_seen_anew_without_need() -> None:
    _, effects = run(READY, CodeSeen(), Decided("admit"), PassageSensed(), Timeout())
    assert Rearm() not in effects


def test_refused_code_that_stays_in_view_is_refused_once() -> None:
    _, effects = run(READY, CodeSeen(), Decided("refuse"), Timeout())
    assert Rearm() not in effects


def test_code_that_came_during_a_decision_is_seen_when_its_screen_ends() -> None:
    _, effects = run(READY, CodeSeen(), CodeSeen(), Decided("refuse"), Timeout())
    assert effects[-1] == Rearm()


def test_repeat_is_green_without_a_pulse_and_without_a_record() -> None:
    state, effects = run(READY, CodeSeen(), Decided("repeat"))
    assert state.name == "passed"
    assert effects[2:] == [Show("green"), StartTimer(1.5)]


@pytest.mark.parametrize(("verdict", "lamp"), [("refuse", "red"), ("amber", "amber")])
def test_screen_gives_way_to_the_next_code_at_once(verdict: DecidedVerdict, lamp: Lamp) -> None:
    state, effects = run(READY, CodeSeen(), Decided(verdict))
    assert effects[2:] == [Show(lamp, verdict), StartTimer(4.0)]  # type: ignore[arg-type]
    state, effects = run(state, CodeSeen())
    assert state.name == "deciding"
    assert effects == [CancelTimer(), Decide()]


def test_marked_admission_opens_under_an_amber_lamp() -> None:
    _, effects = run(READY, CodeSeen(), Decided("admit", marked=True))
    assert effects[2:4] == [Pulse(), Show("amber", "admit")]


@pytest.mark.parametrize("name", ["ready", "deciding", "passed", "refused", "amber", "fault"])
def test_passage_without_an_admission_is_an_incident(name: StateName) -> None:
    assert step(at(name), PassageSensed()).effects == (RecordIncident("passage-without-admission"),)


def test_passage_after_the_release_is_an_incident_of_its_own() -> None:
    _, effects = run(READY, CodeSeen(), Decided("admit"), Timeout(), PassageSensed())
    assert effects[-1] == RecordIncident("late-passage")


def test_passage_during_a_fire_release_is_counted_and_no_incident() -> None:
    _, effects = run(READY, FireOn(), PassageSensed(), PassageSensed())
    assert effects.count(CountPassage()) == 2
    assert not [effect for effect in effects if isinstance(effect, RecordIncident)]


def test_fire_release_undoes_the_outstanding_admission() -> None:
    state, effects = run(READY, CodeSeen(), Decided("admit"), FireOn())
    assert state.name == "fire-release"
    assert effects[-3:] == [RecordRelease("fire-release"), CancelTimer(), Show("amber")]


@pytest.mark.parametrize(
    ("event", "reason"), [(FireOn(), "fire-release"), (FaultOn("camera"), "fault"), (PulseFailed(), "fault")]
)
def test_admission_that_comes_too_late_is_undone_and_gives_no_pulse(event: Event, reason: str) -> None:
    _, effects = run(READY, CodeSeen(), event, Decided("admit"))
    assert effects[-1] == RecordRelease(reason)  # type: ignore[arg-type]
    assert Pulse() not in effects


def test_refusal_that_comes_too_late_changes_nothing() -> None:
    state, _ = run(READY, CodeSeen(), FireOn())
    assert step(state, Decided("refuse")) == Transition(state)


def test_fire_has_priority_over_fault_and_the_fault_is_not_forgotten() -> None:
    state, _ = run(READY, FireOn(), FaultOn("camera"))
    assert state.name == "fire-release"
    state, effects = run(state, FireOff())
    assert state.name == "fault"
    assert Show("fault", "fault") in effects


def test_after_the_alarm_the_codes_in_view_are_seen_anew() -> None:
    state, effects = run(READY, FireOn(), CodeSeen(), FireOff())
    assert state == READY
    assert effects[-1] == Rearm()


def test_fault_while_somebody_is_in_the_arm_waits_for_the_turn() -> None:
    state, effects = run(READY, CodeSeen(), Decided("admit"), FaultOn("camera"), PassageSensed())
    assert state.name == "fault"
    assert effects[-3:] == [RecordPassed(), CancelTimer(), Show("fault", "fault")]


def test_fault_while_open_and_nobody_turns() -> None:
    state, effects = run(READY, CodeSeen(), Decided("admit"), FaultOn("camera"), Timeout())
    assert state.name == "fault"
    assert RecordRelease("not-turned") in effects


def test_pulse_that_failed_undoes_the_admission_and_takes_the_gate_out_of_service() -> None:
    state, effects = run(READY, CodeSeen(), Decided("admit"), PulseFailed())
    assert state == State("fault", frozenset({"turnstile"}))
    assert effects[-3] == RecordRelease("pulse-failed")


def test_pulse_failure_that_is_told_after_the_fire_alarm_is_remembered() -> None:
    state, _ = run(READY, CodeSeen(), Decided("admit"), FireOn(), PulseFailed())
    assert state == State("fire-release", frozenset({"turnstile"}))


def test_two_faults_need_two_repairs() -> None:
    state, _ = run(READY, FaultOn("camera"), FaultOn("journal"), FaultOff("camera"))
    assert state == State("fault", frozenset({"journal"}))
    assert step(state, FaultOff("journal")).state == READY


def test_times_are_those_of_the_configuration() -> None:
    timing = Timing(window=9.0, passed=0.5, notice=2.0)
    opened = step(replace(READY, name="deciding"), Decided("admit"), timing)
    assert StartTimer(9.0) in opened.effects
    assert StartTimer(0.5) in step(opened.state, PassageSensed(), timing).effects
    assert StartTimer(2.0) in step(opened.state, Timeout(), timing).effects
