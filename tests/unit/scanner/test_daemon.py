"""The loop with real parts: a code in view becomes a pulse on a pin, and a fault closes the gate without ending it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.clock import TimeSample
from scanner.daemon import Pulsed, SyncNews
from scanner.ports import CameraHealth, FireRelease, HardwareFault, Passage, Tamper
from scanner.verify.entry import Entry, open_entry
from tests.fakes.clockwork import wait_until
from tests.fakes.event import NOON, compact_code, full_code
from tests.fakes.journals import entries
from tests.fakes.whole_gate import WholeGate, whole_gate

WELL = CameraHealth("ok", "1280x720", 1, 0.0)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[WholeGate]:
    with whole_gate(tmp_path) as gate:
        gate.daemon.handle(WELL)
        yield gate


def code(gate: WholeGate, ticket: int) -> str:
    return compact_code(ticket, at=int(gate.clock())).text()


def await_state(gate: WholeGate, state: str) -> None:
    wait_until(lambda: gate.settle().state == state, state)


def test_a_good_code_opens_once_and_the_passage_is_recorded(gate: WholeGate) -> None:
    assert gate.show(code(gate, 7)).state == "open"
    gate.await_pulses(1)
    await_state(gate, "passed")
    assert gate.let_time_pass(2).state == "ready"
    assert gate.pulses() == 1
    assert gate.kinds() == ["admission"]
    assert gate.journal.unsettled() == []


def test_the_next_steps_code_of_the_same_phone_is_the_same_person(gate: WholeGate) -> None:
    gate.show(code(gate, 7))
    await_state(gate, "passed")
    gate.clock.pass_time(1)
    gate.show(compact_code(7, at=NOON + 10).text())
    assert gate.pulses() == 1
    assert gate.kinds() == ["admission"]


def test_a_refused_code_left_in_view_is_refused_once(gate: WholeGate) -> None:
    stale = compact_code(7, at=NOON - 5000).text()
    assert gate.show(stale).state == "refused"
    for _ in range(10):
        gate.show(stale)
        gate.daemon.turn()
    assert (gate.screen.shown[-1].state, gate.screen.shown[-1].scan) == ("ready", 1)


@pytest.mark.parametrize(("age", "said"), [(60, "old-code"), (5000, "expired")])
def test_the_live_code_after_a_picture_opens_though_the_phone_never_left_the_camera(
    gate: WholeGate, age: int, said: str
) -> None:
    picture = compact_code(7, at=NOON - age).text()
    for _ in range(5):
        assert gate.show(picture).reason == said
    assert gate.show(code(gate, 7)).state == "open"
    gate.await_pulses(1)
    gate.clock.pass_time(1)
    gate.show(compact_code(7, at=NOON + 10).text())
    assert gate.pulses() == 1


def test_a_phone_with_a_wrong_clock_is_told_so_at_its_next_code_in_one_holding(gate: WholeGate) -> None:
    assert gate.show(compact_code(7, at=NOON - 120).text()).reason == "old-code"
    for second in range(15):
        gate.show(compact_code(7, at=NOON - 120 + second).text())
        gate.clock.pass_time(0.4)
    assert gate.screen.shown[-1].reason == "clock-off"
    assert (gate.screen.shown[-1].scan, gate.pulses()) == (2, 0)


def test_two_phones_at_once_open_nothing(gate: WholeGate) -> None:
    shown = gate.show(code(gate, 7), code(gate, 8))
    assert (shown.state, shown.reason) == ("amber", "one-at-a-time")
    assert gate.pulses() == 0
    assert gate.kinds() == []


def test_a_web_link_beside_a_ticket_does_not_matter(gate: WholeGate) -> None:
    assert gate.show("https://example.com", code(gate, 7)).state == "open"


def test_the_full_code_is_scanned_though_the_compact_one_was_just_refused(gate: WholeGate) -> None:
    assert gate.show(compact_code(7, 1).text()).reason == "show-full-code"
    shown = gate.show(full_code(7, 1, 101).text())
    assert shown.state == "open"
    assert shown.marks == ("certificate",)


def test_who_does_not_walk_through_may_try_again(tmp_path: Path) -> None:
    with whole_gate(tmp_path, passage_s=None) as gate:
        gate.daemon.handle(WELL)
        gate.show(code(gate, 7))
        gate.await_pulses(1)
        gate.settle()
        assert gate.let_time_pass(6).state == "not-passed"
        assert gate.kinds() == ["admission", "release"]
        assert gate.show(code(gate, 7)).state == "open"
        gate.await_pulses(2)


def test_a_disk_that_fails_closes_the_gate_and_a_disk_that_works_opens_it_again(
    gate: WholeGate,
) -> None:
    gate.journal._db.execute("PRAGMA query_only = ON")
    shown = gate.show(code(gate, 7))
    assert (shown.state, shown.faults) == ("fault", ("journal",))
    assert gate.pulses() == 0
    gate.journal._db.execute("PRAGMA query_only = OFF")
    gate.take_away()
    assert gate.let_time_pass(1).state == "ready"
    assert gate.show(code(gate, 8)).state == "open"


def test_a_move_that_no_admission_makes_closes_the_gate_and_does_not_end_the_loop(gate: WholeGate) -> None:
    gate.show(code(gate, 7))
    await_state(gate, "passed")
    gate.daemon.handle(Pulsed(999, 0.0))
    shown = gate.screen.shown[-1]
    assert (shown.state, shown.faults) == ("fault", ("defect",))
    assert gate.kinds() == ["admission"]
    gate.take_away()
    assert gate.show(code(gate, 8)).state == "fault"


def test_a_camera_that_is_gone_is_shown_and_comes_back(gate: WholeGate) -> None:
    gate.daemon.handle(CameraHealth("lost", "unplugged", 5, 0.0))
    shown = gate.screen.shown[-1]
    assert (shown.state, shown.camera, shown.faults) == ("fault", "lost", ("camera",))
    gate.daemon.handle(WELL)
    assert gate.screen.shown[-1].state == "ready"


def test_two_pin_faults_are_not_cleared_by_one(gate: WholeGate) -> None:
    gate.daemon.handle(HardwareFault("the passage input stays active", 0.0))
    gate.daemon.handle(HardwareFault("the pin thread is stuck", 0.0))
    gate.daemon.handle(HardwareFault("the pin thread is stuck", 0.0, cleared=True))
    assert gate.screen.shown[-1].faults == ("hardware: the passage input stays active",)


def test_fire_release_is_shown_and_counted_and_nobody_is_pulsed(gate: WholeGate) -> None:
    gate.daemon.handle(FireRelease(active=True, at=0.0))
    gate.daemon.handle(Passage(0.0))
    shown = gate.show(code(gate, 7))
    assert (shown.state, shown.fire_release, shown.passages) == ("fire-release", True, 1)
    assert gate.pulses() == 0
    gate.daemon.handle(FireRelease(active=False, at=0.0))
    assert gate.screen.shown[-1].state == "ready"


@pytest.mark.parametrize(
    ("event", "kind"), [(Passage(0.0), "passage-without-admission"), (Tamper(active=True, at=0.0), "tamper")]
)
def test_what_nobody_was_admitted_for_is_an_incident(gate: WholeGate, event: Passage | Tamper, kind: str) -> None:
    gate.daemon.handle(event)
    (entry,) = [open_entry(raw) for raw in gate.journal.records()]
    assert isinstance(entry, Entry)
    assert (entry.type, entry.body["kind"]) == ("incident", kind)


def test_without_a_snapshot_the_gate_says_so_and_opens_with_the_first_one(gate: WholeGate) -> None:
    gate.view.wipe()
    gate.daemon.handle(SyncNews())
    assert gate.screen.shown[-1].faults == ("snapshot",)
    gate.view.install(gate.folder / "download")
    gate.daemon.handle(SyncNews())
    assert gate.screen.shown[-1].state == "ready"


def test_a_view_that_is_too_old_is_amber_while_idle(gate: WholeGate) -> None:
    gate.settle()
    assert not gate.lit("amber")
    gate.clock.pass_time(1000)
    gate.daemon.handle(CameraHealth("lost", "", 5, 0.0))
    gate.daemon.handle(WELL)
    wait_until(lambda: gate.lit("amber"), "the amber lamp")


def test_a_source_of_time_that_lies_is_in_the_journal(gate: WholeGate) -> None:
    gate.let_time_pass(2)
    now = gate.clock()
    gate.time.observe(TimeSample(int((now + 3600) * 1000), now, now))
    shown = gate.let_time_pass(2)
    assert shown.clock_alarm.startswith("node is at least 3599.0 s ahead of the agreed time")
    assert shown.clock_trusted
    (told,) = [entry for entry in entries(gate.journal) if entry.type == "incident"]
    assert told.body["kind"] == "clock-false-ticker"
    assert told.body["detail"]["source"] == "node"
    assert abs(told.body["detail"]["ms"] - 3_600_000) < 1500


def test_a_card_that_was_copied_closes_the_gate_for_good(gate: WholeGate) -> None:
    gate.node.copied = True
    gate.daemon.handle(SyncNews())
    gate.daemon.handle(SyncNews())
    shown = gate.show(compact_code(7).text())
    assert (shown.state, shown.faults, gate.pulses()) == ("fault", ("card-copied",), 0)
