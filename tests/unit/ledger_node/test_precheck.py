"""Signatures looked at in another process: the same answers with it, without it, and when it dies."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.log.ledger import DATABASE, Ledger
from ledger_node.log.precheck import LEAST, Precheck
from ledger_node.log.writer import Looked
from tests.fakes.box_office import NODE, NOW, code, full_code, gates, holder, opening, rekey
from tests.fakes.clockwork import wait_until

COUNT = LEAST + 8


@pytest.fixture
def precheck(tmp_path: Path) -> Iterator[Precheck]:
    """Reads the ledger in `a`, if a test makes one there."""
    made = Precheck(tmp_path / "a" / DATABASE)
    yield made
    made.close()


def ledger_at(home: Path) -> Ledger:
    made = Ledger.open(home, NODE, "gate.example/log", lambda: NOW)
    made.submit(opening(COUNT)).result()
    return made


def uploads() -> list[bytes]:
    gate = gates()[0]
    raws = [gate.admit(code(index)) for index in range(1, COUNT + 1)]
    raws[3] = bytes([raws[3][0] ^ 1]) + raws[3][1:]
    raws[5] = b"no entry at all"
    return raws


def warmed(precheck: Precheck, batch: list[bytes]) -> list[Looked]:
    wait_until(lambda: isinstance(precheck.look(batch)[0], Looked), "the other process answers", 30)
    return [one for one in precheck.look(batch) if isinstance(one, Looked)]


def said(answers: list[Outcome | Rejected]) -> list[object]:
    return [answer.code if isinstance(answer, Rejected) else answer for answer in answers]


def test_a_forged_record_is_refused_by_whoever_looks(tmp_path: Path, precheck: Precheck) -> None:
    batch = uploads()
    looked = warmed(precheck, batch)
    assert [one.signed for one in looked] == [number not in {3, 5} for number in range(COUNT)]
    with_help, alone = ledger_at(tmp_path / "a"), ledger_at(tmp_path / "b")
    try:
        answers = with_help.submit(looked).result()
        assert said(answers) == said(alone.submit(batch).result())
        assert with_help.root == alone.root
        assert [isinstance(answer, Rejected) for answer in answers].count(True) == 2
    finally:
        with_help.close()
        alone.close()


def test_a_holders_signature_is_looked_at_ahead_and_counts_for_that_holder_alone(
    tmp_path: Path, precheck: Precheck
) -> None:
    """Tickets 1 and 2 get a new holder after the look; 3 is shown by a stranger, 4 with a certificate of its own."""
    ledger = ledger_at(tmp_path / "a")
    try:
        gate = gates()[0]
        shown = [code(index, 0) for index in range(1, COUNT)]
        shown[2] = code(3, owner=holder(99))
        shown[3] = full_code(4, 1)
        looked = warmed(precheck, [gate.admit(one) for one in shown])
        assert [bool(one.held) for one in looked] == [index != 2 for index in range(COUNT - 1)]
        assert len({one.held for one in looked if one.held}) == COUNT - 2
        ledger.submit([rekey(1, 1), rekey(2, 1)]).result()
        verdicts = [(one.verdict, one.cause) for one in ledger.submit(looked).result() if isinstance(one, Outcome)]
        stale, forged, good = ("stale", "sold-then-entered"), ("unknown", "forged"), ("accepted", "")
        assert verdicts == [stale, stale, forged, *[good] * (COUNT - 4)]
    finally:
        ledger.close()


def test_what_was_found_for_another_holder_spares_no_look(tmp_path: Path, precheck: Precheck) -> None:
    """A code that the holder before signed for the new one: what was found of theirs is not of the new key."""
    ledger = ledger_at(tmp_path / "a")
    try:
        gate = gates()[0]
        batch = [gate.admit(code(index)) for index in range(1, COUNT)]
        found = warmed(precheck, batch)[0].held
        assert found
        ledger.submit([rekey(1, 1)]).result()
        forged = gate.admit(code(1, 1, owner=holder(1, 0)))
        (answer,) = ledger.submit([Looked(forged, formed=True, signed=True, proven=True, held=found)]).result()
        assert isinstance(answer, Outcome)
        assert (answer.verdict, answer.cause) == ("unknown", "forged")
    finally:
        ledger.close()


def test_without_a_ledger_to_read_the_writer_looks_at_the_holders_signatures(precheck: Precheck) -> None:
    assert {one.held for one in warmed(precheck, uploads())} == {b""}


def test_a_few_records_are_not_sent_around(precheck: Precheck) -> None:
    few = uploads()[: LEAST - 1]
    assert precheck.look(few) is few


def test_an_upload_goes_on_when_the_other_process_is_killed(precheck: Precheck) -> None:
    batch = uploads()
    warmed(precheck, batch)
    (victim,) = precheck._pool._processes  # type: ignore[union-attr, attr-defined]
    os.kill(victim, signal.SIGKILL)
    seen = [precheck.look(batch) for _ in range(3)]
    assert any(one is batch for one in seen)
    assert len(warmed(precheck, batch)) == COUNT


def test_after_the_end_nothing_is_started_again(precheck: Precheck) -> None:
    precheck.close()
    batch = uploads()
    assert precheck.look(batch) is batch
