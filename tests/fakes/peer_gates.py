"""Gates of one group on a LAN for tests: real journals, real stores, real signatures; the wire between them is a call.

`Lan` says which way messages get through; nothing runs in a thread and no time passes that a test does not turn.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from scanner.admission import Admission, Decision
from scanner.clock import ClockReading
from scanner.journal import Identity, Journal
from scanner.sync.peer_desk import PeerDesk
from scanner.sync.peer_message import Message
from scanner.sync.peer_store import PeerStore
from scanner.verify.admit import View
from scanner.verify.entry import Malformed
from scanner.verify.manifest import EventManifest, GateGroup
from scanner.verify.row import Row
from scanner.verify.told import Peer
from tests.fakes.clockwork import HandClock
from tests.fakes.event import EVENT, NOON, compact_code, event_manifest, key, row, stamp_at
from tests.fakes.whole_gate import FakeNode

GATES = ("A1", "A2", "A3")
MANIFEST = replace(event_manifest(), gate_groups=(GateGroup(1, "Gate A", "A 口", GATES),))


@dataclass
class FakeView:
    """Implements ports.Knowledge: what the gate's list says, as a test has it."""

    rows: dict[int, Row] = field(default_factory=lambda: {number: row(number) for number in range(1, 21)})
    size: int = 100
    at: int = NOON
    manifest: EventManifest | None = MANIFEST
    unheard: float = 0.0

    @property
    def tickets(self) -> int:
        return len(self.rows)

    def of(self, ticket: int) -> View:
        return View(self.size, self.rows.get(ticket))


def peer(gate: str, address: str = "") -> Peer:
    """A gate as the node names it to the others."""
    return Peer(f"{gate}-device", gate, key(f"{gate}-device").public, address)


@dataclass
class PeerGate:
    """One gate; `node` is away unless a test brings it back."""

    name: str
    clock: HandClock
    journal: Journal
    store: PeerStore
    desk: PeerDesk
    view: FakeView
    node: FakeNode
    admission: Admission

    @property
    def peer(self) -> Peer:
        return peer(self.name)

    def show(self, ticket: int) -> Decision:
        """Somebody holds up a good code."""
        at = self.clock()
        code = compact_code(ticket, at=int(at), manifest=self.view.manifest)
        return self.admission.decide(code.text(), ClockReading(at, trusted=True, error_s=0.01, source="test"))


@contextmanager
def peer_gate(folder: Path, name: str, clock: HandClock) -> Iterator[PeerGate]:
    """A gate over `folder`, as after a start."""
    identity = Identity(f"{name}-device", name, EVENT, key(f"{name}-device"))
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.open(folder / f"{name}.db", identity, stamp_at))
        store = PeerStore(folder / f"{name}-peers.db", EVENT, identity.device, "test")
        stack.callback(store.close)
        view, node = FakeView(), FakeNode()
        desk = PeerDesk(EVENT, identity.device, journal, view, store, clock)
        yield PeerGate(name, clock, journal, store, desk, view, node, Admission(name, view, journal, node, desk))


@contextmanager
def peer_gates(folder: Path, clock: HandClock, *names: str) -> Iterator[list[PeerGate]]:
    """Several over the same folder and by the same clock."""
    with ExitStack() as stack:
        yield [stack.enter_context(peer_gate(folder, name, clock)) for name in names]


def carried(message: Message) -> Message:
    """The message as it comes out at the other end."""
    read = Message.parse(message.pack())
    assert not isinstance(read, Malformed), read
    return read


def exchange(asking: PeerGate, asked: PeerGate, *, answer_lost: bool = False) -> None:
    """One exchange, as a link and a server make it."""
    heard = asking.desk.heard(asked.peer)
    request = carried(asking.desk.compose(asked.peer, heard.have if heard else None))
    asked.desk.absorb(asking.peer, request)
    answer = carried(asked.desk.compose(asking.peer, request.have))
    if not answer_lost:
        asking.desk.absorb(asked.peer, answer)


def converge(*gates: PeerGate) -> None:
    """Exchanges until everybody has said everything."""
    for _ in range(3):
        for one in gates:
            for other in gates:
                if one is not other:
                    exchange(one, other)
