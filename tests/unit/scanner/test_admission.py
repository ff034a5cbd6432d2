"""One scan: what is written in which order, and what the ledger node's answer changes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.errors import JournalError
from scanner.ports import Change, Receipt
from scanner.verify.entry import Entry, open_entry
from scanner.verify.manifest import EventManifest
from scanner.verify.policy import Policy
from scanner.verify.reasons import Reason
from scanner.verify.row import Row
from tests.fakes.event import NOON, compact_code, event_manifest, full_code, row
from tests.fakes.whole_gate import WholeGate, whole_gate


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[WholeGate]:
    with whole_gate(tmp_path) as gate:
        yield gate


def records(gate: WholeGate) -> list[Entry]:
    found = [open_entry(raw) for raw in gate.journal.records()]
    assert all(isinstance(entry, Entry) for entry in found)
    return found  # type: ignore[return-value]


def test_alone_a_good_ticket_is_on_disk_when_the_verdict_is_known(gate: WholeGate) -> None:
    decision = gate.decide(compact_code(7).text())
    assert decision.opens
    (record,) = records(gate)
    assert (record.type, record.body["ticket"], record.body["code"]) == ("admission", 7, compact_code(7).raw)
    assert record.body["view_size"] == 100
    use = gate.journal.use_of(7)
    assert use is not None
    assert (use.gate, use.at, use.released) == ("A1", NOON, False)


def test_the_same_gate_repeats_the_green_and_then_knows_the_ticket(gate: WholeGate) -> None:
    gate.decide(compact_code(7).text())
    again = gate.decide(compact_code(7).text())
    assert (again.verdict.outcome, again.verdict.reason, again.opens) == ("admit", Reason.REPEAT, False)
    gate.clock.pass_time(9)
    later = gate.decide(compact_code(7).text())
    assert later.verdict.reason == Reason.ALREADY_USED
    assert gate.kinds() == ["admission", "refusal"]


def test_a_claim_is_made_with_the_record_that_is_already_on_disk(gate: WholeGate) -> None:
    gate.node.away = False
    assert gate.decide(compact_code(7).text()).opens
    assert gate.node.heard == records(gate)
    assert gate.journal.unsettled()[0].outcome == "claimed"


def test_screenshot_shown_at_two_gates(gate: WholeGate) -> None:
    gate.node.away = False
    gate.node.used[7] = "B1"
    decision = gate.decide(compact_code(7).text())
    assert (decision.verdict.outcome, decision.verdict.reason) == ("refuse", Reason.USED_ELSEWHERE)
    assert decision.verdict.detail["gate"] == "B1"
    assert gate.kinds() == ["admission", "void"]


def test_a_lost_claim_is_not_forgotten_when_the_network_goes(gate: WholeGate) -> None:
    gate.node.away = False
    gate.node.used[7] = "B1"
    gate.decide(compact_code(7).text())
    gate.node.away = True
    again = gate.decide(compact_code(7).text()).verdict
    assert (again.reason, again.detail["gate"]) == (Reason.ALREADY_USED, "B1")


def test_a_lost_claim_ends_when_the_view_knows_better(gate: WholeGate) -> None:
    gate.node.away = False
    gate.node.answer = Receipt(1, "duplicate", 100, ("B1", NOON - 5))
    gate.decide(compact_code(7).text())
    gate.view.apply(Change(100, 102, (row(7),), None, "", NOON))
    gate.node.answer = None
    assert gate.decide(compact_code(7).text()).opens


@pytest.mark.parametrize(
    ("ledger_says", "cause", "reason"),
    [
        ("stale", "sold-then-entered", Reason.TRANSFERRED),
        ("stale", "cancelled", Reason.CANCELLED),
        ("stale", "refunded", Reason.REFUNDED),
        ("stale", "blocked", Reason.BLOCKED),
        ("stale", "event-cancelled", Reason.EVENT_CANCELLED),
        ("stale", "a cause of a later release", Reason.BLOCKED),
        ("revoked", "", Reason.BLOCKED),
        ("unknown", "forged", Reason.BLOCKED),
        ("rejected", "", Reason.BLOCKED),
    ],
)
def test_the_ledgers_word_counts_more_than_the_view_and_says_what_happened(
    gate: WholeGate, ledger_says: str, cause: str, reason: Reason
) -> None:
    gate.node.away = False
    gate.node.answer = Receipt(1, ledger_says, 12, reason=cause)
    decision = gate.decide(compact_code(7).text())
    assert (decision.verdict.outcome, decision.verdict.reason, decision.opens) == ("refuse", reason, False)
    assert gate.kinds()[-1] == "void"


@pytest.mark.parametrize("cause", ["void-came-first", "release-came-first", "taken-back"])
def test_an_admission_that_the_ledger_knows_as_taken_back_opens_nothing(gate: WholeGate, cause: str) -> None:
    gate.node.away, gate.node.answer = False, Receipt(1, "stale", 12, reason=cause)
    decision = gate.decide(compact_code(7).text())
    assert (decision.verdict.outcome, decision.verdict.reason) == ("amber", Reason.ASK_SUPERVISOR)
    assert decision.verdict.detail == {"ledger": cause}
    assert gate.kinds()[-1] == "void"


def test_an_answer_that_does_not_come_costs_no_admission(gate: WholeGate) -> None:
    gate.node.away, gate.node.silent = False, True
    assert gate.decide(compact_code(7).text()).opens
    assert gate.journal.unsettled()[0].outcome == "alone"


def test_a_silent_node_and_a_lease_elsewhere_give_the_use_back(tmp_path: Path) -> None:
    with whole_gate(tmp_path, [row(7)._replace(gate_group=0, lease=2)]) as gate:
        gate.node.away, gate.node.silent = False, True
        decision = gate.decide(compact_code(7).text())
        assert (decision.verdict.outcome, decision.verdict.reason) == ("amber", Reason.OTHER_LEASE)
        assert decision.verdict.detail["gates"] == ["B1"]
        assert gate.kinds() == ["admission", "release"]


MOVED_ON = {
    "leases are paused": ((), replace(event_manifest(version=2), leases_paused=True)),
    "its use was moved": ((row(7)._replace(gate_group=0, lease=2),), None),
    "it changed hands": ((row(7)._replace(owner_seq=1),), None),
}


@pytest.mark.parametrize("change", MOVED_ON.values(), ids=MOVED_ON)
def test_a_list_that_moves_on_while_the_node_is_asked_counts(
    tmp_path: Path, change: tuple[tuple[Row, ...], EventManifest | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node hears that this gate goes by the new list, and lets another one hold what it held by the old one."""
    rows, manifest = change
    with whole_gate(tmp_path) as gate:
        gate.node.away = False

        def no_answer(*_: object) -> None:
            gate.view.apply(Change(100, 105, rows, manifest, "", NOON))

        monkeypatch.setattr(gate.node, "claim", no_answer)
        assert gate.decide(compact_code(7).text()).verdict.outcome == "amber"
        assert gate.kinds() == ["admission", "release"]


def test_while_leases_are_paused_a_gate_that_is_cut_off_asks_a_supervisor(tmp_path: Path) -> None:
    with whole_gate(tmp_path, manifest=replace(event_manifest(), leases_paused=True)) as gate:
        verdict = gate.decide(compact_code(7).text()).verdict
        assert (verdict.outcome, verdict.reason) == ("amber", Reason.ASK_SUPERVISOR)


@pytest.mark.parametrize(
    ("policy", "outcome", "reason"),
    [
        (Policy(), "amber", Reason.OTHER_LEASE),
        (Policy(offline="supervisor"), "amber", Reason.ASK_SUPERVISOR),
        (Policy(offline="admit-marked"), "admit", Reason.OK),
    ],
)
def test_offline_a_use_leased_elsewhere_follows_the_policy(
    tmp_path: Path, policy: Policy, outcome: str, reason: Reason
) -> None:
    manifest = replace(event_manifest(), policy=policy)
    with whole_gate(tmp_path, [row(7)._replace(gate_group=0, lease=2)], manifest) as gate:
        verdict = gate.decide(compact_code(7).text()).verdict
        assert (verdict.outcome, verdict.reason) == (outcome, reason)
        assert ("offline-unleased" in verdict.marks) == (outcome == "admit")


def test_a_ticket_sold_since_the_last_sync_is_remembered_with_its_new_owner(gate: WholeGate) -> None:
    assert gate.decide(compact_code(7, 1).text()).verdict.reason == Reason.SHOW_FULL_CODE
    admitted = gate.decide(full_code(7, 1, 101).text())
    assert admitted.opens
    assert admitted.verdict.marks == ("certificate",)
    gate.clock.pass_time(20)
    assert gate.decide(compact_code(7, 0, NOON + 20).text()).verdict.reason == Reason.TRANSFERRED


def test_a_code_that_is_none_is_not_written_to_the_card(gate: WholeGate) -> None:
    for text in (
        "",
        "https://example.com",
        "T1",
        "T2" + "A" * 4096,
        compact_code(7, manifest=event_manifest("other")).text(),
    ):
        assert gate.decide(text).verdict.outcome == "refuse"
    assert gate.kinds() == []


def test_an_old_view_marks_its_admissions(gate: WholeGate) -> None:
    gate.clock.pass_time(901)
    decision = gate.decide(compact_code(7, at=NOON + 901).text())
    assert decision.opens
    assert decision.verdict.marks == ("view-old",)


def test_nobody_is_admitted_that_the_disk_did_not_take(gate: WholeGate) -> None:
    gate.journal.close()
    with pytest.raises(JournalError, match="nobody is admitted"):
        gate.decide(compact_code(7).text())


def test_a_screenshot_is_called_one_and_its_phone_is_not_blamed(gate: WholeGate) -> None:
    picture = compact_code(7, at=NOON - 120).text()
    assert gate.decide(picture).verdict.reason is Reason.OLD_CODE
    gate.clock.pass_time(15)
    decision = gate.decide(picture)
    assert (decision.verdict.outcome, decision.verdict.reason) == ("refuse", Reason.SCREENSHOT)
    assert [(record.type, record.body["reason"]) for record in records(gate)] == [
        ("refusal", "old-code"),
        ("refusal", "screenshot"),
    ]
    assert gate.decide(compact_code(7, at=NOON + 15).text()).opens, "the live code is let in"


def test_a_phone_whose_clock_is_wrong_is_told_so_when_its_code_has_moved(gate: WholeGate) -> None:
    gate.decide(compact_code(7, at=NOON - 120).text())
    gate.clock.pass_time(15)
    assert gate.decide(compact_code(7, at=NOON - 105).text()).verdict.reason is Reason.CLOCK_OFF


def test_a_use_that_was_given_up_is_not_spent_alone(gate: WholeGate) -> None:
    assert gate.journal.give_up([7]) == [7]
    decision = gate.decide(compact_code(7).text())
    assert (decision.verdict.outcome, decision.verdict.reason) == ("amber", Reason.ASK_SUPERVISOR)
    gate.node.away, gate.node.silent = False, True
    again = gate.decide(compact_code(7).text()).verdict
    assert (again.outcome, again.reason) == ("amber", Reason.ASK_SUPERVISOR)
    assert again.detail["deadline"] == "missed"
    gate.node.silent = False
    assert gate.decide(compact_code(7).text()).opens, "the node grants it"


def test_a_use_that_its_holder_keeps_sends_the_visitor_there(gate: WholeGate) -> None:
    gate.node.away, gate.node.answer = False, Receipt(1, "other-lease", None)
    decision = gate.decide(compact_code(7).text())
    assert (decision.verdict.outcome, decision.verdict.reason) == ("amber", Reason.OTHER_LEASE)
    assert decision.verdict.detail["gates"] == ["A1", "A2"]
    assert gate.kinds() == ["admission", "void"]
    gate.node.answer = None
    assert gate.decide(compact_code(7).text()).opens, "a void gives the use back"


def test_a_conflict_is_the_gates_trouble_and_not_the_tickets(gate: WholeGate) -> None:
    gate.node.away, gate.node.answer = False, Receipt(1, "conflict", None)
    verdict = gate.decide(compact_code(7).text()).verdict
    assert (verdict.outcome, verdict.reason, verdict.detail) == ("amber", Reason.ASK_SUPERVISOR, {"ledger": "conflict"})
