"""A replay on two cores says what one core says, entry by entry, bad signatures and rubbish included."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from ledger_node.contract.apply import apply
from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome
from ledger_node.log.replay import replay
from tests.fakes.box_office import NODE, code, gates
from tests.property.life_walk import Walk


@pytest.fixture(scope="module")
def entries():
    walk = Walk(3)
    for _ in range(1_200):
        walk.step()
    good = [*walk.entries, gates()[0].refuse(code(1))]
    # An entry and a record with another's signature, rubbish, and one that was there before.
    bad = [walk.entries[5][:64] + walk.entries[-1][64:], bytes(64) + gates()[0].refuse(code(2))[64:], b"x" * 99]
    return [*good[:300], *bad, good[7], *good[300:]]


def one_by_one(entries):
    state, answers, position = MemoryState(NODE.public), [], 0
    for raw in entries:
        answers.append(apply(state, position, raw))
        position += isinstance(answers[-1], Outcome) and answers[-1].new
    return answers, state.contract_digest(position)


@pytest.mark.parametrize("processes", [0, 1])
def test_the_same_answers_and_the_same_state(entries, processes):
    expected, digest = one_by_one(entries)
    state = MemoryState(NODE.public)
    if processes:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            answers = [answer for _, answer in replay(state, entries, pool=pool)]
    else:
        answers = [answer for _, answer in replay(state, entries)]
    assert answers == expected
    assert {answer.code for answer in answers if not isinstance(answer, Outcome)} >= {"bad-signature", "not-an-entry"}
    assert state.contract_digest(sum(isinstance(one, Outcome) and one.new for one in answers)) == digest
