"""Nobody enters who should not, nobody who should is sent away, and each hears the right reason.

The expectations of tests/vectors/decisions.json were written by hand from the table in docs/gate-code.md.
"""

from collections import Counter

import pytest

from scanner.verify.admit import (
    MARK_UNLEASED,
    Now,
    Use,
    Verdict,
    View,
    alone,
    decide,
    effective_use,
    leased_to,
)
from scanner.verify.gatecode import GateCode, Unreadable, parse
from scanner.verify.manifest import EventManifest, GateGroup
from scanner.verify.policy import Lease, Offline, Policy
from scanner.verify.reasons import Reason
from scanner.verify.row import Row, Rows
from tests.fakes.vectors import Situation, gate_codes, situations

ELSEWHERE = {
    "one-at-a-time",
    "ask-supervisor",
    "other-lease",
    "list-expired",
    "event-cancelled",
    "used-elsewhere",
    "old-code",
    "screenshot",
}
"""Reasons that need two codes or looks, the network or its absence, so that `decide` alone never gives them."""


def judge(situation: Situation) -> Verdict:
    """The verdict, with the row looked up as a gate does it: by the index that the code names."""
    code, row = parse(situation.code), situation.view.row
    rows = Rows(memoryview(row.pack() if row else b""))
    found = rows.find(code.core.ticket) if isinstance(code, GateCode) else None
    return decide(
        code, situation.manifest, View(situation.view.size, found), situation.now, situation.use, situation.gate
    )


@pytest.mark.parametrize("situation", situations(), ids=lambda situation: situation.name)
def test_frozen_decision(situation: Situation) -> None:
    verdict, expect = judge(situation), situation.expect
    assert (verdict.outcome, verdict.reason) == (expect["outcome"], expect["reason"])
    if "seconds" in expect:
        assert verdict.detail["seconds"] == expect["seconds"]
    if "used_gate" in expect:
        assert (verdict.detail["gate"], verdict.detail["at"]) == (expect["used_gate"], expect["used_at"])
    if "right_gates" in expect:
        assert verdict.detail["gates"] == expect["right_gates"]
    if "opens" in expect:
        assert verdict.detail["opens"] == expect["opens"]
    if "marks" in expect or verdict.outcome == "admit":
        assert list(verdict.marks) == expect.get("marks", [])


def test_the_frozen_decisions_leave_no_reason_out() -> None:
    given = Counter(situation.expect["reason"] for situation in situations())
    assert given.keys() == set(Reason) - ELSEWHERE
    assert len({situation.name for situation in situations()}) == len(situations())


GROUPS = (
    GateGroup(1, "North", "北", ("N2", "N1")),
    GateGroup(3, "West", "西", ("W1", "W2", "W3")),
    GateGroup(7, "Locked", "鎖", ()),
)
HOLDER = bytes.fromhex(gate_codes()["holder_pk"])


def event(offline: Offline = "refuse", lease: Lease = "group") -> EventManifest:
    return EventManifest("ev", "E", 0, 0, 100, gate_groups=GROUPS, policy=Policy(offline=offline, lease=lease))


def admitted(ticket: int, gate_group: int = 0, lease: int = 0) -> Verdict:
    return Verdict("admit", Reason.OK, ticket, 0, gate_group=gate_group, lease=lease)


@pytest.mark.parametrize("lease", ["group", "gate"])
@pytest.mark.parametrize("gate_group", [0, 1, 3, 7, 99])
@pytest.mark.parametrize("leased", [0, 1, 3])
def test_no_partition_admits_twice_under_refuse(lease: Lease, gate_group: int, leased: int) -> None:
    manifest = event(lease=lease)
    for ticket in range(60):
        verdict = admitted(ticket, gate_group, leased)
        opening = {gate for gate in manifest.gates() if alone(verdict, manifest, gate).outcome == "admit"}
        sides = [set(group.gates) for group in GROUPS if opening & set(group.gates)]
        assert len(sides) <= 1
        assert opening in (set(), *sides) if lease == "group" else len(opening) <= 1
        assert opening == set(leased_to(verdict, manifest))


def test_tickets_for_any_gate_are_leased_to_all_groups_alike() -> None:
    open_groups = EventManifest("ev", "E", 0, 0, 100, gate_groups=GROUPS[:2])
    shares = Counter(tuple(leased_to(admitted(ticket), open_groups)) for ticket in range(1000))
    assert shares == {("N1", "N2"): 500, ("W1", "W2", "W3"): 500}


@pytest.mark.parametrize(
    ("offline", "outcome", "reason", "marks"),
    [
        ("refuse", "amber", "other-lease", ()),
        ("supervisor", "amber", "ask-supervisor", ()),
        ("admit-marked", "admit", "ok", (MARK_UNLEASED,)),
    ],
)
def test_cut_off_gate_without_the_lease(offline: Offline, outcome: str, reason: str, marks: tuple[str, ...]) -> None:
    verdict = alone(admitted(1, gate_group=3), event(offline), "N1")
    assert (verdict.outcome, verdict.reason, verdict.marks) == (outcome, reason, marks)
    if outcome == "amber":
        assert verdict.detail["gates"] == ["W1", "W2", "W3"]


@pytest.mark.parametrize("offline", ["refuse", "supervisor", "admit-marked"])
def test_being_cut_off_turns_no_other_verdict_green(offline: Offline) -> None:
    for reason in set(Reason) - {Reason.OK}:
        outcome = "admit" if reason is Reason.REPEAT else "refuse"
        verdict = Verdict(outcome, reason, 1, 0, gate_group=3)
        assert alone(verdict, event(offline), "N1") == verdict


def test_event_without_gate_groups_leases_to_nobody_in_particular() -> None:
    manifest = EventManifest("ev", "E", 0, 0, 100)
    assert alone(admitted(5), manifest, "G1").reason == Reason.OTHER_LEASE


def test_older_local_release_does_not_hide_a_use_that_came_later() -> None:
    manifest = event()
    row = Row(1, 0, 0, 0, 0, 0, 0, HOLDER, 0, 1, 1, 500)
    released = Use("N1", 500, released=True)
    assert effective_use(View(9, row), released, manifest) is None
    assert effective_use(View(9, row._replace(used_at=501)), released, manifest) == Use("N1", 501, 0, HOLDER)
    assert effective_use(View(9, row._replace(used_gate=2)), released, manifest) == Use("N2", 500, 0, HOLDER)
    assert effective_use(View(9, row._replace(used_gate=0)), released, manifest) is None


def test_verdict_names_the_seat_of_the_certificate_that_was_believed() -> None:
    situation = next(each for each in situations() if each.name == "vector full, unknown ticket")
    verdict = judge(situation)
    assert (verdict.ticket, verdict.owner_seq, verdict.gate_group, verdict.category) == (12345, 2, 3, 2)
    assert (verdict.seat, verdict.holder_key) == (12648430, HOLDER)


def test_text_of_any_kind_has_a_verdict() -> None:
    for code in (Unreadable("not-a-code", "x"), Unreadable("malformed", "x"), Unreadable("newer-version", "x")):
        verdict = decide(code, event(), View(0, None), Now(0))
        assert verdict.outcome != "admit"
        assert verdict.ticket is None
