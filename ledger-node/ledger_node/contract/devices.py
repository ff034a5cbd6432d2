"""Rules for devices: enrolling a gate's own key, and revoking it for good."""

from ledger_node.contract.outcome import Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.ruleset import refuse_unproven
from ledger_node.contract.state import Device, State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.keys import valid_public_key
from scanner.verify.possession import device_message


def enrol(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """device.enrol: an id and a key that the ledger has never seen, at a gate of the event; the key says so itself."""
    event, body = state.event(entry.event), entry.body
    if event is None:
        return Rejected(Refusal.UNKNOWN_EVENT, entry.event)
    if body["gate"] not in event.manifest.gates():
        return Rejected(Refusal.UNKNOWN_GATE, body["gate"])
    if not valid_public_key(body["public_key"]):
        return Rejected(Refusal.BAD_KEY, body["device"])
    unproven = refuse_unproven(state, entry, body["public_key"], device_message(state.operator, body["public_key"]))
    if unproven:
        return unproven
    taken = state.device(body["device"]) or state.device_by_key(body["public_key"])
    if taken is not None or body["public_key"] == state.operator:
        return Rejected(Refusal.DEVICE_EXISTS, body["device"])
    state.put_device(Device(entry.event, body["device"], body["public_key"], body["gate"], at, None, position))
    return None


def revoke(state: State, _position: int, entry: Entry, at: int) -> Rejected | None:
    """device.revoke: from here on its records are kept and change nothing. There is no way back but a new enrolment."""
    device = state.device(entry.body["device"])
    if device is None or device.event != entry.event:
        return Rejected(Refusal.UNKNOWN_DEVICE, entry.body["device"])
    if device.revoked_at is not None:
        return Rejected(Refusal.DEVICE_REVOKED, entry.body["device"])
    state.put_device(but(device, revoked_at=at))
    return None
