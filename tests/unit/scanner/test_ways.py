"""In what way each admission was decided is signed: at once where there was no one to ask, else within a minute."""

from pathlib import Path

import pytest

from scanner.errors import JournalError
from scanner.journal import _TELL_AFTER, Journal
from scanner.journal_recovery import verify_chain
from scanner.verify.record import MOST_STATED, Way, ways_stated
from tests.fakes.clockwork import HandClock
from tests.fakes.disk import Disk, Moment
from tests.fakes.event import DEVICE, NOON, compact_code, stamp_at
from tests.fakes.journals import admit_alone, admit_pending, entries, open_journal, query, spoil
from tests.fakes.peer_gates import converge, exchange, peer_gates
from tests.fakes.whole_gate import whole_gate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def told(journal: Journal) -> dict[int, Way]:
    return {counter: way for entry in entries(journal) for counter, way in ways_stated(entry).items()}


def decide(journal: Journal, ticket: int, way: Way) -> int:
    counter = admit_pending(journal, ticket).counter
    journal.decided(counter, way)
    return counter


def wait(journal: Journal, seconds: int = _TELL_AFTER) -> None:
    for _ in range(seconds):
        journal.tell_ways(stamp_at())


def test_with_no_one_to_ask_the_admission_says_so_itself(path: Path) -> None:
    with open_journal(path) as journal:
        counter = admit_alone(journal, 5)
        (entry,) = entries(journal)
        assert (entry.body["marks"], told(journal)) == (["alone"], {counter: "alone"})
        wait(journal, 3 * _TELL_AFTER)
        assert len(entries(journal)) == 1, "nothing is left to say"
    with open_journal(path) as journal:
        wait(journal)
        assert len(entries(journal)) == 1


def test_what_was_asked_about_is_told_within_a_minute_many_in_one_record(path: Path) -> None:
    with open_journal(path) as journal:
        wait(journal)
        ways: list[Way] = ["claimed", "peers", "alone", "claimed"]
        expected = {decide(journal, ticket, way): way for ticket, way in enumerate(ways, 1)}
        admit_pending(journal, 9)
        wait(journal, _TELL_AFTER - 1)
        assert told(journal) == {}
        wait(journal, 1)
        assert told(journal) == expected
        assert [entry.type for entry in entries(journal)].count("incident") == 1
        assert entries(journal)[-1].body["detail"] == {"claimed": [1, 4], "peers": [2], "alone": [3]}
        wait(journal, 3 * _TELL_AFTER)
        assert len(entries(journal)) == 6, "each is told once"
        assert verify_chain(journal.records(), DEVICE.public) == ""


def test_a_rush_is_told_before_the_minute_is_over_in_records_that_stay_small(path: Path) -> None:
    with open_journal(path) as journal:
        expected = {decide(journal, ticket, "claimed"): "claimed" for ticket in range(1, 2 * MOST_STATED + 4)}
        for _ in range(2):
            wait(journal, 1)
        assert len(told(journal)) == 2 * MOST_STATED
        wait(journal)
        assert told(journal) == expected
        assert max(len(entry.raw) for entry in entries(journal)) < 1_000


def test_what_the_last_run_left_untold_is_told_first(path: Path) -> None:
    with open_journal(path) as journal:
        expected = {decide(journal, 1, "claimed"): "claimed", decide(journal, 2, "peers"): "peers"}
    with open_journal(path) as journal:
        journal.settle_restart(stamp_at())
        wait(journal, 1)
        assert told(journal) == expected
    with open_journal(path) as journal:
        wait(journal)
        assert [entry.body["kind"] for entry in entries(journal) if entry.type == "incident"].count("decided") == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_disk_that_fails_while_they_are_told_loses_none(path: Path, moment: Moment) -> None:
    disk = Disk()
    with open_journal(path, disk) as journal:
        counter = decide(journal, 1, "peers")
        wait(journal, _TELL_AFTER - 1)
        disk.last.fail(moment)
        with pytest.raises(JournalError):
            journal.tell_ways(stamp_at())
        journal.probe()
        wait(journal)
        assert told(journal) == {counter: "peers"}
        assert verify_chain(journal.records(), DEVICE.public) == ""
    with open_journal(path) as journal:
        wait(journal)
        assert "journal-damaged" not in {entry.body.get("kind") for entry in entries(journal)}


def test_an_outcome_that_the_disk_did_not_take_has_no_way(path: Path) -> None:
    disk = Disk()
    with open_journal(path, disk) as journal:
        admit_pending(journal, 1)
        disk.last.fail("before")
        with pytest.raises(JournalError):
            journal.decided(1, "claimed")
        wait(journal)
        assert told(journal) == {}


def test_a_way_that_a_bad_disk_changed_is_noticed(path: Path) -> None:
    with open_journal(path) as journal:
        decide(journal, 1, "claimed")
        wait(journal)
    spoil(path, "UPDATE admission SET way = 'alone'")
    with open_journal(path) as journal:
        damage = entries(journal)[0].body["detail"]["damage"]
        assert damage == "admission 1 was decided in another way than the records say"


def test_admissions_of_an_earlier_release_have_no_way_and_stay_whole(path: Path) -> None:
    with open_journal(path) as journal:
        decide(journal, 1, "claimed")
    spoil(path, "UPDATE admission SET way = NULL")
    with open_journal(path) as journal:
        wait(journal)
        assert [entry.type for entry in entries(journal)] == ["admission"]
        journal.settle_restart(stamp_at())
    assert query(path, "SELECT outcome, way FROM admission") == [("in-doubt", None)]


def test_a_journal_of_the_format_before_is_whole_and_goes_on(path: Path) -> None:
    with open_journal(path) as journal:
        journal.release(decide(journal, 1, "claimed"), "not-turned", stamp_at())
    spoil(path, "ALTER TABLE admission DROP COLUMN way")
    spoil(path, "DELETE FROM _sqlite_migrations WHERE name = 'third'")
    with open_journal(path) as journal:
        expected = {decide(journal, 2, "peers"): "peers"}
        wait(journal)
        assert told(journal) == expected
        assert [entry.body["counter"] for entry in entries(journal)] == [1, 2, 3, 4]


# What the decision says


@pytest.mark.parametrize(("silent", "way"), [(False, "claimed"), (True, "alone")])
def test_a_node_that_answers_and_one_that_does_not(tmp_path: Path, *, silent: bool, way: Way) -> None:
    with whole_gate(tmp_path) as gate:
        gate.node.away, gate.node.silent = False, silent
        decision = gate.decide(compact_code(7, at=NOON).text())
        assert decision.opens
        wait(gate.journal)
        assert told(gate.journal) == {decision.counter: way}


def test_a_gate_that_stays_ready_tells_by_itself(tmp_path: Path) -> None:
    with whole_gate(tmp_path) as gate:
        gate.node.away = False
        decision = gate.decide(compact_code(7, at=NOON).text())
        for _ in range(_TELL_AFTER + 2):
            gate.let_time_pass(1)
        assert told(gate.journal) == {decision.counter: "claimed"}


@pytest.mark.parametrize("silent", [False, True], ids=["no node", "a silent node"])
@pytest.mark.parametrize("hears", [False, True], ids=["said nothing", "has the record"])
def test_other_gates_decide_only_where_one_of_them_has_the_record(tmp_path: Path, *, hears: bool, silent: bool) -> None:
    with peer_gates(tmp_path, HandClock(float(NOON)), "A1", "A2") as (one, two):
        converge(one, two)
        assert one.desk.near()
        one.node.away, one.node.silent = not silent, silent
        if hears:
            one.journal.on_record(lambda: exchange(one, two))
        decision = one.show(7)
        assert decision.opens
        wait(one.journal)
        assert told(one.journal) == {decision.counter: "peers" if hears else "alone"}
        assert entries(one.journal)[0].body["marks"] == [], "it was signed before that was known"
