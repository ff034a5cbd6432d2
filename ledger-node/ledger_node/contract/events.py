"""Rules for events: creating one, and replacing its manifest by the next version."""

from ledger_node.contract import leases
from ledger_node.contract.certificate_keys import spent
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.ruleset import LEASES, next_rules, set_rules
from ledger_node.contract.state import EventState, State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry, Malformed
from scanner.verify.manifest import EventManifest


def create(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """event.create: version 1 of an event that the ledger does not have."""
    manifest = _manifest(entry)
    if isinstance(manifest, Rejected):
        return manifest
    if state.event(entry.event) is not None:
        return Rejected(Refusal.EVENT_EXISTS, entry.event)
    if manifest.version != 1:
        return Rejected(Refusal.WRONG_VERSION, f"{manifest.version}, not 1")
    rules = next_rules(state, entry)
    if isinstance(rules, Rejected):
        return rules
    state.put_event(entry.event, EventState(manifest, 0, position))
    set_rules(state, entry.event, rules)
    return None


def update(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """event.update: the next version. It keeps every gate in use, every gate group and room for all tickets, and a
    certificate key's number stays that key's; by the newest rules no two gates hold one use by two versions.
    """
    manifest = _manifest(entry)
    if isinstance(manifest, Rejected):
        return manifest
    event = state.event(entry.event)
    if event is None:
        return Rejected(Refusal.UNKNOWN_EVENT, entry.event)
    if manifest.version != event.manifest.version + 1:
        return Rejected(Refusal.WRONG_VERSION, f"{manifest.version}, not {event.manifest.version + 1}")
    if manifest.capacity < event.issued:
        return Rejected(Refusal.OVER_CAPACITY, f"{event.issued} tickets are issued")
    reused = spent(event.manifest.keys, manifest.keys)
    if reused:
        return reused
    gone = _gates_missed(state, event.manifest, manifest)
    if gone:
        return Rejected(Refusal.GATE_IN_USE, ", ".join(sorted(gone)))
    rules = next_rules(state, entry)
    if isinstance(rules, Rejected):
        return rules
    held = leases.refuse_update(state, event.manifest, manifest, entry.body.get("heard", ()))
    if held and rules >= LEASES:
        return held
    _renumber_gates(state, position, event.manifest, manifest)
    leases.keep_up(state, position, event.manifest, manifest)
    set_rules(state, entry.event, rules)
    state.put_event(entry.event, but(event, manifest=manifest, changed=position))
    return None


def _manifest(entry: Entry) -> EventManifest | Rejected:
    manifest = EventManifest.from_map(entry.body["manifest"])
    if isinstance(manifest, Malformed):
        return Rejected(Refusal.BAD_MANIFEST, manifest.reason)
    if manifest.event != entry.event:
        return Rejected(Refusal.BAD_MANIFEST, f"of event {manifest.event}, in an entry of {entry.event}")
    return manifest


def _gates_missed(state: State, old: EventManifest, new: EventManifest) -> set[str]:
    gates = old.gates()
    needed = {device.gate for device in state.devices(old.event) if device.revoked_at is None}
    if set(gates) - set(new.gates()):
        needed |= {gates[ticket.row.used_gate - 1] for ticket in state.used_tickets(old.event)}
    groups = {f"group {group.number}" for group in old.gate_groups if new.group(group.number) is None}
    return groups | (needed - set(new.gates()))


def _renumber_gates(state: State, position: int, old: EventManifest, new: EventManifest) -> None:
    """A row names its gate by a place in the manifest's list, so a list that changes moves the rows that name one."""
    before, after = old.gates(), new.gates()
    if before == after:
        return
    for ticket in list(state.used_tickets(old.event)):
        place = after.index(before[ticket.row.used_gate - 1]) + 1
        if place != ticket.row.used_gate:
            state.put_ticket(but(ticket, row=ticket.row._replace(used_gate=place), changed=position))
