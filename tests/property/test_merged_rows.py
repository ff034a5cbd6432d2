"""What a gate made of a snapshot and the changes since has the digest that a snapshot of all of it would have."""

from hypothesis import given
from hypothesis import strategies as st

from scanner.verify.row import Row, Rows
from scanner.verify.snapshot import StateDigest, merged_digest

tickets = st.sets(st.integers(0, 40), max_size=30)


def row(ticket, uses):
    return Row(ticket, 0, 0, 1, 0, 0, ticket, bytes(32), 0, uses, 0, 0)


def packed(rows):
    return b"".join(rows[ticket].pack() for ticket in sorted(rows))


@given(tickets, tickets)
def test_merging_is_as_if_it_had_been_one_snapshot(old, new):
    before, newer = {t: row(t, 0) for t in old}, {t: row(t, 1) for t in new}
    whole = before | newer
    expected = StateDigest("event", 77, len(whole))
    expected.update(packed(whole))
    rows = Rows(memoryview(packed(before)))
    assert b"".join(rows.merged(newer)) == packed(whole)
    assert merged_digest("event", 77, rows, newer) == expected.digest()
