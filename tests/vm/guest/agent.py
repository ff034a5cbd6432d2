"""Runs in the guest as root: the world around the gate's board. Commands come one JSON object a line, so do answers.

It puts pictures on the gate's camera (v4l2loopback), watches the relay's line and moves the contacts from outside
(gpio-sim), and runs commands. It knows nothing of what is tested.
"""

import base64
import fcntl
import itertools
import json
import os
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

PORT = Path("/dev/virtio-ports/bench")
DEVICE = Path("/dev/video0")
SIZE = (1280, 720)
PICTURE_S = 0.4
LOOK_S = 0.02
# linux/videodev2.h: VIDIOC_S_FMT is _IOWR('V', 5, struct v4l2_format).
OUTPUT, FIELD_NONE, FORMAT_BYTES = 2, 1, 208
SET_FORMAT = 3 << 30 | FORMAT_BYTES << 16 | ord("V") << 8 | 5


class Camera(threading.Thread):
    """The camera of v4l2loopback: what is written to it is what the gate reads from it, as a webcam's motion JPEG.

    The pictures come in turn, since a camera's are never twice the same.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.pictures: list[bytes] = []
        self._device = os.open(DEVICE, os.O_RDWR)
        # struct v4l2_format: the type, 4 bytes to align, and the beginning of struct v4l2_pix_format.
        asked = struct.pack("=I4xII4sI", OUTPUT, *SIZE, b"MJPG", FIELD_NONE)
        told = fcntl.ioctl(self._device, SET_FORMAT, asked.ljust(FORMAT_BYTES, b"\0"))
        if told[: len(asked)] != asked:
            raise RuntimeError(f"{DEVICE} does not take motion JPEG of {SIZE}")

    def run(self) -> None:
        for number in itertools.count():
            time.sleep(PICTURE_S)
            if self.pictures:
                picture = self.pictures[number % len(self.pictures)]
                if os.write(self._device, picture) != len(picture):
                    raise RuntimeError(f"{DEVICE} took a part of a picture of {len(picture)} bytes")


class Relay(threading.Thread):
    """Every change of one line: seconds of CLOCK_MONOTONIC, level."""

    def __init__(self, line: int) -> None:
        super().__init__(daemon=True)
        self._value = value_of(line)
        self.changes: list[tuple[float, int]] = []

    def run(self) -> None:
        before = 0
        with self._value.open("rb", buffering=0) as value:
            while True:
                value.seek(0)
                level = int(value.read(2))
                if level != before:
                    self.changes.append((time.monotonic(), level))
                    before = level
                time.sleep(LOOK_S)


def value_of(line: int) -> Path:
    """The file that says how a line of the simulated chip is."""
    (value,) = Path("/sys/devices/platform").glob(f"gpio-sim.*/gpiochip*/sim_gpio{line}/value")
    return value


def answer(command: dict[str, Any], camera: Camera, relay: Relay) -> dict[str, Any]:
    """Do one thing."""
    match command["do"]:
        case "run":
            done = subprocess.run(
                ["/bin/sh", "-c", command["script"]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=command["timeout"],
                check=False,
            )
            return {"status": done.returncode, "output": done.stdout.decode(errors="replace")}
        case "show":
            camera.pictures = [base64.b64decode(picture) for picture in command["pictures"]]
        case "contact":
            pull = value_of(command["line"]).with_name("pull")
            pull.write_text("pull-down" if command["closed"] else "pull-up")
        case "relay":
            pass
    return {"now": time.monotonic(), "changes": relay.changes}


def main() -> None:
    """Answer until the machine is switched off."""
    camera, relay = Camera(), Relay(int(sys.argv[1]))
    camera.start()
    relay.start()
    with PORT.open("r+b", buffering=0) as port:
        port.write(b'{"hello": "the bench is ready"}\n')
        buffer = b""
        while True:
            buffer += port.read(1 << 16) or b""
            while b"\n" in buffer:
                line, _, buffer = buffer.partition(b"\n")
                try:
                    told = answer(json.loads(line), camera, relay)
                except Exception as fault:  # noqa: BLE001 - the bench hears of it; the agent goes on
                    told = {"fault": f"{type(fault).__name__}: {fault}"}
                port.write(json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    main()
