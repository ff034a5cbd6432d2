"""docs/asvs.md has a row for every point of levels 1 and 2, and what it calls shown has tests that are there."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.documented.named import missing, named_tests

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "asvs.md").read_text()
POINTS = [
    tuple(line.split())
    for line in (ROOT / "tests" / "fixtures" / "asvs-5.0.0.txt").read_text().splitlines()
    if not line.startswith("#")
]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| V")]


def state(where: str) -> str:
    if "open: " in where:
        return "Open"
    return "Not ours" if where.startswith("not ours, because ") else "Shown"


def test_every_point_of_levels_1_and_2_stands_there_once_and_in_order() -> None:
    assert Counter(level for _, level in POINTS) == {"1": 70, "2": 183}, "as the standard counts them"
    assert [(row[0], row[1]) for row in ROWS] == POINTS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_point_names_its_tests_or_says_why_it_has_none(row: list[str]) -> None:
    _, _, subject, where = row
    named = named_tests(where)
    assert subject
    assert missing(named) == []
    assert all("::" in test for test in named), "a file is no test"
    if state(where) == "Shown":
        assert named, "shown by what?"
        assert re.sub(r"`[^`]*`|<br>", "", where).strip() == "", "words that are no test: is it open?"
    else:
        assert len(where.partition("open: ")[2] or where.partition("because ")[2]) > 10, "say what, or why"


def test_the_page_counts_itself() -> None:
    told = dict(re.findall(r"(Shown|Not ours|Open): (\d+)\.", PAGE))
    assert {name: int(count) for name, count in told.items()} == Counter(state(row[-1]) for row in ROWS)
