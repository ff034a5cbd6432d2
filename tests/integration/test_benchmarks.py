"""The benchmark runs: every section, at small sizes, gives figures. How good they are is not asked here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures import Figure, Limit, Target
from benchmarks.sections import SECTIONS
from benchmarks.timing import percentile

ROOT = Path(__file__).parents[2]


TOGETHER = [("issue", "large"), ("replay", "audit", "proof", "flat", "start")]
"""They share a ledger, which is made by the first."""
ALONE = [(name,) for name in SECTIONS if not any(name in group for group in TOGETHER)]


@pytest.mark.parametrize("group", [*ALONE, *TOGETHER], ids="-".join)
def test_every_section_yields_figures(group: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "benchmarks", *group, "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    sections = json.loads(done.stdout)["sections"]
    assert sections.keys() == set(group)
    assert all(one["figures"] for one in sections.values())
    for figure in (figure for one in sections.values() for figure in one["figures"]):
        assert figure["value"] > 0, figure
        assert figure.get("limit", 1) > 0, figure
        assert figure.get("ratio", 1) > 0, figure


def test_of_times_less_is_better_and_of_rates_more() -> None:
    slow = Figure("time", 8.0, "ms", Limit("least", 2.0), Target(7.0, "at most 7"))
    many = Figure("rate", 50.0, "/s", Limit("most", 200.0), Target(40.0, "at least 40"))
    assert (slow.ratio, slow.met) == (4.0, False)
    assert (many.ratio, many.met) == (4.0, True)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (50.0, 99.0, 100.0)
    assert percentile([3.0], 99) == 3.0
