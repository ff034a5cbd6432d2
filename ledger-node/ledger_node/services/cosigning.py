"""Collects cosignatures of our checkpoints from witnesses, in the background: nothing that a gate asks waits for it.

One thread picks a size and asks every witness about it, each on a thread of its own, so that a quorum is had at one
size. A witness that is away is asked again later and holds nobody up. What was collected is kept in memory only: after
a restart it is asked for again.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from ledger_node.adapters.witness_client import Lines, OtherSize, WitnessError, ask_witness
from ledger_node.log.ledger import Ledger, LedgerFault, View
from ledger_node.log.port import Head
from ledger_node.log.witness_protocol import AddCheckpoint
from ledger_node.services.errors import ServiceError
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey, cosigned_at, parse_checkpoint
from scanner.verify.entry import Malformed

PATIENCE = 1.0
"""Seconds that a round waits for its witnesses; a slower one is heard when it answers."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries with a witness that is away."""
_GATHER = 0.02
_KEPT = 64
_TRIES = 3
log = structlog.get_logger("witnesses")


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """A witness: where it takes checkpoints, and the key that it signs with."""

    url: str
    key: VerifierKey


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint with the cosignatures that were good when they came."""

    head: Head
    note: str
    count: int


@dataclass(slots=True)
class _Peer:
    """What is known of one witness: the size that it signed last, and when to ask again after a failure."""

    address: WitnessAddress
    signed: int = 0
    pause: float = 0.0
    again_at: float = 0.0
    problem: str = ""
    busy: bool = False


@dataclass(slots=True)
class _Round:
    head: Head
    note: str
    lines: dict[str, str] = field(default_factory=dict)
    over: bool = False


def witness_of(text: str) -> WitnessAddress:
    """From `URL,VKEY`. Raises ServiceError that says what is wrong."""
    url, _, vkey = text.partition(",")
    key = VerifierKey.parse(vkey)
    if not url.startswith(("http://", "https://")):
        raise ServiceError("witness", f"{text!r} is not URL,VKEY with a URL of http:// or https://")
    if isinstance(key, Malformed) or key.type != COSIGNATURE:
        why = key.reason if isinstance(key, Malformed) else "it is a log's key"
        raise ServiceError("witness", f"{vkey!r} is no witness's key ({why}): ask the witness for it (GET {url})")
    return WitnessAddress(url, key)


class Cosigning:
    """See the module. Any thread may call."""

    def __init__(self, ledger: Ledger, witnesses: Sequence[WitnessAddress]) -> None:
        self._ledger = ledger
        self._peers = [_Peer(witness) for witness in witnesses]
        self._rounds: OrderedDict[int, _Round] = OrderedDict()
        self._changed = threading.Condition()
        self._wanted: list[Head] = []
        self._stopped = False
        self._pool = ThreadPoolExecutor(max(1, len(self._peers)), "witness")
        self._thread = threading.Thread(target=self._run, name="cosigning", daemon=True)
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to ask, if there is anybody to be asked."""
        if self._peers:
            self._unsubscribe = self._ledger.subscribe(lambda _size: self._wake())
            self._thread.start()

    def close(self) -> None:
        """Stop; answers that are still under way are waited for."""
        self._unsubscribe()
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        self._pool.shutdown()

    @property
    def witnesses(self) -> int:
        """How many are asked."""
        return len(self._peers)

    def problems(self) -> dict[str, str]:
        """By witness, why it did not sign when it was last asked."""
        return {peer.address.key.name: peer.problem for peer in self._peers if peer.problem}

    def published(self) -> str:
        """The checkpoint to show: of the newest size that every witness had its chance at, with what they signed."""
        with self._changed:
            over = [made for made in self._rounds.values() if made.over]
        return _text(over[-1]).note if over else self._ledger.checkpoint()

    def willing(self) -> int:
        """How many witnesses signed when all had their chance last."""
        with self._changed:
            return next((len(made.lines) for made in reversed(self._rounds.values()) if made.over), 0)

    def best(self, quorum: int) -> Cosigned | None:
        """The newest checkpoint with at least `quorum` cosignatures, of those kept."""
        with self._changed:
            return self._best(quorum)

    def wait_beyond(self, quorum: int, size: int, timeout: float) -> Cosigned | None:
        """`best`, after waiting until it is larger than `size` or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._reaches(quorum, size), timeout)
            return self._best(quorum)

    @contextmanager
    def witnessed_view(self, quorum: int, timeout: float = 5.0) -> Iterator[tuple[View, str]]:
        """A view of the ledger at a size that is cosigned, and its checkpoint. Raises ServiceError "not-cosigned"."""
        self.require(quorum)
        for _ in range(_TRIES):
            with self._ledger.view() as view:
                note = self._cosigned_now(view.head, quorum, timeout / _TRIES)
                if note:
                    yield view, note
                    return
        raise self.not_cosigned(quorum)

    def require(self, quorum: int) -> None:
        """Raises ServiceError "not-cosigned" if so many witnesses are not even asked."""
        if quorum > len(self._peers):
            raise self.not_cosigned(quorum)

    def not_cosigned(self, quorum: int) -> ServiceError:
        """What to tell somebody who wants more cosignatures than there are."""
        why = "; ".join(f"{name}: {problem}" for name, problem in self.problems().items())
        asked = f"this node asks {len(self._peers)} witnesses" + (f" ({why})" if why else "")
        return ServiceError(
            "not-cosigned", f"no checkpoint of this log has {quorum} cosignatures now: {asked}; tell its operator", 503
        )

    def _cosigned_now(self, head: Head, quorum: int, timeout: float) -> str:
        """The note of exactly this head with enough cosignatures, for which the witnesses are asked next."""
        with self._changed:
            self._wanted.append(head)
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._stopped or self._lines(head.size) >= quorum or self._newest() > head.size, timeout
            )
            enough = self._lines(head.size) >= quorum
            return _text(self._rounds[head.size]).note if enough else ""

    def _newest(self) -> int:
        return next(reversed(self._rounds), -1)

    def _lines(self, size: int) -> int:
        made = self._rounds.get(size)
        return len(made.lines) if made else -1

    def _reaches(self, quorum: int, size: int) -> bool:
        best = self._best(quorum)
        return best is not None and best.head.size > size

    def _best(self, quorum: int) -> Cosigned | None:
        for made in reversed(self._rounds.values()):
            if len(made.lines) >= quorum:
                return _text(made)
        return None

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._due, timeout=1.0)
                if self._stopped:
                    return
                if not self._due():
                    continue
                # A witness never signs an older size after a newer one; whoever wants one asks again with a newer view.
                wanted = max(self._wanted, key=lambda head: head.size, default=None)
                self._wanted.clear()
                if wanted and wanted.size < self._newest():
                    continue
            try:
                self._round(wanted)
            except (LedgerFault, OSError) as error:
                log.warning("round", problem=str(error))
                time.sleep(PATIENCE)
            time.sleep(_GATHER)

    def _due(self) -> bool:
        """Whether there is a size to ask about, or a witness to ask again."""
        newest = self._newest()
        ready = [peer for peer in self._peers if self._ready(peer)]
        behind = any(peer.address.key.name not in self._rounds[newest].lines for peer in ready) if newest >= 0 else True
        return self._stopped or bool(self._wanted) or self._ledger.size > newest or (bool(ready) and behind)

    def _ready(self, peer: _Peer) -> bool:
        return not peer.busy and time.monotonic() >= peer.again_at

    def _round(self, wanted: Head | None) -> None:
        """Ask everybody who is ready about one size: the one that is wanted, or the newest."""
        with self._ledger.view() as view:
            head = wanted or view.head
            made = self._open_round(head)
            asked: list[Future[None]] = []
            for peer in self._peers:
                if self._ready(peer) and peer.address.key.name not in made.lines:
                    peer.busy = True
                    asked.append(self._pool.submit(self._ask, peer, made))
        wait(asked, PATIENCE)
        with self._changed:
            made.over = True
            self._changed.notify_all()

    def _open_round(self, head: Head) -> _Round:
        with self._changed:
            made = self._rounds.get(head.size)
            if made is None:
                made = self._rounds[head.size] = _Round(head, self._ledger.sign(head))
                if len(self._rounds) > _KEPT:
                    self._rounds.popitem(last=False)
            return made

    def _ask(self, peer: _Peer, made: _Round) -> None:
        try:
            line = self._signature(peer, made)
            peer.pause, peer.again_at, peer.problem = 0.0, 0.0, ""
        except Exception as error:  # noqa: BLE001 - whatever a witness answers, the others are asked on
            peer.pause = min(LONGEST_PAUSE, max(0.5, 2 * peer.pause))
            peer.again_at = time.monotonic() + peer.pause
            if peer.problem != str(error):
                log.warning("not cosigned", witness=peer.address.key.name, problem=str(error), size=made.head.size)
            peer.problem = str(error)
            line = ""
        with self._changed:
            peer.busy = False
            if line:
                made.lines[peer.address.key.name] = line
            self._changed.notify_all()

    def _signature(self, peer: _Peer, made: _Round) -> str:
        """The witness's good cosignature line, asked for with a proof from the size that it signed last."""
        for _ in range(_TRIES):
            if peer.signed > made.head.size:
                raise WitnessError(f"it has signed size {peer.signed} already, which is newer than {made.head.size}")
            with self._ledger.view() as view:
                proof = tuple(view.consistency(peer.signed, made.head.size))
            answer = ask_witness(peer.address.url, AddCheckpoint(peer.signed, proof, made.note))
            if isinstance(answer, Lines):
                peer.signed = made.head.size
                return _good_line(answer.text, made.note, peer.address.key)
            self._believe(peer, answer)
        raise WitnessError("it contradicts itself about the size that it signed last")

    def _believe(self, peer: _Peer, answer: OtherSize) -> None:
        """Start from the size that the witness names, unless that is what it was told already."""
        if answer.size == peer.signed:
            raise WitnessError(
                f"it says that it has seen another log of size {answer.size}: compare the two checkpoints"
            )
        if answer.size > self._ledger.size:
            raise WitnessError(
                f"it has seen size {answer.size}, we have {self._ledger.size}: was this node restored from a backup?"
            )
        peer.signed = answer.size


def _good_line(text: str, note: str, key: VerifierKey) -> str:
    """The first line in the answer that is `key`'s good cosignature of this checkpoint."""
    for line in text.split("\n"):
        checkpoint = parse_checkpoint(f"{note}{line}\n")
        if line and not isinstance(checkpoint, Malformed) and cosigned_at(checkpoint, key) is not None:
            return f"{line}\n"
    raise WitnessError(f"it answered no good cosignature of {key.name}: is that its key?")


def _text(made: _Round) -> Cosigned:
    return Cosigned(made.head, made.note + "".join(made.lines.values()), len(made.lines))
