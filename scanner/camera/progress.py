"""Whether a process or a thread of ours gets anywhere, by what the kernel counts of it: a slow board is not a dead one.

What waits for a driver that does not answer is charged nothing; what reads a library from a slow card or runs it is.
"""

from pathlib import Path

Work = tuple[int, int, int]
"""Pages that had to be read from the disk, and ticks in the program and in the kernel."""


def work_of(pid: int, thread: int | None = None) -> Work | None:
    """What the process, or one thread of it, has done so far; None if it is gone."""
    where = f"/proc/{pid}/stat" if thread is None else f"/proc/{pid}/task/{thread}/stat"
    try:
        # The name, in brackets, may hold anything; man 5 proc counts the fields from the state on.
        fields = Path(where).read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[9]), int(fields[11]), int(fields[12])


class Progress:
    """When somebody last got anywhere. Times are passed in."""

    def __init__(self, now: float) -> None:
        self.since = now
        self._work: Work | None = None

    def look(self, now: float, work: Work | None) -> None:
        """Note what has been done by `now`."""
        if work != self._work:
            self._work, self.since = work, now
