"""Windows of monitoring against the plainest way to count, in any order, and across a restart."""

from hypothesis import given
from hypothesis import strategies as st

from ledger_node.services.monitoring import Mark, Sign, Thresholds, Windows, judge

NAME = ("rule", "show", "subject")
times = st.lists(st.integers(0, 200), min_size=1, max_size=40)


@given(times, st.integers(1, 60))
def test_a_window_in_order_is_the_last_so_many_seconds(ats, span):
    windows = Windows()
    for n, at in enumerate(sorted(ats)):
        got = windows.add(NAME, Mark(at, n, n), span)
        expected = [other for other in sorted(ats)[: n + 1] if at - span < other <= at]
        assert sorted(mark.at for mark in got) == expected


@given(times, st.integers(1, 60), st.randoms(use_true_random=False))
def test_in_any_order_a_window_has_its_mark_and_is_no_longer_than_its_span(ats, span, rng):
    windows = Windows()
    rng.shuffle(ats)
    for n, at in enumerate(ats):
        got = windows.add(NAME, Mark(at, n, n), span)
        assert Mark(at, n, n) in got
        assert max(mark.at for mark in got) - min(mark.at for mark in got) < span


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_what_lies_within_one_span_is_counted_whole_whatever_comes_first(ats, rng):
    """A gate that was cut off uploads its scans after those of the others."""
    windows = Windows()
    rng.shuffle(ats)
    for n, at in enumerate(ats):
        got = windows.add(NAME, Mark(at, n, n), 51)
    assert len(got) == len(ats)


kinds = st.sampled_from(["transfer.accept", "identity.attest", "resale.list", "admission", "refusal", "incident"])
signs = st.lists(
    st.tuples(kinds, st.integers(0, 400), st.integers(0, 6), st.sampled_from(["", "p", "q"]), st.integers(-60, 60)),
    max_size=60,
)
TIGHT = Thresholds(
    tickets=2, tickets_within=100, hands=2, hands_within=50, refused=2, refused_within=60, at_cap=2,
    at_cap_within=80, skew_tickets=3, skew_within=90,
)  # fmt: skip


def made(position, kind, at, ticket, person, lag):
    cause = "shared-or-cloned-key" if kind == "incident" and person else ""
    return Sign(position, "show", kind, at, ticket, person, "R1", "dev", cause, at_cap=lag > 0, lag=lag)


@given(signs, st.data())
def test_a_restart_between_any_two_entries_changes_nothing(given_signs, data):
    """The marks as they are kept on disk are all that a rule needs."""
    stream = [made(n, *one) for n, one in enumerate(given_signs)]
    whole, cut = Windows(), data.draw(st.integers(0, len(stream)))
    expected = [raised for sign in stream for raised in judge(TIGHT, whole, sign)]
    before = Windows()
    got = [raised for sign in stream[:cut] for raised in judge(TIGHT, before, sign)]
    after = Windows(before.fresh)
    got += [raised for sign in stream[cut:] for raised in judge(TIGHT, after, sign)]
    assert got == expected


@given(signs)
def test_rules_name_no_person_but_by_the_fingerprint_that_they_were_given(given_signs):
    windows = Windows()
    for n, one in enumerate(given_signs):
        for raised in judge(TIGHT, windows, made(n, *one)):
            kind, _, what = raised.subject.partition(" ")
            assert kind in {"ticket", "gate", "device", "pseudonym"}
            assert kind != "pseudonym" or what in {"p", "q"}
