"""The certificate keys: adding one, and having every event trust it."""

from dataclasses import replace

from ledger_node import config
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import change_event, list_events
from ledger_node.services.node import Node
from scanner.verify.manifest import EventManifest, LedgerKey


def rotate(node: Node, *, retire: bool = False) -> int:
    """Make a new certificate key and put it into every event; the new kid. `retire` ends the trust in the old ones.

    The key is on disk before any event names it; a rotation that was cut short is finished by the next one. Its number
    is above every one that an event ever had, also of keys that this home has lost.
    """
    used = max((key.kid for state in list_events(node) for key in state.manifest.keys), default=0)
    try:
        node.keys = config.add_certificate_key(node.home, node.keys, node.draw, used)
    except config.HomeError as error:
        raise ServiceError("keys", str(error)) from error
    kid = node.keys.kid
    for state in list_events(node):
        change_event(node, state.manifest.event, lambda manifest: _with_keys(node, manifest, retire))
    return kid


def _with_keys(node: Node, manifest: EventManifest, retire: bool) -> EventManifest:  # noqa: FBT001 (a choice of the operator)
    highest = max((key.kid for key in manifest.keys), default=-1)
    added = [LedgerKey(kid, key.public) for kid, key in sorted(node.keys.certificates.items()) if kid > highest]
    old = [replace(key, retired=key.retired or retire) for key in manifest.keys]
    return replace(manifest, keys=(*old, *added))
