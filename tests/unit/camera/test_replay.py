"""Folders, videos and spools as cameras: order, pace, damage, and what happens when they end."""

import time
from pathlib import Path

import numpy as np
import pytest

from scanner.camera.capture import Frame, ReplayOverError
from scanner.camera.config import CameraConfig
from scanner.camera.images import cv2, save
from scanner.camera.replay import FolderReplay, FollowedFolder, VideoReplay
from scanner.camera.sources import open_source
from scanner.errors import CameraError


def shade(level: int) -> np.ndarray:
    return np.full((64, 64), level, np.uint8)


def fill(folder: Path, levels: list[int]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, level in enumerate(levels):
        save(folder / f"{number:04d}.png", shade(level))
    return folder


def level(frame: Frame | None) -> int | None:
    return None if frame is None else int(frame.raw.mean())


def put(folder: Path, name: str, data: bytes) -> None:
    """What a writer of a spool does: write aside, then rename."""
    (folder / f".{name}.part").write_bytes(data)
    (folder / f".{name}.part").replace(folder / name)


def png(level: int) -> bytes:
    return cv2.imencode(".png", shade(level))[1].tobytes()


def test_folder_is_shown_in_order_and_again(tmp_path) -> None:
    replay = FolderReplay(fill(tmp_path, [10, 20, 30]), 1000, loop=True)
    assert [level(replay.read()) for _ in range(5)] == [10, 20, 30, 10, 20]


def test_folder_without_loop_ends(tmp_path) -> None:
    replay = FolderReplay(fill(tmp_path, [10]), 1000, loop=False)
    replay.read()
    with pytest.raises(ReplayOverError):
        replay.read()


def test_frames_come_at_their_rate(tmp_path) -> None:
    pictures, began = fill(tmp_path, [10, 20, 30]), time.monotonic()
    replay = FolderReplay(pictures, 50, loop=True)
    stamps = [replay.read().captured_at - began for _ in range(6)]
    assert all(stamp > number * 0.02 - 0.001 for number, stamp in enumerate(stamps)), "none comes before it is due"


def test_broken_picture_is_passed_over(tmp_path) -> None:
    fill(tmp_path, [10, 20])
    (tmp_path / "0000b.jpg").write_bytes(b"\xff\xd8 cut short")
    (tmp_path / "0000c.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture")
    replay = FolderReplay(tmp_path, 1000, loop=True)
    assert [level(replay.read()) for _ in range(4)] == [10, None, None, 20]


def test_folder_of_broken_pictures_is_a_fault_not_a_busy_loop(tmp_path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"broken")
    replay = FolderReplay(tmp_path, 1000, loop=True)
    replay.read()
    with pytest.raises(CameraError, match="none of its 1 pictures"):
        replay.read()


def write_video(path: Path, levels: list[int]) -> None:
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 64))
    for each in levels:
        video.write(np.dstack([shade(each)] * 3))
    video.release()


def test_video_is_shown_and_starts_over(tmp_path) -> None:
    write_video(tmp_path / "v.avi", [40, 80, 120])
    replay = open_source(CameraConfig(source=f"replay:{tmp_path}/v.avi", fps=1000))
    levels = [level(replay.read()) for _ in range(6)]
    replay.close()
    assert levels[3] is None
    assert np.abs(np.array(levels[:3]) - [40, 80, 120]).max() <= 3
    assert np.abs(np.array(levels[4:]) - [40, 80]).max() <= 3


def test_video_without_loop_ends_and_broken_video_is_a_fault(tmp_path) -> None:
    write_video(tmp_path / "v.avi", [40])
    replay = VideoReplay(tmp_path / "v.avi", 1000, loop=False)
    replay.read()
    with pytest.raises(ReplayOverError):
        replay.read()
    replay.close()
    (tmp_path / "broken.avi").write_bytes(b"RIFF nothing of the sort")
    with pytest.raises(CameraError, match=r"broken\.avi"):
        VideoReplay(tmp_path / "broken.avi", 30, loop=True)


def test_spool_shows_the_newest_and_nothing_twice(tmp_path) -> None:
    fill(tmp_path, [10])
    spool = FollowedFolder(tmp_path)
    assert spool.read() is None
    put(tmp_path, "0001.png", png(20))
    put(tmp_path, "0002.png", png(30))
    assert level(spool.read()) == 30
    assert spool.read() is None


def test_spool_may_be_emptied_by_its_writer(tmp_path) -> None:
    spool = FollowedFolder(tmp_path)
    put(tmp_path, "0001.png", png(20))
    assert level(spool.read()) == 20
    (tmp_path / "0001.png").unlink()
    put(tmp_path, "0002.jpg", b"broken")
    assert spool.read() is None
    put(tmp_path, "0003.png", png(40))
    assert level(spool.read()) == 40


def test_spool_that_vanishes_is_a_fault(tmp_path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    spool = FollowedFolder(folder)
    folder.rmdir()
    with pytest.raises(CameraError, match="spool"):
        spool.read()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("99", "/dev/video99: there is no such camera"),
        ("/dev/video98", "/dev/video98: there is no such camera"),
        ("/dev/null", "/dev/null: cannot be opened"),
        ("nonsense", "'nonsense' is no camera"),
        ("", "is no camera"),
        ("replay:/no/such/folder", "nothing to replay"),
        ("follow:/no/such/folder", "cannot be listed"),
        ("picamera2", "install.sh add --pi-camera"),
        ("libcamerasrc ! appsink", "GStreamer"),
        ("http://127.0.0.1:9/stream", "cannot be opened"),
    ],
)
def test_source_that_cannot_be_opened_says_what_to_do(source: str, says: str) -> None:
    with pytest.raises(CameraError, match=says):
        open_source(CameraConfig(source=source))


def test_empty_folder_says_so(tmp_path) -> None:
    with pytest.raises(CameraError, match="holds no"):
        open_source(CameraConfig(source=str(tmp_path)))
