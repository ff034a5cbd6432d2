"""What programs hold in memory, read from the kernel (proc(5)): a process and its children together, in megabytes.

RSS counts each page that a process has in memory, shared or not; PSS shares a page out among those who have it.
"""

import subprocess
import threading
from pathlib import Path

MB = 1_000_000
_EVERY_S = 0.25


def family(pid: int) -> list[int]:
    """The process and its children."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(int(child) for task in tasks for child in task.read_text().split())]


def fields(path: Path) -> dict[str, int]:
    """Bytes of each field that is given in kB."""
    pairs = (line.partition(":") for line in path.read_text().splitlines())
    return {name: int(value.split()[0]) * 1024 for name, _, value in pairs if value.strip().endswith("kB")}


def rss(pid: int) -> float:
    """Of all of them now, as the kernel counts along: walking their pages would disturb what is measured."""
    return sum(fields(Path(f"/proc/{one}/status"))["VmRSS"] for one in family(pid)) / MB


class Peak:
    """The most that a process and its children had at any of many looks, while it ran."""

    def __init__(self, running: "subprocess.Popen[str]") -> None:
        self._running = running
        self.highest = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_EVERY_S):
            try:
                self.highest = max(self.highest, rss(self._running.pid))
            except (OSError, KeyError):
                continue  # one of them has just ended
