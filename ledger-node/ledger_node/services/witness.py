"""A witness of other organisations' logs: sees that each only grows and keeps its rules, and cosigns what it has seen.

Hands each request to the log that it is about; what is checked there, and in which order, is `watch`'s. Waiting, HTTP
and schedules are not here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger_node.log.tiles import TilePath
from ledger_node.services.evidence import Evidence
from ledger_node.services.replica import Progress, Replica
from ledger_node.services.watch import Cosigned, Refused, Watch, WatchedLog
from ledger_node.services.witness_memory import Memory, Seen, short_name
from scanner.verify.checkpoint import COSIGNATURE, Checkpoint, VerifierKey, cosign, parse_checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey
from scanner.verify.statement import sign_statement


@dataclass(frozen=True, slots=True)
class Standing:
    """How a log stands with this witness. `problem` is why nothing newer is signed, empty if nothing is wrong;
    `log_keys` is the newest version that was seen of the list of its keys.
    """

    origin: str
    short_name: str
    seen: Seen
    problem: str
    evidence: int
    log_keys: int


class Witness:
    """See the module. Any thread may call; requests about one log wait for each other. `now` in unix seconds."""

    def __init__(
        self, home: Path, name: str, key: SigningKey, logs: Sequence[WatchedLog], now: Callable[[], int]
    ) -> None:
        self.key = VerifierKey(name, key.public, COSIGNATURE)
        self._signing, self._now = key, now
        self._memory = Memory(home)
        self._watches: dict[str, Watch] = {}
        try:
            for log in logs:
                folder = home / "logs" / short_name(log.origin)
                self._watches[log.origin] = Watch(log, Replica(folder, log.key), self._memory, self._sign, now)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the files back."""
        for watch in self._watches.values():
            watch.close()
        self._memory.close()

    @property
    def origins(self) -> tuple[str, ...]:
        """The logs that are watched."""
        return tuple(self._watches)

    def add_checkpoint(self, text: str, old: int, proof: Sequence[bytes]) -> Cosigned | Refused:
        """C2SP tlog-witness: sign this checkpoint, which `proof` connects with the one of size `old`."""
        shape = parse_checkpoint(text)
        if isinstance(shape, Malformed):
            return Refused(400, shape.reason)
        watch = self._watches.get(shape.origin)
        return watch.add(text, old, proof) if watch else Refused(404, f"{shape.origin} is not watched here")

    def follow(self, origin: str, progress: Progress = lambda _done, _all: None) -> Cosigned | Refused:
        """Look at what the log itself shows now, its state digests too, and sign it if it is good."""
        return self._watches[origin].follow(progress)

    def standing(self, origin: str) -> Standing:
        """How the log stands."""
        watch = self._watches[origin]
        found = len(self._memory.evidence(origin))
        return Standing(origin, short_name(origin), self._memory.seen(origin), watch.problem, found, watch.log_keys)

    def origin_of(self, short: str) -> str | None:
        """The origin of the log whose short name this is, or None."""
        return next((origin for origin in self._watches if short_name(origin) == short), None)

    def cosigned(self, origin: str) -> str:
        """The newest signed checkpoint with this witness's cosignature; empty before the first."""
        seen = self._memory.seen(origin)
        checkpoint = parse_checkpoint(seen.note)
        return "" if isinstance(checkpoint, Malformed) else seen.note + self._sign(checkpoint, seen.at)

    def tile(self, origin: str, path: TilePath) -> bytes | None:
        """What stands at a C2SP tile path of the log as it was replayed here; None if it is not that long."""
        return self._watches[origin].tile(path)

    def log_keys(self, origin: str) -> str:
        """The newest list of the log's keys that was seen; empty before the first."""
        return self._watches[origin].log_keys_note

    def evidence(self, origin: str) -> list[Evidence]:
        """What was found against the log."""
        return self._memory.evidence(origin)

    def statement(self, origin: str, size: int | None = None) -> str | Refused:
        """The witness's own signed statement of the log's state, at the newest size that it replayed. With `size`, of
        that size or none.
        """
        state = self._watches[origin].state(size)
        return state if isinstance(state, Refused) else sign_statement(state, self.key, self._signing)

    def _sign(self, checkpoint: Checkpoint, at: int) -> str:
        return cosign(checkpoint, self.key.name, self._signing, at).line()
