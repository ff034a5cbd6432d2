"""What a disk may hold after a power cut: everything that was synced, and of the rest whatever it pleased to write.

Of each write since the file's last sync all, some or none of the sectors are there, whatever came before or after it; a
file that was made or deleted without a sync of its folder is there or not.
"""

import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fakes.recorded_disk import Act

_SECTOR = 512


@dataclass
class _File:
    """What is surely on the disk (None: there is no such file, as far as the folder surely knows), and what may be."""

    sure: bytearray | None
    since: list[Act] = field(default_factory=list)


class Disk:
    """What was asked of the disk so far; `after_cut` writes what may be left of it. `hear` goes to `recorded`."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._files: dict[str, _File] = defaultdict(lambda: _File(None))

    def hear(self, act: Act) -> None:
        """Take one more."""
        file = self._files[act.path]
        if act.what == "open":
            if file.sure is None and not file.since:
                file.sure = bytearray(act.data)
        elif act.what == "sync":
            file.sure = _written(file.sure or bytearray(), file.since)
            file.since = []
        elif act.what == "delete" and act.folder:
            self._files[act.path] = _File(None)
        else:
            file.since.append(act)

    def after_cut(self, folder: Path, names: frozenset[str]) -> None:
        """Write the files of these names (the others need not be looked at) into `folder`, as a cut may leave them."""
        for path, file in self._files.items():
            if Path(path).name not in names:
                continue
            left = self._torn(file)
            if left is not None:
                (folder / Path(path).name).write_bytes(left)

    def _torn(self, file: _File) -> bytes | None:
        """Often nothing since the sync, or all of it, is there: these are the likely ones."""
        chance = self._rng.choice((0.0, 0.5, 1.0))
        left = file.sure
        for act in file.since:
            if act.what == "delete":
                left = None if self._rng.random() < chance else left
            elif act.what == "write":
                for start in range(0, len(act.data), _SECTOR):
                    if self._rng.random() < chance:
                        piece = act.data[start : start + _SECTOR]
                        left = _written(left or bytearray(), [Act("write", act.path, act.offset + start, piece)])
            elif self._rng.random() < chance:
                left = _written(left or bytearray(), [act])
        return None if left is None else bytes(left)


class Cuts:
    """Cuts the power after a share of the writes; `check` looks at the files of each at once, in a folder of its own,
    and raises for what is lost. `hear` goes to `recorded`.
    """

    def __init__(
        self, folder: Path, files: frozenset[str], seed: int, share: float, check: Callable[[Path], None]
    ) -> None:
        self._folder, self._files, self._share, self._check = folder, files, share, check
        self._rng, self.disk = Random(seed), Disk(seed)
        self.number, self._checking = 0, False
        self.lost: list[str] = []

    def hear(self, act: Act) -> None:
        if self._checking:
            return
        self.disk.hear(act)
        if self._rng.random() < self._share:
            self.cut()

    def cut(self) -> None:
        self._checking = True
        place = self._folder / "cut"
        place.mkdir()
        try:
            self.disk.after_cut(place, self._files)
            self._check(place)
        except Exception as error:  # noqa: BLE001 - whatever it is, a file that does not open is lost
            # SQLite is in the middle of a write and must not hear of it.
            self.lost.append(f"cut {self.number}: {error!r}")
        finally:
            self.number += 1
            shutil.rmtree(place)
            self._checking = False


def cut_often(folder: Path, number: int, cuts: Callable[[Path, int], int]) -> None:
    """Evenings, each with a folder and a seed of its own, until the power was cut so often; `cuts` tells how often."""
    seed = 100
    while number > 0:
        evening = folder / str(seed)
        evening.mkdir()
        number -= cuts(evening, seed)
        seed += 1


def files_of(*databases: str) -> frozenset[str]:
    """What these databases of SQLite consist of."""
    return frozenset(f"{name}{suffix}" for name in databases for suffix in ("", "-wal", "-journal"))


def _written(content: bytearray, acts: list[Act]) -> bytearray:
    made = bytearray(content)
    for act in acts:
        if act.what == "write":
            end = act.offset + len(act.data)
            made.extend(bytes(max(0, end - len(made))))
            made[act.offset : end] = act.data
        elif act.what == "truncate":
            del made[act.offset :]
            made.extend(bytes(max(0, act.offset - len(made))))
    return made
