"""The real lgpio, imported as the gate imports it: where it is started from stays as it was. No chip is needed."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(find_spec("lgpio") is None, reason="lgpio has no wheel for this Python")

PROGRAM = """
import os, sys
before = os.getcwd() if {named} else None
from scanner.hw.gpio import open_gpio
from scanner.hw.release import release_relay
from scanner.hw.lgpio_door import load_lgpio
from scanner.hw.relay_pin import RelayPin
said, _ = release_relay(RelayPin(), load_lgpio)
assert "lgpio" in sys.modules, said
assert ".lgd-nfy" not in said, said
if before: assert os.getcwd() == before
print(os.listdir("."), os.environ.get("LG_WD"))
"""


def imported(folder: Path, *, named: bool = True, before: str = "true", **environment: str) -> str:
    """What a program sees of its folder once it has let go of a relay; `before` is done in the shell that starts it."""
    program = PROGRAM.format(named=named)
    done = subprocess.run(
        ["/bin/sh", "-c", f'{before} && exec "$0" -W error -c "$1"', sys.executable, program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_no_pipe_stays_in_the_folder_of_a_person(tmp_path: Path) -> None:
    assert imported(tmp_path) == "[] None"
    assert list(tmp_path.iterdir()) == []


def test_the_runtime_folder_of_the_service_is_left_empty(tmp_path: Path) -> None:
    runtime, here = tmp_path / "runtime", tmp_path / "here"
    runtime.mkdir()
    here.mkdir()
    assert imported(here, RUNTIME_DIRECTORY=str(runtime)) == "[] None"
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("folder", ["gone", "file"])
def test_a_runtime_folder_that_cannot_be_used_is_done_without(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    assert imported(tmp_path, RUNTIME_DIRECTORY=str(tmp_path / folder)) == "['file'] None"


def test_a_working_directory_that_was_removed(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    assert imported(tmp_path / "here", named=False, before='rmdir "$PWD"') == "[] None"


def test_a_person_who_set_the_librarys_folder_finds_it_empty_and_still_set(tmp_path: Path) -> None:
    theirs, here = tmp_path / "theirs", tmp_path / "here"
    theirs.mkdir()
    here.mkdir()
    assert imported(here, LG_WD=str(theirs)) == f"[] {theirs}"
    assert list(theirs.iterdir()) == []
