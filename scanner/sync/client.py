"""The ledger node's API, as a gate uses it: one method a request, each answer a value that the node signed.

The node's word only: whether receipts, changes and snapshots are also proven by the log is for reconcile to say.
Raises SyncError when no good answer came; refusals of the node are values (Problem, Revoked). Any thread may call.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from scanner.clock import ClockReading, TimeSample
from scanner.errors import SyncError
from scanner.ports import Waiting
from scanner.sync.answers import (
    Answer,
    ChangesAnswer,
    Heard,
    NodeTime,
    Problem,
    RecallAnswer,
    RecordAnswer,
    RevocationAnswer,
    Revoked,
    StateAnswer,
    Uploaded,
)
from scanner.sync.line import Limits
from scanner.sync.signed import JSON, Opened, Question, SignedLines, Signer, Timeouts, WrongClock, refusal
from scanner.verify.entry import Malformed, canonical
from scanner.verify.keys import SigningKey

CBOR, OCTETS = "application/cbor", "application/octet-stream"
MOST_ANSWER = 8 << 20
MOST_SNAPSHOT = 1 << 30
SLOWEST_SNAPSHOT = 4096.0
"""Bytes a second."""

A = TypeVar("A", bound=Answer)
Progress = Callable[[int], None]
"""Called with the bytes so far."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks whom: the device with its key, the event it serves, and the one node whose word counts."""

    device: str
    key: SigningKey
    event: str
    node_key: bytes


class NodeClient:
    """See the module. `now` is the gate's clock, `nonce` draws a random text, `on_time` is given the node's time;
    `quorum` is how many witnesses must have cosigned what the node shows: it then shows nothing newer.
    """

    def __init__(
        self,
        base_url: str,
        identity: Identity,
        now: Callable[[], ClockReading],
        nonce: Callable[[], str],
        on_time: Callable[[TimeSample], None] | None = None,
        *,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        ca: str | None = None,
        quorum: int = 0,
    ) -> None:
        self.identity, self.now = identity, now
        self._cosigned = f"cosigned={quorum}"
        self._timeouts = timeouts
        self._lines = SignedLines(base_url, Signer(identity.key, now, nonce), identity.node_key, timeouts, ca, on_time)
        self._event = f"/v1/events/{quote(identity.event, safe='')}"

    def close(self) -> None:
        """Hang up on everything; what is waiting for an answer gets SyncError."""
        self._lines.close()

    def time(self) -> NodeTime | Problem | Revoked:
        """The node's clock; `on_time` hears of it too."""
        return self._ask(NodeTime, self._question("GET", "/v1/time"))

    def newer(self, checkpoint: str, log_keys: str, queue: int) -> Heard | Problem | Revoked:
        """Show the node the newest checkpoint of its log that was verified here: it may have lost what that is of.
        `queue`: how many records wait here.
        """
        body = json.dumps({"checkpoint": checkpoint, "log_keys": log_keys, "queue": queue}).encode()
        limits = Limits(self._timeouts.total, self._timeouts.silence, MOST_ANSWER)
        return self._ask(Heard, Question("POST", f"/v1/newer?{self._cosigned}", limits, body, JSON))

    def claim(self, record: Waiting, verified: int = 0) -> RecordAnswer | Problem | Revoked:
        """Compare-and-swap of one admission, which a node whose log is shorter than `verified` refuses. Not bounded by
        a gate's patience: see claims.ClaimDesk.
        """
        limits = Limits(self._timeouts.claim, self._timeouts.claim, MOST_ANSWER)
        target = f"{self._event}/claims?from={verified}"
        answer = self._ask(RecordAnswer, Question("POST", target, limits, record.raw, CBOR))
        ours = (self.identity.device, record.counter)
        if isinstance(answer, RecordAnswer) and (answer.device, answer.counter) != ours:
            raise SyncError(f"asked about record {record.counter}, answered about {answer.counter} of {answer.device}")
        return answer

    def upload(self, records: Sequence[Waiting], verified: int) -> Uploaded | Problem | Revoked:
        """Records up, receipts with proofs down; `verified` is the log size from which consistency is to be shown."""
        body = canonical({"records": [record.raw for record in records]})
        target = f"{self._event}/admissions?proofs=1&from={verified}&{self._cosigned}"
        return self._ask(Uploaded, self._question("POST", target, body))

    def changes(self, start: int, verified: int, wait: int, queue: int = 0) -> ChangesAnswer | Problem | Revoked:
        """What changed since size `start`; the node may take `wait` seconds until there is something.

        `queue` is for the node's operator: how many records wait here.
        """
        target = f"{self._event}/changes?from={start}&verified={verified}&wait={wait}&queue={queue}&{self._cosigned}"
        return self._ask(ChangesAnswer, self._question("GET", target, wait=wait))

    def revocation(self, verified: int) -> RevocationAnswer | Problem | Revoked:
        """The entry that revoked this device, with its proof; `verified` as for uploads."""
        target = f"{self._event}/revocation?from={verified}&{self._cosigned}"
        return self._ask(RevocationAnswer, self._question("GET", target))

    def recalls(self, given: Sequence[int], kept: Sequence[int], wait: int) -> RecallAnswer | Problem | Revoked:
        """Say which tickets' uses were given up and which were not; the node answers when it calls others back, or with
        none after `wait` seconds.
        """
        body = json.dumps({"given": list(given), "kept": list(kept)}).encode()
        limits = Limits(self._timeouts.total + wait, self._timeouts.silence + wait, MOST_ANSWER)
        return self._ask(RecallAnswer, Question("POST", f"{self._event}/recalls?wait={wait}", limits, body, JSON))

    def state(self) -> StateAnswer | Problem | Revoked:
        """What the log's witnesses state of the tickets, at the newest size of which enough of them do."""
        return self._ask(StateAnswer, self._question("GET", f"{self._event}/state?{self._cosigned}"))

    def download_snapshot(self, path: Path, progress: Progress | None = None) -> Problem | Revoked | None:
        """The snapshot as the node signed it, written to `path`, whole or not at all; not fsynced, not looked into."""
        return self._lines.in_time(lambda at: self._download(path, at, progress))

    def _download(self, path: Path, at: float, progress: Progress | None) -> Problem | Revoked | WrongClock | None:
        limits = Limits(self._timeouts.snapshot, self._timeouts.silence, MOST_SNAPSHOT, SLOWEST_SNAPSHOT)
        with self._lines.open(Question("GET", f"{self._event}/snapshot?{self._cosigned}", limits), at) as opened:
            if (opened.status, opened.content_type) != (200, OCTETS):
                return refusal(opened, opened.whole())
            try:
                _save(path, opened, progress)
            except BaseException:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                raise
        return None

    def _question(self, method: str, target: str, body: bytes = b"", *, wait: float = 0.0) -> Question:
        limits = Limits(self._timeouts.total + wait, self._timeouts.silence + wait, MOST_ANSWER)
        return Question(method, target, limits, body, CBOR if body else "")

    def _ask(self, kind: type[A], question: Question) -> A | Problem | Revoked:
        answer = self._lines.ask(question)
        if not isinstance(answer, bytes):
            return answer
        value = kind.parse(answer)
        if isinstance(value, Malformed):
            raise SyncError(f"the ledger node's answer to {question.target} is malformed ({value.reason}): update both")
        return value


def _save(path: Path, opened: Opened, progress: Progress | None) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("wb") as file:
            for chunk in opened.chunks:
                digest.update(chunk)
                size += file.write(chunk)
                if progress:
                    progress(size)
    except OSError as error:
        raise SyncError(f"the snapshot cannot be written to {path} ({error}): check the disk") from error
    if digest.digest() != opened.digest:
        raise SyncError(f"the snapshot is damaged after {size} bytes: it is not what the ledger node signed")
