"""The view: whole, ours and newer, or not taken at all; and one state at a time for whoever reads it."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.errors import SnapshotError
from scanner.kept_time import Kept
from scanner.ports import Change, Knowledge, ViewStore
from scanner.verify.admit import View
from scanner.verify.row import CANCELLED, ROW_BYTES, Row
from scanner.view import GateView, Trust
from scanner.view_db import ViewDb
from scanner.view_file import load_snapshot_file
from tests.fakes.disk import Disk
from tests.fakes.event import (
    EVENT,
    NODE,
    NOON,
    event_manifest,
    key,
    note_of,
    renamed,
    replace_row,
    row,
    used,
    write_snapshot_file,
)

TRUST = Trust(NODE.public, EVENT)
ROWS = [row(ticket) for ticket in range(1, 41)]


@pytest.fixture
def download(tmp_path: Path) -> Path:
    return tmp_path / "download"


@pytest.fixture
def view(tmp_path: Path) -> Iterator[GateView]:
    with closing(open_view(tmp_path)) as made:
        yield made


def open_view(tmp_path: Path, trust: Trust = TRUST, disk: Disk | None = None) -> GateView:
    folder = tmp_path / "view"
    return GateView(folder, trust, "STAMP", disk) if disk else GateView(folder, trust, "STAMP")


def change(start: int, end: int, *rows: Row, version: int = 0) -> Change:
    manifest = event_manifest(version=version) if version else None
    return Change(start, end, rows, manifest, note_of(end), NOON + end)


def installed(tmp_path: Path, size: int = 100) -> None:
    """A gate that took a snapshot and closed."""
    with closing(open_view(tmp_path)) as view:
        view.install(write_snapshot_file(tmp_path / "first", ROWS, size))


def state(view: GateView) -> tuple[object, ...]:
    manifest = view.manifest
    return view.size, view.at, view.tickets, manifest and manifest.version, [view.of(t) for t in range(45)]


def set_aside(tmp_path: Path) -> set[str]:
    found = (tmp_path / "view").glob("*.damaged-*")
    return {file.name for file in found if not file.name.endswith(("-wal", "-shm"))}


def flip(path: Path, offset: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1 << bit
    path.write_bytes(content)


def test_it_is_both_ports(view: GateView) -> None:
    ports: tuple[Knowledge, ViewStore] = (view, view)
    assert ports[0].size == ports[1].size == 0


def test_before_the_first_snapshot_nothing_is_known(view: GateView) -> None:
    assert state(view) == (0, 0, 0, None, [View(0, None)] * 45)
    assert (view.checkpoint(), view.kept_time().floor, view.damage) == ("", 0, "")


def test_a_snapshot_is_taken_and_there_after_a_restart(tmp_path: Path, download: Path, view: GateView) -> None:
    view.install(write_snapshot_file(download, ROWS, 100))
    expected = [View(100, item) for item in ROWS]
    assert [view.of(ticket) for ticket in range(1, 41)] == expected
    assert (view.of(0), view.of(41)) == (View(100, None), View(100, None))
    assert view.checkpoint() == note_of(100)
    before = state(view)
    view.close()
    with closing(open_view(tmp_path)) as again:
        assert state(again) == before
        assert again.checkpoint() == note_of(100)
    assert sorted(file.name for file in (tmp_path / "view").iterdir()) == ["snapshot.rows", "view.db"]


def test_zero_tickets_are_a_snapshot_too(tmp_path: Path, download: Path, view: GateView) -> None:
    view.install(write_snapshot_file(download, [], 3))
    assert (view.size, view.tickets, view.of(1)) == (3, 0, View(3, None))
    view.close()
    with closing(open_view(tmp_path)) as again:
        assert (again.size, again.tickets, again.damage) == (3, 0, "")


def test_tickets_that_were_issued_since_the_snapshot_are_counted(
    tmp_path: Path, download: Path, view: GateView
) -> None:
    """Also after a restart, with a change of a ticket that the snapshot holds, and one that is told twice."""
    view.install(write_snapshot_file(download, ROWS, 100))
    view.apply(change(100, 102, row(40)._replace(state=CANCELLED), row(41)))
    view.apply(change(102, 163, *(row(ticket) for ticket in range(41, 102))))
    assert (view.tickets, view.size) == (101, 163)
    view.apply(change(102, 163, *(row(ticket) for ticket in range(41, 102))))
    assert view.tickets == 101
    view.close()
    with closing(open_view(tmp_path)) as again:
        assert (again.tickets, again.size) == (101, 163)
        again.install(write_snapshot_file(download, [row(ticket) for ticket in range(1, 102)], 170))
        assert again.tickets == 101
        again.wipe()
        assert again.tickets == 0


# Snapshots that are refused


def truncated(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - len(content) // 3])


def headless(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda p: truncated(write_snapshot_file(p, ROWS, 200)), "truncated|damaged|missing"),
    "cut in the header": (lambda p: headless(write_snapshot_file(p, ROWS, 200)), "ends inside its header"),
    "a web page": (lambda p: p.write_text("<html>please log in</html>" * 50), "not a snapshot"),
    "empty": (lambda p: p.write_bytes(b""), "not a snapshot"),
    "older": (lambda p: write_snapshot_file(p, ROWS, 99), r"older \(99\)"),
    "same size, other log": (lambda p: write_snapshot_file(p, ROWS, 100, root=bytes(32)), "another log"),
    "other node": (lambda p: write_snapshot_file(p, ROWS, 200, node=key("impostor")), "another node"),
    "other event": (lambda p: write_snapshot_file(p, ROWS, 200, manifest=event_manifest("arena-2026")), "arena-2026"),
    "a ticket twice": (lambda p: write_snapshot_file(p, [*ROWS, ROWS[-1]], 200), "stands twice"),
    "out of order": (lambda p: write_snapshot_file(p, ROWS[::-1], 200), "out of order"),
    "counts more": (lambda p: write_snapshot_file(p, ROWS, 200, count=41), "1 of 41 tickets are missing"),
    "counts less": (lambda p: write_snapshot_file(p, ROWS, 200, count=39), "more than the 39"),
    "counts a million more": (lambda p: write_snapshot_file(p, ROWS, 200, count=2**32 - 1), "missing"),
    "manifest goes back": (
        lambda p: write_snapshot_file(p, ROWS, 200, manifest=event_manifest(version=0)),
        "version 0",
    ),
    "not there": (lambda _: None, "cannot be stored"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_snapshot_that_must_not_be_taken_is_not(tmp_path: Path, download: Path, case: str) -> None:
    make, says = REFUSED[case]
    with closing(open_view(tmp_path)) as view:
        view.install(write_snapshot_file(tmp_path / "good", ROWS, 100))
        before, stored = state(view), (tmp_path / "view" / "snapshot.rows").read_bytes()
        make(download)
        with pytest.raises(SnapshotError, match=says):
            view.install(download)
        assert state(view) == before
        assert (tmp_path / "view" / "snapshot.rows").read_bytes() == stored
        assert not (tmp_path / "view" / "snapshot.new").exists()
    with closing(open_view(tmp_path)) as again:
        assert state(again) == before


def test_a_bit_flipped_anywhere_in_a_download_is_noticed(tmp_path: Path, download: Path) -> None:
    write_snapshot_file(download, ROWS, 100)
    content = download.read_bytes()
    rows_start = 12 + int.from_bytes(content[8:12])
    with closing(open_view(tmp_path)) as view:
        for offset in [*range(12), *range(12, rows_start, 29), *range(rows_start, len(content) - 8, 53)]:
            download.write_bytes(content)
            flip(download, offset, offset % 8)
            try:
                view.install(download)
            except SnapshotError:
                continue
            assert [view.of(ticket).row for ticket in range(1, 41)] == ROWS, f"byte {offset}"
            manifest = view.manifest
            assert manifest == event_manifest()


def test_the_same_snapshot_may_be_installed_again(download: Path, view: GateView) -> None:
    for _ in range(2):
        view.install(write_snapshot_file(download, ROWS, 100))
    assert view.size == 100


def test_an_older_snapshot_does_not_come_back_after_changes(download: Path, view: GateView) -> None:
    view.install(write_snapshot_file(download, ROWS, 100))
    view.apply(change(100, 120, used(ROWS[4])))
    with pytest.raises(SnapshotError, match=r"older \(110\)"):
        view.install(write_snapshot_file(download, ROWS, 110))
    assert view.of(5) == View(120, used(ROWS[4]))


# Changes


def test_changes_are_laid_over_the_snapshot_and_kept(tmp_path: Path, download: Path, view: GateView) -> None:
    view.install(write_snapshot_file(download, ROWS, 100))
    blocked = replace_row(ROWS[6], state=CANCELLED)
    view.apply(change(100, 110, used(ROWS[4]), row(41)))
    view.apply(change(110, 120, blocked))
    assert [view.of(t) for t in (5, 7, 41, 8)] == [
        View(120, used(ROWS[4])),
        View(120, blocked),
        View(120, row(41)),
        View(120, ROWS[7]),
    ]
    assert (view.size, view.at) == (120, NOON + 120)
    before = state(view)
    view.close()
    with closing(open_view(tmp_path)) as again:
        assert state(again) == before


def test_a_gap_in_the_changes_is_refused(download: Path, view: GateView) -> None:
    view.install(write_snapshot_file(download, ROWS, 100))
    before = state(view)
    with pytest.raises(SnapshotError, match="start at 101, the view ends at 100"):
        view.apply(change(101, 110, used(ROWS[4])))
    assert state(view) == before


def test_changes_that_are_repeated_overlap_or_go_back_take_nothing_back(download: Path, view: GateView) -> None:
    view.install(write_snapshot_file(download, ROWS, 100))
    again = change(100, 110, used(ROWS[4]))
    view.apply(again)
    view.apply(again)
    view.apply(change(105, 120, replace_row(ROWS[4], state=CANCELLED)))
    after = state(view)
    view.apply(again)
    view.apply(change(90, 95, ROWS[4]))
    view.apply(change(120, 119))
    assert state(view) == after


def test_a_manifest_only_goes_forward(tmp_path: Path, download: Path, view: GateView) -> None:
    view.install(write_snapshot_file(download, ROWS, 100, manifest=event_manifest(version=2)))
    newer = renamed(event_manifest(version=2), "Coliseum, new date")
    view.apply(Change(100, 110, (), newer, note_of(110), NOON))
    view.apply(change(110, 120, version=1))
    assert view.manifest == newer
    with pytest.raises(SnapshotError, match="another event"):
        view.apply(Change(120, 130, (), event_manifest("arena-2026", 9), note_of(130), NOON))
    view.close()
    with closing(open_view(tmp_path)) as again:
        assert again.manifest == newer
        again.install(write_snapshot_file(download, ROWS, 130, manifest=event_manifest(version=4)))
        assert again.manifest == event_manifest(version=4)


def test_a_snapshot_of_a_node_whose_clock_was_ahead_does_not_look_fresh_until_then(
    tmp_path: Path, download: Path
) -> None:
    with closing(open_view(tmp_path)) as view:
        view.install(write_snapshot_file(download, ROWS, 100, at=NOON + 259_200))
        view.apply(Change(100, 110, (), None, note_of(110), NOON + 400))
        assert view.at == NOON + 400
    with closing(open_view(tmp_path)) as again:
        assert again.at == NOON + 400


def test_a_new_snapshot_keeps_the_changes_that_are_newer(tmp_path: Path, download: Path) -> None:
    """The snapshot was lost, and the one that the node has ready is older than the changes."""
    installed(tmp_path)
    with closing(open_view(tmp_path)) as view:
        view.apply(change(100, 110, used(ROWS[4])))
        view.apply(change(110, 120, used(ROWS[5])))
    (tmp_path / "view" / "snapshot.rows").unlink()
    with closing(open_view(tmp_path)) as view:
        assert view.size == 0
        view.install(write_snapshot_file(download, [*ROWS[:4], used(ROWS[4]), *ROWS[5:]], 115))
        assert view.size == 120
        assert [view.of(t).row for t in (5, 6, 7)] == [used(ROWS[4]), used(ROWS[5]), ROWS[6]]


def test_checkpoints_only_go_forward_and_the_floor_of_time_is_kept_each_ten_seconds(
    tmp_path: Path, view: GateView
) -> None:
    view.note_checkpoint(note_of(50), 50)
    view.note_checkpoint(note_of(40), 40)
    view.keep_time(Kept(float(NOON)))
    view.keep_time(Kept(float(NOON + 5)))
    view.close()
    with closing(open_view(tmp_path)) as again:
        assert (again.checkpoint(), again.kept_time().floor) == (note_of(50), NOON)
        again.install(write_snapshot_file(tmp_path / "d", ROWS, 45))
        assert again.checkpoint() == note_of(50)
        again.install(write_snapshot_file(tmp_path / "d", ROWS, 55))
        assert again.checkpoint() == note_of(55)


def test_a_change_its_checkpoint_and_the_time_are_one_commit(tmp_path: Path) -> None:
    installed(tmp_path)
    disk = Disk()
    with closing(open_view(tmp_path, disk=disk)) as view:
        view.keep_time(Kept(float(NOON)))
        view.keep_time(Kept(float(NOON + 7)))
        moved = replace(change(100, 110, used(ROWS[4])), checkpoint_size=115)
        disk.last.fail("before")
        with pytest.raises(SnapshotError):
            view.apply(moved)
        assert (view.size, view.checkpoint()) == (100, note_of(100))
        disk.last.statements.clear()
        view.apply(moved)
        assert disk.last.statements.count("COMMIT") == 1
        view.apply(replace(change(90, 105), checkpoint_size=120))
        view.apply(replace(change(100, 110), checkpoint_size=112))
    with closing(open_view(tmp_path)) as again:
        assert (again.size, again.checkpoint(), again.kept_time().floor) == (110, note_of(105), NOON + 7)


def test_a_checkpoint_is_kept_with_the_list_of_keys_that_it_was_good_by(tmp_path: Path, view: GateView) -> None:
    view.note_checkpoint(note_of(50), 50)
    view.note_log_keys("first")
    assert (view.log_keys(), view.checkpoint_keys()) == ("first", "")
    view.note_checkpoint(note_of(60), 60)
    view.note_log_keys("second")
    view.close()
    with closing(open_view(tmp_path)) as again:
        assert (again.log_keys(), again.checkpoint_keys()) == ("second", "first")
        again.install(write_snapshot_file(tmp_path / "d", ROWS, 70))
        assert (again.log_keys(), again.checkpoint_keys()) == ("second", "")
        again.wipe()
        assert (again.log_keys(), again.checkpoint_keys()) == ("", "")


def test_a_wiped_view_knows_nothing_but_the_time(tmp_path: Path, view: GateView) -> None:
    view.install(write_snapshot_file(tmp_path / "d", ROWS, 100))
    view.apply(change(100, 110, used(ROWS[4])))
    view.keep_time(Kept(float(NOON)))
    view.wipe()
    nothing = (0, 0, 0, None, [View(0, None)] * 45)
    assert state(view) == nothing
    view.close()
    with closing(open_view(tmp_path)) as again:
        assert state(again) == nothing
        assert again.kept_time().floor == NOON


# Power cuts


def test_a_power_cut_while_the_snapshot_is_written_changes_nothing(tmp_path: Path) -> None:
    installed(tmp_path)
    half = (tmp_path / "view" / "snapshot.rows").read_bytes()[:700]
    (tmp_path / "view" / "snapshot.new").write_bytes(half)
    with closing(open_view(tmp_path)) as view:
        assert (view.size, view.damage) == (100, "")
        assert not (tmp_path / "view" / "snapshot.new").exists()


@pytest.mark.parametrize("reached", [None, 150, 250], ids=["no changes", "older changes", "newer changes"])
def test_a_power_cut_between_the_rename_and_the_values_is_caught_up(tmp_path: Path, reached: int | None) -> None:
    installed(tmp_path)
    with closing(open_view(tmp_path)) as view:
        if reached:
            view.apply(change(100, reached, used(ROWS[4]), version=3))
    written = tmp_path / "elsewhere"
    with closing(GateView(written, TRUST, "STAMP")) as other:
        other.install(write_snapshot_file(tmp_path / "second", ROWS, 200, manifest=event_manifest(version=2)))
    (written / "snapshot.rows").replace(tmp_path / "view" / "snapshot.rows")
    with closing(open_view(tmp_path)) as view:
        newer = reached is not None and reached > 200
        assert view.size == max(200, reached or 0)
        assert view.of(5).row == (used(ROWS[4]) if newer else ROWS[4])
        assert view.checkpoint() == note_of(200)
        view.apply(change(view.size, 300, used(ROWS[8])))
        assert view.of(9) == View(300, used(ROWS[8]))


@pytest.mark.parametrize("step", ["replace", "unlink"])
def test_a_crash_at_each_step_of_the_swap_leaves_one_whole_snapshot(
    tmp_path: Path, download: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path)
    write_snapshot_file(download, [used(item) for item in ROWS], 200)
    with closing(open_view(tmp_path)) as view, monkeypatch.context() as power:

        def cut(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        power.setattr(Path, step, cut)
        with pytest.raises(KeyboardInterrupt):
            view.install(download)
    with closing(open_view(tmp_path)) as again:
        taken = step == "unlink"
        assert (again.size, again.damage) == (200 if taken else 100, "")
        assert [again.of(t).row for t in range(1, 41)] == ([used(item) for item in ROWS] if taken else ROWS)


def left(tmp_path: Path, size: int = 250) -> None:
    """A gate whose list is of a part of the log that was lost: it goes on from the checkpoint of size 120."""
    installed(tmp_path, 200)
    with closing(open_view(tmp_path)) as view:
        view.apply(change(200, size, used(ROWS[4]), version=3))
        view.start_line(note_of(120), 120)


def test_a_list_of_a_lost_part_says_who_entered_until_another_is_there(tmp_path: Path) -> None:
    left(tmp_path)
    for _ in range(2):
        with closing(open_view(tmp_path)) as view:
            assert (view.left_line(), view.checkpoint(), view.of(5).row) == (True, note_of(120), used(ROWS[4]))


def test_a_snapshot_of_the_kept_line_replaces_it_whole_though_it_is_shorter(tmp_path: Path, download: Path) -> None:
    left(tmp_path)
    with closing(open_view(tmp_path)) as view:
        view.install(write_snapshot_file(download, [used(ROWS[0]), *ROWS[1:]], 130))
        assert (view.left_line(), view.size, view.checkpoint()) == (False, 130, note_of(130))
        before = state(view)
        assert (view.of(1).row, view.of(5).row, view.manifest and view.manifest.version) == (used(ROWS[0]), ROWS[4], 1)
        view.apply(change(130, 140, used(ROWS[8])))
    with closing(open_view(tmp_path)) as view:
        assert (view.size, view.of(9).row) == (140, used(ROWS[8]))
        assert before[2] == view.tickets
        with pytest.raises(SnapshotError, match="older"):
            view.install(write_snapshot_file(download, ROWS, 135))


def test_one_that_the_gate_took_before_the_loss_may_be_the_same_size(tmp_path: Path, download: Path) -> None:
    left(tmp_path)
    with closing(open_view(tmp_path)) as view:
        view.install(write_snapshot_file(download, ROWS, 200, at=NOON + 60))
        assert (view.left_line(), view.size, view.of(5).row) == (False, 200, ROWS[4])


@pytest.mark.parametrize("step", ["replace", "drop", "set_facts"])
def test_a_crash_at_each_step_of_leaving_a_lost_line_leaves_one_of_the_two(
    tmp_path: Path, download: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(tmp_path)
    write_snapshot_file(download, [used(ROWS[0]), *ROWS[1:]], 130)
    with closing(open_view(tmp_path)) as view, monkeypatch.context() as power:

        def cut(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        power.setattr(Path if step == "replace" else ViewDb, step, cut)
        with pytest.raises(KeyboardInterrupt):
            view.install(download)
    with closing(open_view(tmp_path)) as again:
        taken = step != "replace"
        assert again.left_line() is not taken
        assert again.of(1).row == (used(ROWS[0]) if taken else ROWS[0])
        assert again.of(5).row == (ROWS[4] if taken else used(ROWS[4]))
        again.install(download)
        assert (again.size, again.left_line()) == (130, False)


# Damage on the disk


def test_a_bit_flipped_in_the_stored_snapshot_is_noticed_at_the_start(tmp_path: Path, download: Path) -> None:
    installed(tmp_path)
    stored = tmp_path / "view" / "snapshot.rows"
    content = stored.read_bytes()
    rows_start = len(content) - len(ROWS) * ROW_BYTES
    note_start = content.index(note_of(100).encode())
    signed = [n for n in range(0, rows_start, 37) if not note_start <= n < note_start + len(note_of(100))]
    for number, offset in enumerate([*signed, *range(rows_start, len(content), 101)]):
        stored.write_bytes(content)
        flip(stored, offset, offset % 8)
        with closing(open_view(tmp_path)) as view:
            assert "must be fetched again" in view.damage, f"byte {offset}"
            assert (view.size, view.manifest) == (0, None)
            assert len(set_aside(tmp_path)) == number + 1
            view.install(write_snapshot_file(download, ROWS, 100))
            assert view.of(5) == View(100, ROWS[4])


def test_a_bit_flipped_in_the_stored_checkpoint_is_not_believed(tmp_path: Path) -> None:
    installed(tmp_path)
    stored = tmp_path / "view" / "snapshot.rows"
    flip(stored, stored.read_bytes().index(note_of(100).encode()) + 30)
    with closing(open_view(tmp_path)) as view:
        assert view.checkpoint() == note_of(100)


def test_a_new_manifest_is_on_disk_before_the_node_can_hear_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By it the node lets other gates hold what this one held: a power cut must not bring the old one back."""
    installed(tmp_path)
    soon: list[bool] = []
    add = ViewDb.add

    def noted(self: ViewDb, *given: object, **more: object) -> None:
        soon.append(more["soon"] is True)
        add(self, *given, **more)  # type: ignore[arg-type]

    with closing(open_view(tmp_path)) as view:
        view.apply(change(100, 101))
        monkeypatch.setattr(ViewDb, "add", noted)
        view.apply(change(101, 102))
        view.apply(change(102, 103, version=2))
    assert soon == [True, False]


def changed_view(tmp_path: Path) -> Path:
    installed(tmp_path)
    with closing(open_view(tmp_path)) as view:
        view.apply(change(100, 110, *(used(item) for item in ROWS[:10]), version=2))
        view.keep_time(Kept(float(NOON)))
    return tmp_path / "view" / "view.db"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE change SET row = zeroblob(54) WHERE ticket = 5",
        "UPDATE change SET row = x'00' WHERE ticket = 5",
        "UPDATE change SET ticket = 55 WHERE ticket = 5",
        "UPDATE change SET size = 999 WHERE ticket = 5",
        "UPDATE fact SET value = '120' WHERE name = 'size'",
        "UPDATE fact SET value = x'313230' WHERE name = 'size'",
        "UPDATE fact SET name = 'sise' WHERE name = 'size'",
        "DROP TABLE change",
    ],
)
def test_a_changed_row_or_value_is_noticed_at_the_start(tmp_path: Path, download: Path, sql: str) -> None:
    """A cancelled ticket must not become good again, nor the view larger than what it holds."""
    path = changed_view(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()
    with closing(open_view(tmp_path)) as view:
        assert "the changes were set aside" in view.damage
        assert (view.size, view.of(5)) == (100, View(100, ROWS[4]))
        view.install(write_snapshot_file(download, ROWS, 120))
    assert set_aside(tmp_path) == {"view.db.damaged-STAMP"}


def test_a_bit_flipped_in_the_changes_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    path = changed_view(tmp_path)
    content = path.read_bytes()
    with closing(open_view(tmp_path)) as view:
        whole = (state(view), view.checkpoint(), view.kept_time().floor)
    noticed = 0
    filled = [offset for offset, byte in enumerate(content) if byte]
    for offset in filled[::29]:
        path.write_bytes(content)
        flip(path, offset, offset % 8)
        with closing(open_view(tmp_path)) as view:
            if view.damage:
                noticed += 1
                assert view.size == 100
            else:
                assert (state(view), view.checkpoint(), view.kept_time().floor) == whole, f"byte {offset}"
    assert noticed > 50
    assert len(set_aside(tmp_path)) == noticed


@pytest.mark.parametrize("content", [b"no database" * 400, b"S"])
def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = changed_view(tmp_path)
    path.write_bytes(content)
    with closing(open_view(tmp_path)) as view:
        assert "set aside" in view.damage
        assert view.size == 100
    assert (tmp_path / "view" / "view.db.damaged-STAMP").read_bytes() == content


def test_a_snapshot_of_the_former_node_is_set_aside_after_an_enrolment_elsewhere(tmp_path: Path) -> None:
    installed(tmp_path)
    with closing(open_view(tmp_path, Trust(key("node 2").public, EVENT))) as view:
        assert "another node" in view.damage
        assert view.size == 0


# A disk that is full, read-only or not there


def test_a_full_disk_does_not_set_a_healthy_view_aside(tmp_path: Path) -> None:
    installed(tmp_path)
    (tmp_path / "fresh").mkdir()
    full = Disk(lambda connection: connection.execute("PRAGMA max_page_count=1"))
    with pytest.raises(SnapshotError, match=r"full.*check the disk"):
        GateView(tmp_path / "fresh", TRUST, "STAMP", full)
    with closing(open_view(tmp_path, disk=Disk(lambda c: c.execute("PRAGMA max_page_count=1")))) as view:
        assert (view.size, view.damage) == (100, "")
    assert set_aside(tmp_path) == set()


def test_a_disk_that_fails_during_a_change_or_an_installation_is_said(tmp_path: Path, download: Path) -> None:
    installed(tmp_path)
    disk = Disk()
    with closing(open_view(tmp_path, disk=disk)) as view:
        before = state(view)
        writes: list[Callable[[], None]] = [
            lambda: view.apply(change(100, 110, used(ROWS[4]))),
            lambda: view.note_checkpoint(note_of(101), 101),
            lambda: view.keep_time(Kept(float(NOON))),
            lambda: view.note_log_keys("a list"),
            lambda: view.install(write_snapshot_file(download, ROWS, 200)),
        ]
        for failing in writes:
            disk.last.fail("before")
            with pytest.raises(SnapshotError, match="check the disk"):
                failing()
            assert state(view) == before
        view.install(write_snapshot_file(download, ROWS, 200))
        assert view.size == 200


def test_a_change_that_was_written_with_an_error_may_be_repeated(tmp_path: Path) -> None:
    installed(tmp_path)
    disk = Disk()
    with closing(open_view(tmp_path, disk=disk)) as view:
        disk.last.fail("after")
        with pytest.raises(SnapshotError):
            view.apply(change(100, 110, used(ROWS[4])))
        assert view.size == 100
        view.apply(change(100, 110, used(ROWS[4])))
        assert view.of(5) == View(110, used(ROWS[4]))


def test_a_snapshot_that_does_not_fit_is_said(
    tmp_path: Path, download: Path, view: GateView, monkeypatch: pytest.MonkeyPatch
) -> None:
    view.install(write_snapshot_file(download, ROWS, 100))

    def no_room(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_room)
    with pytest.raises(SnapshotError, match="No space left"):
        view.install(write_snapshot_file(download, ROWS, 200))
    assert view.size == 100
    assert not (tmp_path / "view" / "snapshot.new").exists()


def test_a_folder_that_cannot_be_one_is_said(tmp_path: Path) -> None:
    (tmp_path / "view").write_text("a file")
    with pytest.raises(SnapshotError, match="cannot be used"):
        open_view(tmp_path)


# Readers


def test_a_reader_never_sees_half_a_change(tmp_path: Path, download: Path) -> None:
    """Each change gives all tickets the owner_seq of its ledger size: a view whose row disagrees is of two states."""
    rows = [row(ticket) for ticket in range(1, 9)]
    with closing(open_view(tmp_path)) as view:
        view.install(write_snapshot_file(download, [replace_row(item, owner_seq=1) for item in rows], 1))
        seen, done = set[int](), threading.Event()
        torn: list[View] = []

        def read() -> None:
            while not done.is_set():
                found = view.of(4)
                assert found.row
                seen.add(found.size)
                if found.size != found.row.owner_seq:
                    torn.append(found)

        reader = threading.Thread(target=read)
        reader.start()
        for size in range(2, 60):
            moved = [replace_row(item, owner_seq=size) for item in rows]
            if size % 10:
                view.apply(change(size - 1, size, *moved))
            else:
                view.install(write_snapshot_file(download, moved, size))
        done.set()
        reader.join()
    assert torn == []
    assert len(seen) > 3


def test_a_snapshot_file_can_be_read_without_a_gate(tmp_path: Path, download: Path) -> None:
    header, rows = load_snapshot_file(write_snapshot_file(download, ROWS, 100))
    assert (header.size, header.event, list(rows)) == (100, EVENT, ROWS)
    truncated(download)
    with pytest.raises(SnapshotError, match="download: "):
        load_snapshot_file(download)
    with pytest.raises(SnapshotError, match="cannot be read"):
        load_snapshot_file(tmp_path / "nothing")
