"""The venue: a ledger node and its gates, each a real program with a folder of its own, on free ports of 127.0.0.1.

Opens, kills and closes them. What happens at the gates is the show's business.
"""

import json
import os
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from tests.show.cast import EVENT
from tests.show.office import Office
from tests.show.outside import Outside
from tests.show.place import own_folder, room_mb
from tests.show.stage import BIN, Line, Program, ShowError, tool

START_S = 60.0
GLANCE_S = 0.05
SHARED_MEMORY, FRAMES_MB = Path("/dev/shm"), 16
NODE = "node"

_CONFIG = """\
state = "{state}"
pins = "mock"
[camera]
source = {source}
[kiosk]
port = 0
"""


@dataclass
class Gate:
    """One gate's folder and program."""

    name: str
    folder: Path
    program: Program | None = None
    page: str = ""

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / "gate.toml"

    def status(self) -> dict[str, Any]:
        """What the running gate says of itself, or nothing yet."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "state" / "status.json").read_text())
        except (OSError, ValueError):
            return {}
        return found


class House:
    """See the module. `hear` gets every line that a program logs, on its reader's thread. Use as a context manager."""

    def __init__(self, folder: Path, hear: Callable[[Line], None]) -> None:
        self.folder = folder
        self.office = Office(folder / NODE)
        self.gates: dict[str, Gate] = {}
        self.port = self.gates_port = 0
        self._hear = hear
        self._node: Program | None = None
        self._outside: Outside | None = None
        self._serving = Event()
        self._stack = ExitStack()

    def __enter__(self) -> "House":
        self._stack.enter_context(own_folder(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where the node is reached by all but gates."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def gates_url(self) -> str:
        """Where gates reach it."""
        return f"http://127.0.0.1:{self.gates_port}"

    def programs(self) -> list[Program]:
        """Everything that was started."""
        provider = self._outside.program if self._outside else None
        gates = [gate.program for gate in self.gates.values()]
        return [program for program in (self._node, provider, *gates) if program is not None]

    def frames(self, gate: str) -> Path:
        """A folder for a gate's pictures, in memory if the machine has a place for that; not made yet."""
        memory = os.access(SHARED_MEMORY, os.W_OK) and room_mb(SHARED_MEMORY) >= FRAMES_MB
        fast = SHARED_MEMORY if memory else self.folder
        folder = Path(tempfile.mkdtemp(prefix="gate-frames-", dir=fast))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder / gate

    # The node

    def open_outside(self) -> Outside:
        """The organisations that the node works with, which it finds when it is served. The event must be there."""
        self._outside = Outside(self.folder / "provider", self._stack, self._hear)
        self._outside.open_accounts(self.office.node_key())
        self._outside.write_settings(self.office.home)
        return self._outside

    def open_node(self) -> None:
        """Serve; at the same ports as before if it was served before."""
        self._serving.clear()
        ports = ["--port", str(self.port), "--gates-port", str(self.gates_port)]
        command: list[str | Path] = [BIN / "ledger-node", "--home", self.office.home, "serve", *ports]
        self._node = Program(NODE, command, self._listen)
        self.wait("the ledger node serves", self._serving.is_set)

    def kill_node(self) -> None:
        """SIGKILL."""
        assert self._node is not None
        self._node.kill()

    def changed(self, ticket: int) -> int:
        """The log position of what last changed the ticket, as anybody may ask the node."""
        with urllib.request.urlopen(f"{self.url}/v1/events/{EVENT}/tickets/{ticket}", timeout=10) as answer:
            return int(json.load(answer)["changed"])

    def log_key(self) -> str:
        """The log's public key, as the node told it to each gate at its enrolment."""
        enrolments = [
            json.loads((gate.folder / "state" / "enrolment.json").read_text()) for gate in self.gates.values()
        ]
        (key,) = {enrolment["log_vkey"] for enrolment in enrolments}
        return str(key)

    # The gates

    def enrol(self, name: str, source: str) -> None:
        """A new device for the gate `name`, whose camera is `source`."""
        gate = Gate(name, self.folder / name)
        gate.folder.mkdir()
        gate.config.write_text(_CONFIG.format(state=gate.folder / "state", source=json.dumps(source)))
        code = self.office.enrolment_code(name)
        tool("gate-scanner", "enrol", self.gates_url, "--config", gate.config, given=code)
        self.gates[name] = gate

    def open_gate(self, name: str) -> None:
        """Start its program; it need not be ready yet."""
        gate = self.gates[name]
        command: list[str | Path] = [BIN / "gate-scanner", "run", "--config", gate.config]
        gate.program = Program(name, command, self._listen)

    def ready(self, name: str) -> bool:
        """Whether the gate waits for a code, with the list of tickets and the node in reach."""
        status = self.gates[name].status()
        return status.get("state") == "ready" and status["sync"]["online"]

    def knows(self, name: str, position: int) -> bool:
        """Whether the gate's view holds what stands at a position of the log."""
        return bool(self.gates[name].status().get("view_size", 0) > position)

    def settled(self, name: str) -> bool:
        """Whether the gate hears the node and owes it nothing."""
        status = self.gates[name].status()
        return self.ready(name) and status["queue"] == 0 and time.time() - status["written"] < 3

    def wait(self, what: str, condition: Callable[[], bool], patience: float = START_S) -> None:
        """Until it is so. Raises ShowError when it takes too long or a program has ended."""
        until = time.monotonic() + patience
        while not condition():
            self.check()
            if time.monotonic() > until:
                raise ShowError(f"waited {patience:.0f} s in vain: {what}")
            time.sleep(GLANCE_S)

    def check(self) -> None:
        """Raises ShowError if a gate or the provider has ended by itself."""
        if self._outside and self._outside.program.status is not None:
            raise ShowError(f"the wallet provider ended by itself with status {self._outside.program.status}")
        for gate in self.gates.values():
            if gate.program and gate.program.status is not None:
                raise ShowError(f"gate {gate.name} ended by itself with status {gate.program.status}")

    def close_gates(self) -> None:
        """SIGTERM to each; raises ShowError if one does not end in order."""
        running = [gate.program for gate in self.gates.values() if gate.program is not None]
        for program in running:
            program.ask_to_stop()
        for program in running:
            if (status := program.stop()) != 0:
                raise ShowError(f"gate {program.name} was asked to stop and ended with status {status}")

    def close(self) -> None:
        """Stop whatever still runs, by its process id, and clear away the pictures."""
        for program in self.programs():
            program.ask_to_stop()
        for program in self.programs():
            program.stop()
        self._stack.close()

    def _listen(self, line: Line) -> None:
        if line.who == NODE and line.fields.get("event") == "serving":
            self.port, self.gates_port = line.fields["port"], line.fields["gates_port"]
            self._serving.set()
        elif line.fields.get("event") == "page":
            self.gates[line.who].page = line.fields["url"]
        self._hear(line)
