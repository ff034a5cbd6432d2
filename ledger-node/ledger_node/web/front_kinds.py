"""What kind of request the public front has before it, by the authorisation matrix: method and path alone."""

from enum import Enum, auto

from ledger_node.web.authorisation import Proof
from ledger_node.web.authorisation_matrix import FILES, LIVE, ROWS, TIME
from ledger_node.web.paths import Paths

_WALLET, _TILES = "/wallet/", "/tile/"


class Kind(Enum):
    """How it is answered."""

    FILE = auto()
    """The same until the node is started again."""
    SHARED = auto()
    """Public: one answer for all who wait for it."""
    DEVICE = auto()
    """Signed by a device, which waits for the log now and then."""
    OWN = auto()
    """For its caller alone."""


class Kinds:
    """Looks them up."""

    def __init__(self) -> None:
        self._paths: Paths[Kind] = Paths()
        for (method, path), row in ROWS.items():
            self._paths.add(method, path, _kind(method, path, row.proof))

    def of(self, method: str, path: str) -> Kind:
        """OWN for what has no row, too: the ledger's process says what is wrong with it."""
        if method == "GET" and path.startswith(_WALLET):
            return Kind.FILE
        if method == "GET" and path.startswith(_TILES):
            return Kind.SHARED
        found = self._paths.find(method, path)
        return found[0] if found else Kind.OWN


def _kind(method: str, path: str, proof: Proof) -> Kind:
    if path in FILES:
        return Kind.FILE
    if proof is Proof.SIGNATURE:
        return Kind.DEVICE
    # Time is signed for the one who asks, and a page's stream is its own.
    shared = method == "GET" and proof is Proof.NONE and path not in {LIVE, TIME}
    return Kind.SHARED if shared else Kind.OWN
