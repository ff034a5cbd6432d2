"""The median skew of holders' phones: an alarm when many are off alike."""

from scanner.skew import SkewWatch


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
