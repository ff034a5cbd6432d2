"""The tests on each machine that the project is for, with the Python that its Debian ships; `make matrix` runs it.

A row is one machine: a root of its own (machine.py), and this checkout as it is now. arm64 is emulated, some twenty
times slower: there run the tests of reading a frame, of verifying what it holds and of deciding. The next Debian has
the next Python, whose warnings are errors in every test; its browser is not ours to wait for.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.machines.machine import BARE, ROOT, Machine, bare_machine
from tests.machines.wheels import get, wanted

_RULES = ("tests/unit/verify", "tests/unit/camera", "tests/unit/test_gate.py", "tests/unit/scanner/test_admission.py")
_LIBRARIES = ("python3", "libzbar0")
_TOOLS = (*BARE, "libzbar0", "python3-venv", "iproute2", "systemd", "curl", "jq", "sqlite3", "openssh-client")
_COMPILER = ("gcc", "libc6-dev", "python3-dev", "swig")
_BROWSER = ("chromium", "chromium-driver", "fontconfig", "fonts-noto-cjk")


@dataclass(frozen=True, slots=True)
class Row:
    """A machine. `packages` are in its root, a compiler among them where lgpio has no wheel. Its tests have these marks
    and stand at `paths`, or anywhere.
    """

    name: str
    suite: str
    arch: str
    packages: tuple[str, ...]
    marks: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a row's tests came to. `tail` is the end of what they said."""

    python: str = "-"
    passed: int = 0
    skipped: int = 0
    failed: int = 0
    seconds: float = 0
    green: bool = False
    tail: str = ""


LOGS = ROOT / "build/matrix"
_ALL = "not soak and not machine"
_PLAIN = f"{_ALL} and not browser"
ROWS = (
    Row("debian12-amd64", "bookworm", "amd64", (*_TOOLS, *_BROWSER), _ALL),
    Row("debian13-amd64", "trixie", "amd64", (*_TOOLS, *_COMPILER, *_BROWSER), _ALL),
    Row("next-amd64", "forky", "amd64", _TOOLS, _PLAIN),
    Row("debian12-arm64", "bookworm", "arm64", _LIBRARIES, _PLAIN, _RULES),
    Row("debian13-arm64", "trixie", "arm64", _LIBRARIES, _PLAIN, _RULES),
)
_SET_UP = r"""
cd /gate
git init --quiet
git add --all
git -c user.name=matrix -c user.email=matrix@example commit --quiet -m here
python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
# Raspberry Pi OS has lgpio as a package, Debian has not: its source, by the lock's own hash. That of today does not
# compile with the next Debian's swig.
if command -v swig && [ ! -e .venv/lib/python3*/site-packages/lgpio.py ]; then
    sed -n '/^lgpio==/,/[^\\]$/p' requirements/runtime.lock | sed 's/ ; python_full_version [^\\]*/ /' > /lgpio.lock
    PYPI=1 .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
        --no-build-isolation -r /lgpio.lock
fi
"""
_PYTHON = ".venv/bin/python -m pytest -v"
# These visitors are drawn, frame by frame, which no gate does and which takes hours when emulated.
_DRAWN = "tests/unit/camera/test_approach.py"
_EMULATED = f"PYTHONPATH=/site python3 -m pytest -v --timeout 1800 -p no:schemathesis --ignore {_DRAWN}"
_LONGEST = 2 * 3600
"""Seconds for the set-up, and for the tests, of the slowest."""


def run(row: Row, jobs: str, paths: Sequence[str] = ()) -> Result:
    """Make the machine, set it up, run its tests, or those at `paths`.

    Raises pytest.skip.Exception where there can be no such machine, RuntimeError or SubprocessError if it was not made.
    """
    began = time.monotonic()
    here = row.arch == "amd64"
    with bare_machine(row.suite, *row.packages, arch=row.arch) as machine:
        machine.clone("/gate")
        version = machine.run("python3 --version").stdout.strip().removeprefix("Python ")
        try:
            done = machine.run(_SET_UP, timeout=_LONGEST) if here else _put_wheels(machine, version)
            if done.returncode == 0:
                command = f"{_PYTHON if here else _EMULATED} -n {jobs} -m '{row.marks}' --junitxml /report.xml"
                done = _logged(machine, f"cd /gate && {command} {' '.join(paths or row.paths)}", log_of(row))
        except subprocess.TimeoutExpired as late:
            return Result(version, seconds=time.monotonic() - began, tail=f"not done after {late.timeout:.0f} s")
        passed, skipped, failed = counted(machine.folder / "report.xml")
    green = done.returncode == 0 and passed > 0 and not failed
    return Result(version, passed, skipped, failed, time.monotonic() - began, green, done.stdout[-8000:])


def _put_wheels(machine: Machine, version: str) -> subprocess.CompletedProcess[str]:
    """What the tests need, unpacked from here: an emulated pip would take longer than the tests. Only imports it."""
    python = ".".join(version.split(".")[:2])
    lines = wanted((ROOT / "requirements/dev.lock").read_text(), python, "aarch64")
    get(lines, python, "aarch64", machine.folder / "site", unpacked=True)
    return machine.run("cd /gate && PYTHONPATH=/site python3 -c 'import platform; print(platform.machine())'")


def log_of(row: Row) -> Path:
    """Where all that its tests say is written while they run."""
    return LOGS / f"{row.name}.log"


def _logged(machine: Machine, script: str, log: Path) -> subprocess.CompletedProcess[str]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        command = machine.command(script)
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=_LONGEST, check=False
        )
    return subprocess.CompletedProcess(command, done.returncode, log.read_text(errors="replace"))


def counted(report: Path) -> tuple[int, int, int]:
    """Passed, skipped and failed, as pytest's own report has them; nothing passed if there is none."""
    if not report.exists():
        return 0, 0, 0
    suite = next(ET.parse(report).iter("testsuite")).attrib
    ran, skipped, failed = int(suite["tests"]), int(suite["skipped"]), int(suite["failures"]) + int(suite["errors"])
    return ran - skipped - failed, skipped, failed


def line(name: str, result: Result) -> str:
    """A row of the table."""
    word = "green" if result.green else "RED"
    return (
        f"{name:<16}{result.python:<10}{result.passed:>7}{result.skipped:>9}{result.failed:>8}{result.seconds:>9.0f}"
        f"  {word}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that are named, all of them unless told, and print the table: 0 if every one is green."""
    parser = argparse.ArgumentParser(prog="make matrix", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("machines", nargs="*", metavar="MACHINE", help=", ".join(row.name for row in ROWS))
    parser.add_argument("--jobs", default="2", help="tests at a time")
    parser.add_argument("--tests", action="append", default=[], metavar="PATH", help="these tests only, not all")
    told = parser.parse_args(arguments)
    unknown = set(told.machines) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"no such machine: {', '.join(sorted(unknown))}")
    lines, green = [f"{'machine':<16}{'python':<10}{'passed':>7}{'skipped':>9}{'failed':>8}{'seconds':>9}"], True
    for row in ROWS:
        if told.machines and row.name not in told.machines:
            continue
        what = " ".join(told.tests or row.paths) or "all tests"
        print(f"{row.name}: {what}, {row.marks}; see {log_of(row).relative_to(ROOT)}", flush=True)
        try:
            result = run(row, told.jobs, told.tests)
        except (pytest.skip.Exception, RuntimeError, subprocess.SubprocessError) as reason:
            result = Result(tail=f"it could not be made: {reason}")
        if not result.green:
            print(result.tail, flush=True)
        green = green and result.green
        lines.append(line(row.name, result))
        print(lines[-1], flush=True)
    print("\n".join(lines))
    return 0 if green else 1


if __name__ == "__main__":
    sys.exit(main())
