"""A node from an old copy of its folder: it knows by its own log's signature alone, and then logs nothing."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import cli
from ledger_node.log.port import LogBehindFault
from ledger_node.services import keys
from ledger_node.services.errors import ServiceError
from ledger_node.services.newer_log import FILE, MOST_KEPT
from ledger_node.services.node import Node
from ledger_node.services.operations import perform
from ledger_node.services.snapshot import Snapshots
from scanner.verify.checkpoint import sign_checkpoint
from scanner.verify.keys import SigningKey
from tests.fakes.restored_node import grow, restored
from tests.fakes.running_node import EVENT, open_home, stage


@pytest.fixture
def old(tmp_path: Path) -> Iterator[tuple[Node, list[str]]]:
    with restored(tmp_path / "node") as made:
        yield made


def test_a_node_that_is_shown_what_it_lost_logs_nothing(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    size = node.ledger.size
    assert node.newer.show(notes[1], "", "device R1")
    with pytest.raises(ServiceError, match="nothing is logged until what is missing is back") as refused:
        grow(node, "four")
    assert refused.value.code == "log-behind"
    with pytest.raises(LogBehindFault):
        node.ledger.submit([b""], urgent=True).result(10)
    assert node.ledger.size == size
    assert perform(node, "restore-status", {})["missing"] == 2


def test_nothing_that_waited_in_the_line_is_logged_after_it_knows(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    size = node.ledger.size
    waiting = [node.ledger.submit([b""] * 200) for _ in range(50)]
    node.newer.show(notes[0], "", "device R1")
    after = node.ledger.submit([b""])
    assert isinstance(after.exception(10), LogBehindFault)
    assert all(one.exception(10) is None or isinstance(one.exception(), LogBehindFault) for one in waiting)
    assert node.ledger.size == size


def test_its_writer_is_alive_all_the_same(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    node.newer.show(notes[0], "", "device R1")
    assert len(node.ledger.probe().result(10)) == 1


def test_it_still_knows_after_a_restart(tmp_path: Path) -> None:
    with restored(tmp_path / "node") as (node, notes):
        node.newer.show(notes[2], "", "device R1")
    with open_home(tmp_path / "old") as node, pytest.raises(ServiceError, match="nothing is logged"):
        grow(node, "four")


def test_spare_gates_are_not_served_a_short_list(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    snapshots = Snapshots(node)
    assert snapshots.get(EVENT).size == node.ledger.size
    node.newer.show(notes[0], "", "device R1")
    with pytest.raises(ServiceError, match="nothing is logged"):
        snapshots.get(EVENT)


def test_a_checkpoint_by_another_key_or_none_changes_nothing(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    thief = sign_checkpoint(node.keys.origin, 99, bytes(32), SigningKey(bytes(31) + b"t"))
    changed = notes[0].replace(f"\n{node.ledger.size + 1}\n", "\n99\n", 1)
    assert changed != notes[0]
    for note in (thief, changed, "", "nonsense", notes[0].partition("\n\n")[0]):
        with pytest.raises(ServiceError, match="no checkpoint of this log"):
            node.newer.show(note, "", "key of a stranger")
    grow(node, "four")
    assert not (node.home / FILE).exists()


def test_a_checkpoint_by_a_key_that_was_rotated_out_changes_nothing(tmp_path: Path) -> None:
    with open_home(tmp_path / "node") as node:
        stage(node, 1)
        first = keys.rotate_log(node)
        stolen = node.keys.signers.keys[0]
        keys.rotate_log(node)
        note = sign_checkpoint(node.keys.origin, 99, bytes(32), stolen)
        for log_keys in ("", first.note):
            with pytest.raises(ServiceError, match="no checkpoint of this log"):
                node.newer.show(note, log_keys, "a thief")
        assert node.newer.behind is None


def test_a_checkpoint_that_it_has_is_no_news(old: tuple[Node, list[str]]) -> None:
    node, _ = old
    before = node.ledger.checkpoint()
    grow(node, "four")
    assert not node.newer.show(before, "", "device R1")
    assert not node.newer.show(node.ledger.checkpoint(), "", "device R1")
    grow(node, "five")


def test_it_says_so_where_it_has_logged_something_else_since(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    grow(node, "four", "five", "six", "seven")
    assert node.newer.show(notes[0], "", "device R1")
    assert perform(node, "restore-status", {})["forked"]
    with pytest.raises(ServiceError, match="entries were logged since that the log does not have"):
        grow(node, "eight")


def test_what_is_shown_is_kept_once_and_bounded(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    root = node.keys.node
    assert [node.newer.show(note, "", "device R1") for note in (*notes, *notes)] == [True] * 3 + [False] * 3
    for size in range(100, 100 + MOST_KEPT):
        node.newer.show(sign_checkpoint(node.keys.origin, size, bytes(32), root), "", "device R1")
    assert len(node.newer.shown) == MOST_KEPT
    assert node.newer.behind is not None
    assert node.newer.behind.newest.size == 99 + MOST_KEPT


def test_the_operator_shows_it_what_an_auditor_kept(tmp_path: Path) -> None:
    with restored(tmp_path / "node") as (_, notes):
        (tmp_path / "theirs.txt").write_text(notes[2])
    home = ["--home", str(tmp_path / "old")]
    shown = CliRunner().invoke(cli, [*home, "restore", "seen", str(tmp_path / "theirs.txt")])
    assert (shown.exit_code, json.loads(shown.output)["missing"]) == (0, 3)
    blocked = CliRunner().invoke(cli, [*home, "tickets", "block", EVENT, "1", "--reason", "lost"])
    assert (blocked.exit_code, "nothing is logged until what is missing is back" in blocked.output) == (1, True)


def test_a_file_that_cannot_be_read_is_not_taken_for_a_whole_log(tmp_path: Path) -> None:
    with open_home(tmp_path / "node") as node:
        stage(node, 1)
    (tmp_path / "node" / FILE).write_text("[{")
    with pytest.raises(ServiceError, match="says what this log lacks"), open_home(tmp_path / "node", time.time):
        pass
