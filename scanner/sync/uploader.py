"""Records up: the outbox in batches, each record settled only when the log proves that it holds it.

A record that the node rejects is set aside with the reason. A batch that the node refuses as a whole is halved until
the record at fault stands alone; that one is set aside only if the node took others, because a node that takes none at
all is the one at fault. Uploading twice is harmless: the ledger knows a record by its device and counter.
"""

from collections import Counter
from dataclasses import dataclass

import structlog

from scanner.errors import SyncError
from scanner.ports import Outbox, Receipt, Waiting
from scanner.sync.answers import Problem
from scanner.sync.client import NodeClient
from scanner.sync.faults import granted, proven
from scanner.sync.loop import Turn
from scanner.sync.reconcile import Settled, settle
from scanner.sync.status import Side
from scanner.sync.trail import Trail

BATCH = 100
IDLE = 5.0
"""Seconds after which the outbox is looked at without having been woken."""
_TRIES = 8
_BATCH_AT_FAULT = frozenset({400, 413, 422})
_log = structlog.get_logger("sync")


@dataclass(frozen=True, slots=True)
class _Refusal:
    record: Waiting
    reason: str


class Uploader:
    """See the module; one thread."""

    side: Side = "up"

    def __init__(self, client: NodeClient, outbox: Outbox, trail: Trail, batch: int = BATCH) -> None:
        self._client, self._outbox, self._trail, self._batch = client, outbox, trail, batch

    def step(self) -> Turn:
        """One batch, settled as far as it is proven. Raises GateError with what is wrong."""
        batch = self._outbox.waiting(self._batch)
        if not batch:
            return Turn(exchanged=False, rest=IDLE)
        refused: list[_Refusal] = []
        self._deliver(batch, refused)
        if len(refused) == len(batch):
            raise SyncError(f"the ledger node takes none of our records; they are kept. {refused[0].reason}")
        self._set_aside(refused)
        return Turn(exchanged=True)

    def _deliver(self, batch: list[Waiting], refused: list[_Refusal]) -> None:
        answer = self._upload(batch)
        if isinstance(answer, Settled):
            self._outbox.settle(answer.receipts, answer.checkpoint.size)
            verdicts = Counter(receipt.verdict for receipt in answer.receipts)
            _log.info("settled", log_size=answer.checkpoint.size, verdicts=dict(verdicts))
            if answer.problems:
                raise SyncError(f"the ledger node's receipts are not proven: {answer.problems[0]}")
        elif len(batch) == 1:
            refused.append(_Refusal(batch[0], answer.sentence()))
        else:
            middle = len(batch) // 2
            self._deliver(batch[:middle], refused)
            self._deliver(batch[middle:], refused)

    def _upload(self, batch: list[Waiting]) -> Settled | Problem:
        """What is proven, or the refusal of a batch that may be at fault itself."""
        for _ in range(_TRIES):
            known, asked = self._trail.known(), self._trail.trust
            answer = self._client.upload(batch, known.size)
            if isinstance(answer, Problem) and answer.status in _BATCH_AT_FAULT:
                return answer
            device = self._client.identity.device
            uploaded = granted(answer)
            trust = self._trail.learn(asked, uploaded.log_keys)
            settled = proven(settle(trust, known, device, batch, uploaded), "answer to an upload")
            if self._trail.take(known, settled.checkpoint, trust):
                return settled
        raise SyncError("the log moves on faster than it can be verified; it is tried again")

    def _set_aside(self, refused: list[_Refusal]) -> None:
        if refused:
            receipts = [Receipt(one.record.counter, "rejected", None, None, one.reason) for one in refused]
            self._outbox.settle(receipts, self._trail.known().size)
