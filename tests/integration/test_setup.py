"""requirements/setup.sh as people meet it: on a later day, stopped half-way, twice at once, where it may not write.

A project of a few bytes and an index in a folder stand in for ours; test_fresh_machine.py uses the real ones.
"""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.fakes.tiny_project import TinyProject

pytestmark = pytest.mark.timeout(300)
READY = "setup: ready in "
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small or read-only disk")


@pytest.fixture
def project(tmp_path: Path) -> TinyProject:
    return TinyProject(tmp_path / "tiny")


def test_a_newer_release_on_the_index_is_not_installed_and_the_second_time_says_nothing(project: TinyProject) -> None:
    first = project.set_up()
    assert first.returncode == 0, first
    assert (project.version("cover"), project.version("runner")) == ("1.0", "1.0")
    assert READY in first.stdout
    assert "WARNING" not in first.stdout + first.stderr
    again = project.set_up()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_a_new_lock_is_installed_over_the_old_and_a_moved_folder_is_made_anew(project: TinyProject) -> None:
    assert project.set_up().returncode == 0
    mark = project.folder / ".venv" / "mark"
    mark.touch()
    project.lock(cover=("1.1", project.publish("cover", "1.1")))
    assert project.set_up().returncode == 0
    assert project.version("cover") == "1.1"
    assert mark.exists()
    moved = project.folder.rename(project.folder.with_name("moved"))
    project.folder, project.index = moved, moved / "index"
    assert READY in project.set_up().stdout
    assert not (moved / ".venv" / "mark").exists()
    assert str(moved) in (moved / ".venv" / "bin" / "pip").read_text().splitlines()[0]


def test_a_package_that_is_not_the_locks_is_not_installed_and_the_sentence_says_what_to_do(
    project: TinyProject,
) -> None:
    project.lock(more=("1.0", "0" * 64))
    done = project.set_up()
    assert done.returncode == 1
    assert "not the one that the lock names" in done.stderr
    assert "Traceback" not in done.stderr
    project.lock(absent=("1.0", "0" * 64))
    done = project.set_up()
    assert done.returncode == 1
    assert "has no ready-made package" in done.stderr
    assert "absent" in done.stderr


def test_stopped_half_way_it_says_so_and_makes_the_environment_anew_next_time(project: TinyProject) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        settings = {**project.settings(), "PIP_INDEX_URL": index}
        del settings["PIP_NO_INDEX"], settings["PIP_FIND_LINKS"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(project.command(), env=settings, start_new_session=True, **pipes) as process:
            asking, _ = silent.accept()
            with asking:
                # As a terminal does it: to every process of the group.
                os.killpg(process.pid, signal.SIGINT)
                _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == "setup: stopped; the same command begins again"
    # And what an older set-up or another Python may have left.
    python = project.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert project.set_up().returncode == 0
    assert project.version("runner") == "1.0"


def test_two_at_once_make_one_environment(project: TinyProject) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with (
        subprocess.Popen(project.command(), env=project.settings(), **pipes) as one,
        subprocess.Popen(project.command(), env=project.settings(), **pipes) as other,
    ):
        said = [process.communicate(timeout=120)[0] for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), said
    assert sum(READY in text for text in said) == 1
    assert any("waiting for its end" in text for text in said)
    assert project.version("cover") == "1.0"


@needs_root
def test_where_it_may_not_write_or_has_no_room_it_says_what_to_do(project: TinyProject, tmp_path: Path) -> None:
    mount = f"mount --bind {project.folder} {project.folder} && mount -o remount,ro,bind {project.folder}"
    done = project.set_up("unshare", "--mount", "sh", "-euc", f'{mount}; exec "$@"', "sh")
    assert done.returncode == 1
    assert f"{project.folder} cannot be written to" in done.stderr
    assert done.stderr.count("\n") == 1
    aside = tmp_path / "aside"
    shutil.copytree(project.folder, aside)
    mount = f"mount -t tmpfs -o size=16m none {project.folder} && cp -r {aside}/. {project.folder}"
    done = project.set_up("unshare", "--mount", "sh", "-euc", f'{mount}; exec "$@"', "sh")
    assert done.returncode == 1
    assert "MB left, and 600 MB are needed: make room" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["everything"], ["demo", "dev"]])
def test_a_misuse_is_told_what_there_is(project: TinyProject, arguments: list[str]) -> None:
    done = subprocess.run([*project.command()[:2], *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == "usage: requirements/setup.sh demo | dev\n"


def test_without_a_python_one_sentence_says_which_is_needed(project: TinyProject) -> None:
    settings = {**project.settings(), "PYTHON": "python-that-is-not-there"}
    done = subprocess.run(project.command(), env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: Python 3.11 or newer is needed")
    assert done.stderr.count("\n") == 1
