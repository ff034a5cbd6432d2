"""The machines that the project is for: `make matrix` counts what it says it counts, and each of them is green."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.machines import matrix
from tests.machines.machine import ROOT
from tests.machines.matrix import ROWS, Result, Row
from tests.machines.wheels import get, wanted

_GREEN = Result("3.13.5", passed=3, seconds=1, green=True)


@pytest.mark.soak
@pytest.mark.machine
@pytest.mark.timeout(5 * 3600)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_test_is_green_with_the_python_of_each_debian(row: Row) -> None:
    result = matrix.run(row, "2")
    assert result.green, f"{matrix.line(row.name, result)}\n{result.tail}"


def test_a_report_is_counted_as_pytest_counts(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 0\n"
        "def test_not_here(): pytest.skip('no')\n"
        "@pytest.fixture\ndef broken(): raise OSError\n"
        "def test_without(broken): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "--junitxml", "report.xml", "test_some.py"]
    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    assert subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, check=False).returncode == 1
    assert matrix.counted(tmp_path / "report.xml") == (1, 1, 2)


def test_tests_that_never_ran_are_no_green_ones(tmp_path: Path) -> None:
    assert matrix.counted(tmp_path / "report.xml") == (0, 0, 0)


@pytest.mark.parametrize(
    ("of_the_last", "status"),
    [
        (_GREEN, 0),
        (replace(_GREEN, failed=1, green=False), 1),
        (pytest.skip.Exception("no root"), 1),
        (RuntimeError("no wheel"), 1),
    ],
    ids=["green", "red", "no-root", "no-wheel"],
)
def test_one_red_machine_makes_the_matrix_red(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], of_the_last: Result | Exception, status: int
) -> None:
    def run(row: Row, *_: object) -> Result:
        if row == ROWS[-1] and isinstance(of_the_last, BaseException):
            raise of_the_last
        return of_the_last if row == ROWS[-1] else _GREEN

    monkeypatch.setattr(matrix, "run", run)
    assert matrix.main([]) == status
    told = capsys.readouterr().out.splitlines()[-len(ROWS) :]
    assert [row.split()[0] for row in told] == [row.name for row in ROWS]
    assert [row.endswith("  green") for row in told] == [True] * (len(ROWS) - 1) + [status == 0]


def test_a_machine_that_there_is_not_is_misuse() -> None:
    with pytest.raises(SystemExit) as ended:
        matrix.main(["debian11-amd64"])
    assert ended.value.code == 2


# Wheels


def test_a_lock_is_read_with_its_conditions() -> None:
    lock = (
        "numpy==1 ; python_full_version < '3.12' \\\n  --hash=sha256:a\n"
        "numpy==2 ; python_full_version >= '3.12' \\\n  --hash=sha256:b\nx==1\n"
    )
    assert wanted(lock, "3.13", "aarch64") == ["numpy==2 --hash=sha256:b", "x==1"]


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_all_that_a_gate_needs_is_there_as_a_wheel_by_its_hash(tmp_path: Path, python: str, machine: str) -> None:
    lines = wanted((ROOT / "requirements/runtime.lock").read_text(), python, machine)
    get(lines, python, machine, tmp_path / "wheels", unpacked=False)
    assert len(list((tmp_path / "wheels").glob("*.whl"))) == len(lines) > 40
