"""`gate-scanner run` as an appliance runs it: enrolled, synced, its camera's process decoding, the staff's page served.

Its memory is read from the kernel (`memory`); the pages of the mapped snapshot that were touched are among it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.house import EVENT, holder
from benchmarks.memory import MB, family, fields
from scanner.camera.images import save
from scanner.cli.status import FILE
from tests.show.phone import Phone, empty_scene, still

PROGRAM = Path(sys.executable).with_name("gate-scanner")
FRAMES, EVERY, HELD = 120, 40, 2
"""At 30 frames a second somebody comes every 1.3 s, and the same three people again every 4 s."""
MAPPED = "snapshot.rows"
_PATIENCE = 300.0
_CONFIG = """\
state = "{state}"
pins = "mock"
[camera]
source = "replay:{frames}"
[kiosk]
port = 0
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes. `mapped` of the snapshot's rows lie in the address space, `resident` of these in memory."""

    rss: float
    pss: float
    peak: float
    mapped: float
    resident: float

    @property
    def warm(self) -> float:
        """RSS once every ticket has been looked at."""
        return self.rss - self.resident + self.mapped


@contextmanager
def running_gate(folder: Path, url: str, code: str, tickets: int) -> Iterator[int]:
    """Enrol and run a gate with its state in `folder`; its process id. Killed at the end if it does not stop."""
    frames, config = folder / "frames", folder / "gate.toml"
    _draw(frames, tickets)
    config.write_text(_CONFIG.format(state=folder / "state", frames=frames))
    subprocess.run([PROGRAM, "enrol", url, "--config", config], input=code.encode(), check=True, capture_output=True)
    with (folder / "log").open("wb") as log:
        gate = subprocess.Popen([PROGRAM, "run", "--config", config], stdout=log, stderr=log)
    try:
        yield gate.pid
    finally:
        gate.terminate()
        try:
            gate.wait(20)
        finally:
            gate.kill()


def await_tickets(folder: Path, tickets: int) -> None:
    """Wait until the gate says that it knows so many tickets, and that its camera is well."""
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        status = _status(folder / "state" / FILE)
        if (status.get("tickets"), status.get("camera")) == (tickets, "ok"):
            return
        time.sleep(0.05)
    raise AssertionError(f"the gate did not get ready: {(folder / 'log').read_text()[-2000:]}")


def scans(folder: Path) -> int:
    """How many verdicts the gate has given."""
    return int(_status(folder / "state" / FILE).get("scan", 0))


def memory_of(pid: int) -> Memory:
    """The process and its children together."""
    everybody = family(pid)
    rolled = [fields(Path(f"/proc/{one}/smaps_rollup")) for one in everybody]
    mapped, resident = _mapping(pid)
    return Memory(
        rss=sum(one["Rss"] for one in rolled) / MB,
        pss=sum(one["Pss"] for one in rolled) / MB,
        peak=sum(fields(Path(f"/proc/{one}/status"))["VmHWM"] for one in everybody) / MB,
        mapped=mapped / MB,
        resident=resident / MB,
    )


def _draw(folder: Path, tickets: int) -> None:
    """A loop of frames as at a gate: mostly nobody, and now and then a phone."""
    folder.mkdir()
    rng, now = np.random.default_rng(3), time.time()
    for n in range(FRAMES):
        ticket = 1 + n // EVERY * (tickets // (FRAMES // EVERY))
        text = holder(ticket).compact(EVENT, ticket, 0, now).text()
        save(folder / f"{n:03}.jpg", still(Phone(text), rng) if n % EVERY < HELD else empty_scene(rng))


def _status(path: Path) -> dict[str, int | str]:
    try:
        found: dict[str, int | str] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _mapping(pid: int) -> tuple[int, int]:
    """Size and resident part of the snapshot's mapping."""
    size = resident = 0
    inside = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        first, *rest = line.split()
        if not first.endswith(":"):
            inside = line.endswith(MAPPED)
        elif inside and first == "Size:":
            size += int(rest[0]) * 1024
        elif inside and first == "Rss:":
            resident += int(rest[0]) * 1024
    return size, resident
