"""A claim costs the gate its deadline and never more, whatever the network does."""

import queue
import threading

import pytest

from scanner.errors import SyncError
from scanner.ports import Receipt, Waiting
from scanner.sync.answers import Problem, RecordAnswer, Revoked
from scanner.sync.claims import WORKERS, ClaimDesk

DEADLINE = 0.05
RECORD = Waiting(7, b"signed")


class Node:
    """Answers what it is told to; `hold` keeps askers until it is released."""

    def __init__(self):
        self.asked = []
        self.answers = {}
        self.hold = threading.Event()
        self.hold.set()

    def ask(self, record):
        self.asked.append(record.counter)
        assert self.hold.wait(10)
        answer = self.answers.get(record.counter)
        if isinstance(answer, Exception):
            raise answer
        return answer or RecordAnswer(device="A1", counter=record.counter, verdict="accepted", position=40)


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def desk(node):
    desk = ClaimDesk(node.ask, late.put, troubles.put)
    yield desk
    node.hold.set()
    desk.close()


late: "queue.Queue[Receipt]" = queue.Queue()
troubles: "queue.Queue[str]" = queue.Queue()


def test_answer_in_time_is_the_receipt(desk):
    assert desk.claim(RECORD, 5) == Receipt(7, "accepted", 40)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Problem(status=422, code="conflict", detail="an old copy of its card"), "conflict"),
        (Revoked("this device was revoked for an old copy of its card"), "revoked"),
        (Problem(status=409, code="other-lease", detail="R1 keeps it, on an old copy of its card"), "other-lease"),
    ],
)
def test_a_record_that_will_never_count_is_refused_and_not_taken_for_silence(desk, node, answer, verdict):
    node.answers[7] = answer
    receipt = desk.claim(RECORD, 5)
    assert (receipt.counter, receipt.verdict, receipt.position) == (7, verdict, None)
    assert "old copy of its card" in receipt.reason
    assert "old copy of its card" in troubles.get(timeout=5)


def test_hanging_node_costs_the_deadline_and_its_late_answer_is_handed_over(desk, node):
    node.hold.clear()
    assert desk.claim(RECORD, DEADLINE) is None
    node.hold.set()
    assert late.get(timeout=5) == Receipt(7, "accepted", 40)


def test_claim_that_nobody_began_is_never_sent(desk, node):
    node.hold.clear()
    for counter in range(WORKERS + 3):
        assert desk.claim(Waiting(counter, b""), DEADLINE) is None
    node.hold.set()
    assert desk.claim(Waiting(99, b""), 5) is not None
    assert sorted(node.asked) == [*range(WORKERS), 99]
    assert {late.get(timeout=5).counter for _ in range(WORKERS)} == set(range(WORKERS))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (SyncError("no network"), "no network"),
        (Problem(status=503, code="busy", detail="ask again"), "503 busy): ask again"),
        (KeyError("ours"), "please report it: KeyError"),
    ],
)
def test_no_answer_is_none_at_once_and_said(desk, node, answer, sentence):
    node.answers[7] = answer
    assert desk.claim(RECORD, 5) is None
    assert sentence in troubles.get(timeout=5)
    assert desk.claim(Waiting(8, b""), 5) is not None


def test_full_desk_refuses_at_once(desk, node):
    node.hold.clear()
    waiting = [threading.Thread(target=desk.claim, args=(Waiting(counter, b""), 5)) for counter in range(20)]
    for thread in waiting:
        thread.start()
    assert desk.claim(Waiting(50, b""), DEADLINE) is None
    node.hold.set()
    for thread in waiting:
        thread.join()


def test_close_may_come_twice_and_from_nobody_waiting(desk):
    desk.close()
    desk.close()
