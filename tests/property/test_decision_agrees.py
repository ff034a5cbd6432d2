"""The decision is what gate-code.md's table says: two implementations that share no rule give the same answer."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.verify.admit import NO_KEY, Verdict, decide
from scanner.verify.gatecode import GateCode, parse
from scanner.verify.reasons import Reason
from tests.fakes.reference_gate import reference_answer
from tests.fakes.vectors import situations
from tests.property.situations import BASES, CHANGES, Knobs, Situation, build, pairs

EXAMPLES = 1_000
UNREADABLE = {Reason.NOT_A_CODE, Reason.MALFORMED, Reason.UPDATE_GATE, Reason.UNSUPPORTED_VERSION}
ELSEWHERE = {
    *(Reason.ONE_AT_A_TIME, Reason.ASK_SUPERVISOR, Reason.OTHER_LEASE, Reason.USED_ELSEWHERE, Reason.LIST_EXPIRED),
    Reason.EVENT_CANCELLED,
    # A second look tells them apart: scanner/verify/sightings.py.
    *(Reason.OLD_CODE, Reason.SCREENSHOT),
}


def agree(case: Situation) -> Verdict:
    verdict = decide(parse(case.text), case.manifest, case.view, case.now, case.use, case.gate)
    row, now = case.view.row, case.now
    args = (case.text, case.manifest, row, case.view.size, case.use, now.seconds, now.trusted, case.gate)
    assert (verdict.outcome, verdict.reason) == reference_answer(*args)
    if verdict.outcome == "admit":
        assert verdict.holder_key != NO_KEY
        assert ("time-untrusted" in verdict.marks) is not now.trusted
    return verdict


@pytest.mark.parametrize("base", BASES)
def test_two_implementations_agree_wherever_two_things_are_unusual(base: str) -> None:
    met = Counter(agree(build(knobs)).reason for knobs in pairs(base))
    assert met.total() > 2_900
    assert met[Reason.OK] + met[Reason.REPEAT] > 100
    assert met[Reason.FORGED] > 100


def test_the_pairs_reach_every_rule() -> None:
    met = {agree(build(knobs | dict([change]))).reason for knobs in BASES.values() for change in CHANGES}
    assert met == set(Reason) - UNREADABLE - ELSEWHERE


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(sorted(BASES)), st.lists(st.sampled_from(CHANGES), max_size=6))
def test_two_implementations_agree_however_much_is_unusual(base: str, changes: list[tuple[str, object]]) -> None:
    knobs: Knobs = BASES[base] | dict(changes)
    agree(build(knobs))


def test_the_reference_gives_every_frozen_decision() -> None:
    for case in situations():
        code, row = parse(case.code), case.view.row
        found = row if row and isinstance(code, GateCode) and code.core.ticket == row.ticket else None
        args = (
            case.code,
            case.manifest,
            found,
            case.view.size,
            case.use,
            case.now.seconds,
            case.now.trusted,
            case.gate,
        )
        assert reference_answer(*args) == (case.expect["outcome"], case.expect["reason"]), case.name
