"""`make vm`: the installed release on a PC that QEMU emulates, with a simulated GPIO chip.

Needs root, and what root.sh and systemd-nspawn need. The first time it downloads Debian and the wheels into build/.
"""

import sys
import tempfile
import time
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.vm import disk
from tests.vm.evening import Evening, Seen
from tests.vm.machine import Machine, why_not
from tests.vm.office import office


def evening(show: Console, base: Path, kernel: Path) -> list[Seen]:
    """Two boots of one disk, and what was seen."""
    rows: list[Seen] = []

    def see(row: Seen) -> None:
        rows.append(row)
        took = "" if row.took is None else f"{row.took:.1f} s"
        show.print(f"{'ok ' if row.good else 'BAD'}  {row.what}: {row.report} {took}", highlight=False)

    with tempfile.TemporaryDirectory(prefix="vm-", dir=disk.CACHE) as scratch:
        folder = Path(scratch)
        own = disk.copied(base, folder / "disk.ext4")
        with office(folder / "node") as node:
            with Machine(own, kernel, folder) as guest:
                first = Evening(guest, node, see)
                first.boot()
                first.enrol()
                first.await_service()
                first.admit(1, "online")
                first.recorded(1)
                guest.cable(plugged=False)
                first.admit(2, "cable out")
                first.recorded(1, 2)
                first.refuse(1, "cable out, the first again")
                first.kill(3)
                first.hang(4)
                first.cut(5)
            with Machine(own, kernel, folder) as guest:
                second = Evening(guest, node, see)
                second.boot()
                second.back_from_power_cut(5)
                second.refuse(5, "after the power cut, its ticket again")
                second.security()
                second.stop()
                second.doctor()
                second.control()
    return rows


def main() -> int:
    """The exit status: 1 if anything was not as it should be, 2 if this machine lacks something."""
    missing = why_not()
    if missing:
        return _lacking(missing)
    begun = time.monotonic()
    try:
        base, kernel = disk.made()
    except pytest.skip.Exception as reason:
        return _lacking(str(reason))
    made = time.monotonic()
    show = Console(width=None if sys.stdout.isatty() else 140)
    rows = evening(show, base, kernel)
    took = f"{made - begun:.0f} s for kernel, wheels and disk, {time.monotonic() - made:.0f} s for the evening"
    table = Table(title=f"the installed gate in QEMU (software emulation): {took}")
    for column in ("", "what", "seen", "seconds"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for row in rows:
        table.add_row("ok" if row.good else "BAD", row.what, row.report, "" if row.took is None else f"{row.took:.1f}")
    show.print(table)
    return 0 if all(row.good for row in rows) else 1


def _lacking(what: str) -> int:
    print(f"make vm: {what}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
