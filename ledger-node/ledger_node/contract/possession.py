"""Which public keys each type of entry names besides its signer's, and how the holder of each shows to have it.

A key is no secret: the log tells all of them. An actor who could have a stranger's key named as their own would take
what is the stranger's, so every key here is proven within the entry, where every witness looks at it; the few that are
not say why not. Types that are not in this table name no key but their signer's, who proves it by signing. A test holds
the table to the shapes of the entries and to the rules.
"""

from collections.abc import Mapping
from typing import Literal

Shown = Literal["by its signature", "vouched"]
"""How possession is shown: `by its signature` = the key signs a message of its own, which the entry carries;
`vouched` = not at all, because the signer answers for the key and nothing of its holder's is at stake."""

NAMED: Mapping[str, Mapping[str, Shown]] = {
    "ticket.issue": {"rows[].holder_key": "by its signature"},
    "key.register": {"holder_key": "by its signature"},
    "identity.attest": {"attestation.key": "by its signature"},
    "device.enrol": {"public_key": "by its signature"},
    "actor.register": {"public_key": "vouched"},
    "key.rotate": {"keys[].public_key": "vouched"},
    "event.create": {"manifest.keys[].public_key": "vouched"},
    "event.update": {"manifest.keys[].public_key": "vouched"},
}
"""`transfer.accept` and `resale.buy` give the ticket to the key that signs them."""

VOUCHED: Mapping[str, str] = {
    "actor.register": "the operator names who may speak for the event; a stranger's key would give that stranger power",
    "key.rotate": "certificate keys are the operator's own; a stranger's key would give that stranger power",
    "event.create": "as key.rotate",
    "event.update": "as key.rotate",
}
"""Why nothing is taken from the holder of a key that is only vouched for."""
