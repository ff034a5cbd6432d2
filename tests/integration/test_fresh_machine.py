"""The README's two commands on a machine that has never seen the project: a bare Debian root with Debian's own pip."""

import re
import time

import pytest

from tests.fakes.tiny_project import TinyProject
from tests.machines.machine import Machine, bare_machine

pytestmark = [pytest.mark.machine, pytest.mark.timeout(1800)]
A_SCAN = "● (GREEN|AMBER|RED) +[A-Z]"
suites = pytest.mark.parametrize(
    ("suite", "pip"), [("bookworm", "23.0.1"), pytest.param("trixie", "25.", marks=pytest.mark.soak)]
)


@suites
def test_on_a_bare_machine_both_commands_do_what_the_readme_says(suite: str, pip: str) -> None:
    with bare_machine(suite) as machine:
        machine.clone("/srv/gate")
        root_sees_a_scan(machine)
        assert f"pip-{pip}" in machine.run("ls /usr/share/python-wheels").stdout
        debians_pip_takes_the_lock_as_it_stands(machine)
        machine.run("useradd --create-home visitor").check_returncode()
        a_user_sees_a_scan_in_a_folder_of_their_own(machine)
        a_user_sets_up_a_clone_of_their_own(machine)
        the_tests_begin_well(machine)


def root_sees_a_scan(machine: Machine) -> None:
    began = time.monotonic()
    with machine.running("cd /srv/gate && make demo") as demo:
        demo.wait_for("from Debian: python3-venv libzbar0")
        demo.wait_for(A_SCAN)
        print(f"from a clone to the first scan: {time.monotonic() - began:.0f} s")
        demo.interrupt()
    assert "Stopped by hand" in demo.said
    assert not [word for word in ("WARNING", "note:", "Traceback", "!!") if word in demo.said], demo.said
    without = machine.run("command -v chromium chromedriver; ls -d /srv/gate/.venv/lib/python3*/site-packages/pytest")
    assert without.returncode != 0
    assert "chrom" not in without.stdout


def debians_pip_takes_the_lock_as_it_stands(machine: Machine) -> None:
    """On a later day, when the index has a newer release of what a package asks for by an extra."""
    TinyProject(machine.folder / "srv" / "tiny")
    index = "export PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/tiny/index"
    version = ".venv/bin/python -c 'import cover; print(cover.VERSION)'"
    done = machine.run(f"{index}; cd /srv/tiny && sh requirements/setup.sh demo && {version}")
    assert done.stdout.endswith("\n1.0\n"), done.stdout


def a_user_sees_a_scan_in_a_folder_of_their_own(machine: Machine) -> None:
    """In root's clone, which the user may not write to."""
    refused = machine.run("cd /srv/gate && make demo", "visitor")
    assert "make demo FOLDER=" in refused.stdout
    assert "Traceback" not in refused.stdout
    with machine.running("cd /srv/gate && make demo FOLDER=/home/visitor/show", "visitor") as demo:
        demo.wait_for(A_SCAN)
        second = machine.run("cd /srv/gate && make demo FOLDER=/home/visitor/show", "visitor")
        assert "another show runs in" in second.stdout
        demo.interrupt()


def a_user_sets_up_a_clone_of_their_own(machine: Machine) -> None:
    """With /sbin not in the PATH, where ldconfig is."""
    machine.clone("/home/visitor/gate", "visitor")
    done = machine.run("cd gate && sh requirements/setup.sh demo", "visitor", timeout=600)
    assert "setup: ready in" in done.stdout, done.stdout
    assert "note:" not in done.stdout


def the_tests_begin_well(machine: Machine) -> None:
    with machine.running("cd /srv/gate && make test") as tests:
        tests.wait_for("from Debian: .*chromium")
        tests.wait_for(r"\[  1%\]")
        tests.interrupt()
    passed = re.search(r"(\d+) passed", tests.said)
    assert passed, tests.said
    assert int(passed[1]) > 40
    assert not re.search(r"\d+ (failed|error)", tests.said), tests.said


def test_a_user_without_root_and_venv_is_told_what_to_ask_for() -> None:
    with bare_machine("bookworm") as machine:
        machine.run("useradd --create-home visitor").check_returncode()
        machine.clone("/home/visitor/gate", "visitor")
        done = machine.run("cd gate && make demo", "visitor")
    assert done.returncode == 2
    assert "only root can install it: as root, 'apt-get install python3-venv', then this again" in done.stdout
    assert "Traceback" not in done.stdout
