"""Every row of the threat model names the tests that show its defence, and they are there."""

from pathlib import Path

import pytest

from tests.documented.named import missing, named_tests

PAGE = Path(__file__).parents[2] / "docs" / "threat-model.md"
HEAD = ["attack", "what stops it", "what does not", "shown by"]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def rows() -> list[list[str]]:
    """Of every table of the page, without its two first lines."""
    lines = [cells(line) for line in PAGE.read_text().splitlines() if line.startswith("|")]
    return [line for line in lines if line != HEAD and set("".join(line)) != {"-"}]


def test_every_table_has_a_column_for_its_tests() -> None:
    lines = PAGE.read_text().splitlines()
    begins = [line for before, line in zip(["", *lines], lines, strict=False) if line[:1] == "|" and before[:1] != "|"]
    assert len(begins) > 1
    assert {tuple(cells(line)) for line in begins} == {tuple(HEAD)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_a_row_names_the_tests_that_show_its_defence(row: list[str]) -> None:
    assert len(row) == len(HEAD)
    named = named_tests(row[-1])
    assert named, "a row without a test is a claim"
    assert all("::" in test for test in named), "a file is no test"
    assert missing(named) == []


def test_every_test_that_the_text_names_is_there() -> None:
    assert missing(named_tests(PAGE.read_text())) == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    here = "tests/unit/test_threat_model.py"
    text = f"`{here}::test_that_nobody_wrote` `tests/unit/test_nowhere.py::test_a` `tests/unit/__init__.py` `{here}`"
    assert missing(named_tests(text)) == named_tests(text)[:3]
