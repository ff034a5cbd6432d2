"""The node's signed statement of its state at one size, for witnesses and auditors who replay the log to compare."""

import threading

from ledger_node.log.ledger import Shown
from ledger_node.log.stated import state_of
from ledger_node.services.node import Node
from scanner.verify.checkpoint import VerifierKey
from scanner.verify.statement import sign_statement

_EVERY, _TIMES = 0.5, 20
"""A statement serves for so many seconds, and for so many times what it took to make: a big state takes long."""


class States:
    """The newest statement. Any thread; they wait for each other."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._made: dict[str, str] = {}
        self._shown: Shown | None = None
        self._size, self._at, self._took = -1, 0.0, 0.0

    def get(self) -> dict[str, str]:
        """`statement` (see scanner.verify.statement), by the log's root key, and the `checkpoint` of the same size."""
        with self._lock:
            patience = max(_EVERY, _TIMES * self._took)
            revoked = self._shown is not None and self._shown.log_keys != self._node.ledger.log_keys
            if (
                not self._made
                or revoked
                or (self._size != self._node.ledger.size and self._node.now() - self._at > patience)
            ):
                self._make()
            return self._made

    def _make(self) -> None:
        node, began = self._node, self._node.now()
        with node.view() as view:
            statement = state_of(view, node.keys.origin)
            self._shown = node.ledger.show(view.head)
        signer = VerifierKey(node.keys.origin, node.keys.node.public)
        note = sign_statement(statement, signer, node.keys.node)
        self._made, self._size = {"checkpoint": self._shown.checkpoint, "statement": note}, statement.size
        self._at = node.now()
        self._took = self._at - began
