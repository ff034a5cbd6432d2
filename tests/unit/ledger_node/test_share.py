"""When a request of the public may begin, by the clock."""

from math import inf

from ledger_node.web.share import AT_ONCE, DOORS, REST, Share


def test_while_no_gate_claims_several_run_at_once() -> None:
    share = Share()
    for _ in range(AT_ONCE):
        assert share.wait(5.0) == 0.0
        share.begin()
    assert share.wait(5.0) == inf
    share.end(5.0, 5.1)
    assert share.wait(5.1) == 0.0


def test_while_doors_are_open_one_runs_at_a_time_and_the_process_rests_after_it() -> None:
    share = Share()
    share.claimed(10.0)
    assert share.wait(10.0) == 0.0
    share.begin()
    assert share.wait(10.5) == inf
    share.end(10.0, 10.5)
    assert share.wait(10.5) == 0.5 * REST
    assert share.wait(10.5 + 0.5 * REST) == 0.0


def test_doors_that_closed_let_several_run_again() -> None:
    share = Share()
    share.claimed(10.0)
    share.begin()
    assert share.wait(10.0 + DOORS) == 0.0


def test_what_ran_when_the_first_claim_came_is_let_run_and_no_more_begin_beside_it() -> None:
    share = Share()
    share.begin()
    share.begin()
    share.claimed(1.0)
    share.end(0.9, 1.0)
    assert share.wait(1.0 + DOORS / 2) == inf
    share.end(0.9, 1.1)
    assert 0.0 < share.wait(1.1) < inf


def test_a_short_one_does_not_end_the_rest_after_a_long_one() -> None:
    share = Share()
    share.claimed(1.0)
    share.begin()
    share.begin()
    share.end(0.0, 1.0)
    share.end(0.99, 1.0)
    assert share.wait(1.0) == REST
