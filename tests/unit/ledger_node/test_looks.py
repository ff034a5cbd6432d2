"""What is looked at ahead of the rules is refused all the same: forged proofs, keys that are none, bodies of any shape;
and whoever looks may die.
"""

import os
import signal
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace

import pytest

from ledger_node.contract import bodies_market as market
from ledger_node.contract.apply import apply
from ledger_node.contract.entries import NewTicket
from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.proofs import proven
from ledger_node.log.helper_process import helper
from ledger_node.log.looks import look, looked, with_looks
from ledger_node.log.replay import replay
from scanner.verify.entry import Entry, Malformed, open_entry, seal
from scanner.verify.keys import NO_KEY
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR, code, gates, manifest, opening, proof, rekey, ticket

NEUTRAL = bytes([1]) + bytes(31)
"""The identity point: with it one signature is good for everything, where it is let in."""


def issue(*tickets: NewTicket) -> bytes:
    return next(OPERATOR.issue(EVENT, tickets, NOW))


def said(raw: bytes) -> bool:
    entry = open_entry(raw)
    assert isinstance(entry, Entry)
    return proven(entry)


def answers(entries: Sequence[bytes]) -> list[object]:
    """With everything looked at before, which must be what `apply` says that looks at everything itself."""
    before, alone, position = MemoryState(NODE.public), MemoryState(NODE.public), 0
    given: list[object] = []
    for one in with_looks(entries, look(entries)):
        answer = one.apply(before, position, one.open())
        assert answer == apply(alone, position, one.raw)
        position += isinstance(answer, Outcome) and answer.new
        given.append(answer.code if isinstance(answer, Rejected) else answer.verdict)
    assert before.contract_digest(position) == alone.contract_digest(position)
    return given


CREATE = OPERATOR.create_event(manifest(), NOW)
STOLEN = replace(ticket(2), proof=proof(1))
SMALL = replace(ticket(2), holder_key=NEUTRAL)


@pytest.mark.parametrize(("row", "code"), [(STOLEN, "bad-proof"), (SMALL, "bad-key")])
def test_one_bad_key_among_many_refuses_the_issue(row: NewTicket, code: str) -> None:
    raw = issue(ticket(1), row, ticket(3))
    assert not said(raw)
    assert answers([CREATE, raw, issue(ticket(1), ticket(3))]) == ["accepted", code, "accepted"]


def test_a_proof_for_another_ticket_registers_no_key() -> None:
    first = OPERATOR.register_key(EVENT, 1, 1, ticket(2).holder_key, proof(2), NOW)
    assert not said(first)
    assert said(rekey(1, 1))
    assert answers([*opening(3), first, rekey(1, 1)])[-2:] == ["bad-proof", "accepted"]


def test_a_newcomer_without_a_real_key_is_not_proven() -> None:
    body = market.AcceptTransfer(1, bytes(32), 1, bytes(32), b"")
    for key in (NEUTRAL, NO_KEY):
        draft = body.draft(EVENT, NOW, key)
        assert not said(draft.sealed(bytes(64)))
    assert said(body.seal(EVENT, NOW, NODE))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("ticket.issue", {}),
        ("ticket.issue", {"rows": []}),
        ("ticket.issue", {"rows": [[1, 2, 3]]}),
        ("ticket.issue", {"rows": [["x"] * 7]}),
        ("ticket.issue", {"rows": 7}),
        ("key.register", {"ticket": "x"}),
        ("key.register", {"ticket": 1, "owner_seq": 2**70 % 2**64, "holder_key": b"", "proof": b""}),
        ("sale", {}),
    ],
)
def test_a_body_of_any_shape_is_only_not_proven(kind: str, body: dict[str, object]) -> None:
    assert not said(seal(kind, EVENT, NOW, body, NODE))


def test_rubbish_and_forgeries_are_told_apart() -> None:
    good = opening(2)[0]
    entries = [good, b"rubbish", bytes(64) + good[64:]]
    found = with_looks(entries, look(entries))
    assert [(one.formed, one.signed) for one in found] == [(True, True), (False, False), (True, False)]
    assert isinstance(found[1].open(), Malformed)


def test_a_result_that_never_comes_of_a_helper_that_died_is_not_waited_for() -> None:
    class Dead(Executor):
        """A pool of an older Python: its manager ended without a word to those who wait."""

        submitted = 0

        def submit(self, *_: object) -> Future[bytes]:  # type: ignore[override]
            self.submitted += 1
            if self.submitted > 1:
                raise BrokenExecutor
            begun: Future[bytes] = Future()
            begun.set_running_or_notify_cancel()
            return begun

    assert [one.raw for one in looked([b"x"], Dead())] == [b"x"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Python before 3.11.6
def test_everything_is_looked_at_when_the_helper_is_killed() -> None:
    gate = gates()[0]
    entries = [*opening(3), *(gate.refuse(code(1)) for _ in range(2_500))]
    with helper() as pool:
        source = looked(entries, pool)
        found = [next(source)]
        (victim,) = pool._processes
        os.kill(victim, signal.SIGKILL)
        found += source
        assert [one.raw for one in found] == entries
        assert all(one.formed and one.signed for one in found)
        # And nobody needs it for the next one.
        given = [answer for _, answer in replay(MemoryState(NODE.public), entries, pool=pool)]
    assert all(isinstance(answer, Outcome) for answer in given)
