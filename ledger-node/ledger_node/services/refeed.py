"""Takes back what this node lost of its log, from a source that has it: a witness, a mirror, a copy, another backup.

What is read is believed for its hashes alone: each slice must be the part of the log that a checkpoint by our own key
is for, and every entry in it must be valid under the contract at its position. A slice is logged whole or not at all,
so a process that dies goes on from where it was. Nothing else is logged meanwhile (`NewerLog`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ledger_node.adapters.remote_log import RemoteLogError
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.log import tiles
from ledger_node.log.port import Head
from ledger_node.log.remote import RemoteTiles, Source, UnreadableLogError
from ledger_node.services.errors import ServiceError
from ledger_node.services.newer_log import Behind
from ledger_node.services.node import Node, fault_as_error
from ledger_node.services.replica import unlike
from scanner.verify.checkpoint import Checkpoint
from scanner.verify.log_keys import NEWEST
from scanner.verify.merkle import verify_consistency

CHECKPOINT = "checkpoint"
SLICE = 256
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fed:
    """How many entries came back, and what is still missing (None: nothing, as far as is known)."""

    entries: int
    size: int
    behind: Behind | None


def refeed(
    node: Node, read: Source, name: str, goal: Head | None = None, ended: Callable[[], bool] = lambda: False
) -> Fed:
    """Take what `read` has of our log and this node has not, up to the checkpoint that it shows, or up to `goal`, which
    the caller vouches for; `ended` stops it after a slice. Raises ServiceError if it has nothing, or not our log; what
    came before that stays.
    """
    with node.newer.feeding:
        start = node.ledger.size
        try:
            goal = goal or _shown(node, read, name)
            remote = RemoteTiles(read, goal.size)
            _must_be_ours(node, remote, goal, name)
            while node.ledger.size < goal.size and not ended():
                _take(node, remote, goal, name)
        except (UnreadableLogError, RemoteLogError, OSError) as error:
            raise ServiceError("no-log", f"{name} does not give our log ({error}): try another source") from error
        finally:
            node.newer.look_again()
    fed = Fed(node.ledger.size - start, node.ledger.size, node.newer.behind)
    log.warning("fed again", source=name, entries=fed.entries, size=fed.size, whole=fed.behind is None)
    return fed


def _shown(node: Node, read: Source, name: str) -> Head:
    """What the source's checkpoint, by our log's key, is for. It is news here, or nothing would be missing."""
    note, listed = read(CHECKPOINT), read(NEWEST)
    if note is None:
        raise ServiceError("no-log", f"{name} shows no checkpoint of our log: try another source")
    text, keys = note.decode(errors="replace"), listed.decode(errors="replace") if listed else ""
    node.newer.show(text, keys, name)
    checkpoint = node.newer.keys_by(keys).open_checkpoint(text)
    assert isinstance(checkpoint, Checkpoint), "it was just taken"
    return Head(checkpoint.size, checkpoint.root)


def _must_be_ours(node: Node, remote: RemoteTiles, goal: Head, name: str) -> None:
    """The goal begins with what we have, and is on the way to what we were shown, or beyond."""
    ours, behind = node.ledger.size, node.newer.behind
    if behind is not None and behind.forked:
        raise ServiceError("other-log", behind.sentence())
    if goal.size <= ours or behind is None:
        raise ServiceError("nothing-new", f"{name} has {goal.size} entries of our log, we have {ours}: nothing new")
    with node.view() as view:
        passed = [Head(view.size, view.root)]
    passed += [Head(one.size, one.root) for one in node.newer.shown if one.size <= goal.size]
    for head in passed:
        proof = tiles.consistency(remote, head.size, goal.size)
        if head.size and not verify_consistency(head.size, goal.size, head.root, goal.root, proof):
            what = f"the log that {name} has is not ours of size {head.size}"
            raise ServiceError("other-log", f"{what}: entries were logged here, or there, that the other does not have")


def _take(node: Node, remote: RemoteTiles, goal: Head, name: str) -> None:
    start = node.ledger.size
    stop = min(start + SLICE, goal.size)
    entries = remote.entries(start, stop)
    with node.view() as view:
        wrong = unlike(view.frontier(), entries, goal, remote)
    if wrong:
        raise ServiceError("other-log", f"{name}: {wrong.reason}: try another source")
    with fault_as_error():
        answers = node.ledger.refill(entries).result()
    refused = [answer for answer in answers if isinstance(answer, Rejected)]
    if refused:
        what = next((one for one in refused if one.code != "batch-refused"), refused[0])
        raise ServiceError("other-rules", f"the contract refuses an entry after {start} of {name}: {what.sentence()}")
    assert all(isinstance(answer, Outcome) and answer.new for answer in answers), "in the log once"
