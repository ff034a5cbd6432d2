"""Gates as programs on a LAN, and the cables between them: a cable forwards TCP until it is cut, and again when mended.

Each gate is a real `gate-scanner run` whose camera follows a folder; codes are held up by writing pictures into it.
"""

import contextlib
import io
import json
import selectors
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import segno

from tests.fakes.clockwork import wait_until
from tests.show.stage import BIN, Line, Program

PATIENCE = 60.0
_CONFIG = """\
state = "{state}"
pins = "mock"
[camera]
source = "follow:{frames}"
[mock]
passage_s = {passage}
[kiosk]
enabled = false
[peers]
host = "127.0.0.1"
port = {port}
addresses = [{addresses}]
"""


def drawn(text: str, dark: str = "black") -> tuple[bytes, ...]:
    """Pictures of a code that differ a little: a camera whose pictures do not change counts as frozen."""
    pictures = []
    for light in ("#ffffff", "#fbfbfb", "#f7f7f7"):
        out = io.BytesIO()
        segno.make(text, error="m").save(out, scale=6, border=4, kind="png", dark=dark, light=light)
        pictures.append(out.getvalue())
    return tuple(pictures)


BLANK = drawn("-", dark="white")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Cable:
    """Forwards what connects to `port` on to another port of 127.0.0.1. A cut cable swallows what is said."""

    def __init__(self, to: int) -> None:
        self._to, self._whole, self._closed = to, True, False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="cable")
        self._thread.start()

    def cut(self) -> None:
        """From now on connections are accepted, and nothing gets through."""
        self._whole = False

    def mend(self) -> None:
        """Forward again; what was swallowed stays lost, and so do the connections of before."""
        self._whole = True

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._thread.join()

    def _run(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select(0.02):
                if key.fileobj is self._listener:
                    self._connect()
                else:
                    self._forward(key.fileobj)  # type: ignore[arg-type]
        for end in [*self._ends, self._listener]:
            end.close()
        self._selector.close()

    def _connect(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self._to), 1.0)
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            self._ends[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, end: socket.socket) -> None:
        if end not in self._ends:
            return
        other = self._ends[end]
        with contextlib.suppress(OSError):
            data = end.recv(65_536)
            if data and self._whole:
                other.sendall(data)
            if data:
                return
        for one in (end, other):
            self._selector.unregister(one)
            self._ends.pop(one)
            one.close()


@dataclass
class LanGate:
    """One gate; `scans` are the lines that it logged for its verdicts."""

    name: str
    folder: Path
    port: int
    addresses: dict[str, int] = field(default_factory=dict)
    passage_s: float = 0.05
    scans: list[dict[str, Any]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    _program: Program | None = None
    _pictures: tuple[bytes, ...] = field(default=BLANK, repr=False)
    _ended: threading.Event = field(default_factory=threading.Event)
    _feeder: threading.Thread | None = None

    @property
    def config(self) -> Path:
        return self.folder / "gate.toml"

    @property
    def frames(self) -> Path:
        return self.folder / "frames"

    def enrol(self, url: str, code: str) -> None:
        """Write the settings and join."""
        self.frames.mkdir(parents=True)
        named = ", ".join(f'"{gate}=127.0.0.1:{port}"' for gate, port in self.addresses.items())
        self.config.write_text(
            _CONFIG.format(
                state=self.folder / "state",
                frames=self.frames,
                passage=self.passage_s,
                port=self.port,
                addresses=named,
            )
        )
        command = [BIN / "gate-scanner", "enrol", url, "--config", self.config]
        subprocess.run(command, input=code.encode(), check=True, timeout=60)

    def start(self) -> None:
        """Run the program; it need not be ready yet."""
        command = [BIN / "gate-scanner", "run", "--config", self.config]
        self._program = Program(self.name, command, self._hear)
        if self._feeder is None:
            self._feeder = threading.Thread(target=self._feed, name=f"pictures for {self.name}")
            self._feeder.start()

    def kill(self) -> None:
        """kill -9."""
        assert self._program is not None
        self._program.kill()

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        self._ended.set()
        if self._feeder is not None:
            self._feeder.join()
        if self._program is not None and self._program.status is None:
            self._program.ask_to_stop()
            self._program.stop()

    def status(self) -> dict[str, Any]:
        """What it says of itself, or nothing yet."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "state" / "status.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def printed_status(self) -> str:
        """What `gate-scanner status` prints."""
        command = [BIN / "gate-scanner", "status", "--config", self.config]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout

    def ready(self, *, online: bool) -> bool:
        """Whether it waits for a code, with or without the node."""
        status = self.status()
        fresh = time.time() - status.get("written", 0) < 2
        return fresh and status["state"] == "ready" and status["sync"]["online"] is online

    def hears(self, *gates: str) -> bool:
        """Whether exactly these gates are near."""
        return {peer["gate"] for peer in self.status().get("peers", []) if peer["near"]} == set(gates)

    def hold_up(self, text: str, ticket: int) -> dict[str, Any]:
        """Show a code until the gate says something about this ticket; its line."""
        before = len(self.scans)
        self._pictures = drawn(text)
        wait_until(
            lambda: any(scan["ticket"] == ticket for scan in self.scans[before:]),
            f"{self.name} says something about ticket {ticket}",
            PATIENCE,
        )
        self._pictures = BLANK
        return next(scan for scan in self.scans[before:] if scan["ticket"] == ticket)

    def _feed(self) -> None:
        """The camera's pictures, without an end: a camera that shows none counts as frozen."""
        number = 0
        while not self._ended.wait(0.05):
            number += 1
            beside = self.frames / ".next.png"
            beside.write_bytes(self._pictures[number % len(self._pictures)])
            beside.rename(self.frames / f"{number:07d}.png")
            (self.frames / f"{number - 6:07d}.png").unlink(missing_ok=True)

    def _hear(self, line: Line) -> None:
        self.lines.append(line)
        if line.fields.get("event") == "scan":
            self.scans.append(line.fields)


@contextmanager
def lan(*gates: LanGate) -> Iterator[None]:
    """Whatever happens, the gates end."""
    try:
        yield
    finally:
        for gate in gates:
            gate.stop()
