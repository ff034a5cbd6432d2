"""Rules for the certificate keys of an event, whichever entry brings the next list of them.

A number (kid) stands for one key for ever: a holder's certificate names only the number. Numbers only grow; so that the
state need not remember every one that was, the highest stays in the list, retired or not.
"""

from collections.abc import Sequence

from ledger_node.contract.outcome import Rejected
from ledger_node.contract.refusals import Refusal
from scanner.verify.manifest import LedgerKey


def spent(before: Sequence[LedgerKey], after: Sequence[LedgerKey]) -> Rejected | None:
    """Why `after` cannot follow `before`, or None. A lower number that is left out is revoked for good."""
    known = {key.kid: key for key in before}
    highest = max(known, default=-1)
    for key in after:
        old = known.get(key.kid)
        if old is None and key.kid <= highest:
            return Rejected(Refusal.KEY_SPENT, f"key {key.kid}: numbers only grow, the next is {highest + 1} or more")
        if old is not None and (old.public_key != key.public_key or (old.retired and not key.retired)):
            return Rejected(Refusal.KEY_SPENT, f"key {key.kid}")
    if known and highest not in {key.kid for key in after}:
        return Rejected(Refusal.KEY_SPENT, f"key {highest}: retire the highest number instead of leaving it out")
    return None
