"""A thread of the node that runs until the node ends."""

import threading
from collections.abc import Callable


class Background:
    """Runs `work` in a thread; `work` looks at `ended` between its steps."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.ended = threading.Event()
        self._thread = threading.Thread(target=work, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Ask it to end, and wait until the step that is under way is done."""
        self.ended.set()
        if self._thread.ident is not None:
            self._thread.join()
