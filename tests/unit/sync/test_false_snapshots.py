"""A snapshot counts as many times as witnesses that we trust state exactly what it holds, at its size of this log."""

import io
from dataclasses import replace

import pytest

from scanner.sync.reconcile import check_snapshot
from scanner.sync.trust import Alarm, Known, LogTrust
from scanner.verify.checkpoint import COSIGNATURE, Checkpoint, VerifierKey, cosign, parse_checkpoint
from scanner.verify.snapshot import manifest_digest, read_header
from scanner.verify.statement import Stated, StateStatement, sign_statement
from tests.fakes.fake_ledger import EVENT, FakeLedger, key

ONE, TWO, STRANGER = (VerifierKey(name, key(name).public, COSIGNATURE) for name in ("one", "two", "stranger"))


@pytest.fixture
def ledger():
    return FakeLedger()


@pytest.fixture
def header(ledger):
    """Of an honest snapshot, its checkpoint cosigned by both."""
    told = read_header(io.BytesIO(ledger.snapshot()))
    lines = [cosign(parse_checkpoint(told.checkpoint), one.name, key(one.name), 1).line() for one in (ONE, TWO)]
    return replace(told, checkpoint=told.checkpoint + "".join(lines))


def statement(header, signer, *, origin=None, **changes):
    stated = Stated(header.state_digest, manifest_digest(header.event_manifest))
    said = StateStatement(
        origin or parse_checkpoint(header.checkpoint).origin, header.size, header.root, {EVENT: stated}
    )
    return sign_statement(replace(said, **changes), signer, key(signer.name))


def judged(ledger, header, *statements, quorum=1, witnesses=(ONE, TWO)):
    trust = LogTrust(ledger.origin, ledger.vkey, witnesses, quorum)
    return check_snapshot(trust, Known(), ledger.key.public, EVENT, 0, replace(header, statements=statements))


def test_enough_that_agree(ledger, header):
    one, two = (statement(header, signer) for signer in (ONE, TWO))
    assert isinstance(judged(ledger, header, one), Checkpoint)
    assert isinstance(judged(ledger, header, two, one, quorum=2), Checkpoint)
    assert isinstance(judged(ledger, header, quorum=0, witnesses=()), Checkpoint)


def test_one_that_disagrees_does_not_matter_beside_enough_that_agree(ledger, header):
    other = statement(header, TWO, events={EVENT: Stated(bytes(32), bytes(32))})
    assert isinstance(judged(ledger, header, statement(header, ONE), other), Checkpoint)
    refused = judged(ledger, header, statement(header, ONE), other, quorum=2)
    assert isinstance(refused, Alarm)
    assert (refused.kind, "false snapshot: two states other tickets" in refused.reason) == ("false-snapshot", True)


@pytest.mark.parametrize(
    "make",
    [
        lambda _header: "",
        lambda header: statement(header, STRANGER),
        lambda header: statement(header, ONE, size=header.size + 1),
        lambda header: statement(header, ONE, root=bytes(32)),
        lambda header: statement(header, ONE, origin="other.example/log"),
        lambda header: statement(header, ONE).replace("one", "two"),
        lambda header: statement(header, ONE)[:-9],
    ],
    ids=["none", "stranger", "other size", "other root", "other log", "other name", "damaged"],
)
def test_what_is_no_statement_of_this_size_by_somebody_trusted_does_not_count(ledger, header, make):
    refused = judged(ledger, header, make(header))
    assert isinstance(refused, Alarm)
    assert refused.kind == "unwitnessed"
    assert "0 of our 2 witnesses state the tickets" in refused.reason


def test_one_statement_twice_counts_once(ledger, header):
    one = statement(header, ONE)
    assert "1 of our 2 witnesses" in judged(ledger, header, one, one, quorum=2).reason


@pytest.mark.parametrize("changes", [{"rows": bytes(32)}, {"manifest": bytes(32)}])
def test_rows_and_manifest_must_both_be_what_is_stated(ledger, header, changes):
    stated = Stated(header.state_digest, manifest_digest(header.event_manifest))._replace(**changes)
    assert judged(ledger, header, statement(header, ONE, events={EVENT: stated})).kind == "false-snapshot"


def test_a_witness_that_knows_nothing_of_the_event_disagrees(ledger, header):
    assert judged(ledger, header, statement(header, ONE, events={})).kind == "false-snapshot"
