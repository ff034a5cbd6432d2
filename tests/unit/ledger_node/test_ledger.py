"""The ledger on a real disk: group commit, views at one size, proofs, and starting again."""

import sqlite3
import threading

import pytest

from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.log.ledger import DATABASE, Ledger, LedgerFault
from ledger_node.log.tiles import TilePath, unbundle
from scanner.verify.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from scanner.verify.merkle import leaf_hash, verify_consistency, verify_inclusion
from scanner.verify.row import ROW_BYTES
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR, code, gates, key, manifest, opening, rekey, ticket
from tests.fakes.contract_log import Log

ORIGIN = "ticketme.example/log"


def open_ledger(home, operator=NODE, origin=ORIGIN):
    return Ledger.open(home, operator, origin, lambda: NOW)


@pytest.fixture
def ledger(tmp_path):
    opened = open_ledger(tmp_path)
    opened.submit(opening()).result()
    yield opened
    opened.close()


def test_answers_come_in_order_and_refusals_take_no_position(ledger):
    a1, start = gates()[0], ledger.size
    raws = [a1.admit(code(1)), b"rubbish", a1.admit(code(2)), rekey(99, 1), a1.admit(code(3))]
    answers = ledger.submit(raws).result()
    assert [a.position if isinstance(a, Outcome) else a.code for a in answers] == [
        start, "not-an-entry", start + 1, "unknown-ticket", start + 2,
    ]  # fmt: skip
    assert ledger.size == start + 3


def test_a_record_that_was_answered_is_on_disk_and_proven(ledger):
    raw = gates()[0].admit(code(1))
    (answer,) = ledger.submit([raw], urgent=True).result()
    checkpoint = open_checkpoint(ledger.checkpoint(), VerifierKey.parse(ledger.vkey), ORIGIN)
    assert isinstance(checkpoint, Checkpoint)
    with ledger.view() as view:
        proof = view.inclusion(answer.position, checkpoint.size)
    assert verify_inclusion(leaf_hash(raw), answer.position, checkpoint.size, proof, checkpoint.root)


def test_many_callers_at_once_each_get_their_own_answer(ledger):
    gate_a, gate_b = gates()[:2]
    raws = [gate.admit(code(index)) for index in range(20) for gate in (gate_a, gate_b)]
    answers = {}

    def call(raw):
        (answers[raw],) = ledger.submit([raw], urgent=True).result(timeout=30)

    threads = [threading.Thread(target=call, args=(raw,)) for raw in raws]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdicts = [answers[raw].verdict for raw in raws]
    assert sorted(verdicts) == ["accepted"] * 20 + ["duplicate"] * 20
    with ledger.view() as view:
        assert [next(view.entries(a.position, a.position + 1)) for a in answers.values()] == list(answers)


def test_callers_who_wait_share_one_commit_and_claims_go_first(ledger):
    sizes, gate = [], gates()[0]
    entered, go_on = threading.Event(), threading.Event()

    def hold(size):
        sizes.append(size)
        entered.set()
        go_on.wait(30)

    unsubscribe = ledger.subscribe(hold)
    first = ledger.submit([gate.refuse(code(1))])
    entered.wait(30)
    uploads = [ledger.submit([gate.refuse(code(1))]) for _ in range(50)]
    claim = ledger.submit([gates()[1].admit(code(2))], urgent=True)
    go_on.set()
    start = first.result()[0].position
    assert claim.result()[0].position == start + 1
    assert [future.result()[0].position for future in uploads] == list(range(start + 2, start + 52))
    assert sizes == [start + 1, start + 52]
    unsubscribe()
    ledger.submit([gate.refuse(code(1))]).result()
    assert len(sizes) == 2


def test_a_crowd_that_can_wait_shares_one_commit(ledger, monkeypatch):
    monkeypatch.setattr("ledger_node.log.writer.GATHER", 60)
    sizes, gate = [], gates()[0]
    ledger.subscribe(sizes.append)
    crowd = [ledger.submit([gate.refuse(code(1))], urgent=True, patient=True) for _ in range(20)]
    assert not any(future.done() for future in crowd)
    claim = ledger.submit([gates()[1].admit(code(2))], urgent=True)
    assert claim.result(10)[0].verdict == "accepted"
    assert {future.result(10)[0].verdict for future in crowd} == {"accepted"}
    assert len(sizes) == 1, "the claim waited for no one, and the crowd went with it"


def test_one_who_can_wait_is_served_although_no_one_else_comes(ledger):
    (answer,) = ledger.submit([gates()[0].refuse(code(1))], urgent=True, patient=True).result(10)
    assert answer.verdict == "accepted"


def test_what_can_wait_is_logged_when_the_ledger_closes(ledger, monkeypatch):
    monkeypatch.setattr("ledger_node.log.writer.GATHER", 60)
    patient = ledger.submit([gates()[0].refuse(code(1))], urgent=True, patient=True)
    ledger.close()
    assert patient.result(10)[0].verdict == "accepted"


def test_a_whole_is_kept_whole_or_not_at_all(ledger):
    size = ledger.size
    good = next(OPERATOR.issue(EVENT, [ticket(50)], NOW))
    answers = ledger.submit([good, rekey(99, 1), good], whole=True).result()
    assert [answer.code for answer in answers] == ["batch-refused", "unknown-ticket", "batch-refused"]
    assert ledger.size == size
    assert isinstance(ledger.submit([good, rekey(50, 1)], whole=True).result()[1], Outcome)
    assert ledger.size == size + 2


def test_a_long_upload_is_committed_in_slices_and_answered_once(ledger):
    gate = gates()[0]
    answers = ledger.submit([gate.refuse(code(1)) for _ in range(700)]).result()
    assert [answer.position for answer in answers] == list(range(ledger.size - 700, ledger.size))


def test_nothing_at_all_is_answered_at_once(ledger):
    assert ledger.submit([]).result() == []


def test_an_operators_entry_from_the_future_is_refused(ledger):
    (answer,) = ledger.submit([OPERATOR.set_state(EVENT, [1], "blocked", "x", NOW + 301)]).result()
    assert isinstance(answer, Rejected)
    assert answer.code == "from-the-future"


def test_a_view_stays_at_its_size_while_the_log_grows(ledger):
    with ledger.view() as view:
        size, digest = view.size, view.state_digest(EVENT)
        ledger.submit([gates()[0].admit(code(1))]).result()
        assert ledger.size == size + 1
        assert (view.size, view.state_digest(EVENT)) == (size, digest)
        assert view.ticket(EVENT, 1).row.uses == 0
        assert view.tile(0, 0, size + 1) is None
        with pytest.raises(ValueError, match="proves nothing"):
            view.inclusion(0, size + 1)
        checkpoint = open_checkpoint(ledger.checkpoint(view), VerifierKey.parse(ledger.vkey), ORIGIN)
        assert (checkpoint.size, checkpoint.root) == (size, view.root)
    with ledger.view() as view:
        assert view.ticket(EVENT, 1).row.uses == 1


def test_old_checkpoints_are_consistent_with_new_ones(ledger):
    old = (ledger.size, ledger.root)
    ledger.submit([gates()[0].admit(code(index)) for index in range(9)]).result()
    with ledger.view() as view:
        assert verify_consistency(old[0], view.size, old[1], view.root, view.consistency(old[0], view.size))


def test_rows_are_those_of_the_tickets_in_order(ledger):
    with ledger.view() as view:
        packed = b"".join(view.rows(EVENT))
        assert packed == b"".join(ticket.row.pack() for ticket in view.tickets(EVENT))
        assert len(packed) == 20 * ROW_BYTES


def test_changes_since_a_size_and_page_by_page(ledger):
    gate, start = gates()[0], ledger.size
    ledger.submit([gate.admit(code(index)) for index in (4, 2, 9)]).result()
    with ledger.view() as view:
        assert [t.row.ticket for t in view.changed_since(EVENT, start, 100).tickets] == [4, 2, 9]
        page = view.changed_since(EVENT, start, 2)
        assert ([t.row.ticket for t in page.tickets], page.size) == ([4, 2], start + 2)
        rest = view.changed_since(EVENT, page.size, 2)
        assert ([t.row.ticket for t in rest.tickets], rest.size) == ([9], view.size)
        # Twenty tickets came with one entry, so a page of five gives them all.
        whole = view.changed_since(EVENT, 0, 5)
        assert (len(whole.tickets), whole.size) == (17, 2)


def test_a_ticket_changed_in_mid_paging_is_not_missed(ledger):
    gate = gates()[0]
    ledger.submit([gate.admit(code(index)) for index in (1, 2, 3)]).result()
    with ledger.view() as view:
        page = view.changed_since(EVENT, view.size - 3, 1)
    ledger.submit([gate.release(1)]).result()
    with ledger.view() as view:
        rest = view.changed_since(EVENT, page.size, 10)
    assert [t.row.ticket for t in rest.tickets] == [2, 3, 1]


def test_devices_records_and_doubts_can_be_read(ledger):
    a1, a2, _ = gates()
    ledger.submit([a1.admit(code(1)), a2.admit(code(1))]).result()
    with ledger.view() as view:
        assert view.events() == (EVENT,)
        assert view.event("none") is None
        assert [device.device for device in view.devices(EVENT)] == ["gate-a1", "gate-a2", "gate-b1"]
        assert view.device_by_key(a1.key.public) == view.device("gate-a1")
        assert view.record_outcome("gate-a2", 1).first.gate == "A1"
        assert view.record_outcome("gate-a2", 2) is None
        assert [record.device for record in view.admissions(EVENT, 1)] == ["gate-a1", "gate-a2"]
        (doubt,) = view.doubts(EVENT)
        assert (doubt.record.device, doubt.cause) == ("gate-a2", "relayed-screenshot")
    ledger.submit([a2.void()]).result()
    with ledger.view() as view:
        assert view.doubts(EVENT) == ()


def test_tiles_and_bundles_hold_what_was_logged(ledger):
    with ledger.view() as view:
        entries = list(view.entries(0, view.size))
        assert unbundle(view.read(TilePath(None, 0, view.size))) == entries
        assert view.read(TilePath(0, 0, view.size)) == b"".join(map(leaf_hash, entries))
        assert view.read(TilePath(None, 0)) is None
        assert view.read(TilePath(9, 0)) is None


def test_the_same_ledger_after_a_restart(tmp_path):
    gate = gates()[0]
    raws = [*opening(), *(gate.admit(code(index)) for index in range(20)), *[gate.refuse(code(1)) for _ in range(300)]]
    first = open_ledger(tmp_path)
    outcomes = first.submit(raws).result()
    before = (first.size, first.root, first.checkpoint())
    first.close()
    again = open_ledger(tmp_path)
    assert (again.size, again.root, again.checkpoint()) == before
    assert again.submit(raws[5:]).result() == outcomes[5:]
    assert again.size == before[0]
    again.close()


def test_the_state_is_what_the_log_alone_says(ledger):
    a1, a2, b1 = gates()
    story = [
        a1.admit(code(1)), a2.admit(code(1)), a2.void(), b1.admit(code(2)), b1.release(), rekey(3, 1),
        a1.admit(code(3)),
        OPERATOR.set_state(EVENT, [7, 8], "cancelled", "x", NOW), a1.admit(code(7)), a2.refuse(code(9)), b"rubbish",
        OPERATOR.revoke_device(EVENT, "gate-b1", "lost", NOW), b1.admit(code(11)),
        OPERATOR.update_event(manifest(version=2, name="Encore"), NOW),
    ]  # fmt: skip
    ledger.submit(story).result()
    with ledger.view() as view:
        replayed = Log(view.entries(0, view.size))
        assert isinstance(replayed.state, MemoryState)
        assert list(view.tickets(EVENT)) == list(replayed.state.tickets(EVENT))
        assert list(view.devices(EVENT)) == replayed.state.devices(EVENT)
        assert view.event(EVENT) == replayed.state.event(EVENT)
        assert [view.record(r.device, r.counter) for r in replayed.state.records()] == list(replayed.state.records())


def test_waiting_for_a_size_ends_with_it_or_with_the_time(ledger):
    size = ledger.size
    assert ledger.wait_for_size(size + 1, 0.01) == size
    waiter = threading.Thread(target=lambda: ledger.wait_for_size(size + 1, 30))
    waiter.start()
    ledger.submit([gates()[0].refuse(code(1))]).result()
    waiter.join(30)
    assert not waiter.is_alive()


def test_a_listener_that_fails_is_called_no_more_and_harms_nobody(ledger):
    calls = []

    def listener(size):
        calls.append(size)
        raise RuntimeError("the loop is closed")

    ledger.subscribe(listener)
    for _ in range(2):
        assert ledger.submit([gates()[0].refuse(code(1))]).result()
        ledger.submit([gates()[1].refuse(code(1))]).result()
    assert len(calls) == 1


def test_a_closed_ledger_says_so(tmp_path):
    ledger = open_ledger(tmp_path)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerFault, match="closed"):
        ledger.submit([b"x"]).result()


def test_a_second_process_is_kept_out(ledger, tmp_path):
    assert ledger.size
    with pytest.raises(LedgerFault, match="another process"):
        open_ledger(tmp_path)


@pytest.mark.parametrize(
    ("operator", "origin", "said"),
    [(key("other"), ORIGIN, "belongs to the operator key"), (NODE, "other.example", "set the origin back")],
)
def test_another_key_or_origin_is_refused_at_the_start(tmp_path, operator, origin, said):
    open_ledger(tmp_path).close()
    with pytest.raises(LedgerFault, match=said):
        open_ledger(tmp_path, operator, origin)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE entry SET raw = zeroblob(100) WHERE position = 3", "entry 3 is not the one that was hashed"),
        ("DELETE FROM entry WHERE position = 4", "entries end at 3"),
        ("DELETE FROM entry WHERE position = 2", "an entry after 0 is missing"),
        ("UPDATE hash SET hash = zeroblob(32) WHERE place = 1", "do not lead to the root"),
        ("DELETE FROM hash WHERE place = 4", "tile hashes are missing"),
        ("UPDATE head SET size = 4", "do not lead to the root"),
    ],
)
def test_a_start_on_a_damaged_database_says_what_is_wrong(tmp_path, damage, said):
    ledger = open_ledger(tmp_path)
    ledger.submit(opening()).result()
    ledger.close()
    conn = sqlite3.connect(tmp_path / DATABASE)
    conn.execute(damage)
    conn.commit()
    conn.close()
    with pytest.raises(LedgerFault, match=said):
        open_ledger(tmp_path)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    (tmp_path / DATABASE).write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerFault, match="not a database"):
        open_ledger(tmp_path)
    assert (tmp_path / DATABASE).read_bytes() == b"not a database" * 100
