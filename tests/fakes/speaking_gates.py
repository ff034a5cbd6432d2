"""Gates of one LAN that speak to each other over loopback, with all their threads; the node is played."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scanner.clock import ClockReading, TimeSample
from scanner.errors import SyncError
from scanner.sync.client import Identity
from scanner.sync.peers import Peers, Place
from scanner.sync.signed import Signer
from scanner.verify.told import Peer
from tests.fakes.event import EVENT, NODE, key
from tests.fakes.peer_gates import PeerGate


@dataclass
class FakeDirectory:
    """Implements Directory: the node names these to everybody; None = it cannot be reached."""

    listed: tuple[Peer, ...] | None = None

    def ask(self, port: int) -> tuple[Peer, ...]:
        assert port >= 0
        if self.listed is None:
            raise SyncError("no node answers")
        return self.listed

    def close(self) -> None:
        self.listed = None


@contextmanager
def speaking(
    gate: PeerGate,
    port: int,
    *others: Peer,
    directory: FakeDirectory | None = None,
    reading: Callable[[], ClockReading] | None = None,
    on_time: Callable[[TimeSample], None] | None = None,
) -> Iterator[Peers]:
    """The gate's peers, started; `others` is what it knew at its last stop, `reading` its clock if not the hand's."""
    identity = Identity(f"{gate.name}-device", key(f"{gate.name}-device"), EVENT, NODE.public)

    def now() -> ClockReading:
        return ClockReading(gate.clock(), trusted=True, error_s=0.1, source="test")

    gate.store.keep_peers(others)
    place = Place(gate.name, host="127.0.0.1", port=port, round_s=0.05)
    directory = directory or FakeDirectory()
    signer = Signer(identity.key, reading or now, secrets.token_hex)
    made = Peers(place, identity, signer, gate.store, gate.journal, gate.view, directory, lambda: 0.0, on_time)
    gate.journal.on_record(made.wake)
    made.start()
    try:
        yield made
    finally:
        made.stop()
