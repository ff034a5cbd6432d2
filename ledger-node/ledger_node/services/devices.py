"""Gates' devices: a one-time code, enrolment with the device's own key, revocation, and what they report of themselves.

A code is spent before the device is put on the ledger, and belongs to the key that spent it: if the answer is lost, the
same device asks again and is told the same; anybody else is refused.
"""

import hashlib
from dataclasses import dataclass

from ledger_node.contract.state import Device
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.store import Report
from scanner.verify.enrolment import SECRET_BYTES, EnrolmentCode, fingerprint
from scanner.verify.entry import Malformed

HOUR = 3_600
CODE_REFUSED = "code-refused"
_REFUSED = "this code is not good (mistyped, used, or expired): ask for a new one with `ledger-node devices code`"


@dataclass(frozen=True, slots=True)
class Seen:
    """A device on the ledger and its last report, if it made one."""

    device: Device
    report: Report | None


def make_code(node: Node, event: str, gate: str, lifetime: int = HOUR) -> EnrolmentCode:
    """A code that enrols one device at `gate`, within `lifetime` seconds. Only its keyed hash is kept."""
    with node.view() as view:
        gates = node.event(view, event).manifest.gates()
    if gate not in gates:
        raise ServiceError("unknown-gate", f"{event} has no gate {gate!r}; it has {', '.join(gates)}", 404)
    code = EnrolmentCode(node.draw(SECRET_BYTES), fingerprint(node.keys.node.public))
    node.store.add_code(_digest(node, code), event, gate, node.seconds + lifetime)
    return code


def enrol(node: Node, code_text: str, public_key: bytes) -> Device:
    """Put the device that has `public_key` on the ledger. Raises ServiceError with what to do."""
    code = EnrolmentCode.parse(code_text)
    if isinstance(code, Malformed):
        raise ServiceError("bad-code", code.reason, 422)
    if not code.names(node.keys.node.public):
        raise ServiceError("other-node", "this code was given by another ledger node: check the address", 403)
    digest = _digest(node, code)
    known = node.store.code(digest)
    if known is None:
        raise ServiceError(CODE_REFUSED, _REFUSED, 403)
    device = f"{known.gate}-{public_key.hex()[:8]}"
    if known.used_by is None and known.expires < node.seconds:
        raise ServiceError(CODE_REFUSED, _REFUSED, 403)
    if not node.store.use_code(digest, device):
        raise ServiceError(CODE_REFUSED, _REFUSED, 403)
    found = find(node, public_key)
    if found is None:
        node.commit([node.operator.enrol_device(known.event, device, public_key, known.gate, node.seconds)])
        found = find(node, public_key)
    if found is None or (found.event, found.device) != (known.event, device):
        raise ServiceError("device-exists", "this key is enrolled elsewhere: make a new key and enrol again", 409)
    return found


def find(node: Node, public_key: bytes) -> Device | None:
    """The device with this key, revoked or not."""
    with node.view() as view:
        return view.device_by_key(public_key)


def revoke(node: Node, event: str, device: str, reason: str) -> None:
    """From now on the device is told to wipe itself, and its records change nothing."""
    node.commit([node.operator.revoke_device(event, device, reason, node.seconds)])


def list_devices(node: Node, event: str) -> list[Seen]:
    """The devices of an event with their last reports."""
    with node.view() as view:
        node.event(view, event)
        devices = view.devices(event)
    reports = node.store.reports()
    return [Seen(device, reports.get(device.device)) for device in devices]


def _digest(node: Node, code: EnrolmentCode) -> bytes:
    # Keyed with the node's secret, so that a copied database does not let the 40 bits be searched.
    key = hashlib.blake2b(node.keys.node.seed, person=b"enrolment-code").digest()
    return hashlib.blake2b(code.secret, key=key, digest_size=32).digest()
