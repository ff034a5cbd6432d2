"""The state at a log's size, in the form in which it is stated and compared: as a log's own entries give it, and as its
node states it at `/state`.
"""

from collections.abc import Callable

from ledger_node.log.remote import UnreadableLogError
from ledger_node.log.view import View
from ledger_node.strict_json import parse_json
from scanner.verify.checkpoint import Checkpoint, VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.snapshot import manifest_digest
from scanner.verify.statement import Stated, StateStatement, open_statement

STATE = "state"


def state_of(view: View, origin: str) -> StateStatement:
    """Every event's digests. Reads every row: about a second for a million tickets."""
    events = {}
    for event in view.events():
        known = view.event(event)
        assert known is not None, "it was listed"
        events[event] = Stated(view.state_digest(event), manifest_digest(known.manifest))
    return StateStatement(origin, view.size, view.root, events)


def open_state(
    data: bytes, root: VerifierKey, open_checkpoint: Callable[[str], Checkpoint | Malformed]
) -> tuple[Checkpoint, StateStatement, str]:
    """What was read at `/state`: a checkpoint, the statement of the same size by the log's root key, and that as it was
    signed. Raises UnreadableLogError for anything else.
    """
    try:
        told = parse_json(data)
        notes = (str(told["checkpoint"]), str(told["statement"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableLogError(f"{STATE}: cannot be read ({error!r})") from error
    checkpoint, statement = open_checkpoint(notes[0]), open_statement(notes[1], root)
    if isinstance(checkpoint, Malformed):
        raise UnreadableLogError(f"{STATE}: {checkpoint.reason}")
    if isinstance(statement, Malformed):
        raise UnreadableLogError(f"{STATE}: {statement.reason}")
    if (statement.origin, statement.size, statement.root) != (checkpoint.origin, checkpoint.size, checkpoint.root):
        raise UnreadableLogError(f"{STATE}: the statement and the checkpoint with it are of different logs")
    return checkpoint, statement, notes[1]
