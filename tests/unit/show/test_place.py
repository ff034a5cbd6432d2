"""The folder of a show: nobody's but its own, emptied without following links, on a disk with room."""

from pathlib import Path

import pytest

from tests.show import place
from tests.show.place import MARK, USUAL, full, own_folder
from tests.show.stage import ShowError


def test_a_second_show_in_the_same_folder_is_refused_and_takes_nothing_away(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with own_folder(folder):
        (folder / "node").mkdir()
        with pytest.raises(ShowError, match=r"another show runs in .*make demo FOLDER="), own_folder(folder):
            pass
        assert (folder / "node").is_dir()
    with own_folder(folder):
        assert [one.name for one in folder.iterdir()] == [MARK]


def test_what_a_link_in_the_folder_leads_to_stays(tmp_path: Path) -> None:
    kept, folder = tmp_path / "kept", tmp_path / USUAL
    kept.mkdir()
    (kept / "file").touch()
    folder.mkdir()
    (folder / "link").symlink_to(kept)
    with own_folder(folder):
        assert [one.name for one in folder.iterdir()] == [MARK]
    assert (kept / "file").exists()


def test_a_folder_that_no_show_made_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    with (
        pytest.raises(ShowError, match=r"holds thesis.txt, which no show made.*make demo FOLDER="),
        own_folder(tmp_path),
    ):
        pass
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.txt"]


def test_where_there_can_be_no_folder_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ShowError, match=r"Not a directory.*make demo FOLDER="), own_folder(tmp_path / "file" / "demo"):
        pass


def test_a_disk_without_room_is_said_before_the_show_and_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert full(tmp_path) == []
    monkeypatch.setattr(place, "room_mb", lambda _folder: 1)
    with pytest.raises(ShowError, match="has 1 MB left, and 50 are needed"), own_folder(tmp_path / "demo"):
        pass
    assert full(tmp_path) == [
        f"the disk of {tmp_path} is full: make room, or choose another folder: make demo FOLDER=/a/folder"
    ]
