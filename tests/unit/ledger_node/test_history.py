"""A ticket's public history: whole, provable, and without people."""

import json
from dataclasses import asdict

import pytest

from ledger_node.contract.apply import RULES
from ledger_node.services.errors import ServiceError
from ledger_node.services.history import MOST, read_history
from ledger_node.services.logged import record_named, tickets_named
from ledger_node.services.public_facts import fingerprint
from scanner.verify.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from scanner.verify.merkle import leaf_hash, verify_inclusion
from scanner.verify.record import TYPES as RECORD_TYPES
from tests.fakes.box_office import EVENT, OPERATOR, code, gates
from tests.fakes.life_story import open_ruled, put, tell
from tests.fakes.market import LATER, order


@pytest.fixture
def node(tmp_path):
    with open_ruled(tmp_path) as node:
        yield node


def names(story, history):
    by_position = {position: name for name, position in story.at.items()}
    return [by_position[step.position] for step in history.steps]


def test_the_history_of_a_ticket_has_every_entry_that_speaks_of_it(node):
    story = tell(node)
    assert names(story, read_history(node, EVENT, 0)) == [
        "issued", "sold", "sent", "activated", "identified", "offered", "accepted", "listed", "bought", "captured",
        "tried", "entered", "turned_back",
    ]  # fmt: skip
    assert names(story, read_history(node, EVENT, 1)) == [
        "issued", "sold", "activated_1", "identified_1", "entered_1", "doubled", "reported",
    ]  # fmt: skip
    assert names(story, read_history(node, EVENT, 2)) == ["issued", "allotted", "granted"]
    assert names(story, read_history(node, EVENT, 3)) == ["issued", "allotted", "recalled"]


def test_every_step_proves_itself_against_the_checkpoint(node):
    tell(node)
    history = read_history(node, EVENT, 0, proofs=True)
    opened = open_checkpoint(history.shown.checkpoint, VerifierKey.parse(node.ledger.vkey), node.keys.origin)
    assert isinstance(opened, Checkpoint)
    assert opened.size == history.size
    with node.view() as view:
        for step in history.steps:
            (raw,) = view.entries(step.position, step.position + 1)
            assert step.proof.leaf_hash == leaf_hash(raw)
            assert verify_inclusion(leaf_hash(raw), step.position, opened.size, list(step.proof.inclusion), opened.root)


def test_the_facts_say_what_happened_and_keys_are_fingerprints(node):
    story = tell(node)
    history = read_history(node, EVENT, 0)
    steps = dict(zip(names(story, history), history.steps, strict=True))
    assert steps["issued"].facts == {"seat": 100, "category": 1, "gate_group": 1, "face_value": 48_000}
    assert steps["sold"].facts == {
        "price": 48_000, "tier": 0, "eticket": True, "paid_through": "ticketing system"
    }  # fmt: skip
    assert steps["sold"].signer.role == "ticketing"
    assert steps["activated"].facts["key"] == steps["offered"].signer.key == fingerprint(story.ann.key(0, 0).public)
    assert steps["offered"].facts["deal"] == steps["accepted"].facts["deal"]
    assert steps["bought"].facts["key"] == steps["bought"].signer.key
    assert steps["tried"].facts["reason"] == "transferred-away"
    assert (steps["tried"].signer.role, steps["tried"].signer.name) == ("device", "gate-a1")
    second = {step.position: step for step in read_history(node, EVENT, 1).steps}
    assert second[story.at["doubled"]].facts["outcome"] == "duplicate"
    assert second[story.at["doubled"]].facts["first"] == story.at["entered_1"]
    assert second[story.at["reported"]].facts == {"kind": "double-entry", "cause": "shared-or-cloned-key"}


def test_nobody_is_in_a_history_not_even_by_pseudonym(node):
    """Everything that stands for a person in the entries, looked for in what is shown."""
    story = tell(node)
    shown = json.dumps([asdict(read_history(node, EVENT, index)) for index in range(4)])
    people = (story.ann, story.bob, story.eve)
    told = [person.pseudonym for person in people]
    told += [owner.public for person in people for owner in person.keys.values()]
    with node.view() as view:
        sale = next(iter(view.entries(story.at["sold"], story.at["sold"] + 1)))
    told += [sale[:64]]
    assert [secret.hex() for secret in told if secret.hex() in shown or secret.hex()[:16] in shown] == []


def test_free_text_of_the_desk_is_not_repeated(node):
    tell(node)
    put(node, OPERATOR.set_state(EVENT, [5], "blocked", "asked for by Ms CANARY", LATER))
    history = read_history(node, EVENT, 5)
    assert history.steps[-1].facts == {"state": "blocked"}
    assert "CANARY" not in json.dumps(asdict(history))


def test_a_log_that_was_written_before_the_index_is_read_once(tmp_path):
    with open_ruled(tmp_path) as node:
        story = tell(node)
        before = read_history(node, EVENT, 0)
    (tmp_path / "chronicle.sqlite3").unlink()
    with open_ruled(tmp_path) as node:
        again = read_history(node, EVENT, 0)
        assert (again.steps, again.size) == (before.steps, before.size)
        assert names(story, again)[-1] == "turned_back"


def test_an_index_goes_on_where_it_was_after_a_restart(tmp_path):
    with open_ruled(tmp_path) as node:
        story = tell(node)
        read_history(node, EVENT, 0)
    with open_ruled(tmp_path) as node:
        done = []
        put(node, order(7, number="later"))
        history = read_history(node, EVENT, 7, progress=done.append)
        assert [step.type for step in history.steps] == ["ticket.issue", "sale"]
        assert len(done) == 1
        assert story.at["reported"] + 2 == done[0]


def test_an_index_of_another_log_is_done_anew(tmp_path):
    """The ledger was restored from an older backup, and went on differently."""
    with open_ruled(tmp_path) as node:
        tell(node)
        read_history(node, EVENT, 0)
    (tmp_path / "ledger.sqlite3").unlink()
    for rest in tmp_path.glob("ledger.sqlite3-*"):
        rest.unlink()
    with open_ruled(tmp_path) as node:
        tell(node, 19, handling_fee=1_500, organiser_fee=500, most_transfers=7)
        history = read_history(node, EVENT, 1)
        with node.view() as view:
            assert view.size == history.size
        assert [step.type for step in history.steps][:2] == ["ticket.issue", "sale"]


def test_a_ticket_that_is_shown_a_thousand_times_comes_in_pages(node):
    tell(node)
    gate = gates()[2]
    put(node, *(gate.refuse(code(4, 0)) for _ in range(MOST + 5)))
    first = read_history(node, EVENT, 4)
    rest = read_history(node, EVENT, 4, start=first.next)
    assert (len(first.steps), len(rest.steps), rest.next) == (MOST, 6, None)
    assert rest.steps[0].position == first.next


@pytest.mark.parametrize(("event", "index"), [("nowhere", 0), (EVENT, 999)])
def test_a_history_of_nothing_is_a_clear_answer(node, event, index):
    tell(node)
    with pytest.raises(ServiceError) as error:
        read_history(node, event, index)
    assert error.value.status == 404


def test_every_type_of_entry_is_either_about_tickets_or_known_not_to_be():
    """A type that is added to the contract must be looked at here, too."""

    class Probe(dict):
        def __init__(self):
            super().__init__(previous=b"")
            self.asked = set()

        def __getitem__(self, name):
            self.asked.add(name)
            return [[0]] if name in {"rows", "items"} else [0] if name == "tickets" else 0

    about_no_ticket = {
        "event.create", "event.update", "event.postpone", "event.cancel", "event.close", "device.enrol",
        "device.revoke", "actor.register", "actor.revoke", "policy.set", "key.rotate",
    }  # fmt: skip
    by_reference = {"payment.capture", "payment.release", "incident", "void", "release"}
    for kind in RULES.keys() | RECORD_TYPES:
        entry = type("E", (), {"type": kind, "body": Probe()})()
        assert bool(tickets_named(entry)) == (kind not in about_no_ticket | by_reference), kind
        assert bool(record_named(entry)) == (kind in {"void", "release"}), kind


def test_a_gates_own_incident_is_about_no_ticket(node):
    tell(node)
    (position,) = put(node, gates()[2].incident())
    with node.view() as view:
        node.chronicle.catch_up(view)
        assert [act.type for act in node.chronicle.of_event(EVENT, position, view.size, 9)] == ["incident"]
        assert not [act for index in range(20) for act in node.chronicle.about_ticket(EVENT, index, position, 99, 9)]
