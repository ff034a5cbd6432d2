"""Collects cosignatures of our checkpoints from witnesses, in the background: nothing that a gate asks waits for it.

One thread picks a size and asks every witness about it, each on a thread of its own, so that a quorum is had at one
size. A witness that is away is asked again later and holds nobody up. What was collected is kept in memory only: after
a restart it is asked for again. One exchange with one witness is witness_peer's.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace

import structlog

from ledger_node.log.ledger import Ledger, LedgerFault, Shown, View
from ledger_node.log.port import Head
from ledger_node.services.errors import ServiceError
from ledger_node.services.witness_peer import AheadError, WitnessAddress, WitnessPeer, witness_of
from ledger_node.services.witness_round import Cosigned, Round, Stated, Want

__all__ = ["Cosigned", "Cosigning", "Stated", "WitnessAddress", "witness_of"]
SIGNED_WITHIN = 5.0
"""Seconds that a snapshot or an export waits for cosignatures of its size."""
STATED_WITHIN = 20.0
"""Seconds that a snapshot waits for witnesses that signed to state its tickets, too; a big state takes them a while."""
PATIENCE = 1.0
"""Seconds that a round waits for its witnesses; a slower one is heard when it answers."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries with a witness that is away."""
AHEAD_WITHIN = 2.0
"""Seconds, at a start, for witnesses to say how long our log was."""
_GATHER = 0.02
_KEPT = 64
_TRIES = 3
log = structlog.get_logger("witnesses")


class Cosigning:
    """See the module. Any thread may call."""

    def __init__(self, ledger: Ledger, witnesses: Sequence[WitnessAddress], show: Callable[[str, str], object]) -> None:
        """`show` is given each checkpoint of ours that a witness has and we may not, and the witness's name."""
        self._ledger, self._show = ledger, show
        self._peers = [WitnessPeer(witness) for witness in witnesses]
        self._rounds: OrderedDict[int, Round] = OrderedDict()
        self._changed = threading.Condition()
        self._wanted: list[Want] = []
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

    def look_ahead(self) -> None:
        """Ask every witness which of our checkpoints it signed last, for a moment: before a node that may have been
        put back from an old copy takes anything. One that is away is heard when it signs again.
        """
        wait([self._pool.submit(self._hear_newest, peer, AHEAD_WITHIN) for peer in self._peers], AHEAD_WITHIN)

    @property
    def addresses(self) -> tuple[WitnessAddress, ...]:
        """Whom this node asks."""
        return tuple(peer.address for peer in self._peers)

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
    def witnessed_view(self, quorum: int) -> Iterator[tuple[View, Shown]]:
        """A view of the ledger at a size that is cosigned, and its checkpoint. Raises ServiceError "not-cosigned"."""
        self.require(quorum)
        for _ in range(_TRIES):
            with self._ledger.view() as view:
                made = self._wait_for(Want(view.head, stating=False), quorum, SIGNED_WITHIN / _TRIES)
                if len(made.lines) >= quorum:
                    yield view, self._cosigned(made).shown
                    return
        raise self.not_cosigned(quorum)

    @contextmanager
    def stated_view(self, quorum: int) -> Iterator[tuple[View, Stated]]:
        """A view of the ledger at a size that is cosigned, and whose tickets that many witnesses state. What they state
        of another size is of no use to whoever has the rows of this one. Raises ServiceError "not-cosigned".
        """
        self.require(quorum)
        made = Round(Head(0, b""))
        for _ in range(_TRIES):
            with self._ledger.view() as view:
                made = self._wait_for(Want(view.head, stating=True), quorum, SIGNED_WITHIN / _TRIES)
                if min(len(made.lines), len(made.statements)) >= quorum:
                    yield view, Stated(self._cosigned(made).shown, tuple(made.statements.values()))
                    return
        raise self.not_cosigned(quorum) if len(made.lines) < quorum else self._not_stated(quorum, len(made.statements))

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

    def _not_stated(self, quorum: int, count: int) -> ServiceError:
        why = "; ".join(f"{name}: {problem}" for name, problem in self.problems().items())
        return ServiceError(
            "not-cosigned",
            f"{count} of {len(self._peers)} witnesses state the tickets at one size now, {quorum} must ({why}): it is"
            " tried again; witnesses that only cosign, and replay nothing, do not count for a snapshot",
            503,
        )

    def _wait_for(self, want: Want, quorum: int, timeout: float) -> Round:
        """What came of asking the witnesses about exactly this head next: enough, or all that will come."""
        empty = Round(want.head)

        def found() -> Round:
            return self._rounds.get(want.head.size, empty)

        def enough() -> bool:
            made = found()
            return len(made.lines) >= quorum and (not want.stating or len(made.statements) >= quorum)

        def settled() -> bool:
            made = found()
            left_behind = want.dropped or (made.over and self._newest() > want.head.size)
            heard = made.stating and not any(made.lacks(peer.address.key.encode()) for peer in self._peers)
            return self._stopped or enough() or (not made.asking and (left_behind or heard))

        with self._changed:
            self._wanted.append(want)
            self._changed.notify_all()
            self._changed.wait_for(lambda: settled() or len(found().lines) >= quorum, timeout)
            if len(found().lines) >= quorum:
                self._changed.wait_for(settled, STATED_WITHIN if want.stating else 0.0)
            if want in self._wanted:
                self._wanted.remove(want)
            made = found()
            return replace(made, lines=dict(made.lines), statements=dict(made.statements))

    def _newest(self) -> int:
        return next(reversed(self._rounds), -1)

    def _reaches(self, quorum: int, size: int) -> bool:
        best = self._best(quorum)
        return best is not None and best.head.size > size

    def _best(self, quorum: int) -> Cosigned | None:
        for made in reversed(self._rounds.values()):
            if len(made.lines) >= quorum:
                return self._cosigned(made)
        return None

    def _cosigned(self, made: Round) -> Cosigned:
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
                wanted = self._next_wanted()
            try:
                self._round(wanted)
            except (LedgerFault, OSError) as error:
                log.warning("round", problem=str(error))
                time.sleep(PATIENCE)
            time.sleep(_GATHER)

    def _next_wanted(self) -> list[Want]:
        """Those who wait for the newest head that is waited for. The others are told to ask again with a newer view,
        because a witness signs no older size after a newer one.
        """
        newest = max([self._newest(), *(want.head.size for want in self._wanted)])
        picked = [want for want in self._wanted if want.head.size == newest]
        for want in self._wanted:
            want.dropped = want not in picked
        self._wanted.clear()
        self._changed.notify_all()
        return picked

    def _due(self) -> bool:
        """Whether there is a size to ask about, or a witness to ask again."""
        newest = self._newest()
        ready = [peer for peer in self._peers if self._ready(peer)]
        behind = any(self._rounds[newest].lacks(peer.address.key.encode()) for peer in ready) if newest >= 0 else True
        return self._stopped or bool(self._wanted) or self._ledger.size > newest or (bool(ready) and behind)

    def _ready(self, peer: WitnessPeer) -> bool:
        return not peer.busy and time.monotonic() >= peer.again_at

    def _round(self, wanted: list[Want]) -> None:
        """Ask everybody who is ready about one size: the one that is wanted, or the newest."""
        with self._ledger.view() as view:
            made = self._open_round(wanted[0].head if wanted else view.head)
        with self._changed:
            if any(want.stating for want in wanted):
                made.stating = True
                made.silent.clear()
            asked = [peer for peer in self._peers if self._ready(peer) and made.lacks(peer.address.key.encode())]
            for peer in asked:
                peer.busy = True
            made.asking += len(asked)
        wait([self._pool.submit(self._ask, peer, made) for peer in asked], PATIENCE)
        with self._changed:
            made.over = True
            self._changed.notify_all()

    def _open_round(self, head: Head) -> Round:
        with self._changed:
            made = self._rounds.get(head.size)
            if made is None:
                made = self._rounds[head.size] = Round(head)
                if len(self._rounds) > _KEPT:
                    self._rounds.popitem(last=False)
            return made

    def _ask(self, peer: WitnessPeer, made: Round) -> None:
        key, line = peer.address.key.encode(), ""
        try:
            line = made.lines.get(key) or peer.ask(self._ledger, made.head, self._ledger.show(made.head).checkpoint)
            peer.pause, peer.again_at, peer.problem = 0.0, 0.0, ""
        except Exception as error:  # noqa: BLE001 - whatever a witness answers, the others are asked on
            peer.pause = min(LONGEST_PAUSE, max(0.5, 2 * peer.pause))
            peer.again_at = time.monotonic() + peer.pause
            if peer.problem != str(error):
                log.warning("not cosigned", witness=peer.address.key.name, problem=str(error), size=made.head.size)
            peer.problem = str(error)
            if isinstance(error, AheadError):
                self._hear_newest(peer, AHEAD_WITHIN)
        with self._changed:
            if line:
                made.lines[key] = line
            self._changed.notify_all()
        if line and made.stating:
            self._hear_state(peer, made)
        with self._changed:
            peer.busy = False
            made.asking -= 1
            self._changed.notify_all()

    def _hear_newest(self, peer: WitnessPeer, timeout: float) -> None:
        """What the witness signed last, shown to this node if it has less."""
        try:
            if note := peer.newest(self._ledger.origin, timeout):
                self._show(note, f"witness {peer.address.key.name}")
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("not heard", witness=peer.address.key.name, problem=str(error))

    def _hear_state(self, peer: WitnessPeer, made: Round) -> None:
        """What the witness states of the size that it has just signed; it is asked nothing newer before it said."""
        key, said = peer.address.key.encode(), ""
        try:
            said = peer.state(self._ledger.origin, made.head)
        except Exception as error:  # noqa: BLE001 - as above; a cosignature is good without a statement, too
            log.warning("not stated", witness=peer.address.key.name, problem=str(error), size=made.head.size)
            peer.problem = str(error)
        with self._changed:
            if said:
                made.statements[key] = said
            else:
                made.silent.add(key)
