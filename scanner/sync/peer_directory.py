"""Who the other gates are: asked of the ledger node, which knows every device's key and where it last spoke from.

The answer is signed by the node, so a key in it is a gate's of this event that is not revoked. Addresses are only
hints: who answers at one must prove its key. Nothing is kept here.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from scanner.errors import SyncError
from scanner.sync.answers import Answer, Hash, Problem
from scanner.sync.line import Limits
from scanner.sync.signed import Question, SignedLines, Timeouts
from scanner.verify.entry import Malformed
from scanner.verify.manifest import EventManifest
from scanner.verify.told import Peer

MOST_PEERS = 32
"""Each is a thread and a connection."""
TIMEOUTS = Timeouts(connect=2.0, silence=3.0, total=4.0)
_MOST = 1 << 20

Text = Annotated[str, Field(min_length=1, max_length=200)]


class PeerEntry(Answer):
    """One device; `address` is "host:port", null until it said where it listens."""

    device: Text
    gate: Text
    public_key: Hash
    address: Annotated[str, Field(max_length=300)] | None = None


class PeerList(Answer):
    """Every device of the event that is not revoked, but for the one that asks."""

    event: str
    peers: tuple[PeerEntry, ...]


def ask_node(lines: SignedLines, event: str, port: int) -> tuple[Peer, ...]:
    """The node's word; `port` is where this gate listens, 0 = nowhere. Nobody if this device was revoked.

    Raises SyncError if there is no answer.
    """
    target = f"/v1/events/{quote(event, safe='')}/peers?port={port}"
    answer = lines.ask(Question("GET", target, Limits(TIMEOUTS.total, TIMEOUTS.silence, _MOST)))
    if isinstance(answer, Problem):
        raise SyncError(answer.sentence())
    if not isinstance(answer, bytes):
        return ()
    listed = PeerList.parse(answer)
    if isinstance(listed, Malformed) or listed.event != event:
        raise SyncError("the ledger node's list of gates cannot be read: update both")
    return tuple(Peer(one.device, one.gate, one.public_key, one.address or "") for one in listed.peers)


def choose(
    told: Sequence[Peer], known: Sequence[Peer], named: Mapping[str, str], gate: str, manifest: EventManifest | None
) -> tuple[Peer, ...]:
    """Whom to speak to: gates of our own gate groups first. An address in the settings (by gate or device) comes before
    the node's, and that before the one `known` until now, which a node that was restarted does not have yet.
    """
    before = {peer.device: peer.address for peer in known}
    addressed = [
        Peer(
            peer.device,
            peer.gate,
            peer.public_key,
            named.get(peer.device) or named.get(peer.gate) or peer.address or before.get(peer.device, ""),
        )
        for peer in told
    ]
    ours = set(manifest.groups_of(gate)) if manifest else set()

    def far(peer: Peer) -> bool:
        return manifest is not None and not ours & set(manifest.groups_of(peer.gate))

    return tuple(sorted(addressed, key=lambda peer: (far(peer), peer.gate, peer.device))[:MOST_PEERS])
