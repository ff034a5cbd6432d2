"""Gates' devices: a one-time code, enrolment with the device's own key, revocation, and what they report of themselves.

A code is spent before the device is put on the ledger, and belongs to the key that spent it: if the answer is lost, the
same device asks again and is told the same; anybody else is refused. What the ledger would refuse spends no code.
"""

import hashlib
from dataclasses import dataclass

from ledger_node.contract.state import Device
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node, fault_as_error
from ledger_node.services.store import CodeRow, Report
from scanner.verify.enrolment import SECRET_BYTES, EnrolmentCode, fingerprint, open_code
from scanner.verify.entry import Malformed
from scanner.verify.keys import verify
from scanner.verify.possession import device_message

HOUR = 3_600
CODE_REFUSED = "code-refused"
_FORGET = "at the gate, `gate-scanner forget` ends that, then enrol with the same code"
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


def enrol(node: Node, sealed_code: str, public_key: bytes, proof: bytes) -> Device:
    """Put the device that has `public_key` on the ledger. Raises ServiceError with what to do.

    `sealed_code`: as `seal_code` makes it. `proof`: `possession.device_message`, signed with that key.
    """
    if not verify(public_key, device_message(node.keys.node.public, public_key), proof):
        raise ServiceError("bad-proof", "the device's key did not sign that it joins this ledger: update the gate", 422)
    code = open_code(sealed_code, public_key, node.keys.node)
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
    if known.used_by not in {None, device}:
        raise ServiceError(CODE_REFUSED, _REFUSED, 403)
    with node.enrolling:
        return _enrol_once(node, digest, known, device, public_key, proof)


def _enrol_once(node: Node, digest: bytes, known: CodeRow, device: str, public_key: bytes, proof: bytes) -> Device:
    """One at a time: of two for the same gate the second must see the first."""
    found = _enrolled(node, public_key, known.event, device)
    if found is None:
        _refuse_a_second(node, known.event, known.gate)
    if not node.store.use_code(digest, device):
        raise ServiceError(CODE_REFUSED, _REFUSED, 403)
    if found is None:
        entry = node.operator.enrol_device(known.event, device, public_key, known.gate, node.seconds, proof)
        node.commit([entry])
        found = _enrolled(node, public_key, known.event, device)
        assert found is not None, "what was committed is in the ledger"
    return found


def _refuse_a_second(node: Node, event: str, gate: str) -> None:
    """Under `lease = "gate"` a gate is one device: two would hold the same uses, and each could spend them alone."""
    with node.view() as view:
        if node.event(view, event).manifest.policy.lease != "gate":
            return
        there = [one.device for one in view.devices(event) if one.gate == gate and one.revoked_at is None]
    if there:
        raise ServiceError(
            "gate-taken",
            f"each gate of {event} is one device, and {gate} is {there[0]}: `ledger-node devices revoke` it first",
            409,
        )


def _enrolled(node: Node, public_key: bytes, event: str, device: str) -> Device | None:
    """The device, if it is on the ledger already. Raises ServiceError if its key is there as another's or revoked."""
    found = find(node, public_key)
    if found is None:
        return None
    if (found.event, found.device) != (event, device):
        raise ServiceError(
            "device-exists",
            f"this device is enrolled at gate {found.gate} of {found.event}, and a device belongs to one gate: "
            f"{_FORGET}",
            409,
        )
    if found.revoked_at is not None:
        raise ServiceError("device-revoked", f"this device was revoked, for good: {_FORGET}", 409)
    return found


def find(node: Node, public_key: bytes) -> Device | None:
    """The device with this key, revoked or not."""
    with fault_as_error():
        return node.ledger.device_by_key(public_key)


def revocation(node: Node, device: Device) -> tuple[int, bytes]:
    """Where the entry that revoked the device stands, and the entry. Raises ServiceError "not-revoked"."""
    with fault_as_error(), node.view() as view:
        found = view.revocation(device)
    if found is None:
        raise ServiceError("not-revoked", f"{device.device} is not revoked: go on", 404)
    return found


def revoke(node: Node, event: str, device: str, reason: str) -> None:
    """From now on the device is told to wipe itself, and its records change nothing."""
    with node.view() as view:
        node.event(view, event)
        if device not in {one.device for one in view.devices(event)}:
            sentence = f"{event} has no device {device!r}: see `ledger-node devices list {event}`, column device"
            raise ServiceError("unknown-device", sentence, 404)
    node.commit([node.operator.revoke_device(event, device, reason, node.seconds)])


def out_of_service(node: Node, event: str, gate: str, reason: str) -> list[str]:
    """Revoke every device of a gate, all or none, so that its uses are the node's to grant; which. Raises ServiceError.

    Until such a device hears of it, it may still admit by what it held: it has to be off, or its turnstile locked.
    """
    with node.view() as view:
        gates = node.event(view, event).manifest.gates()
        there = [one.device for one in view.devices(event) if one.gate == gate and one.revoked_at is None]
    if gate not in gates:
        raise ServiceError("unknown-gate", f"{event} has no gate {gate!r}; it has {', '.join(gates)}", 404)
    if not there:
        raise ServiceError("no-device", f"{gate} has no device in service: it holds nothing", 409)
    why = f"out of service: {reason}"
    node.commit([node.operator.revoke_device(event, one, why, node.seconds) for one in there], whole=True)
    return there


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
