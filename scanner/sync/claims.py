"""Claims within a deadline: the gate waits as long as it may, the network as long as it must.

A claim is sent by one of a few threads of its own, so that neither a hanging connection nor a blocked name lookup holds
up the gate. An answer after the deadline is handed over as late; a claim that no thread had begun is never sent. What
becomes of the record is the upload's business either way.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from scanner.errors import SyncError
from scanner.ports import CONFLICT, Receipt, Waiting
from scanner.sync.answers import Problem, RecordAnswer, Revoked
from scanner.verify.leases import OTHER_LEASE

Answer = RecordAnswer | Problem | Revoked
_Job = tuple[Waiting, "Future[Receipt | None]"]
WORKERS = 2
_MOST_WAITING = 8


class ClaimDesk:
    """See the module. `ask` may take long and may raise SyncError; `on_late` and `on_trouble` come from its threads."""

    def __init__(
        self,
        ask: Callable[[Waiting], Answer],
        on_late: Callable[[Receipt], None],
        on_trouble: Callable[[str], None],
    ) -> None:
        self._ask, self._on_late, self._on_trouble = ask, on_late, on_trouble
        self._jobs: queue.Queue[_Job | None] = queue.Queue(_MOST_WAITING)
        self._closed = False
        self._threads = [threading.Thread(target=self._work, name=f"claim-{n}", daemon=True) for n in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def claim(self, record: Waiting, deadline_s: float) -> Receipt | None:
        """The node's word on this admission, or None if there is none in time. Never raises for the network."""
        future: Future[Receipt | None] = Future()
        try:
            self._jobs.put_nowait((record, future))
        except queue.Full:
            return None
        try:
            return future.result(deadline_s)
        except TimeoutError:
            if not future.cancel():
                future.add_done_callback(self._late)
            return None

    def close(self, timeout: float = 1.0) -> None:
        """End the threads; one that hangs in the network is left to end with the process. May be called twice."""
        if self._closed:
            return
        self._closed = True
        while not self._jobs.empty():
            if (job := self._jobs.get_nowait()) is not None:
                job[1].cancel()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(timeout)

    def _late(self, future: "Future[Receipt | None]") -> None:
        receipt = future.result()
        if receipt is not None:
            self._on_late(receipt)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            record, future = job
            if future.set_running_or_notify_cancel():
                future.set_result(self._answer(record))

    def _answer(self, record: Waiting) -> Receipt | None:
        try:
            answer = self._ask(record)
        except SyncError as error:
            self._on_trouble(str(error))
            return None
        except Exception as error:  # noqa: BLE001 - a fault of ours must cost one claim, not the thread
            self._on_trouble(f"a fault in the program, please report it: {error!r}")
            return None
        if isinstance(answer, RecordAnswer):
            return answer.receipt(record.counter)
        self._on_trouble(answer.sentence() if isinstance(answer, Problem) else answer.detail)
        return _never_to_count(answer, record.counter)


def _never_to_count(answer: Problem | Revoked, counter: int) -> Receipt | None:
    """A refusal that is the last word on this record, or None if the gate may go on as if nobody had answered.

    Who goes on alone after it admits on a record that no other gate ever hears of, and the ticket enters once more.
    """
    if isinstance(answer, Revoked):
        return Receipt(counter, "revoked", None, None, answer.detail)
    if answer.code == OTHER_LEASE:
        return Receipt(counter, OTHER_LEASE, None, None, answer.sentence())
    # Another record of this device has this counter: it runs on an old copy of a card.
    return Receipt(counter, CONFLICT, None, None, answer.sentence()) if answer.code == CONFLICT else None
