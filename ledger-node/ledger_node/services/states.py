"""The node's signed statement of its state at one size, for witnesses and auditors who replay the log to compare."""

import threading

from ledger_node.log.statement import StateStatement, sign_statement
from ledger_node.services.node import Node
from scanner.verify.checkpoint import VerifierKey

_EVERY, _TIMES = 0.5, 20
"""A statement serves for so many seconds, and for so many times what it took to make: a big state takes long."""


class States:
    """The newest statement. Any thread; they wait for each other."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._made: dict[str, str] = {}
        self._size, self._at, self._took = -1, 0.0, 0.0

    def get(self) -> dict[str, str]:
        """`statement` (see log.statement) and the `checkpoint` of the same size, both signed with the log's key."""
        with self._lock:
            patience = max(_EVERY, _TIMES * self._took)
            if not self._made or (self._size != self._node.ledger.size and self._node.now() - self._at > patience):
                self._make()
            return self._made

    def _make(self) -> None:
        node, began = self._node, self._node.now()
        with node.view() as view:
            digests = {event: view.state_digest(event) for event in view.events()}
            statement = StateStatement(node.keys.origin, view.size, view.root, digests)
            checkpoint = node.ledger.checkpoint(view)
        signer = VerifierKey(node.keys.origin, node.keys.node.public)
        note = sign_statement(statement, signer, node.keys.node)
        self._made, self._size = {"checkpoint": checkpoint, "statement": note}, statement.size
        self._at = node.now()
        self._took = self._at - began
