from math import inf

from scanner.hw.inputs import Change, Contact


def contact(*, active: bool = False, stuck_after: float = inf) -> Contact:
    return Contact(active=active, now=0.0, debounce=0.02, stuck_after=stuck_after)


def test_change_counts_once_it_has_held_and_is_dated_from_its_first_edge() -> None:
    passage = contact()
    passage.edge(5.0)
    assert passage.look(active=True, now=5.001) is None
    assert passage.due == 5.02
    assert passage.look(active=True, now=5.02) == Change(active=True, at=5.0)
    assert passage.due == inf


def test_spike_shorter_than_the_debounce_time_is_nothing() -> None:
    passage = contact()
    passage.edge(5.0)
    assert passage.look(active=True, now=5.0) is None
    passage.edge(5.005)
    assert passage.look(active=False, now=5.005) is None
    assert passage.due == inf
    assert passage.look(active=False, now=6.0) is None


def test_bouncing_starts_the_wait_anew() -> None:
    passage = contact()
    for at, level in [(5.0, True), (5.01, False), (5.015, True)]:
        passage.edge(at)
        assert passage.look(active=level, now=at) is None
    assert passage.look(active=True, now=5.03) is None
    assert passage.look(active=True, now=5.036) == Change(active=True, at=5.015)


def test_lost_edge_is_found_at_the_next_look() -> None:
    passage = contact()
    assert passage.look(active=True, now=7.0) is None
    assert passage.look(active=True, now=7.1) == Change(active=True, at=7.0)


def test_input_that_never_goes_back_is_stuck_once_and_comes_back_once() -> None:
    passage = contact(stuck_after=10.0)
    passage.look(active=True, now=1.0)
    passage.look(active=True, now=1.1)
    assert passage.due == 11.1
    assert not passage.became_stuck(11.0)
    assert passage.became_stuck(11.1)
    assert not passage.became_stuck(12.0)
    assert not passage.came_back()
    passage.look(active=False, now=20.0)
    passage.look(active=False, now=20.1)
    assert passage.came_back()
    assert not passage.came_back()


def test_input_that_is_active_from_the_start_is_stuck_too() -> None:
    passage = contact(active=True, stuck_after=10.0)
    assert passage.due == 10.0
    assert passage.became_stuck(10.0)


def test_fire_release_may_stay_active() -> None:
    fire = contact(active=True)
    assert not fire.became_stuck(1e9)
