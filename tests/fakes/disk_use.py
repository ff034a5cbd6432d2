"""What a program costs the disk it writes to: flushes, and bytes in whole blocks, counted from what it asks for.

A sync is one flush, and two if the file has grown since its last: the file system then flushes its own journal as well.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from tests.fakes.recorded_disk import Act

_BLOCK = 4096


@dataclass
class DiskUse:
    """What was asked of the files below `folder`. `hear` goes to `recorded` and `own_syncs`; any thread may call."""

    folder: Path
    flushes: int = 0
    blocks: int = 0
    by_file: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _sizes: dict[str, int] = field(default_factory=dict)
    _grown: set[str] = field(default_factory=set)
    _dirty: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _lock: Lock = field(default_factory=Lock)

    @property
    def kib(self) -> float:
        """What reached the disk, and what the next sync will bring there."""
        return (self.blocks + sum(map(len, self._dirty.values()))) * _BLOCK / 1024

    def begin(self) -> None:
        """Forget what was counted so far."""
        with self._lock:
            self.flushes = self.blocks = 0
            self.by_file.clear()
            self._dirty.clear()

    def hear(self, act: Act) -> None:
        """Count one more."""
        if not act.path.startswith(f"{self.folder}/"):
            return
        with self._lock:
            if act.what == "open":
                # It may have been filled by other means since: that is no growth.
                self._sizes[act.path] = max(self._sizes.get(act.path, 0), len(act.data))
            elif act.what == "write":
                self._write(act)
            elif act.what == "sync":
                self._sync(act)
            elif act.what == "delete":
                self._sizes.pop(act.path, None)
                self._grown.discard(act.path)

    def _write(self, act: Act) -> None:
        end = act.offset + len(act.data)
        if act.path not in self._sizes:
            self._sizes[act.path] = 0
        if end > self._sizes[act.path]:
            self._sizes[act.path] = max(end, Path(act.path).stat().st_size)
            self._grown.add(act.path)
        self._dirty[act.path].update(range(act.offset // _BLOCK, (end - 1) // _BLOCK + 1))

    def _sync(self, act: Act) -> None:
        cost = 2 if act.path in self._grown else 1
        self.flushes += cost
        self.blocks += len(self._dirty.pop(act.path, ()))
        self.by_file[Path(act.path).name] += cost
        self._grown.discard(act.path)
