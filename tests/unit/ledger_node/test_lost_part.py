"""What the operator declares lost: the node goes on, and tells exactly those who knew it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_node.services.devices import revoke
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.operations import perform
from ledger_node.services.snapshot import Snapshots
from scanner.verify.checkpoint import Checkpoint, VerifierKey, parse_checkpoint, sign_checkpoint
from scanner.verify.keys import SigningKey
from scanner.verify.lost import LostPart
from scanner.verify.possession import device_message
from tests.fakes.restored_node import grow, restored
from tests.fakes.running_node import EVENT, open_home


@pytest.fixture
def old(tmp_path: Path) -> Iterator[tuple[Node, list[str]]]:
    with restored(tmp_path / "node") as made:
        yield made


def declare(node: Node) -> None:
    assert node.newer.behind is not None
    perform(node, "restore-declare-lost", {"newest": node.newer.behind.newest.size})


def told(node: Node, note: str) -> LostPart | None:
    said, _ = node.newer.statement(note, "")
    part = LostPart.open(said, VerifierKey(node.keys.origin, node.keys.node.public)) if said else None
    assert part is None or isinstance(part, LostPart)
    return part


def test_it_goes_on_also_after_a_restart(tmp_path: Path) -> None:
    with restored(tmp_path / "node") as (node, notes):
        node.newer.show(notes[-1], "", "device R1")
        declare(node)
        grow(node, "four")
    with open_home(tmp_path / "old") as node:
        grow(node, "five")
        assert not node.newer.show(notes[-1], "", "device R1")
        assert node.newer.behind is None


def test_nothing_is_declared_lost_while_nothing_is_missing(old: tuple[Node, list[str]]) -> None:
    node, _ = old
    with pytest.raises(ServiceError, match="nothing is known to be missing"):
        perform(node, "restore-declare-lost", {"newest": None})


def test_what_was_shown_after_the_operator_looked_is_not_declared_lost(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    node.newer.show(notes[0], "", "device R1")
    asked = node.newer.behind.newest.size if node.newer.behind else 0
    node.newer.show(notes[1], "", "device R2")
    with pytest.raises(ServiceError, match="a newer checkpoint was shown meanwhile"):
        perform(node, "restore-declare-lost", {"newest": asked})


GATE = ("R1", "R1-00000001")


def enrolled(node: Node) -> None:
    """A gate that has still to send, so that the node gathers."""
    key = SigningKey(bytes(31) + b"g")
    proof = key.sign(device_message(node.keys.node.public, key.public))
    node.commit([node.operator.enrol_device(EVENT, GATE[1], key.public, GATE[0], node.seconds, proof)])


@pytest.fixture
def gathering(tmp_path: Path) -> Iterator[tuple[Node, list[str]]]:
    with restored(tmp_path / "node", enrolled) as (node, notes):
        node.newer.show(notes[-1], "", "device R1")
        declare(node)
        yield node, notes


def test_who_knew_any_of_the_lost_checkpoints_is_told_and_who_knows_ours_is_not(
    gathering: tuple[Node, list[str]],
) -> None:
    node, notes = gathering
    kept, root = node.ledger.size, node.ledger.root
    grow(node, "four")
    for note in notes:
        checkpoint = parse_checkpoint(note)
        assert isinstance(checkpoint, Checkpoint)
        assert told(node, note) == LostPart(kept, root, checkpoint.size, checkpoint.root)
    assert told(node, node.ledger.checkpoint()) is None


def test_no_list_before_the_last_gate_has_sent_and_each_is_told_again_after_it(
    gathering: tuple[Node, list[str]],
) -> None:
    node, notes = gathering
    assert told(node, notes[0])
    with pytest.raises(ServiceError, match="gates are sending again"):
        Snapshots(node).get(EVENT)
    assert perform(node, "restore-status", {})["gathering"] == [" ".join(GATE)]
    node.lost.heard(GATE[1])
    assert "gathering" not in perform(node, "restore-status", {})
    assert Snapshots(node).get(EVENT).size == node.ledger.size
    assert [told(node, note) is not None for note in notes] == [True, False, True]


def test_a_second_loss_is_known_though_the_log_is_not_longer_than_the_first_was(
    gathering: tuple[Node, list[str]],
) -> None:
    node, notes = gathering
    node.lost.heard(GATE[1])
    assert node.lost.waiting() == []
    # Of a line that went on from what was kept, and was put back: not longer than what was declared lost.
    again = sign_checkpoint(node.keys.origin, node.ledger.size + 1, bytes(32), node.keys.node)
    assert node.newer.show(again, "", "device R2")
    assert told(node, again) is None
    assert notes


def test_a_revoked_gate_is_not_waited_for(gathering: tuple[Node, list[str]]) -> None:
    node, _ = gathering
    revoke(node, EVENT, GATE[1], "stolen")
    assert node.lost.waiting() == []


def test_what_is_longer_than_what_was_declared_lost_is_missing(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    node.newer.show(notes[1], "", "device R1")
    declare(node)
    assert told(node, notes[2]) is None
    assert node.newer.show(notes[2], "", "device R2")
    with pytest.raises(ServiceError, match="nothing is logged"):
        grow(node, "four")


def test_a_log_that_went_on_otherwise_is_kept_and_who_knew_the_other_is_told(old: tuple[Node, list[str]]) -> None:
    node, notes = old
    grow(node, "four", "five", "six", "seven")
    node.newer.show(notes[-1], "", "device R1")
    kept = node.ledger.size
    declare(node)
    grow(node, "eight")
    part = told(node, notes[-1])
    assert part is not None
    assert part.kept == kept


def test_a_thief_with_the_copy_and_another_key_can_tell_nobody(old: tuple[Node, list[str]]) -> None:
    node, _ = old
    forged = sign_checkpoint(node.keys.origin, 99, bytes(32), SigningKey(bytes(31) + b"t"))
    with pytest.raises(ServiceError, match="no checkpoint of this log"):
        node.newer.show(forged, "", "a thief")
    assert told(node, forged) is None
