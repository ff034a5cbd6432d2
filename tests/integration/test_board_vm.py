"""`make vm` in `make soak`: the installed release and its units on an emulated PC with a simulated chip."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vm.machine import why_not

ROOT = Path(__file__).parents[2]


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.skipif(bool(why_not()) and not os.environ.get("CI"), reason=why_not())
def test_a_code_before_the_camera_becomes_a_pulse_of_the_installed_gate() -> None:
    """And what follows in tests/vm/evening.py, down to the pulled plug. The table is in the output (`-rP` shows it)."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.vm"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, "the rows that say BAD, or the fault, are in the output above"
