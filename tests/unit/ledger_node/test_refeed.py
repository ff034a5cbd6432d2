"""What a node of an old copy takes back of its log: all that is proven, nothing else, wherever it was stopped."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_node.log.port import LedgerFault
from ledger_node.log.tiles import TilePath
from ledger_node.services import refeed as feeding
from ledger_node.services.errors import ServiceError
from ledger_node.services.export import export
from ledger_node.services.lying_there import audit_home
from ledger_node.services.newer_log import FILE
from ledger_node.services.node import Node
from ledger_node.services.operations import perform
from ledger_node.services.refeed import refeed
from scanner.verify.checkpoint import sign_checkpoint
from scanner.verify.keys import SigningKey
from tests.fakes.restored_node import SINCE, grow, restored
from tests.fakes.running_node import open_home


@pytest.fixture
def old(tmp_path: Path) -> Iterator[tuple[Node, list[str]]]:
    with restored(tmp_path / "node") as made:
        yield made


def mirror(tmp_path: Path, *more: str) -> Path:
    """A static copy of the log that went on, with more entries than were shown."""
    with open_home(tmp_path / "node") as node:
        grow(node, *more)
        export(node.ledger, tmp_path / "mirror")
    return tmp_path / "mirror"


def fetch(node: Node, source: Path, *, unproven: bool = False) -> dict[str, object]:
    made: dict[str, object] = perform(node, "restore-fetch", {"source": str(source), "unproven": unproven})
    return made


def whole(node: Node, tmp_path: Path) -> bool:
    """It has all that the log had, takes entries again, and nothing is left of it."""
    with open_home(tmp_path / "node") as other:
        same = (node.ledger.size, node.ledger.root) == (other.ledger.size, other.ledger.root)
    grow(node, "afterwards")
    return same and not (node.home / FILE).exists()


def test_it_is_whole_again_from_a_mirror_and_goes_on(old: tuple[Node, list[str]], tmp_path: Path) -> None:
    node, notes = old
    node.newer.show(notes[-1], "", "device R1")
    assert fetch(node, mirror(tmp_path)) == {"fetched": len(SINCE), "whole": True, "size": node.ledger.size}
    assert whole(node, tmp_path)


def test_a_mirror_that_has_more_than_was_shown_is_news_too(old: tuple[Node, list[str]], tmp_path: Path) -> None:
    node, _ = old
    assert fetch(node, mirror(tmp_path, "four"))["fetched"] == len(SINCE) + 1
    assert whole(node, tmp_path)


def test_what_is_back_has_the_state_that_its_entries_say(tmp_path: Path) -> None:
    with restored(tmp_path / "node") as (node, _):
        fetch(node, mirror(tmp_path))
        origin, key = node.keys.origin, node.keys.node
    assert audit_home(tmp_path / "old", origin, key).good


def test_a_source_that_has_a_part_leaves_less_missing(old: tuple[Node, list[str]], tmp_path: Path) -> None:
    node, notes = old
    node.newer.show(notes[-1], "", "device R1")
    with open_home(tmp_path / "node") as other, other.view() as view:

        def read(path: str) -> bytes | None:
            tile = TilePath.parse(path)
            return view.read(tile) if tile else notes[1].encode() if path == "checkpoint" else None

        made = refeed(node, read, "a mirror")
    assert made.behind is not None
    assert (made.entries, made.behind.missing) == (2, 1)
    with pytest.raises(ServiceError, match="nothing is logged"):
        grow(node, "afterwards")


def test_killed_after_any_entry_it_still_knows_and_goes_on(
    old: tuple[Node, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, notes = old
    folder, size = mirror(tmp_path), node.ledger.size
    monkeypatch.setattr(feeding, "SLICE", 1)
    node.newer.show(notes[-1], "", "device R1")
    taken = node.ledger.refill

    def killed(entries: list[bytes]):
        done = taken(entries)
        done.result()
        # As a kill leaves the folder: nothing is closed, what was committed is in the write-ahead log.
        shutil.copytree(node.home, tmp_path / f"killed-{node.ledger.size}")
        return done

    monkeypatch.setattr(node.ledger, "refill", killed)
    fetch(node, folder)
    for at in range(size + 1, size + len(SINCE) + 1):
        with open_home(tmp_path / f"killed-{at}") as again:
            assert again.ledger.size == at
            if at < size + len(SINCE):
                with pytest.raises(ServiceError, match="nothing is logged"):
                    grow(again, "too-early")
                fetch(again, folder)
            assert whole(again, tmp_path)


def test_a_slice_that_cannot_be_written_is_not_there_and_is_fetched_again(
    old: tuple[Node, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, notes = old
    folder, size = mirror(tmp_path), node.ledger.size
    node.newer.show(notes[-1], "", "device R1")
    with monkeypatch.context() as broken:
        broken.setattr(node.ledger._store, "commit", lambda: (_ for _ in ()).throw(LedgerFault("the disk is full")))
        with pytest.raises(ServiceError, match="the disk is full"):
            fetch(node, folder)
    assert node.ledger.size == size
    fetch(node, folder)
    assert whole(node, tmp_path)


def test_a_changed_entry_is_not_taken(old: tuple[Node, list[str]], tmp_path: Path) -> None:
    node, notes = old
    folder, size = mirror(tmp_path), node.ledger.size
    (bundle,) = (folder / "tile" / "entries").rglob("*.p/*")
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    node.newer.show(notes[-1], "", "device R1")
    with pytest.raises(ServiceError, match="is not the one that was hashed"):
        fetch(node, folder)
    assert node.ledger.size == size


def test_a_log_in_our_name_by_another_key_is_not_taken(old: tuple[Node, list[str]], tmp_path: Path) -> None:
    node, notes = old
    folder, size = mirror(tmp_path), node.ledger.size
    with open_home(tmp_path / "node") as other:
        forged = sign_checkpoint(node.keys.origin, other.ledger.size, other.ledger.root, SigningKey(bytes(32)))
    (folder / "checkpoint").write_text(forged)
    with pytest.raises(ServiceError, match="no checkpoint of this log"):
        fetch(node, folder)
    assert (node.ledger.size, node.newer.behind) == (size, None)
    assert node.newer.show(notes[0], "", "device R1")


def test_a_line_that_is_not_the_one_that_gates_saw_is_not_taken(old: tuple[Node, list[str]], tmp_path: Path) -> None:
    node, notes = old
    with open_home(tmp_path / "node") as real:
        shown = real.ledger.checkpoint()
    # Another copy went on otherwise, by the same keys.
    shutil.copytree(tmp_path / "old", tmp_path / "other")
    with open_home(tmp_path / "other") as other:
        grow(other, "x", "y", "z", "w", "v")
        export(other.ledger, tmp_path / "fork")
    size = node.ledger.size
    node.newer.show(shown, "", "device R1")
    with pytest.raises(ServiceError, match="is not ours of size"):
        fetch(node, tmp_path / "fork")
    assert node.ledger.size == size
    assert notes


def test_it_takes_nothing_back_on_top_of_entries_that_the_log_does_not_have(
    old: tuple[Node, list[str]], tmp_path: Path
) -> None:
    node, _ = old
    folder = mirror(tmp_path)
    grow(node, "four")
    size = node.ledger.size
    with pytest.raises(ServiceError, match="entries were logged"):
        fetch(node, folder)
    assert node.ledger.size == size
    assert perform(node, "restore-status", {})["forked"] is False


def test_the_database_of_a_newer_backup_is_taken_as_far_as_it_is_proven(
    old: tuple[Node, list[str]], tmp_path: Path
) -> None:
    node, notes = old
    backup = tmp_path / "node" / "ledger.sqlite3"
    node.newer.show(notes[-1], "", "device R1")
    assert fetch(node, backup)["whole"]
    assert whole(node, tmp_path)


def test_a_backup_that_no_checkpoint_reaches_is_taken_only_if_the_operator_vouches(
    old: tuple[Node, list[str]], tmp_path: Path
) -> None:
    node, notes = old
    later = sign_checkpoint(node.keys.origin, 99, bytes(32), node.keys.node)
    node.newer.show(later, "", "device R1")
    with pytest.raises(ServiceError, match="do it again with --unproven"):
        fetch(node, tmp_path / "node")
    with pytest.raises(ServiceError, match="is no URL"):
        fetch(node, tmp_path / "nothing")
    with open_home(tmp_path / "node") as other:
        size = other.ledger.size
    made = fetch(node, tmp_path / "node", unproven=True)
    assert (made["fetched"], made["size"], made["whole"]) == (len(notes), size, False)
