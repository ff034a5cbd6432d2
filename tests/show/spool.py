"""A camera's pictures as files: each is written beside and renamed into the folder that a gate follows."""

from pathlib import Path

from scanner.camera.images import save
from tests.show.optics import Gray

KEPT = 6


class Spool:
    """One gate's folder; only the newest pictures stay in it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._count = 0

    def put(self, frame: Gray) -> None:
        """Show the frame to the camera."""
        self._count += 1
        # A name with a dot in front is no picture yet to whoever follows the folder.
        unfinished = self._folder / ".next.jpg"
        save(unfinished, frame)
        unfinished.rename(self._name(self._count))
        self._name(self._count - KEPT).unlink(missing_ok=True)

    def _name(self, number: int) -> Path:
        return self._folder / f"{number:07d}.jpg"
