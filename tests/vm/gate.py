"""The gate in the guest, as one who stands beside it sees it: its status, its journal, its relay."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

from tests.vm.machine import GuestError, Machine

PATIENCE_S = 300.0
LOOK_S = 0.2
UNIT = "gate-scanner"


class GuestGate:
    """The unit `gate-scanner` of one guest."""

    def __init__(self, guest: Machine) -> None:
        self.guest = guest

    def status(self) -> dict[str, Any]:
        """What the running gate says of itself; empty where it does not run."""
        done = self.guest.run("cat /run/gate-scanner/status.json")
        return json.loads(done.output) if done.status == 0 else {}

    def until(self, what: str, true: Callable[[dict[str, Any]], bool], patience: float = PATIENCE_S) -> dict[str, Any]:
        """The first status of which it is true. Raises GuestError with what the unit logged."""
        ends = time.monotonic() + patience
        while True:
            found = self.status()
            if found and true(found):
                return found
            if time.monotonic() > ends:
                raise GuestError(f"{what}: not within {patience:.0f} s; {found}\n{self.log()[-3000:]}")
            time.sleep(LOOK_S)

    def restarted(self, before: int) -> float:
        """Wait until systemd has started the unit again and it is ready; the guest's monotonic second of that."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            now = self.shown("NRestarts", "ActiveState", "ActiveEnterTimestampMonotonic")
            if int(now["NRestarts"]) > before and now["ActiveState"] == "active":
                return int(now["ActiveEnterTimestampMonotonic"]) / 1e6
            time.sleep(LOOK_S)
        raise GuestError(f"the gate was not started again\n{self.log()[-3000:]}")

    def shown(self, *properties: str) -> dict[str, str]:
        """Properties of the unit, as `systemctl show` has them."""
        said = self.guest.must(f"systemctl show {UNIT} --property={','.join(properties)}")
        return dict(line.split("=", 1) for line in said.splitlines())

    def log(self) -> str:
        """What the unit and its programs logged since the boot."""
        return self.guest.must(f"journalctl --boot --unit {UNIT} --output cat")

    def records(self) -> list[dict[str, Any]]:
        """The journal's records, oldest first."""
        lines = self.guest.must(f"{UNIT} journal export").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def verified(self) -> int:
        """How many records there are, each signed and chained. Raises GuestError if the journal is not whole."""
        said = self.guest.must(f"{UNIT} journal verify")
        whole = re.search(r"whole: (\d+) records", said)
        if not whole:
            raise GuestError(said)
        return int(whole[1])

    def await_relay(self, level: int, after: float, patience: float = 90.0) -> float:
        """The guest's monotonic second at which the relay's line first took this level after `after`."""
        ends = time.monotonic() + patience
        while time.monotonic() < ends:
            _, changes = self.guest.relay()
            for at, became in changes:
                if at > after and became == level:
                    return at
            time.sleep(0.02)
        raise GuestError(f"the relay did not become {level}; {self.status()}\n{self.log()[-3000:]}")
