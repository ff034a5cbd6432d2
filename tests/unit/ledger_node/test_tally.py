"""What strangers do is counted by the table: so many, against the right one, over a restart, in bounded memory."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ledger_node.services.allowances import ALLOWANCES
from ledger_node.services.errors import ServiceError
from ledger_node.services.market_book import MarketBook
from ledger_node.services.tally import Tally

NOW = 1_800_000_000.0
SEED = b"s" * 32
LIMITS = Path(__file__).parents[3] / "docs" / "limits.md"


def full(tally, act, who, now=NOW, **terms):
    try:
        tally.take(act, who, now, **terms)
    except ServiceError as error:
        return error
    return None


@pytest.mark.parametrize("one", ALLOWANCES, ids=lambda one: f"{one.act}, {one.by}")
def test_each_allowance_is_used_up_refused_with_what_to_do_and_comes_back(one):
    tally = Tally(SEED)
    with capture_logs() as logs:
        for _ in range(one.most):
            assert full(tally, one.act, {one.by: "x"}) is None
        refused = [full(tally, one.act, {one.by: "x"}, NOW + 1) for _ in range(3)]
    assert {(error.status, error.code, error.wait) for error in refused} == {(429, one.code, one.seconds - 1)}
    assert one.sentence.partition(": ")[2], "it says what to do"
    assert full(tally, one.act, {one.by: "y"}, NOW + 1) is None, "another one's turn"
    assert full(tally, one.act, {one.by: "x"}, NOW + one.seconds) is None
    told = [(line["act"], line["counted_by"], line["log_level"]) for line in logs if line["event"] == "limit reached"]
    assert told == [(one.act, one.by, "warning")], "once, and not at every refusal"


def test_the_log_names_networks_and_tickets_but_no_person():
    tally = Tally(SEED)
    with capture_logs() as logs:
        for act, by, who in (
            ("wrong link", "address", "192.0.2.1"),
            ("offer", "ticket", "e 7"),
            ("letter of an offer", "recipient", "+85291234567"),
            ("identity", "person", "e 0f0f"),
        ):
            while full(tally, act, {by: who}) is None:
                pass
    assert [line["who"] for line in logs[:2]] == ["192.0.2.1", "e 7"]
    assert all(len(line["who"]) == 12 for line in logs[2:])
    assert "91234567" not in str(logs)
    assert "0f0f" not in str(logs)


def test_refused_for_one_it_counts_against_nobody():
    tally = Tally(SEED)
    for number in range(10):
        assert full(tally, "letter of an offer", {"ticket": str(number), "recipient": "r"}) is None
    for _ in range(8):
        assert full(tally, "letter of an offer", {"ticket": "z", "recipient": "r"}) is not None
    assert full(tally, "letter of an offer", {"ticket": "z", "recipient": "another"}) is None


def test_many_at_once_do_not_pass_the_limit_together():
    tally = Tally(SEED)
    with ThreadPoolExecutor(16) as pool:
        told = Counter(pool.map(lambda _: full(tally, "wrong link", {"address": "a"}) is None, range(400)))
    assert told == {True: 30, False: 370}


def test_what_came_to_nothing_or_ended_early_counts_no_more():
    tally = Tally(SEED)
    one, two = (tally.take("unpaid hold", {"address": "a"}, NOW, most=2) for _ in range(2))
    tally.keep(one, NOW, "one")
    assert full(tally, "unpaid hold", {"address": "a"}, most=2)
    tally.end("one", "hold")
    assert full(tally, "unpaid hold", {"address": "a"}, most=2), "another act of it"
    for ref in ("one", "one", "somebody else's"):
        tally.end(ref)
    tally.give_back(two)
    tally.give_back(two)
    assert len(tally) == 0
    assert full(tally, "unpaid hold", {"address": "a"}, most=2) is None


def test_a_restart_forgets_nothing_that_is_kept_on_disk(tmp_path):
    path = tmp_path / "market.sqlite3"
    book = MarketBook(path)
    tally = Tally(SEED, book.charges, NOW)
    for act, by in {(one.act, one.by) for one in ALLOWANCES}:
        while full(tally, act, {by: "+85291234567"}, most=3) is None:
            pass
    for ids in [[one] for one in tally._rows]:
        tally.keep(tuple(ids), NOW, "the hold")
    book.close()
    assert b"91234567" not in path.read_bytes()
    book = MarketBook(path)
    again = Tally(SEED, book.charges, NOW + 1)
    there = {one for one in ALLOWANCES if full(again, one.act, {one.by: "+85291234567"}, NOW + 1, most=3)}
    assert there == {one for one in ALLOWANCES if one.kept == "disk"}
    again.end("the hold", "unpaid hold")
    book.close()
    book = MarketBook(path)
    assert {row.act for row in book.charges.live(NOW)} == {one.act for one in there} - {"unpaid hold"}
    assert len(Tally(SEED, book.charges, NOW + 90_000)) == 0
    book.charges.add([], NOW + 90_000).result()
    assert book.charges.live(0.0) == []
    book.close()


def test_a_clock_that_had_run_ahead_locks_nobody_out():
    tally = Tally(SEED)
    while full(tally, "wrong link", {"address": "a"}, NOW + 400 * 86_400) is None:
        pass
    assert full(tally, "wrong link", {"address": "a"}, NOW) is None


def test_a_flood_of_addresses_takes_bounded_memory_and_the_oldest_goes_first():
    tally = Tally(SEED, capacity=100)
    for number in range(1_000):
        tally.keep(tally.take("unpaid hold", {"address": f"10.0.{number}"}, NOW, most=1), NOW, str(number))
    assert len(tally) == len(tally._groups) == len(tally._by_ref) == 100
    assert full(tally, "unpaid hold", {"address": "10.0.999"}, most=1)
    assert full(tally, "unpaid hold", {"address": "10.0.0"}, most=1) is None


def test_the_table_in_the_manual_is_the_table():
    rows = [line.strip("| \n").split(" | ") for line in LIMITS.read_text().splitlines() if line.startswith("| ")]
    shown = [tuple(cell.strip() for cell in row[:6]) for row in rows if row[0] in {one.act for one in ALLOWANCES}]
    assert shown == [
        (one.act, one.by, f"{one.most:,}", f"{one.seconds:,} s", one.kept, f"`{one.code}`") for one in ALLOWANCES
    ]
