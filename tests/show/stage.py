"""The programs of the show as child processes: started, listened to, and stopped by their own process id.

What they log is handed on line by line; what it means is not known here.
"""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

BIN = Path(sys.executable).parent
PATIENCE_S = 10.0
KEPT_LINES = 12


class ShowError(Exception):
    """The show cannot go on; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a program logged; `fields` is empty for a line that is not JSON."""

    who: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)


def tool(program: str, *arguments: str | Path, statuses: Sequence[int] = (0,), given: str = "") -> str:
    """Run one of our commands to its end, with `given` on its stdin, and give its stdout. Raises ShowError with what
    it complained about.
    """
    command = [BIN / program, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode not in statuses:
        said = (done.stderr or done.stdout).strip()
        raise ShowError(f"{program} {' '.join(map(str, arguments[:4]))} ended with {done.returncode}: {said[-600:]}")
    return done.stdout


class Program:
    """A running program; `hear` is called from its reader's thread with each line that it logs."""

    def __init__(
        self, name: str, command: Sequence[str | Path], hear: Callable[[Line], None], patience: float = PATIENCE_S
    ) -> None:
        self.name = name
        self._patience = patience
        self._asked = False
        self._hear = hear
        self._tail: deque[str] = deque(maxlen=KEPT_LINES)
        # A session of its own: Ctrl-C is for the show, which then stops its programs in order.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._reader = Thread(target=self._read, name=f"log of {name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    def tail(self) -> list[str]:
        """The last lines it logged."""
        return list(self._tail)

    def kill(self) -> None:
        """SIGKILL: the power cut of a process."""
        self._process.kill()
        self._ended()

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting for the end."""
        if not self._asked and self._process.poll() is None:
            # Once: a second signal would meet an interpreter that has already put its handlers away.
            self._asked = True
            self._process.terminate()

    def stop(self) -> int:
        """SIGTERM, and SIGKILL if it does not listen; the exit status. May be called twice."""
        self.ask_to_stop()
        try:
            self._process.wait(self._patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self._ended()

    def _ended(self) -> int:
        status = self._process.wait()
        self._reader.join(PATIENCE_S)
        return status

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for text in stdout:
                self._tail.append(text.rstrip())
                self._hear(Line(self.name, text.rstrip(), _fields(text)))


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
