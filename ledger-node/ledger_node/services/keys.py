"""Changing keys: the certificate keys, which every event must come to trust, and the keys that sign checkpoints."""

import threading
from collections.abc import Callable
from dataclasses import replace

from ledger_node import config, home_folder, log_signers
from ledger_node.log_signers import LogSigners
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import change_event, list_events
from ledger_node.services.node import Node
from scanner.verify.log_keys import LogKeys
from scanner.verify.manifest import EventManifest, LedgerKey

_CHANGING = threading.Lock()
"""A node's keys are one value, so that two changes of them must not meet."""


def rotate(node: Node, *, retire: bool = False) -> int:
    """Make a new certificate key and put it into every event; the new kid. `retire` ends the trust in the old ones.

    The key is on disk before any event names it; a rotation that was cut short is finished by the next one. Its number
    is above every one that an event ever had, also of keys that this home has lost.
    """
    used = max((key.kid for state in list_events(node) for key in state.manifest.keys), default=0)
    with _CHANGING:
        try:
            node.keys = config.add_certificate_key(node.home, node.keys, node.draw, used)
        except home_folder.HomeError as error:
            raise ServiceError("keys", str(error)) from error
        kid = node.keys.kid
    for state in list_events(node):
        change_event(node, state.manifest.event, lambda manifest: _with_keys(node, manifest, retire))
    return kid


def rotate_log(node: Node, *, overlap: bool = False) -> LogKeys:
    """Have a new key sign the log's checkpoints; the list that says so. The keys before it are revoked, but with
    `overlap` the newest of them goes on signing beside it, until the next rotation or `end_overlap`.

    Key and list are on disk before the first checkpoint is signed with them.
    """
    return _sign_with(
        node, lambda signers: log_signers.rotate(node.home, signers, node.seconds, node.draw, overlap=overlap)
    )


def end_overlap(node: Node) -> LogKeys:
    """Revoke all but the newest of the keys that sign the log's checkpoints; the list that says so."""
    return _sign_with(node, lambda signers: log_signers.end_overlap(node.home, signers, node.seconds))


def _sign_with(node: Node, change: Callable[[LogSigners], LogSigners]) -> LogKeys:
    with _CHANGING:
        try:
            signers = change(node.keys.signers)
        except home_folder.HomeError as error:
            raise ServiceError("keys", str(error), 409) from error
        node.keys = replace(node.keys, log=signers)
        node.ledger.sign_with(signers.keys, signers.lists)
    return signers.newest


def _with_keys(node: Node, manifest: EventManifest, retire: bool) -> EventManifest:  # noqa: FBT001 (a choice of the operator)
    highest = max((key.kid for key in manifest.keys), default=-1)
    added = [LedgerKey(kid, key.public) for kid, key in sorted(node.keys.certificates.items()) if kid > highest]
    old = [replace(key, retired=key.retired or retire) for key in manifest.keys]
    return replace(manifest, keys=(*old, *added))
