"""A PC that QEMU emulates in software: switched on and off, its cable pulled, its agent asked. No KVM is needed."""

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from scanner.camera.images import cv2
from tests.fakes import booted

QEMU = "qemu-system-x86_64"
BOOT_S = 420.0
ANSWER_S = 60.0
MEMORY = "1536"


def why_not() -> str:
    """What this machine lacks for it, or nothing."""
    return booted.why_not() or ("" if shutil.which(QEMU) else f"{QEMU} is not installed (Debian: qemu-system-x86)")


class Said(NamedTuple):
    """What a command in the guest printed, and how it ended."""

    status: int
    output: str


class GuestError(AssertionError):
    """The guest did not do what it was asked; the text has its console."""


class Machine:
    """One PC with `disk`, switched on while the block lasts. `folder` is for sockets and the console."""

    def __init__(self, disk: Path, kernel: Path, folder: Path) -> None:
        self._folder = folder
        self._console = folder / "console"
        self._started = time.monotonic()
        port, monitor = folder / "port", folder / "monitor"
        for left in (port, monitor):
            left.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                *(QEMU, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", MEMORY),
                *("-nodefaults", "-display", "none", "-no-reboot", "-rtc", "base=utc"),
                *("-kernel", kernel / "vmlinuz", "-initrd", kernel / "initrd"),
                *("-append", "console=ttyS0 quiet panic=-1 mitigations=off systemd.show_status=0 net.ifnames=0"),
                *("-drive", f"file={disk},format=raw,if=virtio,cache=none,aio=threads"),
                *("-nic", "user,id=net0,model=virtio-net-pci"),
                *("-serial", f"file:{self._console}"),
                *("-device", "virtio-serial-pci", "-chardev", f"socket,id=bench,path={port},server=on,wait=off"),
                *("-device", "virtserialport,chardev=bench,name=bench"),
                *("-monitor", f"unix:{monitor},server=on,wait=off"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=(folder / "qemu").open("wb"),
            stderr=subprocess.STDOUT,
        )
        try:
            self._monitor = self._connected(monitor)
            self._port = self._connected(port)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self._lines = self._port.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.switch_off()

    def await_agent(self) -> float:
        """Seconds from the switch to the agent's first word."""
        self._port.settimeout(BOOT_S)
        self._heard()
        return time.monotonic() - self._started

    def run(self, script: str, timeout: float = 300.0) -> Said:
        """A shell script as root."""
        told = self._ask({"do": "run", "script": script, "timeout": timeout}, timeout + ANSWER_S)
        return Said(told["status"], told["output"])

    def must(self, script: str, timeout: float = 300.0) -> str:
        """The same, for one that has to end well."""
        done = self.run(script, timeout)
        if done.status:
            raise GuestError(f"{script!r} ended with {done.status}:\n{done.output}")
        return done.output

    def hold_up(self, frames: Iterable[npt.NDArray[np.uint8]]) -> None:
        """From now on the camera sees these grey pictures in turn."""
        quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
        jpegs = (cv2.imencode(".jpg", frame, quality)[1].tobytes() for frame in frames)
        self._ask({"do": "show", "pictures": [base64.b64encode(jpeg).decode() for jpeg in jpegs]})

    def contact(self, line: int, *, closed: bool) -> None:
        """Move a contact from outside."""
        self._ask({"do": "contact", "line": line, "closed": closed})

    def relay(self) -> tuple[float, list[tuple[float, int]]]:
        """The guest's monotonic clock, and every change of the relay's line since the agent began."""
        told = self._ask({"do": "relay"})
        return told["now"], [(at, level) for at, level in told["changes"]]

    def cable(self, *, plugged: bool) -> None:
        """Pull the network cable, or plug it in."""
        self._monitor.sendall(f"set_link net0 {'on' if plugged else 'off'}\n".encode())

    def switch_off(self) -> None:
        """As a plug that is pulled: nothing in the guest hears of it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for end in (self._lines, self._port, self._monitor):
            end.close()

    def console(self) -> str:
        """The last of what the kernel and systemd wrote."""
        return self._console.read_text(errors="replace")[-3000:] if self._console.exists() else ""

    def _ask(self, command: dict[str, Any], patience: float = ANSWER_S) -> dict[str, Any]:
        self._port.settimeout(patience)
        self._port.sendall(json.dumps(command).encode() + b"\n")
        told = self._heard()
        if "fault" in told:
            raise GuestError(f"{str(command)[:200]}: {told['fault']}")
        return told

    def _heard(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except TimeoutError:
            raise GuestError(f"the guest does not answer; its console:\n{self.console()}") from None
        if not line:
            raise GuestError(f"the guest is gone; its console:\n{self.console()}")
        told: dict[str, Any] = json.loads(line)
        return told

    def _connected(self, path: Path) -> socket.socket:
        end = socket.socket(socket.AF_UNIX)
        until = time.monotonic() + 20
        while True:
            try:
                end.connect(str(path))
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    end.close()
                    raise GuestError(f"QEMU did not start: {(self._folder / 'qemu').read_text()}") from None
                time.sleep(0.05)
            else:
                return end
