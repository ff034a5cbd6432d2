"""Whatever one source says, in whatever order, and whenever the program starts again: it moves nothing on its own."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from scanner.clock import RTC_ERROR_S, TRUST_LIMIT_S, VOICE_ERROR_S, TimeSample, TrustedClock
from scanner.kept_time import DRIFT, SETTLE_S, Kept
from scanner.time_vote import Voice, elect

BASE = 1_790_000_000
SOURCES = ("node", "ntp", "rtc", "gate R2", "gate R3")


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Says:
    """A source says a time that is so far off, over a line that takes so long."""

    off: float
    rtt: float = 0.0
    source: str = "liar"


@dataclass(frozen=True)
class Restart:
    """The program starts again, on what it kept."""


offsets = st.floats(-4e5, 4e5) | st.sampled_from([3600.0, -3600.0, 259_200.0, 1.0, -1.0])
waits = st.builds(Wait, st.floats(0, 40))
restarts = st.builds(Restart)
lies = st.builds(Says, offsets, st.floats(0, 3))


class Machine:
    """A gate's clocks: `honest` sources say the truth each time that anybody is heard, and one says what it likes."""

    def __init__(self, honest: tuple[str, ...], liar: str = "node") -> None:
        self.monotonic, self.honest, self.liar = 1000.0, honest, liar
        self.lie: float | None = None
        self.start(Kept())

    @property
    def truth(self) -> float:
        return BASE + self.monotonic - 1000.0

    def start(self, kept: Kept) -> None:
        def local(name: str, error: float) -> float | None:
            if name in self.honest:
                return error
            return error if name == self.liar and self.lie is not None else None

        def wall() -> float:
            return self.truth + (self.lie or 0.0 if self.liar == "ntp" else 0.0)

        def chip() -> float | None:
            off = self.lie or 0.0 if self.liar == "rtc" else 0.0
            return None if local("rtc", 0.0) is None else self.truth + off

        self.clock = TrustedClock(
            wall, lambda: self.monotonic, lambda: local("ntp", 0.0), kept, rtc=chip, boot="a", me="R1-device"
        )

    def tell(self, source: str, off: float, rtt: float = 0.0) -> None:
        if source in {"ntp", "rtc"}:
            self.lie = off if source == self.liar else self.lie
            self.clock.discipline()
            return
        self.monotonic += rtt
        told = int((self.truth - rtt / 2 + off) * 1000)
        self.clock.observe(TimeSample(told, self.monotonic - rtt, self.monotonic, source))

    def do(self, step: Wait | Says | Restart) -> None:
        match step:
            case Wait(seconds):
                self.monotonic += seconds
            case Says(off, rtt):
                self.tell(self.liar, off, rtt)
            case Restart():
                self.start(Kept.unpack(self.clock.kept().pack()))
        for source in self.honest:
            self.tell(source, 0.0)

    def settle(self, source: str) -> None:
        """Only this source is heard, and the truth, until it is settled."""
        for _ in range(int(SETTLE_S) + 3):
            self.monotonic += 1
            self.tell(source, 0.0)

    def error(self) -> float:
        return abs(self.clock.now().seconds - self.truth)


@given(st.lists(waits | lies | restarts, max_size=30))
def test_the_only_source_moves_agreed_time_by_no_more_than_its_error_bound(doings: list[Wait | Says | Restart]) -> None:
    machine = Machine(honest=())
    machine.settle("node")
    bound, began = machine.clock.now().error_s, machine.monotonic
    for doing in doings:
        machine.do(doing)
        assert machine.error() <= bound + (machine.monotonic - began) * DRIFT + 0.01
        assert machine.clock.floor() <= machine.clock.now().seconds


@given(
    st.sampled_from(SOURCES),
    st.permutations(SOURCES),
    st.lists(waits | lies | restarts, max_size=30),
)
def test_one_liar_among_honest_sources_moves_nothing_even_if_it_spoke_first(
    liar: str, order: list[str], doings: list[Wait | Says | Restart]
) -> None:
    honest = tuple(source for source in order if source not in {liar, "rtc"})[:2]
    machine = Machine(honest, liar)
    for doing in doings:
        machine.do(doing)
        reading = machine.clock.now()
        if reading.trusted:
            assert machine.error() <= 2 * (VOICE_ERROR_S + 0.1)
            assert machine.clock.floor() <= reading.seconds


@given(st.lists(waits | restarts | st.builds(Says, offsets, st.floats(0, 60)), max_size=25))
def test_time_is_never_below_the_floor_and_says_how_sure_it_is(doings: list[Wait | Says | Restart]) -> None:
    machine = Machine(honest=())
    for doing in doings:
        machine.do(doing)
        reading = machine.clock.now()
        assert reading.seconds >= machine.clock.floor()
        assert reading.trusted == (reading.error_s <= TRUST_LIMIT_S)


@given(st.lists(waits | restarts | lies, max_size=25), st.floats(0, 1e5))
def test_time_does_not_run_backwards_on_its_own(doings: list[Wait | Says | Restart], waited: float) -> None:
    machine = Machine(honest=("ntp",))
    for doing in doings:
        machine.do(doing)
    before = machine.clock.now()
    machine.monotonic += waited
    assert machine.clock.now().seconds >= before.seconds


voices = st.builds(
    lambda source, middle, half: Voice(source, middle - half, middle + half, source),
    st.sampled_from([f"v{number}" for number in range(9)]),
    st.floats(-50, 50),
    st.floats(0, 20),
)


@given(st.lists(voices, max_size=9, unique_by=lambda voice: voice.source))
def test_what_is_elected_lies_within_more_than_half_of_the_voices(said: list[Voice]) -> None:
    elected = elect(said)
    if elected is None:
        return
    within = [voice for voice in said if voice.low <= elected.low and elected.high <= voice.high]
    assert elected.low <= elected.high
    assert 2 * len(within) > len(said)
    assert set(within) == set(elected.voices)


@given(st.lists(voices, min_size=1, max_size=9, unique_by=lambda voice: voice.source), st.floats(-50, 50))
def test_while_most_voices_are_true_what_is_elected_is_no_further_off_than_one_of_them(
    said: list[Voice], truth: float
) -> None:
    true = [voice for voice in said if voice.low <= truth <= voice.high]
    elected = elect(said)
    if 2 * len(true) <= len(said) or elected is None:
        return
    assert any(voice.shares(elected) for voice in true)
    widest = max(voice.high - voice.low for voice in true)
    assert elected.low - widest <= truth <= elected.high + widest


def test_a_clock_chip_is_believed_to_the_quarter_of_an_hour() -> None:
    machine = Machine(honest=("rtc",))
    machine.do(Wait(1))
    assert machine.clock.now().error_s >= RTC_ERROR_S
