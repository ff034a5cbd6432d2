"""The log's entry that revokes a device: the only thing by which a gate lets go of what it holds. Pure.

An answer of the node that is signed and bound to a question says that the node said so, just now. It is the entry,
signed by the log's operator and proven to stand in the log that this gate follows, that every witness and auditor sees
too: who breaks the channel, or makes the node speak, can keep a gate waiting with it and wipe none.
"""

from collections.abc import Sequence

from scanner.verify.checkpoint import Checkpoint
from scanner.verify.entry import Entry, Malformed, open_entry, signature_good
from scanner.verify.merkle import leaf_hash, verify_inclusion

REVOKE = "device.revoke"


def is_revocation(entry: Entry | Malformed, event: str, device: str) -> bool:
    """Whether the entry says that this device of this event is revoked; who says so is not looked at."""
    if not isinstance(entry, Entry) or entry.type != REVOKE:
        return False
    return entry.event == event and entry.body.get("device") == device


def check_revocation(
    raw: bytes,
    position: int,
    inclusion: Sequence[bytes],
    checkpoint: Checkpoint,
    operator: bytes,
    event: str,
    device: str,
) -> str | Malformed:
    """The reason that the operator gave, if this entry revokes this device and stands in the checkpoint's log."""
    entry = open_entry(raw)
    if isinstance(entry, Malformed):
        return entry
    if not is_revocation(entry, event, device):
        return Malformed(f"a {entry.type} that does not name this device ({device} of {event})")
    if entry.actor != operator or not signature_good(entry):
        return Malformed("not signed by the log's operator")
    if not verify_inclusion(leaf_hash(raw), position, checkpoint.size, inclusion, checkpoint.root):
        return Malformed(f"not proven to stand at position {position} of {checkpoint.size}")
    return str(entry.body.get("reason", ""))
