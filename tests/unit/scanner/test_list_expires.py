"""A list that no node has confirmed for the policy's time admits nobody by itself; and what that looks like."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.clock import ClockReading, TimeSample
from scanner.daemon import SyncNews
from scanner.errors import SnapshotError
from scanner.kiosk.view import view_of
from scanner.list_age import ListAge, Unheard
from scanner.list_watch import agreed_time
from scanner.ports import Change
from scanner.verify.entry import Entry, open_entry
from scanner.verify.policy import Policy
from scanner.verify.reasons import Reason
from scanner.verify.row import CANCELLED
from scanner.view import GateView, Trust
from tests.fakes.clockwork import HandClock, wait_until
from tests.fakes.event import EVENT, NODE, NOON, compact_code, event_manifest, note_of, replace_row, row
from tests.fakes.whole_gate import LOG_SIZE, WholeGate, whole_gate

HOUR = 3600
LIMIT = 4 * HOUR
MANIFEST = replace(event_manifest(), policy=Policy(list_expires=LIMIT))


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[WholeGate]:
    with whole_gate(tmp_path, [row(1), row(2), replace_row(row(3), state=CANCELLED)], MANIFEST) as gate:
        yield gate


def after(gate: WholeGate, seconds: int) -> None:
    """The gate runs for so long without its node's word."""
    gate.let_time_pass(seconds)


def code(ticket: int, gate: WholeGate) -> str:
    return compact_code(ticket, at=int(gate.clock())).text()


def confirmed(gate: WholeGate, size: int = LOG_SIZE + 1) -> None:
    """The node says what has changed: nothing."""
    gate.view.apply(Change(gate.view.size, size, (), None, note_of(size), int(gate.clock())))


def incidents(gate: WholeGate) -> list[str]:
    found = [open_entry(raw) for raw in gate.journal.records()]
    return [one.body["kind"] for one in found if isinstance(one, Entry) and one.type == "incident"]


def test_a_short_outage_stops_no_gate(gate: WholeGate) -> None:
    after(gate, LIMIT - 60)
    assert gate.decide(code(1, gate)).opens
    assert incidents(gate) == []


def test_a_list_that_has_expired_admits_nobody_by_itself(gate: WholeGate) -> None:
    after(gate, LIMIT + 60)
    said = gate.decide(code(1, gate))
    assert (said.verdict.outcome, said.verdict.reason) == ("amber", Reason.LIST_EXPIRED)
    assert said.verdict.detail["unheard"] >= LIMIT
    assert gate.kinds() == ["incident", "refusal"]


def test_what_the_list_refuses_it_still_refuses(gate: WholeGate) -> None:
    after(gate, LIMIT + 60)
    assert gate.decide(code(3, gate)).verdict.reason == Reason.CANCELLED


def test_the_node_may_still_grant_a_claim(gate: WholeGate) -> None:
    after(gate, LIMIT + 60)
    gate.node.away = False
    assert gate.decide(code(1, gate)).opens
    gate.node.silent = True
    assert gate.decide(code(2, gate)).verdict.reason == Reason.LIST_EXPIRED
    assert gate.kinds()[-1] == "release"


def test_a_fresh_list_opens_the_gate_at_once(gate: WholeGate) -> None:
    after(gate, LIMIT + 60)
    confirmed(gate)
    assert gate.decide(code(1, gate)).opens


def test_a_snapshot_that_is_fetched_is_a_fresh_list(gate: WholeGate) -> None:
    after(gate, LIMIT + 60)
    gate.view.install(gate.folder / "download")
    assert gate.decide(code(1, gate)).opens


def test_expiry_is_in_the_journal_once_each_time(gate: WholeGate) -> None:
    after(gate, LIMIT + 10 * 60)
    assert incidents(gate) == ["list-expired"]
    confirmed(gate)
    after(gate, 10)
    after(gate, LIMIT + 10 * 60)
    assert incidents(gate) == ["list-expired"] * 2


def test_the_count_goes_on_after_a_restart_and_ends_with_the_nodes_word(tmp_path: Path) -> None:
    clock, trust = HandClock(500.0), Trust(NODE.public, EVENT)
    with whole_gate(tmp_path, [row(1)], MANIFEST) as gate:
        after(gate, 2 * HOUR)
    with closing(GateView(tmp_path / "view", trust, "test", monotonic=clock)) as view:
        assert 2 * HOUR - 61 <= view.unheard <= 2 * HOUR
        clock.pass_time(HOUR)
        view.pass_time(None)
    with closing(GateView(tmp_path / "view", trust, "test", monotonic=clock)) as view:
        assert 3 * HOUR - 61 <= view.unheard <= 3 * HOUR
        view.apply(Change(LOG_SIZE, LOG_SIZE + 1, (), None, note_of(LOG_SIZE + 1), NOON))
        assert view.unheard == 0.0
    with closing(GateView(tmp_path / "view", trust, "test", monotonic=clock)) as view:
        assert view.unheard == 0.0


def test_a_list_from_a_release_that_kept_no_age_counts_from_the_start() -> None:
    assert ListAge(b"", lambda: 0.0).seconds == 0.0
    assert Unheard.unpack(Unheard(12.5, None).pack()) == Unheard(12.5)


def test_one_source_of_time_that_lies_makes_no_list_old_and_two_that_agree_do(gate: WholeGate) -> None:
    """Three days ahead: by NTP alone, then as NTP and the node have it."""
    assert agreed_time(ClockReading(NOON + 3 * 86_400, trusted=True, error_s=0.5, source="ntp", root="ntp")) is None
    assert agreed_time(ClockReading(NOON, trusted=False, error_s=86_400.0, source="none")) is None
    gate.let_time_pass(2)
    now = gate.clock()
    gate.time.observe(TimeSample(int(now * 1000), now, now))
    gate.let_time_pass(2)
    agreed = agreed_time(gate.time.now())
    assert agreed is not None
    assert agreed[0] < gate.clock() < agreed[1]


def test_a_disk_that_takes_no_age_stops_neither_the_count_nor_the_gate(
    gate: WholeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise SnapshotError("the disk is full")

    monkeypatch.setattr(gate.view._db, "set_facts", full)
    after(gate, LIMIT + 60)
    assert gate.decide(code(1, gate)).verdict.reason == Reason.LIST_EXPIRED


def test_the_lamp_warns_before_and_tells_after(gate: WholeGate) -> None:
    gate.settle()
    shown: list[str] = []
    real = gate.daemon._parts.hardware.show
    gate.daemon._parts.hardware.show = lambda lamp, sound: (shown.append(lamp), real(lamp, sound))  # type: ignore[method-assign, assignment]
    after(gate, LIMIT - HOUR + 60)
    gate.daemon.handle(SyncNews())
    gate.show(code(3, gate))
    gate.let_time_pass(10)
    assert shown[-1] == "amber"
    after(gate, HOUR)
    gate.show(code(1, gate))
    gate.let_time_pass(10)
    assert shown[-2:] == ["amber", "no-list"]
    wait_until(lambda: not gate.lit("green"), "no green lamp")


def test_the_screen_says_what_to_do_in_both_languages(gate: WholeGate) -> None:
    after(gate, LIMIT - HOUR + 60)
    page = view_of(gate.let_time_pass(2))
    assert (page.notices[0].zh, page.notices[0].en) == ("名單尚可用 58 分鐘", "List good for 58 min more")
    after(gate, HOUR)
    page = view_of(gate.let_time_pass(2))
    assert page.notices[0].en == "Ticket list expired: call a supervisor"
    page = view_of(gate.show(code(1, gate)))
    assert (page.tone, page.zh_title, page.en_title) == ("amber", "名單已過期", "Ticket list expired")
    assert "主管" in page.zh_do
    assert "supervisor" in page.en_do
    assert page.facts[0].en == "Not confirmed for 4 h"
