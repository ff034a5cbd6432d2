from itertools import pairwise
from math import inf
from typing import get_args

from scanner.hw.signals import LAMPS, SOUNDS, Outputs, Pattern, Player
from scanner.signs import Lamp, Sound


def played(pattern: Pattern, seconds: float) -> list[tuple[float, Outputs]]:
    """What an observer of the outputs notes in the first `seconds`: each change, with its time."""
    now = 0.0
    seen: list[tuple[float, Outputs]] = []
    player = Player(lambda on: seen.append((round(now, 3), on)))
    player.play(pattern, now)
    while player.due <= seconds:
        now = player.due
        player.advance(now)
    return seen


def rhythm(sound: Sound) -> list[float]:
    """Lengths of the beeps."""
    seen = played(SOUNDS[sound], 60.0)
    return [round(b - a, 3) for (a, on), (b, _) in pairwise(seen) if on]


def test_every_word_of_the_port_has_a_pattern() -> None:
    assert set(LAMPS) == set(get_args(Lamp))
    assert set(SOUNDS) == set(get_args(Sound))


def test_sounds_differ_in_number_and_length() -> None:
    assert rhythm("admit") == [0.12]
    assert rhythm("amber") == [0.15, 0.15]
    assert rhythm("refuse") == [0.8]
    assert rhythm("fault") == [0.08] * 5
    assert rhythm("none") == []


def test_sounds_end_in_silence() -> None:
    for name, pattern in SOUNDS.items():
        assert played(pattern, 60.0)[-1][1] == frozenset(), name


def test_ready_is_never_dark_for_long_and_never_looks_like_go() -> None:
    seen = played(LAMPS["ready"], 10.0)
    assert {on for _, on in seen} == {frozenset({"green"}), frozenset()}
    assert all(b - a < 2.0 for (a, _), (b, _) in pairwise(seen))


def test_fault_alternates_amber_and_red_for_ever() -> None:
    seen = played(LAMPS["fault"], 100.0)
    assert len(seen) > 200
    assert all(a != b for (_, a), (_, b) in pairwise(seen))
    assert {on for _, on in seen} == {frozenset({"amber"}), frozenset({"red"})}


def test_lamps_out_of_service_are_told_apart_by_colour_and_number() -> None:
    """By a person who looks for some seconds: how often which lamp comes on before the longest pause."""

    def told(lamp: Lamp) -> tuple[int, frozenset[str]]:
        lit = [(now, on) for now, on in played(LAMPS[lamp], 60.0) if on]
        gaps = [round(later - earlier, 2) for (earlier, _), (later, _) in pairwise(lit)]
        number = next((i + 1 for i, gap in enumerate(gaps) if gap == max(gaps)), 1)
        return number, frozenset().union(*(on for _, on in lit))

    words: tuple[Lamp, ...] = ("ready", "fault", "busy", "not-enrolled", "no-list", "failed")
    assert len({told(lamp) for lamp in words}) == len(words)
    assert [told(lamp)[0] for lamp in ("busy", "not-enrolled", "no-list")] == [1, 2, 3]
    assert not any("green" in told(lamp)[1] for lamp in words if lamp != "ready")


def test_steady_lamps_show_their_own_colour_only() -> None:
    for lamp in ("green", "amber", "red"):
        assert played(LAMPS[lamp], 100.0) == [(0.0, frozenset({lamp}))]


def test_new_pattern_takes_the_place_of_the_old_one() -> None:
    seen: list[Outputs] = []
    player = Player(seen.append)
    player.play(LAMPS["fault"], 0.0)
    player.play(LAMPS["red"], 0.1)
    player.advance(50.0)
    assert seen[-1] == frozenset({"red"})
    assert player.due == inf
