"""Trusted time: what each source may do to it, and what a lying one may not."""

import re

import pytest

from scanner.clock import (
    NODE,
    RTC_ERROR_S,
    TRUST_LIMIT_S,
    VOICE_ERROR_S,
    ClockReading,
    TimeSample,
    TrustedClock,
)
from scanner.kept_time import NOTHING_KEPT, SETTLE_S, Kept
from tests.fakes.event import NOON

DAY = 86_400.0
HOUR = 3600.0
LIES = pytest.mark.parametrize("lie", [HOUR, 3 * DAY, -HOUR, 40.0], ids=["+1h", "+3d", "-1h", "+40s"])
BOOT = "this start"
LONG = int(SETTLE_S) + 2
"""Samples, one a second, after which a lone source cannot take back what it said."""


class Clocks:
    """The machine's clocks, turned by hand."""

    def __init__(self, wall: float = NOON, *, ntp: bool = False) -> None:
        self.wall, self.monotonic, self.ntp = wall, 50.0, ntp
        self.chip: float | None = None
        self.boot = BOOT

    def make(self, kept: Kept = NOTHING_KEPT) -> TrustedClock:
        return TrustedClock(
            lambda: self.wall,
            lambda: self.monotonic,
            lambda: 0.0 if self.ntp else None,
            kept,
            rtc=lambda: self.chip,
            boot=self.boot,
            me="R1-device",
        )

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def reboot(self, wall: float) -> None:
        self.wall, self.monotonic, self.boot = wall, 3.0, "the next start"

    def sample(self, unix: float, rtt: float = 0.02, source: str = NODE, root: str = "") -> TimeSample:
        """The node said `unix`, or "gate R2" did, half-way through a request that ends now."""
        asked, teller = self.monotonic - rtt, f"{source[5:]}-device" if source.startswith("gate ") else ""
        return TimeSample(int((unix - rtt / 2) * 1000), asked, self.monotonic, source, 0.0, root, teller)

    def hear(self, clock: TrustedClock, off: float, times: int = LONG, source: str = NODE, root: str = "") -> None:
        """The source says a time that is so far off, and goes on saying so."""
        for _ in range(times):
            self.wait(1)
            clock.observe(self.sample(self.truth + off, source=source, root=root))

    @property
    def truth(self) -> float:
        return NOON + self.monotonic - 50.0


def right(clocks: Clocks, reading: ClockReading) -> bool:
    return reading.trusted and abs(reading.seconds - clocks.truth) <= reading.error_s


def test_1970_at_boot_is_lifted_to_the_floor_and_not_trusted() -> None:
    reading = Clocks(wall=12.0).make(Kept(float(NOON))).now()
    assert reading.seconds == NOON
    assert not reading.trusted
    assert reading.error_s >= DAY


def test_three_days_ahead_at_boot_without_ntp_is_not_trusted_and_the_node_puts_it_right() -> None:
    clocks = Clocks(wall=NOON + 3 * DAY)
    clock = clocks.make(Kept(NOON - 60.0))
    assert not clock.now().trusted
    clock.observe(clocks.sample(NOON))
    assert right(clocks, clock.now())
    assert clock.now().source == NODE


def test_ntp_alone_that_is_older_than_the_floor_is_not_believed() -> None:
    clock = Clocks(wall=NOON - DAY, ntp=True).make(Kept(float(NOON)))
    reading = clock.now()
    assert (reading.trusted, reading.seconds) == (False, NOON)
    assert "the floor" in clock.alarm()


def test_ntp_gives_trust_without_a_node() -> None:
    reading = Clocks(ntp=True).make().now()
    assert (reading.trusted, reading.source) == (True, "ntp")
    assert reading.error_s == pytest.approx(VOICE_ERROR_S)


@LIES
@pytest.mark.parametrize("ntp", [True, False], ids=["ntp", "no ntp"])
@pytest.mark.parametrize("samples", [1, 500])
def test_a_node_that_lies_moves_nothing_and_is_an_alarm(lie: float, ntp: bool, samples: int) -> None:
    clocks = Clocks(ntp=ntp)
    clock = clocks.make()
    clocks.hear(clock, 0.0)
    clocks.hear(clock, lie, samples)
    assert right(clocks, clock.now())
    (told,) = clock.news()
    assert (told.kind, told.source) == ("clock-false-ticker", NODE)
    assert abs(lie) - 2.5 * VOICE_ERROR_S <= abs(told.seconds) <= abs(lie), "as far as both may be wrong, less"
    words = "ahead of" if lie > 0 else "behind"
    assert re.fullmatch(rf"node is at least \d+\.\d s {words} the agreed time and is not followed", clock.alarm())
    clocks.hear(clock, 0.0, 1)
    assert clock.alarm() == ""
    assert right(clocks, clock.now())


@LIES
def test_a_lie_outlives_no_restart_of_the_program(lie: float) -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, 0.0)
    for _ in range(3):
        clocks.hear(clock, lie, 50)
        clock = clocks.make(Kept.unpack(clock.kept().pack()))
        assert right(clocks, clock.now())
        assert clock.floor() <= clocks.truth
    clocks.hear(clock, 0.0, 1)
    assert right(clocks, clock.now())


@LIES
def test_a_lie_at_the_start_of_the_machine_does_not_stand_against_ntp(lie: float) -> None:
    clocks = Clocks(ntp=True)
    clock = clocks.make()
    clocks.hear(clock, 0.0)
    kept = Kept.unpack(clock.kept().pack())
    clocks.reboot(NOON + 200)
    clock = TrustedClock(lambda: clocks.wall, lambda: clocks.monotonic, lambda: 0.0, kept, boot=clocks.boot)
    clock.observe(clocks.sample(NOON + 200 + lie))
    assert clock.now().seconds == pytest.approx(NOON + 200, abs=1)


@LIES
def test_a_lie_at_the_start_of_the_machine_does_not_stand_against_two_other_gates(lie: float) -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, lie)
    clocks.hear(clock, 0.0, 1, "gate R2", "R2-device")
    assert "node" in clock.alarm() or "R2" in clock.alarm()
    clocks.hear(clock, 0.0, 1, "gate R3", "R3-device")
    assert right(clocks, clock.now())
    assert clock.floor() <= clocks.truth
    assert "clock-moved" in [news.kind for news in clock.news()]


def test_one_wrong_first_answer_of_the_only_source_is_taken_back() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, 3 * DAY, 1)
    assert clock.floor() == 0.0, "one word founds no floor"
    clocks.hear(clock, 0.0, 1)
    assert not clock.now().trusted
    clocks.hear(clock, 0.0, 2)
    assert right(clocks, clock.now())


def test_one_wrong_answer_after_one_right_one_moves_nothing() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, 0.0, 1)
    clocks.hear(clock, HOUR, 1)
    assert not clock.now().trusted
    clocks.hear(clock, 0.0, 2)
    assert right(clocks, clock.now())


def test_another_gate_that_is_the_only_source_takes_a_wrong_word_back_and_becomes_firm() -> None:
    """As the node may: the others know it by its device, and here it is heard under its gate's name."""
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, HOUR, 1, "gate R2")
    clocks.hear(clock, 0.0, 3, "gate R2")
    assert right(clocks, clock.now())
    assert clock.now().root == "R2-device"
    clocks.hear(clock, 0.0, LONG, "gate R2")
    assert clock.floor() >= clocks.truth - 1
    clocks.hear(clock, HOUR, 3, "gate R2")
    assert right(clocks, clock.now())


def test_another_gate_that_repeats_the_nodes_one_word_does_not_make_it_firm() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, HOUR, 1)
    clocks.hear(clock, HOUR, LONG, "gate R2", NODE)
    assert clock.floor() == 0.0
    clocks.hear(clock, 0.0, 1)
    assert not clock.now().trusted


def test_a_node_that_took_its_word_back_is_confirmed_by_gates_that_have_their_time_from_it() -> None:
    """They speak in turns, so that no source ever speaks twice in a row."""
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, HOUR, 1)
    clocks.hear(clock, 0.0, 1)
    assert not clock.now().trusted
    clocks.hear(clock, HOUR, 1, "gate R3", NODE)
    assert not clock.now().trusted, "one that remembers the wrong word confirms nothing"
    for gate in ("gate R2", "gate R3"):
        clocks.hear(clock, 0.0, 1, gate, NODE)
    assert right(clocks, clock.now())


def test_gates_that_repeat_what_a_lying_node_told_them_are_no_witnesses() -> None:
    clocks = Clocks(ntp=True)
    clock = clocks.make()
    clocks.hear(clock, HOUR, 3)
    for number in range(2, 10):
        clocks.hear(clock, HOUR, 3, f"gate R{number}", NODE)
    assert right(clocks, clock.now())


def test_gates_that_remember_what_the_node_said_before_it_lied_are_heard_by_one_that_starts() -> None:
    clocks = Clocks()
    clock = clocks.make()
    for number in (2, 3):
        clocks.hear(clock, 0.0, 1, f"gate R{number}", NODE)
    clocks.hear(clock, HOUR, 5)
    assert right(clocks, clock.now())


def test_what_another_gate_has_from_us_is_no_word_of_its_own() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, HOUR, 5, "gate R2", "R1-device")
    assert clock.now().source == "none"


def test_a_source_that_lies_every_other_time_does_not_fill_the_journal() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, 0.0)
    for _ in range(100):
        clocks.hear(clock, HOUR, 1)
        clocks.hear(clock, 0.0, 1)
    assert len(clock.news()) == 1
    clocks.wait(600)
    clocks.hear(clock, HOUR, 1)
    assert len(clock.news()) == 1


def test_ntp_that_jumps_in_mid_show_moves_nothing_and_raises_an_alarm() -> None:
    clocks = Clocks(ntp=True)
    clock = clocks.make()
    clocks.wait(600)
    for _ in range(3):
        clock.discipline()
    clocks.wall -= 90
    clock.discipline()
    assert right(clocks, clock.now())
    assert clock.alarm().startswith("ntp is at least 89.0 s behind the agreed time")
    clocks.wall += 90
    clock.discipline()
    assert clock.alarm() == ""


def test_ntp_and_a_node_that_disagree_when_a_gate_starts_leave_it_untrusted_by_its_own_clock() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, HOUR, 10)
    clocks.ntp = True
    clock.discipline()
    clock.discipline()
    assert not clock.now().trusted
    assert clock.now().seconds == clocks.truth
    assert "node and ntp disagree" in clock.alarm()


def test_what_two_sources_say_against_ours_is_followed_and_told() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, -40.0)
    clocks.hear(clock, 0.0, 1, "gate R2", "R2-device")
    clocks.hear(clock, 0.0, 1, "gate R3", "R3-device")
    assert right(clocks, clock.now())
    moved = [news for news in clock.news() if news.kind == "clock-moved"]
    assert [round(news.seconds) for news in moved] == [40]


def test_a_clock_chip_finds_out_a_node_that_is_hours_off_and_sets_no_seconds() -> None:
    clocks = Clocks()
    clocks.chip = NOON + 200.0
    clock = clocks.make()
    assert clock.now().error_s == pytest.approx(RTC_ERROR_S)
    assert not clock.now().trusted
    clocks.hear(clock, 3 * DAY, 5)
    assert not clock.now().trusted
    assert "node" in clock.alarm()
    clocks.hear(clock, 0.0, 1)
    assert right(clocks, clock.now())


def test_a_clock_chip_that_lost_its_battery_is_not_heard() -> None:
    clocks = Clocks()
    clocks.chip = 120.0
    clock = clocks.make()
    clocks.hear(clock, 0.0, 1)
    assert right(clocks, clock.now())
    assert clock.alarm() == ""


def test_holdover_grows_until_the_time_is_not_trusted_any_more() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, 0.0)
    clocks.wait(40_000)
    held = clock.now()
    assert held.trusted
    assert held.error_s > 4
    clocks.wait(15_000)
    lost = clock.now()
    assert not lost.trusted
    assert lost.error_s > TRUST_LIMIT_S


def test_a_source_steers_a_long_holdover_within_its_bound() -> None:
    clocks = Clocks(ntp=True)
    clock = clocks.make()
    clocks.wait(20_000)
    clocks.wall += 1.5
    clock.discipline()
    assert clock.now().seconds == pytest.approx(NOON + 20_001.5, abs=0.51)
    assert clock.now().error_s <= VOICE_ERROR_S


def test_a_node_that_drags_slowly_gets_no_further_than_our_own_bound() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, 0.0)
    bound = clock.now().error_s
    began = clocks.monotonic
    for step in range(2_000):
        clocks.hear(clock, step * 0.05, 1)
    assert abs(clock.now().seconds - clocks.truth) <= bound + (clocks.monotonic - began) * 100e-6 + 0.01


def test_a_node_whose_clock_is_steered_by_slewing_is_no_false_ticker() -> None:
    clocks = Clocks()
    clock = clocks.make()
    for step in range(100):
        clocks.hear(clock, step * 0.004, 1)
    assert clock.alarm() == ""
    assert clock.now().trusted


def test_a_sample_that_took_long_gives_time_but_no_trust() -> None:
    clocks = Clocks(wall=0.0)
    clock = clocks.make()
    clock.observe(clocks.sample(NOON, rtt=30.0))
    reading = clock.now()
    assert not reading.trusted
    assert abs(reading.seconds - NOON) <= reading.error_s


def test_samples_that_arrive_out_of_order_agree() -> None:
    clocks = Clocks()
    clock = clocks.make()
    early = clocks.sample(NOON)
    clocks.wait(30)
    clock.observe(clocks.sample(NOON + 30))
    clock.observe(early)
    assert clock.now().seconds == pytest.approx(NOON + 30, abs=0.1)
    assert clock.alarm() == ""


def test_a_source_that_falls_silent_is_no_voice_any_more() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, 0.0)
    clocks.hear(clock, HOUR, 1)
    clocks.wait(100)
    clock.discipline()
    assert clock.alarm() == ""
    assert clock.heard() == ()


def test_the_floor_follows_agreed_time_and_is_never_ahead_of_it() -> None:
    clocks = Clocks()
    clock = clocks.make(Kept(NOON - 500.0))
    clocks.hear(clock, 0.0)
    assert clocks.truth - 1 <= clock.floor() <= clock.now().seconds
    clocks.hear(clock, 3 * DAY, 50)
    assert clock.floor() <= clock.now().seconds


def test_a_floor_that_an_earlier_version_stored_too_far_ahead_gives_way_to_the_first_voice() -> None:
    """Version 0.1 took any one time of the node for a floor: a single lie closed a gate for as long as it was wrong."""
    clocks = Clocks()
    clock = clocks.make(Kept.unpack(b"", earlier=int(NOON + 3 * DAY)))
    assert not clock.now().trusted
    clocks.hear(clock, 0.0)
    assert right(clocks, clock.now())
    assert clock.floor() <= clocks.truth
    assert right(clocks, clocks.make(Kept.unpack(clock.kept().pack())).now())


def test_a_floor_that_an_earlier_version_stored_too_far_ahead_does_not_help_a_node_that_still_lies() -> None:
    clocks = Clocks(ntp=True)
    clock = clocks.make(Kept.unpack(b"", earlier=int(NOON + 3 * DAY)))
    clocks.hear(clock, 3 * DAY, 20)
    assert right(clocks, clock.now())


def test_a_wrong_floor_gives_way_to_two_voices_and_to_no_single_one() -> None:
    clocks = Clocks()
    clock = clocks.make(Kept(NOON + DAY))
    clocks.hear(clock, 0.0, 50)
    assert not clock.now().trusted
    assert "node and the floor disagree" in clock.alarm()
    clocks.hear(clock, 0.0, 1, "gate R2", "R2-device")
    assert right(clocks, clock.now())


def kept_of_an_agreed_evening(clocks: Clocks) -> Kept:
    clock = clocks.make()
    clocks.hear(clock, 0.0)
    return Kept.unpack(clock.kept().pack())


def slow_chip(clocks: Clocks, kept: Kept, slow: float) -> TrustedClock:
    """The machine starts again, with nothing but a clock chip that is so slow; its word has become firm."""
    clocks.reboot(kept.floor - slow)
    clocks.chip = kept.floor - slow
    clock = clocks.make(kept)
    for _ in range(LONG):
        clocks.wait(1)
        clocks.chip += 1
        clock.discipline()
    assert clock.kept().held
    return clock


def test_a_slow_clock_chip_alone_takes_time_and_floor_no_lower_than_the_floor() -> None:
    clocks = Clocks()
    kept = kept_of_an_agreed_evening(clocks)
    clock = slow_chip(clocks, kept, 420.0)
    reading = clock.now()
    assert (reading.seconds, reading.trusted) == (kept.floor, False)
    assert reading.error_s >= RTC_ERROR_S + 400
    assert clock.floor() == kept.floor


def test_a_floor_that_two_voices_undercut_is_not_left_ahead_of_them() -> None:
    clocks = Clocks()
    kept = kept_of_an_agreed_evening(clocks)
    clock = slow_chip(clocks, kept, 420.0)
    now = kept.floor - 420.0 + LONG
    clock.observe(clocks.sample(now))
    reading = clock.now()
    assert reading.trusted
    assert reading.seconds == pytest.approx(now, abs=0.1)
    assert clock.floor() <= reading.seconds


def test_a_floor_of_an_earlier_version_within_a_chips_reach_gives_way_once_the_chip_is_firm() -> None:
    clocks = Clocks()
    clocks.chip = float(NOON)
    clock = clocks.make(Kept.unpack(b"", earlier=int(NOON + 500)))
    for _ in range(LONG):
        clocks.wait(1)
        clocks.chip += 1
        clock.discipline()
    assert clock.floor() <= clocks.truth


def test_where_two_disagree_and_one_is_below_the_floor_the_other_is_believed() -> None:
    clocks = Clocks()
    clock = clocks.make(Kept(NOON - 60.0))
    clocks.hear(clock, -HOUR, 1)
    assert not clock.now().trusted
    clocks.ntp = True
    clock.discipline()
    assert right(clocks, clock.now())
    assert clock.alarm().startswith("node is at least")


def test_a_clock_chip_that_ntp_sets_is_no_second_voice() -> None:
    clocks = Clocks(ntp=True)
    clocks.chip = clocks.wall
    clock = clocks.make()
    for _ in range(LONG):
        clocks.wait(1)
        clock.discipline()
    clocks.wall += DAY
    clocks.chip = clocks.wall
    clock.discipline()
    assert right(clocks, clock.now())


def test_what_two_sources_say_is_firm_at_once() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, 0.0, 1)
    assert clock.floor() == 0.0
    clocks.hear(clock, 0.0, 1, "gate R2")
    assert clock.floor() >= clocks.truth - 1


def test_a_person_sets_the_time_to_what_a_source_says() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clocks.hear(clock, 3 * DAY)
    clocks.hear(clock, 0.0)
    assert not right(clocks, clock.now())
    assert clock.reset("ntp") is None
    assert clock.reset(NODE) is not None
    assert right(clocks, clock.now())
    assert clock.floor() <= clocks.truth
    assert clock.alarm() == ""
    assert right(clocks, clocks.make(Kept.unpack(clock.kept().pack())).now())


def test_a_person_cannot_set_the_time_to_what_nobody_says() -> None:
    assert Clocks().make().reset() is None
