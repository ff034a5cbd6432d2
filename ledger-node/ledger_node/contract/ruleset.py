"""Which version of the rules counts in an event: what this contract asks of entries grows, and logs are replayed.

Events before versions existed are of the first. `event.create` and `event.update` may carry a version in "rules"; it
never goes back. What the newest asks for and the first did not: the holder of a key that an entry names says so
(`possession`). A node that takes entries in asks for that in every event, whatever its version (`apply`). What the
newest allows and the first did not: a policy that counts before one that was set earlier and still waits (`course`).
Since the third, others come to hold a ticket's use only when those who held it have given it up (`leases`).
"""

from ledger_node.contract.facts import Ruleset
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.state import State
from scanner.verify.entry import Entry
from scanner.verify.keys import verify

FIRST = 1
PROVEN_KEYS = 2
OVERTAKING = 2
LEASES = 3
NEWEST = 3


def rules_of(state: State, event: str) -> int:
    """The version that counts in this event."""
    found = state.find(Ruleset, event, "rules")
    return found.version if found else FIRST


def refuse_unproven(state: State, entry: Entry, key: bytes, message: bytes) -> Rejected | None:
    """Why the key that the entry names cannot be taken for its holder's, or None: `proof` signs `message` with it.

    Only an event of the first rules goes without; a proof that is given is looked at there, too.
    """
    proof = entry.body.get("proof")
    if proof is None:
        return Rejected(Refusal.PROOF_NEEDED) if rules_of(state, entry.event) >= PROVEN_KEYS else None
    return None if verify(key, message, proof) else Rejected(Refusal.BAD_PROOF, entry.type)


def next_rules(state: State, entry: Entry) -> int | Rejected:
    """The version that counts once this event.create or event.update does."""
    before = rules_of(state, entry.event)
    wanted: int = entry.body.get("rules", before)
    if not before <= wanted <= NEWEST:
        return Rejected(Refusal.WRONG_RULES, f"{wanted}, known are {before} to {NEWEST}")
    return wanted


def set_rules(state: State, event: str, version: int) -> None:
    """From here on."""
    if version != rules_of(state, event):
        state.put(Ruleset(event, version=version))
