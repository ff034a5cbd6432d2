"""One seat, one ticket: in an entry, across entries, after a move, after a refund; the same on every kind of state."""

from random import Random

import pytest

from ledger_node.contract.bodies_house import ChangeSeat
from ledger_node.contract.entries import NewTicket
from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome
from ledger_node.log.ledger import Ledger
from scanner.verify.row import REFUNDED
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR, manifest
from tests.fakes.contract_log import Log


class Memory(Log):
    """The contract over a list."""

    def close(self):
        pass


class Disk:
    """The contract over a ledger's database."""

    def __init__(self, folder):
        self.ledger = Ledger.open(folder, NODE, "ticketme.example/log", lambda: NOW)

    def put(self, raw):
        (answer,) = self.ledger.submit([raw]).result()
        return answer

    def close(self):
        self.ledger.close()


@pytest.fixture(params=["memory", "disk"])
def log(request, tmp_path):
    made = Memory() if request.param == "memory" else Disk(tmp_path)
    assert isinstance(made.put(OPERATOR.create_event(manifest(capacity=100_000), NOW)), Outcome)
    yield made
    made.close()


def issue(*places):
    (raw,) = OPERATOR.issue(EVENT, [NewTicket(index, seat, 1, 1, 100) for index, seat in places], NOW)
    return raw


def move(index, seat, seq, at=NOW):
    return ChangeSeat(index, seat, 1, 1, seq).seal(EVENT, at, NODE)


def code_of(answer):
    return "" if isinstance(answer, Outcome) else answer.code


def test_seat_twice_in_one_entry_or_in_two_is_refused_and_named(log):
    refused = log.put(issue((1, 7), (2, 7)))
    assert (code_of(refused), refused.detail) == ("seat-doubled", "ticket 2: seat 7")
    assert refused.sentence("zh-Hant").startswith("活動另一張門票已有此座位編號")
    assert code_of(log.put(issue((1, 7)))) == ""
    assert code_of(log.put(issue((2, 8), (3, 7)))) == "seat-doubled"
    assert code_of(log.put(issue((2, 8), (3, 9)))) == ""


def test_places_without_a_number_are_for_any_number_of_tickets(log):
    assert code_of(log.put(issue((1, 0), (2, 0)))) == ""
    assert code_of(log.put(issue((3, 0), (4, 5)))) == ""
    assert code_of(log.put(move(4, 0, 1))) == ""


def test_nobody_is_moved_onto_somebody_elses_seat(log):
    log.put(issue((1, 7), (2, 8)))
    assert code_of(log.put(move(1, 8, 1))) == "seat-doubled"
    assert code_of(log.put(move(1, 7, 1))) == "", "another category in the same seat"
    assert code_of(log.put(move(1, 9, 2))) == ""
    assert code_of(log.put(move(2, 7, 1))) == "", "left by ticket 1"
    assert code_of(log.put(issue((3, 8)))) == "", "left by ticket 2"
    assert code_of(log.put(move(1, 7, 3))) == "seat-doubled"


@pytest.mark.parametrize(
    ("state", "code"), [("refunded", ""), ("cancelled", "seat-doubled"), ("blocked", "seat-doubled")]
)
def test_seat_is_free_again_once_its_ticket_cannot_come_back(log, state, code):
    log.put(issue((1, 7)))
    assert code_of(log.put(OPERATOR.set_state(EVENT, [1], state, "x", NOW))) == ""
    assert code_of(log.put(issue((2, 7)))) == code
    assert code_of(log.put(issue((3, 7)))) == "seat-doubled"


def test_batch_of_one_transaction_sees_what_came_before_it(tmp_path):
    disk = Disk(tmp_path)
    disk.put(OPERATOR.create_event(manifest(), NOW))
    disk.put(issue((1, 7)))
    raws = [
        move(1, 9, 1),
        issue((2, 7)),
        issue((3, 9)),
        OPERATOR.set_state(EVENT, [2], "refunded", "x", NOW),
        issue((4, 7)),
    ]
    answers = disk.ledger.submit(raws).result()
    disk.close()
    assert [code_of(answer) for answer in answers] == ["", "", "seat-doubled", "", ""]


def test_every_kind_of_state_says_the_same_and_no_seat_is_ever_doubled(tmp_path):
    random, memory = Random(4), Log([OPERATOR.create_event(manifest(capacity=100_000), NOW)])
    disk = Disk(tmp_path)
    disk.put(OPERATOR.create_event(manifest(capacity=100_000), NOW))
    raws, seqs = [], {}
    for number in range(600):
        index, seat, act = random.randrange(60), random.randrange(40), random.random()
        if act < 0.5:
            raws.append(issue((index, seat), (index + 1_000 + number, random.randrange(40))))
        elif act < 0.8:
            seqs[index] = seqs.get(index, 0) + 1
            raws.append(move(index, seat, seqs[index], NOW + number % 200))
        else:
            state = random.choice(("refunded", "cancelled", "active"))
            raws.append(OPERATOR.set_state(EVENT, [index], state, str(number), NOW))
    wanted = [code_of(memory.put(raw)) for raw in raws]
    found = []
    while raws:
        some, raws = raws[: (size := random.choice((1, 7, 40)))], raws[size:]
        found += [code_of(answer) for answer in disk.ledger.submit(some).result()]
    with disk.ledger.view() as view:
        assert view.contract_digest() == memory.state.contract_digest(view.size)
    disk.close()
    assert found == wanted
    assert {"", "seat-doubled"} <= set(found)
    taken = [t.row.seat for t in memory.state.tickets(EVENT) if t.row.seat and t.row.state != REFUNDED]
    assert len(taken) == len(set(taken))
    assert isinstance(memory.state, MemoryState)
