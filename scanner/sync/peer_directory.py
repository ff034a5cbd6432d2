"""Who the other gates are: asked of the ledger node, which knows every device's key and where it last spoke from.

The answer is signed by the node, so a key in it is a gate's of this event that is not revoked. Addresses are only
hints: who answers at one must prove its key. Nothing is kept here.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol
from urllib.parse import quote

from pydantic import Field

from scanner.errors import SyncError
from scanner.sync.answers import Answer, Hash, Problem, Revoked
from scanner.sync.line import Limits
from scanner.sync.signed import Question, SignedLines, Signer, Timeouts
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


class Directory(Protocol):
    """Who says who the other gates are."""

    def ask(self, port: int) -> tuple[Peer, ...]:
        """All of them now; `port` is where this gate listens, 0 = nowhere. Nobody if this device was revoked.

        Raises SyncError if there is no answer.
        """

    def close(self) -> None:
        """Hang up; may be called twice, from any thread."""


class NodeDirectory:
    """Implements Directory with the ledger node's word for `event`."""

    def __init__(self, url: str, signer: Signer, node_key: bytes, event: str, ca: str | None = None) -> None:
        self._lines, self._event = SignedLines(url, signer, node_key, TIMEOUTS, ca), event

    def ask(self, port: int) -> tuple[Peer, ...]:
        """See Directory."""
        target = f"/v1/events/{quote(self._event, safe='')}/peers?port={port}"
        answer = self._lines.ask(Question("GET", target, Limits(TIMEOUTS.total, TIMEOUTS.silence, _MOST)))
        if isinstance(answer, Problem):
            raise SyncError(answer.sentence())
        if isinstance(answer, Revoked):
            return ()
        listed = PeerList.parse(answer)
        if isinstance(listed, Malformed) or listed.event != self._event:
            raise SyncError("the ledger node's list of gates cannot be read: update both")
        return tuple(Peer(one.device, one.gate, one.public_key, one.address or "") for one in listed.peers)

    def close(self) -> None:
        """See Directory."""
        self._lines.close()


def choose(
    told: Sequence[Peer], known: Sequence[Peer], named: Mapping[str, str], gate: str, manifest: EventManifest
) -> tuple[Peer, ...]:
    """Whom to speak to: the gates of our own gate groups, because what is leased to a group is for its gates to spend;
    and the others behind them, where the event lets every gate admit. An address in the settings (by gate or device)
    comes before the node's, and that before the one `known` until now, which a node that was restarted does not have.
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
    ours = set(manifest.groups_of(gate))

    def far(peer: Peer) -> bool:
        return not ours & set(manifest.groups_of(peer.gate))

    everybody = manifest.policy.offline == "admit-marked"
    chosen = [peer for peer in addressed if everybody or not far(peer)]
    return tuple(sorted(chosen, key=lambda peer: (far(peer), peer.gate, peer.device))[:MOST_PEERS])
