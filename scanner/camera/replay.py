"""Frames from files in the place of a camera: a folder, a video, or a spool that another process fills live."""

import time
from pathlib import Path

import numpy as np

from scanner.camera.capture import Frame, ReplayOverError
from scanner.camera.images import CAP_ANY, Picture, decode_gray, open_video
from scanner.errors import CameraError

PICTURES = {".jpg", ".jpeg", ".png"}
# How long one `read` waits for a new picture, and how often it looks: half a frame of a fast camera.
PATIENCE, GLANCE = 0.2, 0.008


class FolderReplay:
    """The pictures of a folder in the order of their names, at a frame rate. Damaged pictures are passed over."""

    live = False

    def __init__(self, folder: Path, fps: float, *, loop: bool) -> None:
        self._files = _pictures(folder)
        if not self._files:
            raise CameraError(f"{folder}: holds no .jpg or .png pictures to replay")
        self._folder, self._loop = folder, loop
        self._beat = _Beat(fps)
        self._at = 0
        self._good = 0

    def read(self) -> Frame | None:
        """The next picture when it is due; None for a damaged one."""
        if self._at == len(self._files):
            self._turn_over()
        picture = _load(self._files[self._at])
        self._at += 1
        if picture is None:
            return None
        self._good += 1
        self._beat.wait()
        return Frame(picture, time.monotonic())

    def close(self) -> None:
        """Give the source back."""
        self._at = 0

    def _turn_over(self) -> None:
        if not self._good:
            raise CameraError(f"{self._folder}: none of its {len(self._files)} pictures can be decoded")
        if not self._loop:
            raise ReplayOverError(f"{self._folder}: the replay is over")
        self._at = self._good = 0


class VideoReplay:
    """The frames of a video file, at its own frame rate or the one asked for."""

    live = False

    def __init__(self, path: Path, fps: float, *, loop: bool) -> None:
        self._path, self._loop = path, loop
        self._video = open_video(str(path), CAP_ANY, {})
        self._beat = _Beat(fps)
        self._frames = 0

    def read(self) -> Frame | None:
        """The next frame when it is due; None between two rounds."""
        done, picture = self._video.read()
        if not done:
            self._turn_over()
            return None
        self._frames += 1
        self._beat.wait()
        return Frame(picture, time.monotonic())

    def close(self) -> None:
        """Give the source back."""
        self._video.release()

    def _turn_over(self) -> None:
        if not self._frames:
            raise CameraError(f"{self._path}: no frame of this video can be decoded")
        if not self._loop:
            raise ReplayOverError(f"{self._path}: the replay is over")
        self._video.release()
        self._video = open_video(str(self._path), CAP_ANY, {})
        self._frames = 0


class FollowedFolder:
    """A spool: another process renames pictures into it, with rising names, and the newest is what the camera sees.

    What was there before the opening counts as seen. Nothing is deleted here; the writer may delete what is old.
    """

    live = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = max((file.name for file in _pictures(folder)), default="")

    def read(self) -> Frame | None:
        """The newest picture that was not seen yet, or None after a short wait."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            newest = max(_pictures(self._folder), key=lambda file: file.name, default=None)
            if newest is not None and newest.name > self._seen:
                self._seen = newest.name
                picture = _load(newest)
                return None if picture is None else Frame(picture, time.monotonic())
            time.sleep(GLANCE)
        return None

    def close(self) -> None:
        """Give the source back."""
        self._seen = ""


class _Beat:
    """Waits until the next frame is due; a late frame does not make the following ones hurry."""

    def __init__(self, fps: float) -> None:
        self._step = 1.0 / fps
        self._due = time.monotonic()

    def wait(self) -> None:
        ahead = self._due - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        self._due = max(self._due, time.monotonic() - self._step) + self._step


def _pictures(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURES and file.name[0] != ".")
    except OSError as fault:
        raise CameraError(f"{folder}: cannot be listed ({fault.strerror}); name an existing folder") from fault


def _load(path: Path) -> Picture | None:
    try:
        return decode_gray(np.frombuffer(path.read_bytes(), dtype=np.uint8))
    except OSError:
        # The writer of a spool may delete a picture between our listing and our reading.
        return None
