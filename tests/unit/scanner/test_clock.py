"""Trusted time: what each source may do to it, and what a wrong one may not."""

import pytest

from scanner.clock import NTP_ERROR_S, TRUST_LIMIT_S, SkewWatch, TimeSample, TrustedClock
from scanner.system_clock import disciplined, system_clock
from tests.fakes.event import NOON

DAY = 86_400.0


class Clocks:
    """The machine's clocks, turned by hand."""

    def __init__(self, wall: float = NOON, *, ntp: bool = False) -> None:
        self.wall, self.monotonic, self.ntp = wall, 50.0, ntp

    def make(self, floor: float = 0.0) -> TrustedClock:
        return TrustedClock(lambda: self.wall, lambda: self.monotonic, lambda: self.ntp, floor)

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def sample(self, unix: float, rtt: float = 0.02) -> TimeSample:
        """The node said `unix`, half-way through a request that ends now."""
        return TimeSample(int((unix - rtt / 2) * 1000), self.monotonic - rtt, self.monotonic)


def test_1970_at_boot_is_lifted_to_the_newest_signed_time_and_not_trusted() -> None:
    reading = Clocks(wall=12.0).make(floor=NOON).now()
    assert reading.seconds == NOON
    assert not reading.trusted
    assert reading.error_s >= DAY


def test_three_days_ahead_at_boot_without_ntp_is_not_trusted_and_the_node_puts_it_right() -> None:
    clocks = Clocks(wall=NOON + 3 * DAY)
    clock = clocks.make(floor=NOON - 60)
    assert not clock.now().trusted
    clock.observe(clocks.sample(NOON))
    reading = clock.now()
    assert reading.trusted
    assert reading.source == "node"
    assert abs(reading.seconds - NOON) <= reading.error_s


def test_ntp_that_is_older_than_a_signed_time_is_not_believed() -> None:
    clock = Clocks(wall=NOON - DAY, ntp=True).make(floor=NOON)
    reading = clock.now()
    assert (reading.trusted, reading.seconds) == (False, NOON)


def test_ntp_gives_trust_without_a_node() -> None:
    clock = Clocks(ntp=True).make()
    reading = clock.now()
    assert (reading.trusted, reading.source, reading.error_s) == (True, "ntp", NTP_ERROR_S)


def test_the_node_wins_against_a_clock_that_claims_ntp_and_people_are_told() -> None:
    clocks = Clocks(wall=NOON + 40, ntp=True)
    clock = clocks.make()
    clock.observe(clocks.sample(NOON))
    assert abs(clock.now().seconds - NOON) <= 0.1
    assert "differs from ours by -40" in clock.alarm()
    clock.discipline()
    assert abs(clock.now().seconds - NOON) <= 0.1


def test_a_jump_of_minus_90_s_in_mid_show_moves_nothing_and_raises_an_alarm() -> None:
    clocks = Clocks(ntp=True)
    clock = clocks.make()
    clocks.wait(600)
    clocks.wall -= 90
    clock.discipline()
    assert clock.now().seconds == pytest.approx(NOON + 600)
    assert clock.now().trusted
    assert "jumped by -90" in clock.alarm()


def test_the_alarm_ends_when_the_wall_clock_is_back() -> None:
    clocks = Clocks(ntp=True)
    clock = clocks.make()
    clocks.wall -= 90
    clock.discipline()
    clocks.wall += 90
    clock.discipline()
    assert clock.alarm() == ""


def test_the_alarm_ends_when_the_node_agrees_even_over_a_slow_line() -> None:
    clocks = Clocks(wall=NOON + 40, ntp=True)
    clock = clocks.make()
    clock.observe(clocks.sample(NOON))
    clocks.ntp = False
    clocks.wait(10)
    clock.observe(clocks.sample(NOON + 10, rtt=3.0))
    assert clock.alarm() == ""


def test_ntp_steers_a_long_holdover_without_a_jump() -> None:
    clocks = Clocks(ntp=True)
    clock = clocks.make()
    clocks.wait(20_000)
    clocks.wall += 1.5
    clock.discipline()
    assert clock.now().seconds == pytest.approx(NOON + 20_001.5)
    assert clock.now().error_s == NTP_ERROR_S


def test_holdover_grows_until_the_time_is_not_trusted_any_more() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clock.observe(clocks.sample(NOON))
    clocks.wait(40_000)
    held = clock.now()
    assert held.trusted
    assert held.error_s > 4
    clocks.wait(15_000)
    lost = clock.now()
    assert not lost.trusted
    assert lost.error_s > TRUST_LIMIT_S


def test_a_sample_that_took_long_gives_time_but_no_trust() -> None:
    clocks = Clocks(wall=0.0)
    clock = clocks.make()
    clock.observe(clocks.sample(NOON, rtt=30.0))
    reading = clock.now()
    assert not reading.trusted
    assert abs(reading.seconds - NOON) <= reading.error_s


def test_a_slow_sample_does_not_replace_a_good_one() -> None:
    clocks = Clocks()
    clock = clocks.make()
    clock.observe(clocks.sample(NOON))
    clocks.wait(5)
    clock.observe(clocks.sample(NOON + 6.5, rtt=4.0))
    assert clock.now().seconds == pytest.approx(NOON + 5, abs=0.1)


def test_samples_that_arrive_out_of_order_agree() -> None:
    clocks = Clocks()
    clock = clocks.make()
    early = clocks.sample(NOON)
    clocks.wait(30)
    clock.observe(clocks.sample(NOON + 30))
    clock.observe(early)
    assert clock.now().seconds == pytest.approx(NOON + 30, abs=0.1)
    assert clock.alarm() == ""


def test_the_floor_rises_with_signed_time_and_is_never_undercut() -> None:
    clocks = Clocks()
    clock = clocks.make(floor=NOON - 500)
    clock.observe(clocks.sample(NOON))
    assert clock.floor() == pytest.approx(NOON, abs=0.1)
    clocks.wait(1)
    clock.observe(clocks.sample(NOON - 300))
    assert clock.now().seconds >= clock.floor()


def test_a_floor_that_the_time_has_not_reached_is_no_trusted_time() -> None:
    """A node once signed a time an hour ahead: what is read from then on is at best that far off, and says so."""
    clocks = Clocks()
    clock = clocks.make(floor=NOON + 3600)
    clock.observe(clocks.sample(NOON))
    reading = clock.now()
    assert reading.seconds == NOON + 3600
    assert not reading.trusted
    assert reading.error_s >= 3600 - 1
    assert "ahead" in clock.alarm()


def test_many_phones_off_alike_raise_an_alarm_and_few_do_not() -> None:
    watch = SkewWatch(window=40, least=15, limit_s=20.0)
    for _ in range(14):
        watch.add(90.0)
    assert watch.alarm() == ""
    watch.add(90.0)
    assert "90 s" in watch.alarm()


def test_phones_off_each_in_its_own_way_are_no_alarm_and_old_ones_are_forgotten() -> None:
    watch = SkewWatch(window=20, least=15, limit_s=20.0)
    for number in range(20):
        watch.add(200.0 if number % 2 else -200.0)
    assert watch.alarm() == ""
    for _ in range(20):
        watch.add(-45.0)
    assert "-45 s" in watch.alarm()
    for _ in range(20):
        watch.add(1.0)
    assert watch.alarm() == ""


def test_the_machine_clock_can_be_asked() -> None:
    assert disciplined() in {True, False}
    floor = 5_000_000_000.0
    assert system_clock(floor).now().seconds >= floor
