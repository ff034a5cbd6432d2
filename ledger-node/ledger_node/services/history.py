"""A ticket's public history: every entry that speaks of it, without people, each provable against a checkpoint."""

from dataclasses import dataclass

from ledger_node.log.ledger import View
from ledger_node.services.chronicle import Progress
from ledger_node.services.errors import ServiceError
from ledger_node.services.logged import read_logged
from ledger_node.services.node import Node
from ledger_node.services.public_facts import Facts, Signer, facts_of, signer_of
from scanner.verify.merkle import leaf_hash

MOST = 200
"""Steps in one answer."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That the entry is in the log of the history's size (RFC 6962): its leaf hash, and the hashes beside its path."""

    leaf_hash: bytes
    inclusion: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One entry. `at` is the time from which it counts, in unix seconds; a record's own time is among its facts."""

    position: int
    type: str
    at: int
    signer: Signer
    facts: Facts
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class History:
    """A ticket's steps in log order, at `size`; `checkpoint` is the signed note of that size. When there are more, go
    on at position `next`.
    """

    event: str
    index: int
    size: int
    checkpoint: str
    steps: tuple[Step, ...]
    next: int | None


def read_history(
    node: Node, event: str, index: int, *, start: int = 0, proofs: bool = False,
    progress: Progress = lambda _done: None,
) -> History:  # fmt: skip
    """The history from position `start` on. Raises ServiceError "unknown-event" or "unknown-ticket"."""
    with node.view() as view:
        node.event(view, event)
        if view.ticket(event, index) is None:
            raise ServiceError("unknown-ticket", f"{event} has no ticket {index}", 404)
        node.chronicle.catch_up(view, progress)
        acts = node.chronicle.about_ticket(event, index, start, view.size, MOST + 1)
        steps = tuple(_step(node, view, act.position, act.at, index, proofs=proofs) for act in acts[:MOST])
        more = acts[MOST].position if len(acts) > MOST else None
        return History(event, index, view.size, node.ledger.checkpoint(view), steps, more)


def _step(node: Node, view: View, position: int, at: int, index: int, *, proofs: bool) -> Step:
    (raw,) = view.entries(position, position + 1)
    entry = read_logged(raw)
    proof = Proof(leaf_hash(raw), tuple(view.inclusion(position, view.size))) if proofs else None
    signer = signer_of(view, node.keys.node.public, entry)
    return Step(position, entry.type, at, signer, facts_of(view, entry, index), proof)
