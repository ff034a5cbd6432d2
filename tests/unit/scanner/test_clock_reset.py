"""A person sets a gate's time right: asked through a file, in the journal first, then done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.cli.clock import FILE, ClockDesk
from scanner.clock import LIVE_S, TimeSample
from scanner.errors import JournalError
from scanner.ports import CameraHealth
from tests.fakes.journals import entries
from tests.fakes.whole_gate import WholeGate, whole_gate

HOUR = 3600.0


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[WholeGate]:
    with whole_gate(tmp_path, clock_desk=ClockDesk(tmp_path)) as gate:
        gate.daemon.handle(CameraHealth("ok", "1280x720", 1, 0.0))
        yield gate


def hear(gate: WholeGate, off: float) -> None:
    now = gate.clock()
    gate.time.observe(TimeSample(int((now + off) * 1000), now, now))


def ask(gate: WholeGate, source: str) -> tuple[str, str] | None:
    (gate.folder / FILE).write_text(json.dumps(["a number", source]))
    return gate.let_time_pass(2).clock.answered


def kinds(gate: WholeGate) -> list[object]:
    return [entry.body.get("kind") for entry in entries(gate.journal)]


def resets(gate: WholeGate) -> list[dict[str, object]]:
    return [entry.body["detail"] for entry in entries(gate.journal) if entry.body.get("kind") == "clock-reset"]


def test_the_time_begins_anew_with_what_a_source_says_and_the_journal_has_it(gate: WholeGate) -> None:
    hear(gate, HOUR)
    assert ask(gate, "node") == ("a number", "")
    assert abs(gate.time.now().seconds - gate.clock() - HOUR) < 1
    (told,) = resets(gate)
    assert told["source"] == "node"
    assert "clock-moved" not in kinds(gate), "a person moved it, and no majority"
    assert not (gate.folder / FILE).exists()


def test_a_source_that_says_nothing_is_refused_and_nothing_is_moved(gate: WholeGate) -> None:
    answered = ask(gate, "gate R9")
    assert answered
    assert "gate R9 say no one time" in answered[1]
    assert abs(gate.time.now().seconds - gate.clock()) < 1
    assert resets(gate) == []


def test_sources_that_disagree_want_one_to_be_named(gate: WholeGate) -> None:
    hear(gate, HOUR)
    answered = ask(gate, "")
    assert answered
    assert "name one" in answered[1]


def test_what_cannot_be_recorded_is_not_done(gate: WholeGate, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise JournalError("the disk is full")

    hear(gate, HOUR)
    monkeypatch.setattr(gate.journal, "incident", full)
    assert ask(gate, "node") is None
    assert abs(gate.time.now().seconds - gate.clock()) < 1
    monkeypatch.undo()
    hear(gate, HOUR)
    assert gate.let_time_pass(2).clock.answered == ("a number", "")


def test_a_source_that_falls_silent_while_its_reset_is_recorded_is_not_called_done(
    gate: WholeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = gate.journal.incident

    def slow(*said: Any) -> object:
        gate.clock.pass_time(LIVE_S + 1)
        return record(*said)

    hear(gate, HOUR)
    gate.let_time_pass(2)
    monkeypatch.setattr(gate.journal, "incident", slow)
    answered = ask(gate, "node")
    assert answered
    assert "node say no one time" in answered[1]
    assert abs(gate.time.now().seconds - gate.clock()) < 1


@pytest.mark.parametrize("words", ["{", "5", "null", '["a number"]'])
def test_a_request_that_cannot_be_read_is_thrown_away(gate: WholeGate, words: str) -> None:
    (gate.folder / FILE).write_text(words)
    assert gate.let_time_pass(2).clock.answered is None
    assert not (gate.folder / FILE).exists()
