"""Marzullo's rule: what more than half of the voices share, and no answer where two could be right."""

from scanner.time_vote import Voice, beside, elect


def voice(source: str, low: float, high: float, root: str = "") -> Voice:
    return Voice(source, low, high, root or source)


def test_nobody_says_anything() -> None:
    assert elect([]) is None


def test_one_voice_alone_is_believed_as_it_is() -> None:
    elected = elect([voice("node", 1, 3)])
    assert elected
    assert (elected.low, elected.high, elected.roots) == (1, 3, {"node"})


def test_two_that_disagree_elect_nobody() -> None:
    assert elect([voice("node", 0, 1), voice("ntp", 5, 6)]) is None


def test_two_against_one_win_with_what_they_share() -> None:
    elected = elect([voice("node", 100, 101), voice("ntp", 0, 2), voice("R2", 1, 5)])
    assert elected
    assert (elected.low, elected.high, elected.roots) == (1, 2, {"ntp", "R2"})


def test_two_of_five_are_no_majority_though_the_others_agree_on_nothing() -> None:
    scattered = [voice("a", 10, 11), voice("b", 20, 21), voice("c", 30, 31)]
    assert elect([voice("node", 0, 2), voice("ntp", 1, 3), *scattered]) is None


def test_one_word_repeated_by_many_is_one_word() -> None:
    echoes = [voice(f"gate R{number}", 100, 101, "node") for number in range(2, 9)]
    assert elect([voice("node", 100, 101), *echoes, voice("ntp", 0, 1)]) is None
    elected = elect([voice("node", 100, 101), *echoes, voice("ntp", 0, 1), voice("rtc", 0, 9)])
    assert elected
    assert elected.roots == {"ntp", "rtc"}


def test_a_wide_voice_between_two_that_disagree_decides_nothing() -> None:
    assert elect([voice("node", 0, 1), voice("rtc", 0, 100), voice("ntp", 99, 100)]) is None


def test_what_is_held_is_narrowed_by_those_who_may_be_right_with_it() -> None:
    held = voice("this gate", 0, 10)
    narrowed = beside(held, [voice("node", 4, 6), voice("ntp", 5, 50), voice("R2", 90, 91)])
    assert (narrowed.low, narrowed.high) == (5, 6)


def test_what_is_held_stays_where_two_answers_are_as_good() -> None:
    held = voice("this gate", 0, 10)
    narrowed = beside(held, [voice("node", 0, 1), voice("ntp", 8, 9)])
    assert (narrowed.low, narrowed.high) == (0, 10)


def test_one_voice_is_ahead_of_another_by_what_lies_between_them() -> None:
    node = voice("node", 10, 12)
    for other, ahead in ((voice("R2", 3, 4), 6.0), (voice("R2", 15, 900), -3.0), (voice("R2", 12, 13), 0.0)):
        assert (node.ahead_of(other), other.ahead_of(node)) == (ahead, -ahead)
        assert node.shares(other) == (ahead == 0)
