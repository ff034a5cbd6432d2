"""An event loop whose time stands still, and threads that run only while a test waits for them."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from scanner.errors import SyncError

PATIENCE = 20.0
"""Seconds after which a thread that neither asks nor ends is a defect of the test."""


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still until `advance`; what it gives to threads, it does at once itself."""

    def __init__(self) -> None:
        self._stands_at = 0.0
        super().__init__()

    def time(self) -> float:
        return self._stands_at

    def run_in_executor(self, _executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is handed on to whom it may concern
            done.set_exception(error)
        return done

    def settle(self) -> None:
        """Run all that can run without time passing."""
        while True:
            self.call_soon(self.stop)
            self.run_forever()
            if not self._ready:  # type: ignore[attr-defined]
                return

    def advance(self) -> bool:
        """Let time pass up to the next thing that waits for it; False if nothing does."""
        times = [timer.when() for timer in self._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        if not times:
            return False
        self._stands_at = max(self._stands_at, min(times)) + 1e-6
        self.settle()
        return True


class Crash(BaseException):
    """The power went while the thread stood in a question."""


class Actor:
    """A thread that runs only while the test waits for it: until its next question, or its end."""

    def __init__(self, run: Callable[["Actor"], Any]) -> None:
        self.asked: Any = None
        self.result: Any = None
        self.ended = False
        self._answer: Any = None
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._run = run
        threading.Thread(target=self._work, daemon=True).start()
        self._wait()

    def ask(self, question: Any) -> Any:
        """Called in the thread: stand still until the test answers; an answer that is an exception is raised."""
        self.asked = question
        self._stopped.release()
        self._go.acquire()
        self.asked = None
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    def answer(self, answer: Any) -> None:
        """Called in the test: go on with this answer."""
        self._answer = answer
        self._go.release()
        self._wait()

    def _wait(self) -> None:
        assert self._stopped.acquire(timeout=PATIENCE), "a thread neither asks nor ends"

    def _work(self) -> None:
        with suppress(Crash, SyncError):
            self.result = self._run(self)
        self.ended = True
        self._stopped.release()
