"""Tile logs in memory that can be honest or not: any entries at all under any checkpoint, as a node that lies would
serve them. Hashes, tiles and signatures are real.
"""

import json

from ledger_node.contract.apply import apply
from ledger_node.contract.memory import MemoryState
from ledger_node.log.tiles import WIDTH, TilePath, bundle, grow, tiles_of
from scanner.verify.checkpoint import VerifierKey, sign_checkpoint
from scanner.verify.log_keys import NEWEST, path_of, sign_log_keys
from scanner.verify.merkle import Frontier, leaf_hash
from scanner.verify.snapshot import StateDigest, manifest_digest
from scanner.verify.statement import Stated, StateStatement, sign_statement
from tests.fakes.box_office import NODE, NOW
from tests.fakes.merkle_log import MerkleLog

ORIGIN = "ticketme.example/log"
LOG = VerifierKey(ORIGIN, NODE.public)


class Shown:
    """The log that is shown at one address, which may be another one tomorrow."""

    def __init__(self, log):
        self.log = log

    def read(self, path):
        return self.log.read(path)


class TileLog:
    """A log that shows `entries`; `show` puts more there, `rewrite` and `drop` give it another past."""

    def __init__(self, entries=(), signer=NODE, origin=ORIGIN):
        self.signer, self.origin = signer, origin
        self.signers, self.lists = [signer], {}
        self.entries = list(entries)
        self.asked = []
        self.replaced = {}
        self.down = False

    @property
    def size(self):
        return len(self.entries)

    def show(self, *raws):
        self.entries += raws

    def fork(self, at, *raws):
        """Another log that agrees with this one before `at` and then goes on with `raws`, under the same key."""
        other = TileLog([*self.entries[:at], *raws], self.signer, self.origin)
        other.signers, other.lists = self.signers, dict(self.lists)
        return other

    def rotate(self, *signers, version=None):
        """From now on these keys sign checkpoints, as a list by the root key says."""
        version = version or len(self.lists) + 1
        self.signers = list(signers)
        self.lists[version] = sign_log_keys(self.origin, version, NOW, [one.public for one in signers], self.signer)
        return self.lists[version]

    def checkpoint(self, size=None):
        size = self.size if size is None else size
        return sign_checkpoint(self.origin, size, MerkleLog(self.entries).root(size), *self.signers)

    def proof(self, old, new=None):
        return MerkleLog(self.entries).consistency(old, new)

    def state(self, **lies):
        """What the node says at /state; `lies` replace digests by event id."""
        state = MemoryState(self.signer.public)
        for position, raw in enumerate(self.entries):
            apply(state, position, raw)
        digests = {}
        for event in state.events():
            digest = StateDigest(event, self.size, state.event(event).issued)
            for ticket in state.tickets(event):
                digest.update(ticket.row.pack())
            stated = Stated(digest.digest(), manifest_digest(state.event(event).manifest))
            digests[event] = stated._replace(rows=lies.get(event, stated.rows))
        root = MerkleLog(self.entries).root()
        statement = StateStatement(self.origin, self.size, root, digests)
        note = sign_statement(statement, VerifierKey(self.origin, self.signer.public), self.signer)
        return json.dumps({"checkpoint": self.checkpoint(), "statement": note}).encode()

    def read(self, path):
        """As an HTTP source does."""
        self.asked.append(path)
        if path in self.replaced:
            return self.replaced[path]
        if path == "checkpoint":
            return self.checkpoint().encode()
        if path.startswith(NEWEST):
            lists = {path_of(version): note for version, note in self.lists.items()}
            lists[NEWEST] = lists.get(path_of(max(self.lists, default=0)))
            return lists[path].encode() if lists.get(path) else None
        tile = TilePath.parse(path)
        return self._tile(tile) if tile else None

    def files(self):
        """A static copy."""
        paths = [
            "checkpoint",
            *map(str, tiles_of(self.size)),
            *map(path_of, self.lists),
            *([NEWEST] if self.lists else []),
        ]
        return {path: self.read(path) for path in paths}

    def _tile(self, tile):
        start = tile.n * WIDTH
        if tile.level is None:
            raws = self.entries[start : start + tile.width]
            return bundle(raws) if len(raws) == tile.width else None
        frontier, hashes = Frontier(), []
        for raw in self.entries:
            hashes += [value for level, _, value in grow(frontier, leaf_hash(raw)) if level == tile.level]
        found = hashes[start : start + tile.width]
        return b"".join(found) if len(found) == tile.width else None
