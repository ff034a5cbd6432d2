"""What the gate in the guest is put through, and what was seen of it: one row a step, good or not."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from tests.vm.gate import UNIT, GuestGate
from tests.vm.machine import Machine
from tests.vm.office import Office

PASSAGE_LINE = 27
DEVICES = ["/dev/gpiochip0 of gpio", "/dev/video0 of video"]
PULSE_S = 3.0
# The agent gives 2.5 pictures a second, of which a busy emulated processor has read 1.9; doctor wants half of what is
# asked for. The pulse is long enough to be ended in the middle, and to walk through on an emulated processor.
SETTINGS = f"""\
[camera]
source = "/dev/video0"
fps = 2
silent_after = 20
[pins]
pulse_ms = {PULSE_S * 1000:.0f}
passage_window_s = 60
"""
# The pulse is timed by the gate and watched by another program, both on emulated processors.
LATE_S = 1.5
RELEASED = "the relay on GPIO17 is released"
EXPOSURE = 2.0
_LEAVE_IT_ON = """
import lgpio, os, signal
lgpio.gpio_claim_output(lgpio.gpiochip_open(0), 17, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Seen(NamedTuple):
    """One row. `took`: seconds, where there is something to time."""

    what: str
    good: bool
    report: str
    took: float | None = None


@dataclass
class Evening:
    """The steps of one boot. `see` takes each row as it is known."""

    guest: Machine
    office: Office
    see: Callable[[Seen], None]

    def __post_init__(self) -> None:
        self.gate = GuestGate(self.guest)

    def boot(self) -> None:
        """Wait for the agent; the camera then sees the hall. The devices are there, for the groups of the unit."""
        took = self.guest.await_agent()
        self.guest.hold_up(self.office.nobody())
        linux, *devices = self.guest.must(
            "uname -r; stat --format '%n of %G' /dev/gpiochip0 /dev/video0 || true"
        ).splitlines()
        report = f"Linux {linux}; {', '.join(devices)}"
        self.see(Seen("power on to a running system", devices == DEVICES, report, took))

    def enrol(self) -> None:
        """As venue IT does, then the first start."""
        self.guest.must(f"cat > /etc/gate-scanner.toml <<'END'\n{SETTINGS}END\n")
        # It is started again and again while it is not enrolled, which costs an emulated processor much.
        self.guest.must(f"systemctl stop {UNIT}")
        begun = time.monotonic()
        said = self.guest.must(f"echo {self.office.enrolment_code()} | {UNIT} enrol {self.office.url}").splitlines()[0]
        self.see(Seen("gate-scanner enrol", said.startswith("enrolled"), said, time.monotonic() - begun))
        begun = time.monotonic()
        self.guest.must(f"systemctl start {UNIT}", 240)
        how = self.gate.shown("ActiveState", "SubState")
        self.see(Seen("start to ready", how["SubState"] == "running", " ".join(how.values()), time.monotonic() - begun))

    def await_service(self) -> None:
        """Wait for the ticket list and the camera's first picture."""
        begun = time.monotonic()
        found = self.gate.until("ready", lambda now: now["sync"]["online"] and now["tickets"] and now["camera"] == "ok")
        report = f"{found['tickets']} tickets, camera {found['camera']}, {found['state']}"
        self.see(Seen("ready to ticket list and picture", found["state"] == "ready", report, time.monotonic() - begun))

    def admit(self, ticket: int, what: str) -> None:
        """A code on /dev/video0, the pulse on /dev/gpiochip0, the passage."""
        before = self.gate.status()["admitted"]
        with self._held_up(ticket) as (now, begun):
            rise = self.gate.await_relay(1, now)
            took = time.monotonic() - begun
        self.guest.contact(PASSAGE_LINE, closed=True)
        fall = self.gate.await_relay(0, rise)
        self.guest.contact(PASSAGE_LINE, closed=False)
        found = self.gate.until("at rest", lambda now: now["state"] == "ready")
        right = PULSE_S - 0.1 <= fall - rise <= PULSE_S + LATE_S and found["admitted"] == before + 1
        report = f"relay on for {fall - rise:.2f} s of {PULSE_S:.0f}, {found['admitted']} admitted"
        self.see(Seen(f"{what}: code to pulse", right, report, took))

    def recorded(self, *tickets: int) -> None:
        """The journal has their admissions, and no release: a passage that is not sensed leaves one there.

        Incidents are shown, not judged: on a busy machine emulated time and the node's come apart, which is recorded.
        """
        kept = [(one["type"], one["body"]) for one in self.gate.records()]
        settled = [(kind, body.get("ticket")) for kind, body in kept if kind in {"admission", "release"}]
        report = ", ".join(f"{kind} of {body.get('ticket', body.get('kind'))}" for kind, body in kept)
        self.see(Seen("records in the journal", settled == [("admission", ticket) for ticket in tickets], report))

    def refuse(self, ticket: int, what: str) -> None:
        """The same ticket again: a refusal, and the relay does not move."""
        before = self.gate.status()["refused"]
        with self._held_up(ticket) as (now, begun):
            self.gate.until("refused", lambda found: found["refused"] > before)
            took = time.monotonic() - begun
        moved = [at for at, _ in self.guest.relay()[1] if at > now]
        self.see(Seen(f"{what}: refused", not moved, "no pulse" if not moved else "the relay moved", took))

    def kill(self, ticket: int) -> None:
        """kill -9 while the relay is on: ExecStopPost= lets it go, and the gate comes back."""
        self._end_in_pulse(ticket, "KILL", "kill -9 in mid-pulse")

    def hang(self, ticket: int) -> None:
        """A program that stands still while the relay is on: the service's watchdog ends it."""
        self._end_in_pulse(ticket, "STOP", "stopped in mid-pulse (watchdog)")

    def cut(self, ticket: int) -> None:
        """Admit, and return while the relay is on: the plug is pulled by the caller."""
        with self._held_up(ticket) as (now, _):
            self.gate.await_relay(1, now)

    def back_from_power_cut(self, ticket: int) -> None:
        """After a second boot: how soon it was ready, and that the journal is whole with every admission in it.

        With the cable back, what was admitted alone reaches the ledger.
        """
        self.gate.until("ready", lambda found: found["state"] == "ready" and found["tickets"])
        unit = self.gate.shown("ActiveEnterTimestampMonotonic", "NRestarts")
        report = f"from the kernel's start to READY=1 of the gate, started again {unit['NRestarts']} times"
        at = int(unit["ActiveEnterTimestampMonotonic"]) / 1e6
        self.see(Seen("boot to ready", unit["NRestarts"] == "0", report, at))
        mine = {one["body"]["ticket"] for one in self.gate.records() if one["type"] == "admission"}
        report = f"whole, {self.gate.verified()} records, admissions of {', '.join(map(str, sorted(mine)))}"
        self.see(Seen("journal after the power cut", mine == set(range(1, ticket + 1)), report))
        begun = time.monotonic()
        self.gate.until("sent", lambda found: found["queue"] == 0 and found["sync"]["online"])
        there = self.office.admitted()
        report = f"admissions of {', '.join(map(str, sorted(there)))} on the ledger"
        self.see(Seen("cable back: reconciled", mine == there, report, time.monotonic() - begun))

    def stop(self) -> None:
        """An orderly stop lets go of the relay."""
        begun = time.monotonic()
        self.guest.must(f"systemctl stop {UNIT}")
        said = [line for line in self.gate.log().splitlines() if "the relay" in line][-1:]
        self.see(Seen("systemctl stop", said == [RELEASED], " ".join(said), time.monotonic() - begun))

    def doctor(self) -> None:
        """By hand, from a folder that is not the program's: it finds the chip and the camera, and leaves nothing."""
        begun = time.monotonic()
        done = self.guest.run(f"mkdir -p /tmp/person && cd /tmp/person && {UNIT} doctor")
        took = time.monotonic() - begun
        lines = [" ".join(line.split()) for line in done.output.splitlines() if line.startswith(("ok ", "BAD "))]
        found = {line.split()[1]: line for line in lines}
        for device in ("pins", "camera"):
            said = found.pop(device, f"no word of it: {done.output}")
            self.see(Seen(f"gate-scanner doctor: {device}", said.startswith("ok"), said, took))
        also = [line for line in found.values() if line.startswith("BAD")]
        self.see(Seen("gate-scanner doctor: the rest", not also, "; ".join(also) or f"{len(found)} good"))
        left = self.guest.must(
            "find / /run /dev/shm -xdev -name '.lgd*' -o -name 'gate-pins*'; ls -A /tmp/person"
        ).split()
        self.see(Seen("left by lgpio", not left, ", ".join(left) or "nothing"))

    def control(self) -> None:
        """That the bench can tell: a line that was on when its holder was killed stays on, until we let go of it."""
        now, _ = self.guest.relay()
        self.guest.must(f"cd /run && /opt/ticketme-gate/current/bin/python -c '{_LEAVE_IT_ON}'; rm -f .lgd*")
        self.gate.await_relay(1, now)
        time.sleep(1)
        stays = self.guest.relay()[1][-1][1] == 1
        self.see(
            Seen("control: killed without a unit", stays, "the line stays on" if stays else "the line fell by itself")
        )
        begun = time.monotonic()
        said = self.guest.must(f"{UNIT} release-relay").strip()
        off = self.guest.relay()[1][-1][1] == 0
        self.see(Seen("gate-scanner release-relay", off and said == RELEASED, said, time.monotonic() - begun))

    def security(self) -> None:
        """What the running systemd thinks of the unit."""
        said = self.guest.run(f"systemd-analyze security --no-pager {UNIT}").output.strip().splitlines()[-1]
        level = float(said.partition(": ")[2].split()[0])
        self.see(Seen("systemd-analyze security", level <= EXPOSURE, said.lstrip("→ ")))

    def _end_in_pulse(self, ticket: int, signal: str, what: str) -> None:
        """Good if release-relay ended the pulse, before the next program was started: this chip does not by itself."""
        before = self.gate.shown("NRestarts", "MainPID")
        said_before = self.gate.log().count(RELEASED)
        with self._held_up(ticket) as (now, _):
            rise = self.gate.await_relay(1, now)
            sent, _ = self.guest.relay()
            self.guest.must(f"kill -{signal} {before['MainPID']}")
        fall = self.gate.await_relay(0, rise)
        ready = self.gate.restarted(int(before["NRestarts"]))
        began = int(self.gate.shown("ExecMainStartTimestampMonotonic")["ExecMainStartTimestampMonotonic"]) / 1e6
        by_us = self.gate.log().count(RELEASED) == said_before + 1 and fall < began
        by = "by release-relay" if by_us else "NOT by release-relay"
        self.see(Seen(what, by_us and fall > sent, f"relay off {by}, after", fall - sent))
        off = self.guest.relay()[1][-1][1] == 0
        report = f"started by systemd, relay {'off' if off else 'ON'}, after"
        self.see(Seen("and ready again", off, report, ready - fall))

    @contextmanager
    def _held_up(self, ticket: int) -> Iterator[tuple[float, float]]:
        """A phone before the camera, and nothing after; the guest's clock and ours just before."""
        now, _ = self.guest.relay()
        begun = time.monotonic()
        self.guest.hold_up(self.office.phone(ticket))
        try:
            yield now, begun
        finally:
            self.guest.hold_up(self.office.nobody())
