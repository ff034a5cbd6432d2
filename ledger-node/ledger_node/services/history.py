"""A ticket's public history: every entry that speaks of it, without people, each provable against a checkpoint."""

from dataclasses import dataclass

from ledger_node.log.ledger import Shown, View
from ledger_node.services.chronicle import Act, Progress
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
    """A ticket's steps in log order, at `size`; `shown` has the checkpoint of that size. When there are more, go on at
    position `next`.
    """

    event: str
    index: int
    size: int
    shown: Shown
    steps: tuple[Step, ...]
    next: int | None


def read_history(
    node: Node, event: str, index: int, *, start: int = 0, proofs: bool = False, cosigned: int = 0,
    progress: Progress = lambda _done: None,
) -> History:  # fmt: skip
    """The history from position `start` on; with `cosigned`, as far as so many witnesses have signed. Raises
    ServiceError "unknown-event", "unknown-ticket" or "not-cosigned".
    """
    best = node.cosigning.newest(cosigned) if cosigned else None
    with node.view() as view:
        node.event(view, event)
        if view.ticket(event, index) is None:
            raise ServiceError("unknown-ticket", f"{event} has no ticket {index}", 404)
        node.chronicle.catch_up(view, progress)
        size = best.head.size if best else view.size
        acts = node.chronicle.about_ticket(event, index, start, size, MOST + 1)
        steps = tuple(_step(node, view, act, index, size if proofs else None) for act in acts[:MOST])
        more = acts[MOST].position if len(acts) > MOST else None
        return History(event, index, size, best.shown if best else node.ledger.show(view.head), steps, more)


def _step(node: Node, view: View, act: Act, index: int, size: int | None) -> Step:
    """With its proof at `size`."""
    (raw,) = view.entries(act.position, act.position + 1)
    entry = read_logged(raw)
    proof = Proof(leaf_hash(raw), tuple(view.inclusion(act.position, size))) if size is not None else None
    signer = signer_of(view, node.keys.node.public, entry)
    return Step(act.position, entry.type, act.at, signer, facts_of(view, entry, index), proof)
