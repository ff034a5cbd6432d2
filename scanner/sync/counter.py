"""Asks the ledger node where this device's records go on, for a gate that has no journal: a record that is signed with
a counter of an older one would be refused for good. Nothing is kept here.
"""

from typing import Annotated

from pydantic import Field

from scanner.errors import SyncError
from scanner.sync.answers import Answer, Problem, Revoked
from scanner.sync.client import Identity
from scanner.sync.line import Limits
from scanner.sync.signed import Question, SignedLines, Signer, Timeouts
from scanner.verify.entry import Malformed

HASTY = Timeouts(connect=1.0, silence=1.0, total=2.0)
"""A gate that starts has people before it."""
MOST = 2**53
_MOST_ANSWER = 16_384


class _Told(Answer):
    device: str
    last: Annotated[int, Field(ge=0, le=MOST)]


def last_counter(
    url: str, identity: Identity, signer: Signer, timeouts: Timeouts = HASTY, ca: str | None = None
) -> int:
    """The highest counter of a record of this device on the ledger, 0 for none.

    Raises SyncError when the node does not say: it is away, revokes the device, or speaks of another.
    """
    lines = SignedLines(url, signer, identity.node_key, timeouts, ca)
    try:
        answer = lines.ask(Question("GET", "/v1/counter", Limits(timeouts.total, timeouts.silence, _MOST_ANSWER)))
    finally:
        lines.close()
    if isinstance(answer, Problem | Revoked):
        raise SyncError(answer.detail)
    told = _Told.parse(answer)
    if isinstance(told, Malformed) or told.device != identity.device:
        raise SyncError("the ledger node's word on our counter is malformed, or about another device")
    return told.last
