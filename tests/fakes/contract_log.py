"""The contract over a list of entries: what a ledger does, without a disk."""

from ledger_node.contract.apply import apply
from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome, Rejected
from tests.fakes.box_office import EVENT, NODE


class Log:
    """The contract over a list, as a ledger runs it."""

    def __init__(self, entries=()):
        self.state = MemoryState(NODE.public)
        self.entries = []
        for raw in entries:
            answer = self.put(raw)
            assert isinstance(answer, Outcome), answer

    def put(self, raw, latest=None):
        answer = apply(self.state, len(self.entries), raw, latest)
        if isinstance(answer, Outcome) and answer.new:
            self.entries.append(raw)
        return answer

    def refused(self, raw, latest=None):
        before = repr(vars(self.state))
        answer = self.put(raw, latest)
        assert isinstance(answer, Rejected), answer
        assert repr(vars(self.state)) == before, "a refusal changed something"
        assert answer.sentence("en")
        assert answer.sentence("zh-Hant") != answer.sentence("en")
        return answer.code


def row(log, index):
    return log.state.ticket(EVENT, index).row
