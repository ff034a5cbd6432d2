"""Whatever happens at a gate, in whatever order: no pulse without an admission, no admission without an end."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scanner.gate import STATES, ImpossibleEvent, State, step
from scanner.gate_events import (
    EVENTS,
    CodeSeen,
    Decide,
    Decided,
    Event,
    FaultOff,
    FaultOn,
    FireOff,
    FireOn,
    PassageSensed,
    Pulse,
    PulseFailed,
    RecordPassed,
    RecordRelease,
    StartTimer,
    Tampered,
    Timeout,
)

parts = st.sampled_from(["camera", "journal", "snapshot"])
decided = st.builds(Decided, st.sampled_from(["admit", "repeat", "amber", "refuse"]), marked=st.booleans())
events = st.one_of(
    decided,
    st.builds(FaultOn, parts),
    st.builds(FaultOff, parts),
    st.sampled_from([CodeSeen(), PulseFailed(), PassageSensed(), Timeout(), FireOn(), FireOff(), Tampered()]),
)
states = st.builds(State, st.sampled_from(STATES), st.frozensets(parts), missed=st.booleans())


@given(states, events)
@settings(max_examples=500)
def test_pulse_comes_only_from_deciding_to_open(state: State, event: Event) -> None:
    try:
        transition = step(state, event)
    except ImpossibleEvent:
        assert isinstance(event, Decided)
        return
    pulses = transition.effects.count(Pulse())
    opens = state.name == "deciding" and transition.state.name == "open"
    assert pulses == (1 if opens else 0)
    assert opens == (state.name == "deciding" and isinstance(event, Decided) and event.verdict == "admit")


class Night(RuleBasedStateMachine):
    """A caller that keeps the rules of `step`, and an auditor who counts."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.asked = False
        self.timer = False
        self.admissions = self.pulses = self.ends = 0

    def tell(self, event: Event) -> None:
        before = self.state.name
        transition = step(self.state, event)
        self.state = transition.state
        self.asked |= Decide() in transition.effects
        self.pulses += transition.effects.count(Pulse())
        self.ends += sum(isinstance(effect, RecordPassed | RecordRelease) for effect in transition.effects)
        self.timer |= any(isinstance(effect, StartTimer) for effect in transition.effects)
        if Pulse() in transition.effects:
            assert before not in {"fault", "fire-release"}
            assert self.state.name == "open"

    @precondition(lambda self: not self.asked)
    @rule()
    def code(self) -> None:
        self.tell(CodeSeen())

    @precondition(lambda self: self.asked)
    @rule(event=decided)
    def answer(self, event: Decided) -> None:
        self.asked = False
        self.admissions += event.verdict == "admit"
        self.tell(event)

    @precondition(lambda self: not self.asked)
    @rule(event=st.sampled_from([PulseFailed(), PassageSensed(), Timeout(), FireOff(), Tampered()]))
    def outside(self, event: Event) -> None:
        self.tell(event)

    @rule(event=st.one_of(st.just(FireOn()), st.builds(FaultOn, parts)))
    def out_of_service(self, event: Event) -> None:
        self.tell(event)

    @precondition(lambda self: not self.asked)
    @rule(part=st.sampled_from(["starting", "camera", "journal", "snapshot", "turnstile"]))
    def repaired(self, part: str) -> None:
        self.tell(FaultOff(part))

    @invariant()
    def books_balance(self) -> None:
        assert self.pulses <= self.admissions
        outstanding = 1 if self.state.name == "open" else 0
        assert self.admissions == self.ends + outstanding

    @invariant()
    def ready_means_that_nothing_is_broken(self) -> None:
        assert (self.state.name == "fault") <= bool(self.state.faults)
        if self.state.name == "ready":
            assert not self.state.faults

    def teardown(self) -> None:
        """Whatever happened, time alone ends the outstanding admission."""
        if self.asked:
            self.tell(Decided("refuse"))
        if self.state.name == "open":
            self.tell(Timeout())
        assert self.admissions == self.ends


TestNight = Night.TestCase
TestNight.settings = settings(max_examples=150, stateful_step_count=40)


def test_every_event_takes_part() -> None:
    told = {CodeSeen, Decided, PulseFailed, PassageSensed, Timeout, FireOn, FireOff, FaultOn, FaultOff, Tampered}
    assert told == set(EVENTS)
