"""What wallet developers read is what the gate does: the page's tables and its worked example are checked."""

import re
from pathlib import Path

import pytest

from scanner.verify.gatecode import parse
from scanner.verify.reasons import Reason
from tests.fakes.vectors import gate_codes, situations

PAGE = (Path(__file__).parents[3] / "docs" / "gate-code.md").read_text(encoding="utf-8")
COLOURS = {"green": {"admit"}, "amber": {"amber"}, "red": {"refuse"}, "amber or red": {"amber", "refuse"}}
COLOURS["red or amber"] = COLOURS["amber or red"]


def section(title: str) -> str:
    start = PAGE.index(f"\n## {title}\n")
    return PAGE[start : PAGE.find("\n## ", start + 1)]


def blocks(title: str) -> list[str]:
    return [block.strip() for block in re.findall(r"```\n(.*?)```", section(title), re.DOTALL)]


def reason_table() -> dict[str, str]:
    return dict(re.findall(r"^\| `([a-z-]+)` \| ([a-z ]+) \|", section("Reasons"), re.MULTILINE))


def test_every_reason_is_explained_in_the_order_of_the_code() -> None:
    assert list(reason_table()) == list(Reason)


def test_every_reason_stands_in_the_decision() -> None:
    named = set(re.findall(r"`([a-z-]+)`", section("The decision")))
    assert set(Reason) - named == {Reason.ONE_AT_A_TIME}


def test_colours_are_those_of_the_frozen_decisions() -> None:
    given: dict[str, set[str]] = {}
    for situation in situations():
        given.setdefault(situation.expect["reason"], set()).add(situation.expect["outcome"])
    table = reason_table()
    assert {reason: COLOURS[table[reason]] for reason in given} == given


@pytest.mark.parametrize("name", ["compact", "compact_beacon5", "full"])
def test_worked_example_holds_the_codes_of_the_vectors(name: str) -> None:
    codes = ["".join(block.split()) for block in blocks("A worked example")]
    assert any(gate_codes()[name]["hex"] in code for code in codes)


def test_worked_example_holds_the_text_that_goes_into_the_qr() -> None:
    text = next(line for block in blocks("A worked example") for line in block.splitlines() if line.startswith("T1"))
    assert text == gate_codes()["compact"]["text"]
    assert parse(text) == parse(gate_codes()["compact"]["text"])


def test_worked_example_adds_up() -> None:
    facts, core, signed, *_ = blocks("A worked example")
    vectors = gate_codes()
    for value in (vectors["event_id"], vectors["event_hash"], vectors["holder_pk"], vectors["ledger_pk"]):
        assert value in facts
    raw = bytes.fromhex(vectors["compact"]["hex"])
    assert bytes.fromhex("".join(line.split()[0] for line in core.splitlines())) == raw[:16]
    message = b"gatecode/v1/holder\0" + bytes.fromhex(vectors["event_hash"]) + raw[:16]
    assert bytes.fromhex("".join(signed.split())) == message
    certificate = next(block for block in blocks("A worked example") if block.startswith("01 00 03"))
    assert bytes.fromhex("".join(certificate.split())) == bytes.fromhex(vectors["full"]["hex"])[16:66]
