"""What the parts of a gate say to each other: plain values and the duties of each port. No behaviour is here.

Times are seconds of CLOCK_MONOTONIC, which is one clock for all processes of a machine, unless a name says otherwise.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from scanner.admission_life import AdmissionOutcome
from scanner.clock_status import NO_CLOCK, ClockHealth
from scanner.list_age import NO_LIST, Agreed, ListHealth
from scanner.signs import Lamp, Sound
from scanner.verify.admit import Use, View
from scanner.verify.manifest import EventManifest
from scanner.verify.record import GateIncident, Scan, Stamp, Way
from scanner.verify.row import Row
from scanner.verify.statement import Stated
from scanner.verify.told import Told
from scanner.verify.zones import HONG_KONG

CameraState = Literal["starting", "ok", "lost", "frozen", "decoder-died"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """The texts that one frame held, in no order; never empty."""

    texts: tuple[str, ...]
    captured_at: float
    decoded_at: float


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """How the camera is; sent on each change of state and as a sign of life at least once a second."""

    state: CameraState
    detail: str
    frames: int
    at: float


class Camera(Protocol):
    """A source of sightings. One thread polls it; a camera that is lost is retried inside, without an end."""

    def start(self) -> None:
        """Begin; returns at once, and the first health says how it went."""

    def poll(self, timeout: float) -> Sighting | CameraHealth | None:
        """The next thing seen, or None after `timeout` seconds. Never raises for a camera that is gone."""

    def close(self) -> None:
        """Give the device back; may be called twice."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody went through: one turn of the turnstile."""

    at: float


@dataclass(frozen=True, slots=True)
class FireRelease:
    """The alarm panel holds the gate open, or let it go; we sense it and do not drive it."""

    active: bool
    at: float


@dataclass(frozen=True, slots=True)
class Tamper:
    """The housing was opened or closed."""

    active: bool
    at: float


@dataclass(frozen=True, slots=True)
class HardwareFault:
    """An input or output that cannot be believed, e.g. a passage input that never goes back."""

    detail: str
    at: float
    cleared: bool = False


HardwareEvent = Passage | FireRelease | Tamper | HardwareFault
Listener = Callable[[HardwareEvent], None]


class Hardware(Protocol):
    """The turnstile, the lamps, the buzzer and the inputs of one gate. One thread inside owns the pins."""

    def start(self, listener: Listener) -> None:
        """Claim the pins with the relay released; `listener` is called from the pin thread and must not block."""

    def pulse(self) -> "Future[float]":
        """Release the turnstile once for the configured time; the future holds when the pin rose, or HardwareError."""

    def show(self, lamp: Lamp, sound: Sound) -> None:
        """Light one lamp and play one sound; returns at once."""

    def close(self) -> None:
        """Leave the relay released, the lamps dark and the pins free; may be called twice."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An admission that a crash left without an end."""

    counter: int
    ticket: int
    outcome: AdmissionOutcome


@dataclass(frozen=True, slots=True)
class Counts:
    """What the journal holds, for the screen and for `status`."""

    admitted: int
    refused: int
    waiting: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that the ledger has not confirmed yet; `raw` is the signed entry."""

    counter: int
    raw: bytes


CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The ledger's answer to one record.

    `verdict` is accepted, duplicate, stale, revoked, unknown, rejected, conflict (the counter has another record: this
    card, or its original, is a copy) or other-lease; `position` is None for the last three, which are not logged;
    `first` names the gate and unix second of the use that came first, where there is one.
    """

    counter: int
    verdict: str
    position: int | None
    first: tuple[str, int] | None = None
    reason: str = ""


class Records(Protocol):
    """The journal as the gate's loop sees it. A method that says nothing else is durable on return, or raises
    JournalError and wrote nothing; then nobody may be admitted. What an admission's life has no place for
    (scanner.admission_life) raises ImpossibleMove.
    """

    def admit(self, scan: Scan, holder_key: bytes, stamp: Stamp, outcome: AdmissionOutcome) -> Waiting:
        """Record an admission and mark the ticket used. `outcome` is pending before a claim, alone without one."""

    def refuse(self, scan: Scan, stamp: Stamp) -> Waiting:
        """Record an amber or red verdict on a code of this event."""

    def incident(self, incident: GateIncident, stamp: Stamp) -> Waiting:
        """Record something that is nobody's admission."""

    def decided(self, counter: int, way: Way) -> None:
        """The claim was won, or no node answered and the gate goes by its peers, or alone: from here on a pulse is
        possible.
        """

    def tell_ways(self, stamp: Stamp) -> None:
        """Housekeeping; call about once a second, when nobody waits: signs in what way admissions were decided."""

    def pulsed(self, counter: int, time_ms: int) -> None:
        """The relay was released for this admission. Outlives this process on return, and a power cut soon."""

    def passed(self, counter: int) -> None:
        """Somebody went through. Outlives this process on return, and a power cut soon."""

    def void(self, counter: int, reason: str, stamp: Stamp, elsewhere: Use | None = None) -> Waiting:
        """The claim was lost: the turnstile did not move; `elsewhere` is the use that the ledger told of."""

    def release(self, counter: int, reason: str, stamp: Stamp) -> Waiting:
        """Nobody turned: the ticket may enter again."""

    def use_of(self, ticket: int) -> Use | None:
        """This gate's own record of the ticket's use, released or not."""

    def use_at_hand(self, ticket: int) -> AbstractContextManager[bool]:
        """Whether this gate has not given up the use that is leased to it; inside the block it cannot."""

    def settle_restart(self, stamp: Stamp) -> list[Unsettled]:
        """Give an end to what a crash left without one; returns what was found."""

    def counts(self) -> Counts:
        """Totals of this journal."""

    def probe(self) -> None:
        """Does the disk take anything? Raises JournalError if not."""

    def tidy(self) -> None:
        """Housekeeping; call about once a second, when nobody waits."""


class Knowledge(Protocol):
    """The view as the decision sees it: what this gate knows of the event and its tickets."""

    @property
    def manifest(self) -> EventManifest | None:
        """The event's manifest, or None before the first snapshot."""

    @property
    def at(self) -> int:
        """The unix second at which the view was true."""

    @property
    def size(self) -> int:
        """The ledger size of the view."""

    @property
    def tickets(self) -> int:
        """How many tickets the gate knows of: those of the snapshot, and those that came since."""

    @property
    def unheard(self) -> float:
        """For how many seconds, for certain, no node has confirmed the view."""

    def pass_time(self, agreed: Agreed | None) -> None:
        """Housekeeping; call about once a second with the time, as far as sources agree on it. Raises SnapshotError if
        that could not be kept; it counts all the same.
        """

    def of(self, ticket: int) -> View:
        """What is known of one ticket."""


class Outbox(Protocol):
    """The journal as the sync threads see it. Every method may be called from any thread."""

    def waiting(self, limit: int) -> list[Waiting]:
        """The oldest records without a receipt, in the order of their counters; those set aside are left out."""

    def settle(self, receipts: Sequence[Receipt], log_size: int) -> None:
        """Keep receipts that were verified, proven at `log_size`; a rejected one sets its record aside, visibly."""

    def queue_length(self) -> int:
        """How many records wait for a receipt."""

    def send_again(self) -> int:
        """Have every record wait again, because the log lost some of them; how many had been settled."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an event between two ledger sizes, checked and ready to be applied; and the checkpoint of
    `checkpoint_size` that it was proven by, to be kept with it. 0 = it is kept already.
    """

    start: int
    end: int
    rows: tuple[Row, ...]
    manifest: EventManifest | None
    checkpoint: str
    at: int
    checkpoint_size: int = 0


class ViewStore(Protocol):
    """The view as the sync threads see it: it only moves forward; a power cut may take some seconds of it."""

    @property
    def size(self) -> int:
        """The ledger size of the view; 0 before the first snapshot."""

    def checkpoint(self) -> str:
        """The signed note that was last verified; empty before the first."""

    def state(self) -> tuple[int, Stated] | None:
        """The size of the view, and what a witness of the log must state of it; None before the first snapshot."""

    def room(self) -> Path:
        """The folder in which a download may be written before it is installed."""

    def install(self, download: Path) -> None:
        """Check the snapshot file and swap it in atomically. Raises SnapshotError, with the view as it was."""

    def apply(self, change: Change) -> None:
        """Take a change that starts at or before `size`, and its checkpoint with it, all or none. Raises SnapshotError
        for a gap, with the view as it was.
        """

    def note_checkpoint(self, note: str, size: int) -> None:
        """Keep the newest verified checkpoint, which receipts may carry before the changes do; only forward."""

    def start_line(self, note: str, size: int) -> None:
        """The log lost what this view is of: go by this verified checkpoint from now on, and by the rows as they are
        until a snapshot is installed, whatever its size.
        """

    def left_line(self) -> bool:
        """Whether the rows are of a part of the log that was lost."""

    def log_keys(self) -> str:
        """The newest list of the keys that sign the log's checkpoints; empty before the first."""

    def note_log_keys(self, note: str) -> None:
        """Keep a newer list, which was verified."""

    def checkpoint_keys(self) -> str:
        """The list by which `checkpoint` was good when it was kept; its key may have been revoked since."""


@dataclass(frozen=True, slots=True)
class ChainPage:
    """A piece of this gate's own chain, as it is told to other gates.

    `newest` is the highest counter there is; every record up to `settled` is in the log, at or before `position`;
    `pending` is the counter of an admission whose outcome is not decided yet, 0 = none.
    """

    records: tuple[bytes, ...]
    newest: int
    settled: int
    position: int
    pending: int


class OwnChain(Protocol):
    """The journal as the gate's peers are told of it. Any thread may call. Raises JournalError."""

    def page(self, after: int, most: int) -> ChainPage:
        """At most `most` records with counters above `after`, oldest first."""


class Neighbours(Protocol):
    """The other gates, which tell each other their admissions. Nothing here raises or waits for the network, except
    that `ask` waits for as long as it is given.
    """

    def told(self, ticket: int) -> Sequence[Told]:
        """The admissions of this ticket that others told of, released or not."""

    def near(self) -> bool:
        """Whether any other gate was heard lately; if not, asking is not worth a second commit."""

    def have(self, counter: int) -> bool:
        """Whether any other gate has said that it has our record with this counter."""

    def asking(self, *, told: bool = False) -> AbstractContextManager["Asking"]:
        """For one admission: recorded as pending inside the block, then asked about, then decided. `told`: it was
        recorded before, and the others were told of it while it was not theirs to decide.
        """


Asking = Callable[[int, int, int, float], Told | None]
"""(counter of the pending record, ticket, the record's unix milliseconds, seconds that may pass) -> the admission
elsewhere that stands in its way, or None.
"""


@dataclass(frozen=True, slots=True)
class PeerHealth:
    """How this gate and another one get on. `heard_age` is seconds, None = never since the start; `near`: it was heard
    lately enough to be asked; `note` says what is wrong, "" if nothing is.
    """

    device: str
    gate: str
    address: str = ""
    heard_age: float | None = None
    near: bool = False
    note: str = ""


class Claims(Protocol):
    """Asking the ledger node for a ticket's single use, within a deadline."""

    def available(self) -> bool:
        """Whether a node answered lately; if not, a claim is not worth the holder's time."""

    def claim(self, record: Waiting, deadline_s: float) -> Receipt | None:
        """The node's answer to this signed admission, or None if none came in time. Never raises nor takes longer."""


@dataclass(frozen=True, slots=True)
class SyncHealth:
    """How the gate and its ledger node get on. `alarm` is what ops must look at, e.g. a log that went back;
    `no_network`: it is the network that is missing, not the node. `copied`: the ledger has another record under a
    counter of this gate's, so its card is a copy of one that runs elsewhere, or was one.
    """

    online: bool = False
    error: str = ""
    alarm: str = ""
    revoked: bool = False
    no_network: bool = False
    copied: bool = False


@dataclass(frozen=True, slots=True)
class GateStatus:
    """Everything that a person may want to know of a gate at a glance; no personal data, never a code.

    `detail` holds the verdict's plain values (the right gates, the first use, seconds of clock error); ages are
    seconds, `view_age` is None before the first snapshot; `scan` counts verdicts, so that a new one shows.
    """

    gate: str
    event_name: str = ""
    state: str = "fault"
    scan: int = 0
    outcome: str = ""
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    seat: int = 0
    category: int = 0
    view_age: float | None = None
    view_size: int = 0
    view_limit: float = 0.0
    list: ListHealth = NO_LIST
    tickets: int = 0
    sync: SyncHealth = SyncHealth()
    queue: int = 0
    set_aside: int = 0
    peers: tuple[PeerHealth, ...] = ()
    camera: str = "starting"
    camera_detail: str = ""
    clock_trusted: bool = False
    clock_alarm: str = ""
    clock: ClockHealth = NO_CLOCK
    faults: tuple[str, ...] = ()
    fire_release: bool = False
    admitted: int = 0
    refused: int = 0
    passages: int = 0
    unix: float = 0.0
    zone: str = HONG_KONG


class Screen(Protocol):
    """Where the status is shown: the kiosk page, the status file. Must not block."""

    def publish(self, status: GateStatus) -> None:
        """Show this from now on."""
