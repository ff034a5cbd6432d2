"""Whether anything moves in front of the camera, at a few microseconds a frame. What moves is not asked."""

import numpy as np
import numpy.typing as npt

from scanner.camera.images import Gray, thumbnail

CELLS = (80, 45)
# A cell is the mean of 256 pixels at 1280x720: sensor noise of 12 grey levels moves it by 5 at most, a hand by 50.
MOVED_BY = 6
MOVED_CELLS = 4


class Motion:
    """Compares each picture with the one before."""

    def __init__(self) -> None:
        self._before: npt.NDArray[np.int16] | None = None

    def moved(self, half: Gray) -> bool:
        """Whether `half`, a picture at half size, differs from the one before by more than noise."""
        cells = thumbnail(half, CELLS).astype(np.int16)
        before, self._before = self._before, cells
        if before is None:
            return True
        return int(np.count_nonzero(np.abs(cells - before) > MOVED_BY)) >= MOVED_CELLS


def same_bits(one: Gray | None, other: Gray) -> bool:
    """Whether two pictures are equal bit for bit, which two exposures of one sensor never are."""
    if one is None or one.shape != other.shape or not np.array_equal(one[::8, ::8], other[::8, ::8]):
        return False
    return bool(np.array_equal(one, other))
