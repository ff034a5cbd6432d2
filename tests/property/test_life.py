"""The whole contract under anything that people, sponsors, gates and a provider may do, in any order."""

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger_node.contract.apply import apply
from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome
from tests.fakes.box_office import NODE
from tests.property.life_walk import ACTS, Walk

STEPS, A_WALK, PARTS = 100_000, 500, 8


@pytest.mark.parametrize("part", range(PARTS))
def test_every_ticket_has_one_owner_and_every_cent_a_place(part):
    seen = Counter()
    for seed in range(part, STEPS // A_WALK, PARTS):
        walk = Walk(seed)
        for number in range(A_WALK):
            walk.step()
            if number % 100 == 99:
                walk.check()
        seen += walk.seen
        if seed % 40 == part:
            replay_agrees(walk)
    never = {act.__name__ for act in ACTS if not seen[act.__name__, True]} - {"bend"}
    assert not never, "a walk in which nobody ever gets to do these proves nothing about them"


def replay_agrees(walk):
    again = MemoryState(NODE.public)
    for position, raw in enumerate(walk.entries):
        assert isinstance(apply(again, position, raw), Outcome)
    size = len(walk.entries)
    assert again.contract_digest(size) == walk.state.contract_digest(size)


class Life(RuleBasedStateMachine):
    """The same acts, chosen by hypothesis, so that a failure is shrunk to the shortest story."""

    @initialize(seed=st.integers(0, 2**32))
    def open(self, seed):
        self.walk = Walk(seed)

    @rule(act=st.sampled_from(sorted(set(ACTS), key=lambda act: act.__name__)), seed=st.integers(0, 2**16))
    def act(self, act, seed):
        self.walk.random.seed(seed)
        act(self.walk)

    @invariant()
    def promises(self):
        if hasattr(self, "walk"):
            self.walk.check()


Life.TestCase.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
