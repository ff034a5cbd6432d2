"""One peer as this gate reaches it: a thread that says what is new, hears what is new there, and never gives up.

Both directions ride on one exchange, so it is enough that one of two gates can connect to the other. What is said and
what it means is peer_desk's.
"""

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from scanner.clock import TimeSample
from scanner.errors import GateError, SyncError
from scanner.sync.address import address_fault
from scanner.sync.answers import Problem, Revoked
from scanner.sync.backoff import Backoff
from scanner.sync.line import Limits
from scanner.sync.peer_desk import PeerDesk
from scanner.sync.peer_message import MOST_BODY, PATH, Message
from scanner.sync.signed import JSON, Question, SignedLines, Signer, Timeouts
from scanner.verify.entry import Entry, Malformed, open_entry
from scanner.verify.told import Peer

log = structlog.get_logger("peers")
REST = 4.0
"""Seconds of nothing new after which a peer is asked all the same: three of them fit into PeerDesk's HEARD_S."""
TIMEOUTS = Timeouts(connect=1.0, silence=1.5, total=2.0)
_LIMITS = Limits(TIMEOUTS.total, TIMEOUTS.silence, MOST_BODY * 2)


class PeerLink:
    """See the module. `draw` gives numbers from [0, 1) for the jitter."""

    def __init__(
        self,
        peer: Peer,
        desk: PeerDesk,
        signer: Signer,
        draw: Callable[[], float],
        on_time: Callable[[TimeSample], None] | None = None,
    ) -> None:
        """`on_time` hears the peer's time. Raises SyncError for an address that is none."""
        self._on_time = on_time
        self.peer = peer
        self.note = ""
        self._well: bool | None = None
        self._desk, self._draw, self._backoff = desk, draw, Backoff(0.25, 5.0)
        url = f"http://{peer.address}"
        if address_fault(url):
            raise SyncError(f"{peer.address!r} is not the address of a gate: a name and a port, like 10.8.0.21:8442")
        self._lines = SignedLines(url, signer, peer.public_key, TIMEOUTS)
        self._newest = self._sent = 0
        self._stopped, self._bell = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"peer-{peer.gate}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new to say."""
        self._bell.set()

    def stop(self) -> None:
        """Hang up; the thread ends on its own."""
        self._stopped.set()
        self._bell.set()
        self._lines.close()

    def join(self, timeout: float) -> None:
        """Wait for the thread."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def step(self) -> bool:
        """One exchange; whether more is known to be said or heard. Raises GateError if there was none."""
        after = self._after()
        saying = self._desk.compose(self.peer, after)
        had = self._desk.has_of(self.peer)
        told = self._exchange(saying)
        self._desk.absorb(self.peer, told)
        self._newest = saying.newest
        self._sent = _last(saying.records, self._sent)
        moved = after is None or told.have > after or self._desk.has_of(self.peer) > had
        return moved and (saying.newest > told.have or told.newest > self._desk.has_of(self.peer))

    def _after(self) -> int | None:
        """From where on to tell our records: from where the peer has them, unless it has more than our journal."""
        heard = self._desk.heard(self.peer)
        if heard is None:
            return None
        return heard.have if heard.have <= self._newest else self._sent

    def _exchange(self, saying: Message) -> Message:
        sent = time.monotonic()
        answer = self._lines.ask(Question("POST", PATH, _LIMITS, saying.pack(), JSON))
        if isinstance(answer, Problem):
            raise SyncError(f"gate {self.peer.gate} refuses ({answer.status} {answer.code}): {answer.detail}")
        if isinstance(answer, Revoked):
            raise SyncError(f"gate {self.peer.gate} says that this device was revoked, which is not its to say")
        told = Message.parse(answer)
        if isinstance(told, Malformed):
            raise SyncError(f"the answer of gate {self.peer.gate} is malformed ({told.reason}): update both")
        if self._on_time and told.time_ms:
            self._on_time(self._sample(told, sent))
        return told

    def _sample(self, told: Message, sent: float) -> TimeSample:
        source, error = f"gate {self.peer.gate}", told.time_error_ms / 1000
        return TimeSample(told.time_ms, sent, time.monotonic(), source, error, told.time_root, self.peer.device)

    def _run(self) -> None:
        while not self._stopped.is_set():
            # Cleared before the step looks at what there is to say, so that nothing added meanwhile is slept over.
            self._bell.clear()
            try:
                more = self.step()
            except Exception as error:  # noqa: BLE001 - a gate that stops telling without a word is worse
                if not self._stopped.is_set():
                    self._stopped.wait(self._failed(error))
                continue
            self._went_well()
            if not more and not self._stopped.is_set():
                self._bell.wait(REST)

    def _went_well(self) -> None:
        self._desk.answers(self.peer, well=True)
        self._backoff = self._backoff.succeeded()
        heard = self._desk.heard(self.peer)
        ahead = heard is not None and heard.have > self._newest
        self._tell("it has records of this gate that its journal has not" if ahead else self._desk.fault_of(self.peer))

    def _failed(self, error: Exception) -> float:
        self._desk.answers(self.peer, well=False)
        self._backoff = self._backoff.failed()
        if isinstance(error, GateError):
            self._tell(str(error))
        else:
            log.error("a defect in telling a peer", gate=self.peer.gate, exc_info=error)
            self._tell(f"a fault in the program, please report it: {error!r}")
        return self._backoff.wait(self._draw())

    def _tell(self, note: str) -> None:
        """A line when it begins to work and when it ends, not with every try."""
        well, self.note = not note, note
        if well is not self._well:
            log.info("peer", gate=self.peer.gate, device=self.peer.device, address=self.peer.address, problem=note)
        self._well = well


def _last(records: Sequence[bytes], otherwise: int) -> int:
    """The counter of the last of our own records."""
    entry = open_entry(records[-1]) if records else None
    return int(entry.body["counter"]) if isinstance(entry, Entry) else otherwise
