"""Whatever clocks say, and whenever the program starts again: a list only grows older, until the node's next word."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from scanner.list_age import STEP, Agreed, ListAge

NOON = 1_790_000_000.0


@dataclass(frozen=True)
class Says:
    """What agreed time is held to be, true or not, some seconds later; None = it is not known."""

    seconds: float
    agreed: Agreed | None


@dataclass(frozen=True)
class Restart:
    """The program starts again, on what was stored."""


def interval(off: float, width: float) -> Agreed:
    return NOON + off - width, NOON + off + width


intervals = st.builds(interval, st.floats(-1e6, 1e6), st.floats(0, 90_000))
doings = st.lists(st.builds(Says, st.floats(0, 4000), st.none() | intervals) | st.builds(Restart), max_size=40)


class Gate:
    def __init__(self) -> None:
        self.monotonic, self.stored = 500.0, b""
        self.start()

    def start(self) -> None:
        self.age = ListAge(self.stored, lambda: self.monotonic)

    def do(self, doing: Says | Restart) -> None:
        if isinstance(doing, Restart):
            self.start()
            return
        self.monotonic += doing.seconds
        self.age.tell(doing.agreed)
        self.keep(word=False)

    def keep(self, *, word: bool) -> None:
        new = self.age.renewed() if word else self.age.later()
        keeps = self.age.says_more(new)
        self.stored = new.pack() if keeps else self.stored
        self.age.take(new, stored=keeps)


@given(doings)
def test_no_word_on_the_time_makes_a_list_younger(given_doings: list[Says | Restart]) -> None:
    gate, least = Gate(), 0.0
    for doing in given_doings:
        gate.do(doing)
        least -= STEP if isinstance(doing, Restart) else 0.0
        assert gate.age.seconds >= least
        least = max(least, gate.age.seconds)


@given(doings)
def test_a_list_is_as_old_as_the_gate_has_run_at_least_whatever_clocks_say(given_doings: list[Says | Restart]) -> None:
    gate, ran = Gate(), 0.0
    for doing in given_doings:
        gate.do(doing)
        ran += -STEP if isinstance(doing, Restart) else doing.seconds
        ran = max(ran, 0.0)
        assert gate.age.seconds >= ran - 0.001


@given(doings, doings)
def test_the_nodes_word_makes_it_new_whatever_was_before(
    before: list[Says | Restart], after: list[Says | Restart]
) -> None:
    gate = Gate()
    for doing in before:
        gate.do(doing)
    gate.keep(word=True)
    assert gate.age.seconds == 0.0
    gate.start()
    assert gate.age.seconds < STEP
    for doing in after:
        gate.do(Says(getattr(doing, "seconds", 0.0), None))
    assert gate.age.seconds < sum(getattr(doing, "seconds", 0.0) for doing in after) + STEP


@given(st.floats(0, 80_000), st.lists(st.builds(Says, st.floats(0, 60), st.none()), max_size=20))
def test_without_two_sources_no_clock_adds_to_it(ran: float, said: list[Says]) -> None:
    gate = Gate()
    gate.do(Says(ran, None))
    for one in said:
        gate.do(one)
    assert abs(gate.age.seconds - ran - sum(one.seconds for one in said)) < 0.001


@given(st.floats(0, 400_000), st.floats(0, 5), st.floats(0, 5), st.floats(-5, 5), st.floats(-5, 5))
def test_time_switched_off_counts_by_agreed_time_less_what_it_is_unsure_of(
    off: float, before: float, after: float, wrong: float, now_wrong: float
) -> None:
    """The intervals hold the truth; how old it is found to be is never more than it is, and little less."""
    gate = Gate()
    gate.age.tell(interval(min(max(wrong, -before), before), before))
    gate.keep(word=True)
    gate.start()
    gate.do(Says(0.0, interval(off + min(max(now_wrong, -after), after), after)))
    assert off - 2 * (before + after) - STEP - 0.01 <= gate.age.seconds <= off + 0.01
