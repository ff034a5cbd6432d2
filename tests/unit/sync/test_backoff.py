from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.sync.backoff import Backoff


def after(failures, backoff=Backoff()):  # noqa: B008
    for _ in range(failures):
        backoff = backoff.failed()
    return backoff


def test_the_bound_doubles_up_to_the_ceiling():
    bounds = [after(failures, Backoff(0.5, 10.0)).bound() for failures in range(8)]
    assert bounds == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_success_begins_anew():
    assert after(9).succeeded().failed().bound() == 0.5


def test_a_show_without_a_network_overflows_nothing():
    assert after(100_000).bound() == 10.0


@settings(deadline=None)
@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_every_wait_is_within_its_bound(failures, draw):
    backoff = after(failures)
    assert 0 <= backoff.wait(draw) <= backoff.bound() <= backoff.ceiling


def test_gates_do_not_come_back_as_a_herd():
    waits = sorted(after(10).wait(gate / 50) for gate in range(50))
    assert waits[0] == 0.0
    assert max(later - earlier for earlier, later in pairwise(waits)) <= 10.0 / 50 + 1e-9


@pytest.mark.parametrize(("base", "ceiling"), [(0, 1), (-1, 1), (2, 1)])
def test_a_backoff_that_never_waits_is_refused(base, ceiling):
    with pytest.raises(ValueError, match="no backoff"):
        Backoff(base, ceiling)
