"""Collects cosignatures of our checkpoints from witnesses, in the background: nothing that a gate asks waits for it.

One thread picks a size and asks every witness about it, each on a thread of its own, so that a quorum is had at one
size. A witness that is away is asked again later and holds nobody up. What was collected is kept in memory only: after
a restart it is asked for again. One exchange with one witness is witness_peer's.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import structlog

from ledger_node.log.ledger import Ledger, LedgerFault, Shown, View
from ledger_node.log.port import Head
from ledger_node.services.errors import ServiceError
from ledger_node.services.witness_peer import WitnessAddress, WitnessPeer, witness_of

__all__ = ["Cosigned", "Cosigning", "WitnessAddress", "witness_of"]
PATIENCE = 1.0
"""Seconds that a round waits for its witnesses; a slower one is heard when it answers."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries with a witness that is away."""
_GATHER = 0.02
_KEPT = 64
_TRIES = 3
log = structlog.get_logger("witnesses")


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint with the cosignatures that were good when they came."""

    head: Head
    shown: Shown
    count: int


@dataclass(slots=True)
class _Round:
    head: Head
    lines: dict[str, str] = field(default_factory=dict)
    over: bool = False


class Cosigning:
    """See the module. Any thread may call."""

    def __init__(self, ledger: Ledger, witnesses: Sequence[WitnessAddress]) -> None:
        self._ledger = ledger
        self._peers = [WitnessPeer(witness) for witness in witnesses]
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
        return self._cosigned(over[-1]).shown.checkpoint if over else self._ledger.checkpoint()

    def willing(self) -> int:
        """How many witnesses signed when all had their chance last."""
        with self._changed:
            return next((len(made.lines) for made in reversed(self._rounds.values()) if made.over), 0)

    def best(self, quorum: int) -> Cosigned | None:
        """The newest checkpoint with at least `quorum` cosignatures, of those kept."""
        with self._changed:
            return self._best(quorum)

    def newest(self, quorum: int) -> Cosigned:
        """`best`. Raises ServiceError "not-cosigned" if there is none: nobody waits here for a witness."""
        self.require(quorum)
        best = self.best(quorum)
        if best is None:
            raise self.not_cosigned(quorum)
        return best

    def wait_beyond(self, quorum: int, size: int, timeout: float) -> Cosigned | None:
        """`best`, after waiting until it is larger than `size` or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._reaches(quorum, size), timeout)
            return self._best(quorum)

    @contextmanager
    def witnessed_view(self, quorum: int, timeout: float = 5.0) -> Iterator[tuple[View, Shown]]:
        """A view of the ledger at a size that is cosigned, and its checkpoint. Raises ServiceError "not-cosigned"."""
        self.require(quorum)
        for _ in range(_TRIES):
            with self._ledger.view() as view:
                shown = self._cosigned_now(view.head, quorum, timeout / _TRIES)
                if shown:
                    yield view, shown
                    return
        raise self.not_cosigned(quorum)

    def require(self, quorum: int) -> None:
        """Raises ServiceError "not-cosigned" if so many witnesses are not even asked."""
        if quorum > len(self._peers):
            raise self.not_cosigned(quorum, 409)

    def not_cosigned(self, quorum: int, status: int = 503) -> ServiceError:
        """What to tell somebody who wants more cosignatures than there are: now, or (409) ever."""
        why = "; ".join(f"{name}: {problem}" for name, problem in self.problems().items())
        asked = f"this node asks {len(self._peers)} witnesses" + (f" ({why})" if why else "")
        return ServiceError(
            "not-cosigned",
            f"no checkpoint of this log has {quorum} cosignatures now: {asked}; tell its operator",
            status,
        )

    def _cosigned_now(self, head: Head, quorum: int, timeout: float) -> Shown | None:
        """The checkpoint of exactly this head with enough cosignatures, for which the witnesses are asked next."""
        with self._changed:
            self._wanted.append(head)
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._stopped or self._lines(head.size) >= quorum or self._newest() > head.size, timeout
            )
            enough = self._lines(head.size) >= quorum
            return self._cosigned(self._rounds[head.size]).shown if enough else None

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
                return self._cosigned(made)
        return None

    def _cosigned(self, made: _Round) -> Cosigned:
        """Signed anew with the keys of now: what witnesses sign are size and root, not the log's signature."""
        shown = self._ledger.show(made.head)
        note = shown.checkpoint + "".join(made.lines.values())
        return Cosigned(made.head, replace(shown, checkpoint=note), len(made.lines))

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
        behind = (
            any(peer.address.key.encode() not in self._rounds[newest].lines for peer in ready) if newest >= 0 else True
        )
        return self._stopped or bool(self._wanted) or self._ledger.size > newest or (bool(ready) and behind)

    def _ready(self, peer: WitnessPeer) -> bool:
        return not peer.busy and time.monotonic() >= peer.again_at

    def _round(self, wanted: Head | None) -> None:
        """Ask everybody who is ready about one size: the one that is wanted, or the newest."""
        with self._ledger.view() as view:
            head = wanted or view.head
            made = self._open_round(head)
            asked: list[Future[None]] = []
            for peer in self._peers:
                if self._ready(peer) and peer.address.key.encode() not in made.lines:
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
                made = self._rounds[head.size] = _Round(head)
                if len(self._rounds) > _KEPT:
                    self._rounds.popitem(last=False)
            return made

    def _ask(self, peer: WitnessPeer, made: _Round) -> None:
        try:
            line = peer.ask(self._ledger, made.head, self._ledger.show(made.head).checkpoint)
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
                made.lines[peer.address.key.encode()] = line
            self._changed.notify_all()
