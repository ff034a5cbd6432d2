"""The other gates as a gate has them: made from its settings, or nobody if they are switched off."""

import random
import secrets

import structlog

from scanner.cli.node import identity_of
from scanner.cli.settings import Settings
from scanner.clock import TrustedClock
from scanner.identity import Enrolled
from scanner.journal import Journal
from scanner.sync.peer_directory import NodeDirectory
from scanner.sync.peer_store import PeerStore
from scanner.sync.peers import Peers, Place
from scanner.sync.signed import Signer
from scanner.verify.keys import SigningKey
from scanner.view import GateView

log = structlog.get_logger("peers")
FILE = "peers.db"


def open_peer_store(settings: Settings, enrolled: Enrolled, stamp: str) -> PeerStore:
    """What peers told, and who they are. Raises SyncError if the disk is at fault."""
    return PeerStore(settings.state_folder / FILE, enrolled.event, enrolled.device, stamp)


def make_peers(
    settings: Settings,
    enrolled: Enrolled,
    key: SigningKey,
    journal: Journal,
    view: GateView,
    clock: TrustedClock,
    stamp: str,
) -> Peers | None:
    """Not started yet; told of each record from now on. Raises SyncError if the disk is at fault."""
    if not settings.peers.enabled:
        return None
    place = Place(enrolled.gate, settings.peers.host, settings.peers.port, settings.peers.named())
    store = open_peer_store(settings, enrolled, stamp)
    if store.damage:
        log.error("what peers told was set aside and is asked for again", damage=store.damage)
    signer = Signer(key, clock.now, lambda: secrets.token_hex(16))
    me, url = identity_of(enrolled, key), settings.node.url or enrolled.url
    directory = NodeDirectory(url, signer, me.node_key, me.event, settings.node.ca or None)
    peers = Peers(place, me, signer, store, journal, view, directory, random.random, clock.observe)
    journal.on_record(peers.wake)
    return peers
