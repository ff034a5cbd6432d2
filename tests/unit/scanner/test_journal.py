"""The journal in good times: one chain, a use mark a ticket, an outbox row a record, and what a restart makes of it."""

import json
import threading
from pathlib import Path

import pytest

from scanner.admission_life import ImpossibleMove
from scanner.errors import JournalError
from scanner.journal import Identity, Journal
from scanner.journal_recovery import verify_chain
from scanner.ports import Counts, Outbox, Receipt, Records
from scanner.verify.admit import Use
from scanner.verify.record import FIRST_PREVIOUS, GateIncident, Scan, record_hash
from tests.fakes.admitting import IDENTITY, admit
from tests.fakes.disk import Disk
from tests.fakes.event import DEVICE, NOON, full_code, holder, key, scan_of, stamp_at
from tests.fakes.journals import admit_pending, entries, open_journal, query, refuse


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def accepted(counter: int, position: int = 7) -> Receipt:
    return Receipt(counter, "accepted", position)


def test_it_is_both_ports(path: Path) -> None:
    with open_journal(path) as journal:
        ports: tuple[Records, Outbox] = (journal, journal)
        assert ports[0].counts().waiting == ports[1].queue_length() == 0


def test_each_record_is_signed_and_names_the_one_before(path: Path) -> None:
    with open_journal(path) as journal:
        for ticket in (5, 6):
            admit(journal, ticket)
        refuse(journal, 5)
        journal.incident(GateIncident("passage-without-admission"), stamp_at())
        raws = list(journal.records())
        chain = entries(journal)
    assert verify_chain(raws, DEVICE.public) == ""
    assert [entry.body["counter"] for entry in chain] == [1, 2, 3, 4]
    assert [entry.body["previous"] for entry in chain] == [FIRST_PREVIOUS, *map(record_hash, raws[:3])]
    assert [entry.type for entry in chain] == ["admission", "admission", "refusal", "incident"]


def test_a_chain_that_was_tampered_with_is_not_whole(path: Path) -> None:
    with open_journal(path) as journal:
        for ticket in range(1, 5):
            admit(journal, ticket)
        raws = list(journal.records())
    assert "does not follow" in verify_chain([raws[0], raws[2], raws[3]], DEVICE.public)
    assert "does not follow" in verify_chain([raws[0], raws[2], raws[1], raws[3]], DEVICE.public)
    assert "does not follow" in verify_chain(raws[1:], DEVICE.public)
    assert "another device" in verify_chain(raws, key("other").public)
    flipped = bytearray(raws[1])
    flipped[0] ^= 1
    assert "signature" in verify_chain([raws[0], bytes(flipped), *raws[2:]], DEVICE.public)


def test_a_use_is_known_at_once_and_after_a_restart(path: Path) -> None:
    use = Use("A1", NOON, 0, holder(5).public, released=False)
    with open_journal(path) as journal:
        assert journal.use_of(5) is None
        admit_pending(journal, 5)
        assert journal.use_of(5) == use
    with open_journal(path) as journal:
        assert journal.use_of(5) == use
        assert journal.use_of(6) is None


def test_the_use_of_another_events_ticket_with_the_same_number_is_not_ours(path: Path) -> None:
    """One gate serves one event today and another tomorrow, with one chain; a replay is keyed on event and ticket."""
    with open_journal(path) as journal:
        admit(journal, 5)
    tomorrow = Identity(IDENTITY.device, IDENTITY.gate, "arena-2026", DEVICE)
    with Journal.open(path, tomorrow, stamp_at) as journal:
        assert journal.use_of(5) is None
        admit(journal, 5)
        assert [entry.event for entry in entries(journal)] == [IDENTITY.event, "arena-2026"]
    with open_journal(path) as journal:
        assert journal.use_of(5) is not None
        assert verify_chain(journal.records(), DEVICE.public) == ""


def test_a_released_ticket_may_enter_again_and_a_voided_one_as_well(path: Path) -> None:
    with open_journal(path) as journal:
        released, voided = admit(journal, 5), admit_pending(journal, 6).counter
        journal.release(released, "not-turned", stamp_at())
        journal.void(voided, "used-elsewhere", stamp_at())
        for ticket in (5, 6):
            use = journal.use_of(ticket)
            assert use
            assert use.released
        second = admit(journal, 5)
        with pytest.raises(ImpossibleMove, match=f"release of admission {released}, which is released"):
            journal.release(released, "not-turned", stamp_at())
        use = journal.use_of(5)
        assert use
        assert not use.released, "a release of the first admission must not free the second"
        assert [(e.type, e.body["of"]) for e in entries(journal) if "of" in e.body] == [
            ("release", released),
            ("void", voided),
        ]
        assert second == 5


def test_a_release_is_final(path: Path) -> None:
    """A pulse that is told of too late does not make an admission of it again; its time is kept."""
    with open_journal(path) as journal:
        counter = admit_pending(journal, 5).counter
        journal.decided(counter, "claimed")
        journal.release(counter, "fire-release", stamp_at())
        journal.pulsed(counter, 1234)
        with pytest.raises(ImpossibleMove):
            journal.passed(counter)
        assert journal.counts().admitted == 0
    assert query(path, "SELECT outcome, pulse_ms FROM admission") == [("released", 1234)]


def test_outcomes_follow_their_order(path: Path) -> None:
    with open_journal(path) as journal:
        first, second = admit_pending(journal, 1).counter, admit_pending(journal, 2).counter
        journal.decided(first, "claimed")
        with pytest.raises(ImpossibleMove, match=f"alone of admission {first}, which is claimed"):
            journal.decided(first, "alone")
        with pytest.raises(ImpossibleMove, match=f"pulse of admission {second}, which is pending"):
            journal.pulsed(second, 1234)
        journal.pulsed(first, 1234)
        journal.passed(first)
        journal.decided(second, "alone")
    assert query(path, "SELECT outcome, pulse_ms FROM admission ORDER BY counter") == [
        ("passed", 1234),
        ("alone", None),
    ]


def test_counts_leave_out_who_did_not_enter(path: Path) -> None:
    with open_journal(path) as journal:
        admit(journal, 1)
        admit_pending(journal, 2)
        journal.void(admit_pending(journal, 3).counter, "used-elsewhere", stamp_at())
        journal.release(admit(journal, 4), "not-turned", stamp_at())
        refuse(journal, 1)
        journal.settle([accepted(1), Receipt(2, "rejected", None, reason="malformed")], 20)
        assert journal.counts() == Counts(admitted=1, refused=1, waiting=5, set_aside=1)
        assert journal.queue_length() == 5


# The restart


def test_a_restart_releases_what_cannot_have_been_pulsed_and_shows_what_may_have(path: Path) -> None:
    with open_journal(path) as journal:
        pending = admit_pending(journal, 1).counter
        claimed, alone = admit_pending(journal, 2).counter, admit_pending(journal, 3).counter
        journal.decided(claimed, "claimed")
        journal.decided(alone, "alone")
        pulsed, passed = admit(journal, 4), admit(journal, 5)
        journal.passed(passed)
    with open_journal(path) as journal:
        found = journal.settle_restart(stamp_at())
        assert [(f.counter, f.ticket, f.outcome) for f in found] == [
            (pending, 1, "pending"),
            (claimed, 2, "claimed"),
            (alone, 3, "alone"),
        ]
        uses = [journal.use_of(ticket) for ticket in range(1, 6)]
        assert [use.released for use in uses if use] == [True, False, False, False, False]
        settling = [(e.type, e.body.get("of") or e.body["detail"]["of"]) for e in entries(journal)[5:]]
        assert settling == [("release", pending), ("incident", claimed), ("incident", alone)]
        assert journal.counts().admitted == 4
        before = list(journal.records())
        assert journal.settle_restart(stamp_at()) == []
        assert list(journal.records()) == before
    outcomes = [outcome for (outcome,) in query(path, "SELECT outcome FROM admission ORDER BY counter")]
    assert outcomes == ["released", "in-doubt", "in-doubt", "pulsed", "passed"]
    assert pulsed == 4


def test_what_a_restart_released_may_enter(path: Path) -> None:
    with open_journal(path) as journal:
        admit_pending(journal, 1)
    with open_journal(path) as journal:
        journal.settle_restart(stamp_at())
        again = admit(journal, 1)
        use = journal.use_of(1)
        assert use
        assert not use.released
        assert again == 3
    with open_journal(path) as journal:
        assert journal.settle_restart(stamp_at()) == []


# The outbox


def test_an_admission_is_not_uploaded_while_its_claim_is_out(path: Path) -> None:
    """The node takes an upload as "the holder was let in", and reports a lost claim as a double entry."""
    woken: list[int] = []
    with open_journal(path) as journal:
        refuse(journal, 5)
        record = admit_pending(journal, 6)
        journal.on_record(lambda: woken.append(1))
        assert [w.counter for w in journal.waiting(9)] == [1]
        assert journal.queue_length() == 2
        journal.decided(record.counter, "claimed")
        assert woken
        assert [w.counter for w in journal.waiting(9)] == [1, 2]
        lost = admit_pending(journal, 7)
        assert [w.counter for w in journal.waiting(9)] == [1, 2]
        journal.void(lost.counter, "used-elsewhere", stamp_at())
        assert [w.counter for w in journal.waiting(9)] == [1, 2, 3, 4]


def test_waiting_holds_the_very_records_in_order(path: Path) -> None:
    with open_journal(path) as journal:
        for ticket in range(1, 6):
            admit(journal, ticket)
        assert [w.counter for w in journal.waiting(3)] == [1, 2, 3]
        assert [w.raw for w in journal.waiting(99)] == list(journal.records())


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_receipts_settle_in_any_order_and_a_rejected_record_does_not_stop_the_others(
    path: Path, order: tuple[int, ...]
) -> None:
    receipts = {
        1: Receipt(1, "duplicate", 11, ("B1", NOON)),
        2: Receipt(2, "rejected", None, reason="malformed"),
        3: accepted(3, 12),
    }
    with open_journal(path) as journal:
        for ticket in range(1, 5):
            admit(journal, ticket)
        for counter in order:
            journal.settle([receipts[counter]], 20)
        assert [w.counter for w in journal.waiting(99)] == [4]
        assert journal.counts().set_aside == 1
    assert query(path, "SELECT * FROM receipt ORDER BY counter") == [
        (1, "duplicate", 11, 20, "B1", NOON),
        (3, "accepted", 12, 20, None, None),
    ]
    assert query(path, "SELECT counter, aside FROM outbox ORDER BY counter") == [(2, "malformed"), (4, None)]


def test_a_receipt_once_kept_is_not_changed_by_a_later_one(path: Path) -> None:
    with open_journal(path) as journal:
        admit(journal, 1)
        journal.settle([accepted(1, 11)], 20)
        journal.settle([Receipt(1, "duplicate", 30, ("B1", NOON)), Receipt(1, "rejected", None)], 31)
        assert journal.counts().set_aside == 0
    assert query(path, "SELECT verdict, position, log_size FROM receipt") == [("accepted", 11, 20)]


def test_a_record_set_aside_is_settled_when_the_ledger_takes_it_after_all(path: Path) -> None:
    with open_journal(path) as journal:
        admit(journal, 1)
        journal.settle([Receipt(1, "rejected", None)], 20)
        assert query(path, "SELECT aside FROM outbox") == [("rejected",)]
        journal.settle([accepted(1)], 21)
        assert (journal.counts().set_aside, journal.queue_length()) == (0, 0)


def test_a_receipt_for_a_record_that_we_never_made_does_nothing(path: Path) -> None:
    with open_journal(path) as journal:
        admit(journal, 1)
        journal.settle([accepted(2), Receipt(9, "rejected", None)], 20)
        admit(journal, 2)
        assert [w.counter for w in journal.waiting(99)] == [1, 2]
    assert query(path, "SELECT count(*) FROM receipt") == [(0,)]
    with open_journal(path) as journal:
        assert [w.counter for w in journal.waiting(99)] == [1, 2]


def test_whoever_waits_for_records_is_woken_after_the_commit(path: Path) -> None:
    seen = []
    with open_journal(path) as journal:
        journal.on_record(lambda: seen.append(query(path, "SELECT count(*) FROM record")[0][0]))
        journal.decided(admit_pending(journal, 1).counter, "claimed")
        refuse(journal, 1)
    assert seen == [1, 1, 2], "a record, its claim's answer, a record"


def test_threads_share_the_journal_without_losing_a_counter(path: Path) -> None:
    with open_journal(path) as journal:
        done = threading.Event()

        def settle() -> None:
            while not done.is_set() or journal.queue_length():
                journal.settle([accepted(w.counter) for w in journal.waiting(5)], 50)

        def refuse_many() -> None:
            for _ in range(20):
                refuse(journal, 1)

        threads = [threading.Thread(target=refuse_many) for _ in range(3)]
        sync = threading.Thread(target=settle)
        for thread in (sync, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        sync.join()
        assert verify_chain(journal.records(), DEVICE.public) == ""
        assert journal.counts() == Counts(admitted=0, refused=60, waiting=0, set_aside=0)


# What is refused before it is written


@pytest.mark.parametrize(
    "what",
    [
        GateIncident("fire-release", {"seconds": 12.5}),
        GateIncident("fire-release", {"deep": json.loads("[" * 40 + "]" * 40)}),
        Scan(1, 0, b"short", "refuse", "malformed"),
        Scan(-1, 0, bytes(80), "refuse", "malformed"),
        Scan(1, 0, bytes(80), "perhaps", "malformed"),
        GateIncident("passage", {"text": "x" * 70_000}),
    ],
)
def test_a_record_that_nobody_could_read_back_is_not_written(path: Path, what: GateIncident | Scan) -> None:
    """Written, it would make the next start take the whole journal for damaged."""
    with open_journal(path) as journal:
        admit(journal, 1)
        write = journal.refuse if isinstance(what, Scan) else journal.incident
        with pytest.raises(ValueError, match=r"\w"):
            write(what, stamp_at())  # type: ignore[arg-type]
        assert refuse(journal, 1).counter == 2
    with open_journal(path) as journal:
        assert verify_chain(journal.records(), DEVICE.public) == ""


def test_the_key_of_an_owner_whom_the_snapshot_did_not_know_is_kept(path: Path) -> None:
    with open_journal(path) as journal:
        scan = scan_of(full_code(5, 2, ledger_size=500), marks=["certificate"])
        journal.admit(scan, holder(5, 2).public, stamp_at(), "alone")
        use = journal.use_of(5)
    assert use == Use("A1", NOON, 2, holder(5, 2).public)


# The file


def synchronous(journal: Journal) -> int:
    """How the last commit was made: 2 = FULL, 1 = NORMAL."""
    (mode,) = journal._db.execute("PRAGMA synchronous").fetchone()
    return int(mode)


def test_a_commit_is_in_the_wal_and_synced(path: Path) -> None:
    with open_journal(path) as journal:
        counter = admit_pending(journal, 1).counter
        assert query(path, "PRAGMA journal_mode") == [("wal",)]
        assert synchronous(journal) == 2
        journal.settle([], 1)
        journal.decided(counter, "claimed")
        assert synchronous(journal) == 2
        journal.pulsed(counter, 1)
        assert synchronous(journal) == 1, "a mark that may be lost is not waited for"
        assert query(path, "SELECT count(*) FROM record") == [(1,)]


def test_quiet_seconds_make_the_last_marks_durable_and_cost_nothing_after_that(path: Path) -> None:
    disk = Disk()
    with open_journal(path, disk) as journal:
        admit(journal, 1)
        before = len(disk.last.statements)
        for _ in range(20):
            journal.tidy()
        assert disk.last.statements[before:].count("COMMIT") == 1
        assert synchronous(journal) == 2


def test_tidying_empties_the_wal_and_loses_nothing(path: Path) -> None:
    wal = path.with_name(path.name + "-wal")
    with open_journal(path) as journal:
        room = wal.stat().st_size
        for ticket in range(1, 600):
            admit(journal, ticket)
            journal.tidy()
        assert wal.stat().st_size == room, "the WAL is written from its start again"
        assert len(list(journal.records())) == 599
    with open_journal(path) as journal:
        assert journal.counts().admitted == 599


def test_a_gate_that_is_never_idle_still_folds_its_wal(path: Path) -> None:
    with open_journal(path) as journal:
        for ticket in range(1, 600):
            admit(journal, ticket)
        assert path.with_name(path.name + "-wal").stat().st_size < 2 << 20


def test_a_probe_leaves_no_record(path: Path) -> None:
    with open_journal(path) as journal:
        journal.probe()
        assert list(journal.records()) == []
    with open_journal(path) as journal:
        assert journal.counts() == Counts(0, 0, 0, 0)


def test_a_closed_journal_answers_with_its_own_error(path: Path) -> None:
    journal = open_journal(path)
    journal.close()
    journal.close()
    for question in (lambda: admit(journal, 1), lambda: journal.use_of(1), journal.counts, journal.probe):
        with pytest.raises(JournalError, match="nobody is admitted"):
            question()


def test_a_use_that_was_given_up_stays_so_after_a_restart_and_a_spent_one_is_kept(path: Path) -> None:
    with open_journal(path) as journal:
        admit(journal, 5)
        assert journal.give_up([5, 6, 7]) == [6, 7]
        assert journal.give_up([6]) == [6], "asked again, it says so again"
    with open_journal(path) as journal:
        held = []
        for ticket in (5, 6, 7, 8):
            with journal.use_at_hand(ticket) as mine:
                held.append(mine)
        assert held == [True, False, False, True]


def test_a_use_is_not_given_up_between_the_look_and_the_record(path: Path) -> None:
    with open_journal(path) as journal:
        given: list[list[int]] = []
        other = threading.Thread(target=lambda: given.append(journal.give_up([5])))
        with journal.use_at_hand(5) as mine:
            other.start()
            assert mine
            admit(journal, 5)
        other.join()
        assert given == [[]]


def test_the_node_is_not_told_of_an_empty_queue_between_the_look_and_the_record(path: Path) -> None:
    """It takes that for the word that what was admitted by the leases of before is in the log (downloader)."""
    with open_journal(path) as journal:
        told: list[int] = []
        other = threading.Thread(target=lambda: told.append(journal.queue_length()))
        with journal.use_at_hand(5):
            other.start()
            admit(journal, 5)
        other.join()
        assert told == [1]


def test_one_whose_claim_is_out_is_not_given_up_and_a_released_one_is(path: Path) -> None:
    with open_journal(path) as journal:
        counter = admit_pending(journal, 5).counter
        assert journal.give_up([5]) == []
        journal.release(counter, "other-lease", stamp_at())
        assert journal.give_up([5]) == [5]


def test_a_card_that_was_copied_is_known_after_a_restart(path: Path) -> None:
    with open_journal(path) as journal:
        counter = admit(journal, 5)
        journal.settle([Receipt(counter, "rejected", None, None, "a conflict of another kind")], 9)
        assert not journal.copied()
        journal.settle([Receipt(counter, "conflict", None, None, "device gate-1, counter 1")], 9)
    with open_journal(path) as journal:
        assert journal.copied()
        assert journal.counts().set_aside == 1


def test_what_writes_nothing_makes_nothing_durable(path: Path) -> None:
    """A use that is given up once more must not end the wait of marks for a flush of their own."""
    with open_journal(path) as journal:
        assert journal.give_up([7]) == [7]
        counter = admit(journal, 5)
        owing = journal._commits.owing
        assert owing
        journal.give_up([7])
        journal.give_up([5])
        with pytest.raises(ImpossibleMove):
            journal.decided(counter, "alone")
        assert journal._commits.owing == owing


def test_records_that_the_log_may_have_lost_wait_again_and_their_uses_stay_spent(path: Path) -> None:
    with open_journal(path) as journal:
        for ticket in (1, 2, 3, 4):
            admit(journal, ticket)
        journal.settle([accepted(1, 7), accepted(2, 9), Receipt(3, "rejected", None, None, "bad")], 13)
        assert journal.send_again() == 2
    with open_journal(path) as journal:
        assert [one.counter for one in journal.waiting(10)] == [1, 2, 4]
        assert (journal.queue_length(), journal.page(0, 10).settled, journal.page(0, 10).position) == (3, 0, 0)
        assert journal.send_again() == 0
        journal.settle([accepted(1, 7), accepted(2, 8), accepted(4, 9)], 12)
        assert (journal.queue_length(), journal.page(0, 10).position) == (0, 9)
        assert [journal.use_of(ticket) is not None for ticket in (1, 2, 3, 4)] == [True] * 4
