import io
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from tests.show.books import Line
from tests.show.table import Stage, said


def fields(reason: str = "ok", verdict: str = "admit", **more: Any) -> dict[str, Any]:
    return {"gate": "R1", "verdict": verdict, "reason": reason, "detail": {}, "marks": [], "pulse": verdict == "admit",
            "ms": 8.7, "online": True, **more}  # fmt: skip


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def stage(out: io.StringIO) -> Stage:
    return Stage(Console(file=out, width=120, highlight=False))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (fields(), "Welcome"),
        (fields(marks=["certificate"]), "by the ledger's certificate"),
        (fields("old-code", "amber", detail={"seconds": -300}), "Not a live code, 300 s old"),
        (fields("wrong-gate", "amber", detail={"gates": ["R1", "R2", "R4"]}), "R1-R4"),
        (fields("already-used", "refuse", detail={"gate": "B1", "at": 0}), "(B1 "),
        (fields("forged", "refuse"), "Invalid code"),
    ],
)
def test_a_verdict_is_told_in_words(given: dict[str, Any], words: str) -> None:
    assert words in said(given)


def test_a_scan_is_one_plain_line_without_a_terminal(stage: Stage, out: io.StringIO) -> None:
    with stage:
        stage.scan("a good ticket", fields(), good=True)
        stage.scan("a forged code", fields("forged", "refuse", online=False), good=True)
    first, second = out.getvalue().splitlines()
    for word in ("R1", "a good ticket", "● GREEN", "Welcome", "9", "▶ opens", "online"):
        assert word in first
    for word in ("a forged code", "● RED", "■ shut", "offline"):
        assert word in second
    assert "\x1b" not in out.getvalue()


def test_an_unexpected_verdict_stands_out(stage: Stage, out: io.StringIO) -> None:
    stage.scan("a good ticket", fields("forged", "refuse"), good=False)
    assert "NOT EXPECTED: forged" in out.getvalue()


def test_the_last_table_tells_what_has_no_proof(stage: Stage, out: io.StringIO) -> None:
    lines = [Line("R1", 1, 0.0, 4, "accepted", 25, proven=True), Line("B1", 2, 0.0, 8, "duplicate", None, proven=False)]
    stage.books(lines, {("R1", 1): "a good ticket"})
    assert "a good ticket" in out.getvalue()
    assert "✓ in the log" in out.getvalue()
    assert "✗ no proof" in out.getvalue()


def test_a_code_below_is_printed_once_without_a_terminal(stage: Stage, out: io.StringIO) -> None:
    for _ in range(2):
        stage.below("Good ticket", [Text("▀▄█")])
    assert out.getvalue().count("▀▄█") == 1
