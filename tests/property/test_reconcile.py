"""What may be believed: honest answers always, and no answer with anything in it changed."""

import base64
import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.ports import Receipt, Waiting
from scanner.sync.answers import ChangesAnswer, Uploaded
from scanner.sync.reconcile import Moved, Settled, advance, check_changes, check_snapshot, settle
from scanner.sync.trust import Alarm, Known
from scanner.verify.checkpoint import COSIGNATURE, Checkpoint, VerifierKey, cosign, open_checkpoint
from scanner.verify.entry import Malformed, canonical
from scanner.verify.merkle import node_hash
from scanner.verify.row import ROW_BYTES
from scanner.verify.snapshot import SnapshotHeader
from tests.fakes.fake_ledger import DOORS, EVENT, FakeLedger, key, manifest, row
from tests.fakes.sync_bench import trust_of

SIZE = 60
DEVICE = "A1"


@cache
def ledger():
    """Its entries are raw bytes; whether they are records is nothing to reconcile."""
    return FakeLedger(SIZE - 1)


def known(size):
    return Known(size, ledger().log.root(size)) if size else Known()


def answer(positions, verified, size):
    log = ledger().log
    receipts = [
        {"device": DEVICE, "counter": at + 1, "position": at, "verdict": "accepted", "first": None, "cause": ""}
        | {"inclusion": [part.hex() for part in log.inclusion(at, size)]}
        for at in positions
    ]
    consistency = [part.hex() for part in log.consistency(verified, size)]
    value = {"receipts": receipts, "checkpoint": ledger().checkpoint(size), "consistency": consistency, "time_ms": 1}
    return Uploaded.parse(json.dumps(value).encode())


def sent(positions):
    return [Waiting(at + 1, ledger().log.entries[at]) for at in positions]


@st.composite
def uploads(draw):
    size = draw(st.integers(1, SIZE))
    verified = draw(st.integers(0, size))
    positions = draw(st.lists(st.integers(0, size - 1), unique=True, min_size=1, max_size=8))
    return size, verified, positions


@settings(deadline=None)
@given(uploads(), st.randoms(use_true_random=False))
def test_honest_receipts_are_settled_in_any_order_and_repeated(upload, shuffler):
    size, verified, positions = upload
    told = answer(positions, verified, size)
    receipts = [*told.receipts, *told.receipts]
    shuffler.shuffle(receipts)
    told = told.model_copy(update={"receipts": tuple(receipts)})
    settled = settle(trust_of(ledger()), known(verified), DEVICE, sent(positions), told)
    assert isinstance(settled, Settled)
    assert settled.receipts == tuple(Receipt(at + 1, "accepted", at) for at in positions)
    assert settled.problems == ()


@settings(deadline=None)
@given(uploads(), st.data())
def test_a_receipt_that_is_not_proven_is_never_settled_and_harms_no_other(upload, data):
    size, verified, positions = upload
    victim = data.draw(st.sampled_from(positions))
    told = answer(positions, verified, size)
    lie = data.draw(st.sampled_from(["position", "proof", "raw", "device", "missing", "nowhere"]))
    records, receipts = sent(positions), {one.counter: one for one in told.receipts}
    one = receipts[victim + 1]
    if lie == "position":
        receipts[one.counter] = one.model_copy(
            update={"position": data.draw(st.integers(0, 99).filter(lambda n: n != victim))}
        )
    elif lie == "proof":
        receipts[one.counter] = one.model_copy(update={"inclusion": (*one.inclusion, bytes(32))})
    elif lie == "raw":
        records = [
            replace(record, raw=b"never sent") if record.counter == one.counter else record for record in records
        ]
    elif lie == "device":
        receipts[one.counter] = one.model_copy(update={"device": "B7"})
    elif lie == "missing":
        del receipts[one.counter]
    else:
        receipts[one.counter] = one.model_copy(update={"position": None})
    told = told.model_copy(update={"receipts": tuple(receipts.values())})
    settled = settle(trust_of(ledger()), known(verified), DEVICE, records, told)
    assert isinstance(settled, Settled)
    assert {receipt.counter for receipt in settled.receipts} == {at + 1 for at in positions if at != victim}
    assert len(settled.problems) == 1
    assert f"record {victim + 1}" in settled.problems[0]


@settings(deadline=None)
@given(uploads())
def test_going_back_is_a_rollback_with_both_sizes(upload):
    size, _, positions = upload
    verdict = settle(trust_of(ledger()), known(SIZE + 1), DEVICE, sent(positions), answer(positions, 0, size))
    assert verdict == Alarm("rollback", verdict.reason)
    assert f"the log went back from {SIZE + 1} to {size}" in verdict.reason


@settings(deadline=None)
@given(uploads())
def test_another_past_is_a_fork(upload):
    size, verified, positions = upload
    if not verified:
        return
    ours = replace(known(verified), root=node_hash(bytes(32), bytes(32)))
    verdict = settle(trust_of(ledger()), ours, DEVICE, sent(positions), answer(positions, verified, size))
    assert isinstance(verdict, Alarm)
    assert verdict.kind == "fork"


@settings(deadline=None)
@given(uploads(), st.data())
def test_a_consistency_proof_that_is_tampered_with_is_no_proof(upload, data):
    size, verified, positions = upload
    told = answer(positions, verified, size)
    if not verified or verified == size:
        return
    proof = list(told.consistency)
    proof[data.draw(st.integers(0, len(proof) - 1))] = data.draw(st.binary(min_size=32, max_size=32))
    told = told.model_copy(update={"consistency": tuple(proof)})
    assert isinstance(settle(trust_of(ledger()), known(verified), DEVICE, sent(positions), told), Alarm)


def test_checkpoint_of_another_log_settles_nothing():
    told = answer([1], 0, SIZE)
    verdict = settle(trust_of(FakeLedger(name="other")), Known(), DEVICE, sent([1]), told)
    assert isinstance(verdict, Malformed)
    assert "checkpoint" in verdict.reason


@pytest.mark.parametrize(("told", "expected"), [("kaput", "kaput"), (None, "rejected by the ledger node")])
def test_rejected_record_needs_no_proof_and_has_a_reason(told, expected):
    rejected = {"device": DEVICE, "counter": 2, "position": None, "verdict": "rejected", "first": None, "reason": told}
    value = {"receipts": [rejected], "checkpoint": ledger().checkpoint(), "consistency": [], "time_ms": 1}
    settled = settle(trust_of(ledger()), Known(), DEVICE, sent([1]), Uploaded.parse(json.dumps(value).encode()))
    assert settled.receipts == (Receipt(2, "rejected", None, None, expected),)


def test_bytes_that_the_node_cannot_read_are_rejected_by_their_place():
    unreadable = {
        "device": None,
        "counter": None,
        "position": None,
        "verdict": "rejected",
        "first": None,
        "reason": "?",
    }
    told = answer([0, 1, 2], 0, SIZE)
    value = json.loads(told.model_dump_json(exclude={"receipts", "consistency"})) | {"consistency": []}
    receipts = [
        {**json.loads(one.model_dump_json(exclude={"inclusion"})), "inclusion": [part.hex() for part in one.inclusion]}
        for one in told.receipts
    ]
    receipts[1] = unreadable
    settled = settle(
        trust_of(ledger()),
        Known(),
        DEVICE,
        sent([0, 1, 2]),
        Uploaded.parse(json.dumps(value | {"receipts": receipts}).encode()),
    )
    assert [receipt.verdict for receipt in settled.receipts] == ["accepted", "rejected", "accepted"]
    assert settled.receipts[1].counter == 2


# Witnesses


def test_quorum_of_witnesses_is_asked_for():
    witnesses = tuple(VerifierKey(f"w{n}.example", key(f"w{n}").public, COSIGNATURE) for n in range(2))
    trust = replace(trust_of(ledger()), witnesses=witnesses, quorum=1)
    bare = ledger().checkpoint()
    refused = advance(trust, Known(), bare, ())
    assert isinstance(refused, Alarm)
    assert (refused.kind, refused.reason.startswith("0 of our 2 witnesses cosigned the log's size")) == (
        "unwitnessed",
        True,
    )
    checkpoint = open_checkpoint(bare, ledger().vkey, ledger().origin)
    line = cosign(checkpoint, "w1.example", key("w1"), DOORS)
    note = replace(checkpoint, signatures=(*checkpoint.signatures, line)).text()
    assert isinstance(advance(trust, Known(), note, ()), Checkpoint)
    assert isinstance(advance(replace(trust, quorum=2), Known(), note, ()), Alarm)


# Changes


def changes(start, to, verified, size, rows=(), packed=None):
    return ChangesAnswer(
        event=EVENT,
        to=to,
        checkpoint=ledger().checkpoint(size),
        consistency=tuple(part.hex() for part in ledger().log.consistency(verified, size)),
        rows=tuple(rows),
        manifest=packed,
        time_ms=DOORS * 1000 + 999,
        wipe=False,
        **{"from": start},
    )


def encoded(packed):
    return base64.b64encode(packed).decode()


@settings(deadline=None)
@given(st.data())
def test_honest_changes_are_taken(data):
    size = data.draw(st.integers(2, SIZE))
    start = data.draw(st.integers(1, size - 1))
    to = data.draw(st.integers(start + 1, size))
    verified = data.draw(st.integers(0, size))
    tickets = data.draw(st.lists(st.integers(0, 999), unique=True, max_size=5))
    told = changes(start, to, verified, size, [encoded(row(ticket).pack()) for ticket in tickets])
    moved = check_changes(trust_of(ledger()), known(verified), EVENT, start, manifest(), told)
    assert isinstance(moved, Moved)
    assert (moved.change.start, moved.change.end, moved.change.at) == (start, to, DOORS)
    assert [changed.ticket for changed in moved.change.rows] == tickets
    assert moved.checkpoint.size == size


WRONG_ROWS = [
    ([encoded(bytes(ROW_BYTES - 1))], "a row of 53 bytes"),
    ([encoded(row(1, state=4).pack())], "has the state 4"),
    ([encoded(row(1).pack())] * 2, "stands twice"),
]


@pytest.mark.parametrize(("rows", "reason"), WRONG_ROWS)
def test_malformed_rows_change_nothing(rows, reason):
    verdict = check_changes(trust_of(ledger()), known(5), EVENT, 5, None, changes(5, 9, 5, 9, rows))
    assert isinstance(verdict, Malformed)
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("start", "to", "asked", "reason"),
    [
        (6, 9, 5, "a gap: asked for changes from 5, answered from 6"),
        (5, 4, 5, "changes from 5 to 4"),
        (5, 10, 5, "changes from 5 to 10 in a log of size 9"),
        (5, 5, 5, "do not move on from 5"),
    ],
)
def test_gaps_and_standing_still_are_refused(start, to, asked, reason):
    verdict = check_changes(trust_of(ledger()), known(5), EVENT, asked, None, changes(start, to, 5, 9))
    assert isinstance(verdict, Malformed)
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("brings", "has", "reason"),
    [
        (manifest(2, event="arena-2027"), manifest(1), "another event, arena-2027"),
        (manifest(2), manifest(3), "version 2, older than ours (3)"),
        (replace(manifest(2), capacity=9), manifest(2), "the same version 2"),
    ],
)
def test_manifest_goes_forward_and_stays_with_its_event(brings, has, reason):
    told = changes(5, 9, 5, 9, packed=canonical(brings.to_map()).hex())
    verdict = check_changes(trust_of(ledger()), known(5), EVENT, 5, has, told)
    assert isinstance(verdict, Malformed)
    assert reason in verdict.reason


@pytest.mark.parametrize(("brings", "has", "news"), [(2, 1, 2), (2, 2, None), (2, None, 2)])
def test_newer_manifest_is_news_and_the_same_is_not(brings, has, news):
    told = changes(5, 9, 5, 9, packed=canonical(manifest(brings).to_map()).hex())
    moved = check_changes(trust_of(ledger()), known(5), EVENT, 5, has and manifest(has), told)
    assert moved.change.manifest == (news and manifest(news))


def test_manifest_that_is_none_is_refused():
    verdict = check_changes(trust_of(ledger()), known(5), EVENT, 5, None, changes(5, 9, 5, 9, packed="a0"))
    assert isinstance(verdict, Malformed)


# Snapshots


def header(size, **changes):
    values = {"event": EVENT, "size": size, "root": ledger().log.root(size), "state_digest": bytes(32), "at": DOORS}
    values |= {"count": 0, "event_manifest": manifest(), "checkpoint": ledger().checkpoint(size), "raw": b""}
    return SnapshotHeader(**(values | {"node_key": ledger().key.public} | changes))


def judge(told, ours=None, view_size=0):
    return check_snapshot(trust_of(ledger()), ours or Known(), ledger().key.public, EVENT, view_size, told)


@settings(deadline=None)
@given(st.integers(1, SIZE), st.integers(0, SIZE))
def test_snapshot_goes_forward_only(size, view_size):
    verdict = judge(header(size), view_size=view_size)
    assert isinstance(verdict, Checkpoint if size >= view_size else Malformed)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"event": "arena-2027"}, "of the event arena-2027"),
        ({"node_key": bytes(32)}, "signed by another node"),
        ({"root": bytes(32)}, "manifest and its checkpoint differ"),
        ({"checkpoint": "nothing"}, "the checkpoint"),
    ],
)
def test_snapshot_that_is_not_ours_is_refused(changed, reason):
    verdict = judge(header(9, **changed))
    assert isinstance(verdict, Malformed)
    assert reason in verdict.reason


def test_snapshot_of_the_size_that_we_know_with_another_root_is_a_fork():
    assert judge(header(9), Known(9, bytes(32))).kind == "fork"
    assert isinstance(judge(header(9), known(9)), Checkpoint)
