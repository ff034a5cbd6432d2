"""The other gates of the event: this gate tells them what it admits, and hears what they do. Puts the parts together.

With or without a ledger node: who the others are was told by the node and is kept on disk. Nothing that the network,
a peer or the disk does ends a thread or holds up a decision for longer than its deadline.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from scanner.clock import TimeSample
from scanner.errors import GateError, SyncError
from scanner.ports import Knowledge, OwnChain, PeerHealth
from scanner.sync.client import Identity
from scanner.sync.peer_desk import HEARD_S, PeerDesk
from scanner.sync.peer_directory import Directory, choose
from scanner.sync.peer_link import PeerLink
from scanner.sync.peer_message import Message
from scanner.sync.peer_server import Host, PeerServer
from scanner.sync.peer_store import PeerStore
from scanner.sync.signed import Signer
from scanner.verify.told import Peer

log = structlog.get_logger("peers")
ROUND_S = 10.0
"""Seconds between two looks at the node's list of gates."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which gate this is, where it listens, and addresses of others that the settings name, by gate or device."""

    gate: str
    host: str = "0.0.0.0"  # noqa: S104 - the other gates are to reach it
    port: int = 8442
    addresses: Mapping[str, str] = field(default_factory=dict)
    round_s: float = ROUND_S


class Peers:
    """See the module; its `desk` is what a decision asks. `draw` gives numbers from [0, 1) for the jitter."""

    def __init__(
        self,
        place: Place,
        identity: Identity,
        signer: Signer,
        store: PeerStore,
        chain: OwnChain,
        view: Knowledge,
        directory: Directory,
        draw: Callable[[], float],
        on_time: Callable[[TimeSample], None] | None = None,
    ) -> None:
        """Closes `store` and `directory` at the end; `on_time` hears the times that peers tell."""
        self._on_time = on_time
        self._place, self._signer = place, signer
        self._store, self._view, self._draw = store, view, draw
        self.desk = PeerDesk(identity.event, identity.device, chain, view, store)
        self.desk.ring = self.wake
        self._directory = directory
        home = Host(identity.key, lambda: signer.now().seconds, self._by_key, self._converse)
        self._server = PeerServer(place.host, place.port, home)
        self._peers: tuple[Peer, ...] = ()
        self._links: dict[str, PeerLink] = {}
        self._unreachable: dict[str, str] = {}
        self._problem = ""
        self._meeting = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="peers", daemon=True)

    def start(self) -> None:
        """Begin with the peers that are known. A port that cannot be had is told, and no reason not to open."""
        try:
            self._server.start()
        except SyncError as error:
            log.warning("peers cannot connect to this gate; it connects to them", problem=str(error))
        self._meet(self._store.peers())
        self._thread.start()

    def wake(self) -> None:
        """There is a new record: tell it now. Any thread, returns at once."""
        for link in tuple(self._links.values()):
            link.wake()

    def stop(self) -> None:
        """Hang up. What was not told is told next time."""
        self._stopped.set()
        self._directory.close()
        self._thread.join()
        for link in self._links.values():
            link.stop()
        for link in self._links.values():
            link.join(1.0)
        self._server.close()
        self._store.close()

    def wipe(self) -> None:
        """A revoked gate keeps nothing of its peers, and they hear nothing of it. Raises SyncError for the disk."""
        self._meet(())
        self._store.wipe()

    def health(self) -> tuple[PeerHealth, ...]:
        """For the screen: every peer, whether it was heard, and what is wrong."""
        now = time.monotonic()
        return tuple(self._health(peer, now) for peer in self._peers)

    def _health(self, peer: Peer, now: float) -> PeerHealth:
        heard, link = self.desk.heard(peer), self._links.get(peer.device)
        age = now - heard.at if heard else None
        near = age is not None and age <= HEARD_S
        silent = link.note if link else self._unreachable.get(peer.device, "no address of it is known")
        return PeerHealth(peer.device, peer.gate, peer.address, age, near, self.desk.fault_of(peer) if near else silent)

    # Talking

    def _by_key(self, public_key: bytes) -> Peer | None:
        return next((peer for peer in self._peers if peer.public_key == public_key), None)

    def _converse(self, peer: Peer, message: Message) -> Message:
        self.desk.absorb(peer, message)
        return self.desk.compose(peer, message.have).at_time(self._signer.now())

    # Knowing whom to talk to

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._round()
            except GateError as error:
                self._told(str(error))
            except Exception:
                log.exception("a defect in looking after peers")
            self._stopped.wait(self._place.round_s if self._view.manifest else self._place.round_s / 10)

    def _round(self) -> None:
        self.desk.tidy(int(self._signer.now().seconds * 1000))
        manifest = self._view.manifest
        if manifest is None:
            # Nobody is admitted yet, and which gates are of our groups is not known; whoever was stays a peer.
            return
        told = self._directory.ask(self._server.port)
        peers = choose(told, self._peers, self._place.addresses, self._place.gate, manifest)
        if peers != self._peers:
            self._store.keep_peers(peers)
            self._meet(peers)
        self._told("")

    def _meet(self, peers: tuple[Peer, ...]) -> None:
        """From now on these, and no word of any other."""
        with self._meeting:
            self._meet_them(peers)

    def _meet_them(self, peers: tuple[Peer, ...]) -> None:
        for device in [device for device, link in self._links.items() if link.peer not in peers]:
            self._links.pop(device).stop()
        self._peers = peers
        self._unreachable.clear()
        for gone in self.desk.only([peer.device for peer in peers]):
            log.warning("peer gone", device=gone)
        for peer in peers:
            if peer.address and peer.device not in self._links:
                self._link(peer)

    def _link(self, peer: Peer) -> None:
        try:
            link = PeerLink(peer, self.desk, self._signer, self._draw, self._on_time)
        except SyncError as error:
            log.warning("peer", gate=peer.gate, device=peer.device, address=peer.address, problem=str(error))
            self._unreachable[peer.device] = str(error)
            return
        self._links[peer.device] = link
        link.start()

    def _told(self, problem: str) -> None:
        if problem != self._problem:
            log.info("peers", problem=problem, known=len(self._peers))
        self._problem = problem
