"""Ops reads in what way the gates of a double entry decided, by their own signed word."""

import pytest

from ledger_node.services.decided import way_of
from ledger_node.services.history import read_history
from ledger_node.services.logged import read_logged
from ledger_node.services.monitoring import double_entry
from ledger_node.services.signs import signs_of
from scanner.verify.record import GateIncident, Scan, decided
from tests.fakes.box_office import DOORS, EVENT, code, gates
from tests.fakes.life_story import open_ruled, put, tell
from tests.fakes.market import LATER

TICKET = 1


@pytest.fixture
def node(tmp_path):
    with open_ruled(tmp_path) as node:
        yield node


def told(gate, ways):
    return gate._sign("incident", decided(ways))


@pytest.fixture
def story(node):
    """Ticket 1 entered at A1, and once more at A2; the operator has reported it."""
    return tell(node)


def steps(node, ticket=TICKET):
    return {step.position: step.facts for step in read_history(node, EVENT, ticket).steps}


def gates_of(node):
    """The two gates as they stand in the story, with as many records."""
    first, second, _ = gates()
    with node.view() as view:
        for gate in (first, second):
            for counter in range(1, view.last_counter(gate.device) + 1):
                record = view.record(gate.device, counter)
                (raw,) = view.entries(record.position, record.position + 1)
                gate.records.append(raw)
    return first, second


def raised(node, position):
    with node.view() as view:
        (raw,) = view.entries(position, position + 1)
        (sign,) = signs_of(view, position, read_logged(raw), LATER + 100)
        return double_entry(None, None, sign).detail


def test_a_double_entry_says_in_what_way_each_gate_decided(node, story):
    assert "ways" not in steps(node)[story.at["reported"]]
    first, second = gates_of(node)
    put(node, told(first, {first.counter: "claimed"}))
    both = "claimed at A1; way not told at A2"
    assert steps(node)[story.at["reported"]]["ways"] == both
    (position,) = put(node, told(second, {second.counter: "alone"}))
    both = "claimed at A1; alone under refuse at A2"
    assert steps(node)[story.at["reported"]] == {"kind": "double-entry", "cause": "shared-or-cloned-key", "ways": both}
    assert raised(node, story.at["reported"]) == {"cause": "shared-or-cloned-key", "ways": both}
    assert steps(node)[position] | {"time_ms": 0} == {
        "kind": "decided", "gate": "A2", "time_ms": 0, "outcome": "accepted", "cause": "",
        "way": "alone under refuse at A2",
    }  # fmt: skip


@pytest.mark.usefixtures("story")
def test_an_admission_with_no_one_to_ask_says_it_itself(node):
    first, _ = gates_of(node)
    shown = code(4, step=DOORS // 10 + 5)
    (position,) = put(node, first._sign("admission", Scan(4, 0, shown.raw, "admit", "ok", ("alone",))))
    assert steps(node, 4)[position]["way"] == "alone under refuse at A1"


@pytest.mark.usefixtures("story")
def test_a_gates_word_counts_for_its_own_earlier_admissions_only(node):
    first, second = gates_of(node)
    with node.view() as view:
        entered = view.record(first.device, first.counter)
    put(node, told(second, {first.counter: "alone"}))
    with node.view() as view:
        assert way_of(view, entered) is None
    put(node, told(first, {first.counter + 1: "alone", first.counter + 5: "peers"}))
    put(node, first._sign("incident", GateIncident("decided", {"alone": [entered.counter] * 70})))
    put(node, told(first, {entered.counter: "claimed"}))
    with node.view() as view:
        assert way_of(view, entered) == "alone", "its first word stands"


@pytest.mark.usefixtures("story")
def test_what_is_no_admission_gets_no_way(node):
    first, _ = gates_of(node)
    (refused,) = put(node, first.refuse(code(TICKET)))
    (position,) = put(node, told(first, {first.counter: "alone", 9_999: "peers"}))
    assert all("way" not in steps(node).get(one, {}) for one in (refused, position))
