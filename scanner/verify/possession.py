"""What the holder of a key signs to show that the key is theirs, where an entry that somebody else signs names it.

Without this anybody could have a stranger's public key, which the log tells everybody, put down as their own. Each
message is good for one purpose and one place; for a ticket it is `gatecode.possession_message`.
"""

_IDENTITY = b"ticketme/v1/possession/identity\0"
_DEVICE = b"ticketme/v1/possession/device\0"


def identity_message(event: bytes, key: bytes, reference: str) -> bytes:
    """By the holder of `key`: the attestation that the provider gave under this reference is about me. `event` is the
    event's hash. A reference is given once only, so nobody can use the signature for an attestation of their own.
    """
    return _IDENTITY + event + key + reference.encode()


def device_message(operator: bytes, key: bytes) -> bytes:
    """By a gate's device: I join the ledger of this operator, with this key."""
    return _DEVICE + operator + key
