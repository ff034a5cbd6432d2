"""What state the camera is in, from what was seen of it and when. PURE: no clock, no camera; `now` is passed in."""

from dataclasses import dataclass
from typing import Literal

State = Literal["starting", "ok", "lost", "frozen"]

HANGS = "no new frame for {:.0f} s: the camera hangs; it is opened again"
SAME = "the picture has not changed by one bit for {:.0f} s: it hangs or is covered; it is opened again"


@dataclass(slots=True)
class Watch:
    """Judges one camera. All times are monotonic seconds; `stale_after` is how long silence is believed."""

    stale_after: float
    since: float
    frames: int = 0
    last_frame: float | None = None
    last_change: float | None = None

    def frame(self, now: float, *, changed: bool) -> None:
        """A frame came; `changed` is False when it equals the one before bit for bit."""
        self.frames += 1
        self.last_frame = now
        if changed:
            self.last_change = now

    def judge(self, now: float, fault: str, size: str, *, opening: bool = False) -> tuple[State, str]:
        """The state and a sentence for people. `fault`: why the source is gone, or empty; `size`: of the frames;
        `opening`: no frame can be expected yet.
        """
        if fault:
            return "lost", fault
        if opening and self.last_frame is None:
            self.since = now
        if self.last_frame is None or self.last_change is None:
            waited = now - self.since
            return ("starting", "opening") if waited <= self.stale_after else ("frozen", HANGS.format(waited))
        if now - self.last_frame > self.stale_after:
            return "frozen", HANGS.format(now - self.last_frame)
        if now - self.last_change > self.stale_after:
            return "frozen", SAME.format(now - self.last_change)
        return "ok", size
