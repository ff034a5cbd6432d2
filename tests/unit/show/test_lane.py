import threading
from pathlib import Path
from random import Random

import pytest

from scanner.camera.decode import Decoder
from scanner.camera.images import load_gray
from scanner.camera.replay import FollowedFolder
from tests.fakes.wallet import Wallet
from tests.show.audience import Lane, Visit
from tests.show.optics import Gray
from tests.show.phone import Phone
from tests.show.spool import KEPT, Spool
from tests.show.venue import hall

TEXT = Wallet.new(Random(1)).compact("hkc:test", 7, 0, 1_790_000_000).text()


def test_a_camera_that_follows_the_spool_sees_the_newest_whole_picture(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "R1")
    camera = FollowedFolder(tmp_path / "R1")
    for scene in (1, 2):
        spool.put(hall(scene))
    frame = camera.read()
    assert frame is not None
    assert frame.raw.shape == (720, 1280)
    assert abs(int(frame.raw.mean()) - int(hall(2).mean())) <= 1


def test_old_pictures_do_not_fill_the_memory(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "R1")
    for _ in range(KEPT * 2):
        spool.put(hall(1))
    names = sorted(file.name for file in (tmp_path / "R1").iterdir())
    assert len(names) == KEPT
    assert names[-1] == f"{KEPT * 2:07d}.jpg"


class _Seen(Spool):
    """Keeps every picture's texts, and says when something was read and when the hall was empty again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.texts: list[tuple[str, ...]] = []
        self.empty_after = threading.Event()
        self._decoder = Decoder(second_look=False)

    def put(self, frame: Gray) -> None:
        super().put(frame)
        self.texts.append(self._decoder.see(load_gray(max(self._folder.glob("*.jpg")))))
        if any(self.texts) and not any(self.texts[-5:]):
            self.empty_after.set()


@pytest.mark.parametrize("count", [1, 2])
def test_who_holds_up_phones_is_seen_by_the_camera_and_goes_away_again(tmp_path: Path, count: int) -> None:
    spool = _Seen(tmp_path / "R1")
    lane = Lane("R1", spool, hall=1, seed=2)
    assert lane.clear
    lane.start()
    texts = [TEXT, "https://example.org/"][:count]
    lane.hold_up(Visit([Phone(text) for text in texts], calm=True))
    assert not lane.clear
    assert spool.empty_after.wait(30)
    lane.close()
    assert {text for seen in spool.texts for text in seen} == set(texts)
    assert max(len(seen) for seen in spool.texts) == count
    assert lane.fault is None


def test_a_lane_that_cannot_write_says_so(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "R1")
    (tmp_path / "R1").rmdir()
    lane = Lane("R1", spool, hall=1, seed=2)
    lane.start()
    lane.join(30)
    assert "cannot be written" in str(lane.fault)
