"""The network and the node at their worst: for each, a clear reason, nothing lost, and the threads alive."""

from dataclasses import replace

import pytest

from tests.fakes import node_faults as faults
from tests.fakes.fake_ledger import DOORS, FakeLedger, Step, manifest, row
from tests.fakes.node_server import OCTETS
from tests.fakes.sync_bench import PACE, FakeGate


def in_the_log(node, device="A1-gate"):
    """The counters of a device's records, in the order of the log."""
    return [step.record[1] for step in node.ledger.steps if step.record and step.record[0] == device]


def test_admissions_go_up_and_the_view_comes_down(node, gate):
    gate.admit(1, 2, 3)
    gate.synced()
    assert in_the_log(node) == [1, 2, 3]
    assert [gate.view.of(ticket).row.uses for ticket in (1, 2, 3, 4)] == [1, 1, 1, 0]
    assert gate.journal.counts().set_aside == 0


def test_another_gates_admission_arrives(node, gate, tmp_path):
    with FakeGate(node, tmp_path / "other", "A2-gate", "A2") as other:
        other.synced()
        other.admit(7)
        other.synced()
        gate.synced()
    assert gate.view.of(7).row.uses == 1
    assert gate.view.of(7).row.used_gate == 2


def test_neither_side_waits_for_the_other(node, gate):
    node.always("/changes", faults.hang)
    node.change(3, state=1)
    gate.admit(1)
    gate.until(lambda now: now.queue == 0)
    node.always("/changes", None)
    node.always("/admissions", faults.hang)
    gate.admit(2)
    gate.until(lambda now: now.view_size == node.ledger.size)
    assert gate.view.of(3).row.state == 1
    assert gate.worker.status().queue == 1


def test_answer_lost_after_the_commit_is_asked_for_again(node, gate):
    node.trouble("/admissions", faults.lose_answer, faults.lose_answer)
    gate.admit(1, 2)
    gate.synced()
    assert in_the_log(node) == [1, 2]
    assert any("broke the connection off" in status.last_error for status in gate.statuses)


SENTENCES = [
    (faults.captive_portal, "a web page, status 200 (a captive portal"),
    (faults.redirect, "a redirect to 'http://portal.example/login'"),
    (faults.proxy_error, "status 502 and no good signature"),
    (faults.server_error, "the ledger node refuses (500 fault): something broke"),
    (faults.busy, "try again shortly"),
    (faults.hang, "was silent for"),
    (faults.drip, "is too slow"),
    (faults.drip_head, "is too slow"),
    (faults.truncate, "broke the connection off"),
    (faults.cut_short, "not what the ledger node signed"),
    (faults.reset, "broke the connection off"),
    (faults.oversize, "more than the 8388608 bytes"),
    (faults.wrong_type, "200 text/plain, which was not asked for"),
    (faults.flip_bit, "not what the ledger node signed"),
    (faults.other_node, "signed by another ledger node"),
]


@pytest.mark.parametrize(("fault", "sentence"), SENTENCES, ids=[fault.__name__ for fault, _ in SENTENCES])
@pytest.mark.parametrize("side", ["/admissions", "/changes"])
def test_trouble_on_the_way_is_named_and_passes(node, gate, fault, sentence, side):
    node.trouble(side, fault)
    node.change(5, state=1)
    gate.admit(1)
    gate.until(lambda _: any(sentence in seen.last_error for seen in gate.statuses))
    gate.synced()
    assert in_the_log(node) == [1]
    assert gate.view.of(5).row.state == 1
    assert gate.worker.alive()
    assert gate.worker.status().alarm == ""


@pytest.mark.parametrize("side", ["/admissions", "/changes"])
def test_stale_answer_replayed(node, gate, side):
    gate.admit(1)
    gate.synced()
    node.trouble(side, faults.replay)
    gate.admit(2)
    gate.until(lambda _: any("changed, replayed" in seen.last_error for seen in gate.statuses))
    gate.synced()
    assert in_the_log(node) == [1, 2]


def test_receipts_in_another_order_settle_their_own_records(node, gate):
    node.trouble("/admissions", faults.captive_portal)
    gate.admit(1, 1, 2)
    node.trouble("/admissions", faults.reverse_receipts)
    gate.synced()
    assert in_the_log(node) == [1, 2, 3]
    verdicts = {counter: receipt.verdict for counter, receipt in gate.outbox.receipts.items()}
    assert verdicts == {1: "accepted", 2: "duplicate", 3: "accepted"}
    assert gate.outbox.receipts[2].first == ("A1", DOORS)


def test_batches_that_are_sent_again_are_counted_once(node, gate):
    node.trouble("/admissions", *[faults.lose_answer] * 5)
    gate.admit(*range(10))
    gate.synced()
    assert in_the_log(node) == list(range(1, 11))


def test_node_restored_from_an_old_backup_raises_an_alarm_and_loses_nothing(node, gate):
    gate.admit(1, 2, 3)
    was = gate.synced().view_size
    with node.grown:
        node.ledger.cut(was - 2)
    gate.admit(4)
    alarmed = gate.until(lambda now: now.alarm)
    assert "the log went back" in alarmed.alarm
    assert f"you have seen size {was}, this ledger has" in alarmed.alarm
    assert gate.view.size == was
    assert alarmed.queue == 1
    assert gate.worker.alive()


def test_node_that_shows_another_past_raises_an_alarm(node, gate):
    gate.admit(1, 2, 3)
    was = gate.synced().view_size
    with node.grown:
        node.ledger.fork(was - 2)
    gate.admit(4)
    alarmed = gate.until(lambda now: "fork" in now.alarm)
    assert alarmed.queue == 1
    assert gate.view.size == was
    assert gate.worker.alive()


def test_alarm_ends_when_the_right_log_is_back(node, gate):
    gate.admit(1, 2)
    gate.synced()
    kept = list(node.ledger.steps)
    with node.grown:
        node.ledger.cut(10)
    gate.admit(3)
    gate.until(lambda now: now.alarm)
    with node.grown:
        node.ledger.cut(0)
        for step in kept:
            node.ledger.append(step)
    gate.until(lambda now: not now.alarm and now.queue == 0)
    assert in_the_log(node) == [1, 2, 3]


def test_a_record_that_the_node_rejects_is_set_aside_and_holds_up_nobody(node, gate):
    node.ledger.poison.add(2)
    gate.admit(1, 2, 3)
    gate.synced()
    assert in_the_log(node) == [1, 3]
    assert gate.journal.counts().set_aside == 1
    assert gate.outbox.receipts[2].reason == "the node cannot take this one"


def refuses(counter, gate):
    """A node that cannot read a batch which holds this record."""
    poison = next(raw for at, raw in enumerate(gate.journal.records(), 1) if at == counter)

    def fault(exchange):
        if poison in exchange.body:
            faults.bad_request(exchange)
        else:
            exchange.send(*exchange.answer())

    return fault


def test_a_batch_that_is_refused_whole_is_halved_down_to_the_bad_record(node, gate):
    node.always("/admissions", faults.captive_portal)
    gate.admit(*range(1, 14))
    node.always("/admissions", refuses(6, gate))
    gate.synced()
    assert in_the_log(node) == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13]
    assert gate.journal.counts().set_aside == 1


def test_a_node_that_refuses_everything_makes_nobody_set_records_aside(node, gate):
    node.always("/admissions", faults.bad_request)
    gate.admit(1, 2, 3)
    gate.until(lambda now: "takes none of our records" in now.last_error)
    node.always("/admissions", None)
    gate.synced()
    assert in_the_log(node) == [1, 2, 3]
    assert gate.journal.counts().set_aside == 0


def test_a_receipt_without_a_good_proof_settles_nothing(node, gate):
    def forget(receipts):
        return [receipts[0] | {"inclusion": receipts[0]["inclusion"][:-1]}, *receipts[1:]]

    node.always("/admissions", faults.edit(receipts=forget))
    gate.admit(1)
    gate.until(lambda now: "record 1: not proven to stand at position" in now.last_error)
    assert gate.worker.status().queue == 1
    node.always("/admissions", None)
    gate.synced()


def test_revoked_device_hears_of_it_and_its_records_still_go_up(node, gate):
    node.revoke("A1-gate")
    gate.until(lambda now: now.revoked)
    gate.admit(1)
    gate.until(lambda now: now.queue == 0)
    assert in_the_log(node) == [1]


def test_long_poll_does_not_hold_up_the_end(node, tmp_path):
    with FakeGate(node, tmp_path / "gate") as gate:
        gate.synced()
        node.always("/changes", faults.hang)
        node.change(3, state=1)
        gate.until(lambda _: True)
        assert gate.worker.stop(1.0)


# Snapshots


@pytest.fixture
def fresh(node, tmp_path):
    """A gate that has not begun."""
    gate = FakeGate(node, tmp_path / "fresh")
    yield gate
    gate.__exit__()


def other_event():
    return FakeLedger(event="arena-2027").snapshot()


SNAPSHOTS = [
    (faults.truncate, "broke the connection off"),
    (faults.cut_short, "the snapshot is damaged after"),
    (faults.reset, "broke the connection off"),
    (faults.flip_bit, "the snapshot is damaged after"),
    (faults.captive_portal, "a captive portal"),
    (faults.drip, "was silent for|is too slow"),
    (faults.serve_bytes(other_event(), OCTETS), "a snapshot of the event arena-2027"),
    (faults.serve_bytes(FakeLedger(name="impostor").snapshot(), OCTETS), "signed by another node"),
    (faults.serve_bytes(FakeLedger().snapshot()[:400], OCTETS), "ends inside its header"),
    (faults.serve_bytes(FakeLedger().snapshot()[:-9], OCTETS), "truncated|damaged"),
    (faults.serve_bytes(b"<html>", OCTETS), "not a snapshot"),
]


@pytest.mark.parametrize(("fault", "sentence"), SNAPSHOTS)
def test_bad_snapshot_is_named_left_out_and_fetched_again(node, fresh, fault, sentence):
    node.trouble("/snapshot", fault)
    fresh.worker.start()
    fresh.synced()
    assert any(word in seen.last_error for seen in fresh.statuses for word in sentence.split("|"))
    assert fresh.view.tickets == 20
    assert [path.name for path in fresh.view.room().iterdir() if "download" in path.name] == []


@pytest.fixture
def impatient(node, tmp_path):
    """A gate that rather takes a snapshot than follow more than two entries; the node hands out one at a time."""
    node.page = 1
    with FakeGate(node, tmp_path / "impatient", pace=replace(PACE, far_behind=2)) as made:
        made.synced()
        made.admit(1)
        made.synced()
        yield made


def fall_behind(node):
    """Much happens at once."""
    with node.grown:
        for ticket in range(2, 9):
            node.ledger.change(ticket, state=1)
        node.grown.notify_all()


def test_newer_snapshot_is_taken_when_the_log_proves_it(node, impatient):
    fall_behind(node)
    impatient.synced()
    assert node.count("/snapshot") == 2
    assert [impatient.view.of(ticket).row.state for ticket in (0, 2, 8)] == [0, 1, 1]


def test_older_snapshot_with_a_good_signature_never_replaces_a_newer_view(node, impatient):
    older = FakeLedger()
    node.always("/snapshot", faults.serve_bytes(older.snapshot(), OCTETS))
    was = impatient.view.size
    assert older.size < was
    fall_behind(node)
    impatient.until(lambda now: f"of size {older.size}, older than what this gate has" in now.last_error)
    assert impatient.view.size > was
    node.always("/snapshot", None)
    impatient.synced()
    assert impatient.view.of(8).row.state == 1


def test_snapshot_of_another_past_is_refused_although_it_is_newer(node, impatient):
    other = FakeLedger()
    for ticket in range(8):
        other.change(ticket, state=2)
    node.always("/snapshot", faults.serve_bytes(other.snapshot(), OCTETS))
    fall_behind(node)
    impatient.until(lambda now: "fork" in now.alarm)
    assert impatient.view.of(1).row.state == 0
    assert impatient.worker.alive()


# Changes


LIES = [
    (faults.edit(event=lambda _: "arena-2027"), "changes of the event arena-2027"),
    (faults.edit(**{"from": lambda start: start + 1}), "a gap: asked for changes from"),
    (faults.edit(to=lambda to: to + 1), "in a log of size"),
    (faults.edit(rows=lambda _: ["AAAA"]), "a row of 3 bytes"),
    (faults.edit(rows=lambda rows: rows * 2), "stands twice"),
    (faults.edit(rows=lambda _: ["!"]), "not base64"),
    (faults.edit(checkpoint=lambda note: note.replace("2", "3")), "the log's signature is wrong"),
    (faults.edit(time_ms=lambda _: "noon"), "time_ms"),
]


@pytest.mark.parametrize(("lie", "sentence"), LIES, ids=[sentence[:20] for _, sentence in LIES])
def test_changes_that_cannot_be_believed_change_nothing(node, gate, lie, sentence):
    node.always("/changes", lie)
    asked = node.count("/changes")
    node.change(6, state=1)
    node.wait_until_asked("/changes", asked + 1)
    node.change(5, state=1)
    gate.until(lambda now: sentence in now.last_error)
    assert gate.view.size < node.ledger.size
    assert gate.view.of(5).row.state == 0
    node.always("/changes", None)
    gate.synced()
    assert gate.view.of(5).row.state == 1


def test_manifest_moves_forward_only(node, gate):
    with node.grown:
        node.ledger.append(Step(b"manifest 3", manifest=manifest(3)))
        node.grown.notify_all()
    gate.synced()
    assert gate.view.manifest.version == 3
    with node.grown:
        node.ledger.append(Step(b"manifest 2", manifest=manifest(2)))
        node.grown.notify_all()
    gate.until(lambda now: "manifest version 2, older than ours (3)" in now.last_error)
    assert gate.view.manifest.version == 3


def test_a_ticket_issued_later_arrives(node, gate):
    with node.grown:
        node.ledger.append(Step(b"late ticket", (row(900),)))
        node.grown.notify_all()
    gate.synced()
    assert gate.view.of(900).row.seat == 900


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_receipt_that_the_disk_does_not_take_is_asked_for_again(node, gate, moment):
    node.always("/admissions", faults.captive_portal)
    gate.admit(1, 2)
    gate.disk.last.fail(moment)
    node.always("/admissions", None)
    gate.until(lambda _: any("failed (disk I/O error)" in seen.last_error for seen in gate.statuses))
    gate.synced()
    assert in_the_log(node) == [1, 2]
