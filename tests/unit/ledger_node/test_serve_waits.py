"""`serve` and an audit of a home wait for a short command that has it, and not for a node that is served from it."""

import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger_node.cli import operator
from ledger_node.cli.main import cli
from ledger_node.home_folder import HomeInUseError, hold
from tests.fakes.running_node import open_home, serving


def test_a_short_command_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found_held, had = threading.Event(), threading.Event()
    monkeypatch.setattr(operator.time, "sleep", lambda _: found_held.set())

    def serve() -> None:
        with operator.held(tmp_path):
            had.set()

    thread = threading.Thread(target=serve)
    with hold(tmp_path):
        thread.start()
        assert found_held.wait(20)
        assert not had.is_set()
    thread.join(20)
    assert had.is_set()


def test_one_that_does_not_end_is_not_waited_for_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator, "_PATIENCE", 0.2)
    with hold(tmp_path), pytest.raises(HomeInUseError, match="wait for it"), operator.held(tmp_path):
        pass


def test_a_second_serve_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator, "_PATIENCE", 10_000)
    with open_home(tmp_path) as node, serving(node):
        done = CliRunner().invoke(cli, ["--home", str(tmp_path), "serve", "--port", "0"])
    assert (done.exit_code, "Traceback" in done.output) == (1, False)
    assert f"a node is served from {tmp_path} already: stop that one" in done.output
