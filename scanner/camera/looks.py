"""Which look each frame gets. PURE: it counts frames and knows no picture, no clock and no decoder.

One approach is some 15 frames, so no single frame must be read: half and full size take turns, and while something
moves and nothing was read, every third frame is enlarged or handed to the second decoder. A scene that moves all day
without a code (people behind the gate) must stay cheap, so the dear looks are paid from a budget that refills slowly.
"""

from enum import Enum


class Look(Enum):
    """What is done with one frame, from cheap to dear."""

    HALF = "half"
    FULL = "full, smoothed"
    DOUBLED = "doubled, sharp"
    SECOND = "second"


# Prices are in doubled looks (about 5 ms at 1280x720 on a PC); zbar costs five of them.
PRICE = {Look.DOUBLED: 1.0, Look.SECOND: 5.0}
BUDGET = 14.0
REFILL = 0.1
# One second at 30 frames: a hand that pauses is still a hand.
AWAKE = 30
# A code that was just read and missed for a frame or two needs no dear look.
READ_LATELY = 6
IDLE_FULL_EVERY = 4


class Looks:
    """The choice for a stream of frames; `choose` once for each frame, then `read` if it held a code."""

    def __init__(self, *, second: bool) -> None:
        self._second = second
        self._frame = 0
        self._awake = 0
        self._since_read = READ_LATELY
        self._dear = 0
        self._budget = BUDGET

    def choose(self, *, moving: bool) -> Look:
        """The look for the next frame."""
        self._frame += 1
        self._since_read += 1
        self._budget = min(BUDGET, self._budget + REFILL)
        self._awake = AWAKE if moving else max(0, self._awake - 1)
        if not self._awake:
            return Look.FULL if self._frame % IDLE_FULL_EVERY == 0 else Look.HALF
        if self._frame % 3 == 0 and self._since_read > READ_LATELY:
            dear = self._dear_look()
            if dear is not None:
                return dear
        return Look.FULL if self._frame % 2 else Look.HALF

    def read(self) -> None:
        """The frame held a gate code: the cheap looks will do for a while, and the budget is whole again."""
        self._since_read = 0
        self._budget = BUDGET

    def _dear_look(self) -> Look | None:
        look = Look.SECOND if self._second and self._dear % 3 == 2 else Look.DOUBLED
        if self._budget < PRICE[look]:
            return None
        self._budget -= PRICE[look]
        self._dear += 1
        return look
