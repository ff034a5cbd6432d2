"""What an operator can have done, by name, with plain values in and out: the same at the keyboard and over the socket.

Each operation takes the node and a map of JSON values, and gives JSON values back. Who may ask is not decided here.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ledger_node.contract.state import EventState, Ticket
from ledger_node.names import name_fault
from ledger_node.services import devices, events, issue, keys, tickets
from ledger_node.services.errors import ServiceError
from ledger_node.services.export import export
from ledger_node.services.given import hex_of
from ledger_node.services.lease_operations import LEASES
from ledger_node.services.market_operations import MARKET
from ledger_node.services.node import Node
from ledger_node.services.oversight import OVERSIGHT
from ledger_node.services.people import PEOPLE
from ledger_node.services.restoring import RESTORING
from ledger_node.services.still_on import note_of, standing_of
from scanner.verify.gatecode import event_hash
from scanner.verify.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES
from scanner.verify.log_keys import LogKeys
from scanner.verify.manifest import GateGroup
from scanner.verify.policy import Policy

Values = Mapping[str, Any]
Operation = Callable[[Node, Values], Any]


_AS_THEY_ARE = frozenset({"folder", "changes", "value", "answer", "note", "source"})
"""Values that are no names: a path, a policy (whose fields have rules of their own), what is looked for or compared."""


_NOTED = frozenset(
    {
        "event-create", "event-show", "tickets-issue", "tickets-register", "tickets-state", "devices-code",
        "devices-revoke", "policy-set", "actors-add", "actors-revoke", "sale-open", "sponsors-add", "sponsors-revoke",
        "sponsors-recall", "sponsors-reclaim", "transfers-cancel", "resale-unlist", "leases-move",
        "devices-out-of-service",
    }
)  # fmt: skip
"""What may be done for an event that is over or was cancelled; the answer has a note that it is."""


def perform(node: Node, name: str, values: Values) -> Any:
    """Do it. Raises ServiceError, also for an unknown name and for values that the operation cannot use."""
    operation = OPERATIONS.get(name)
    if operation is None:
        raise ServiceError("no-such-operation", f"there is no operation {name!r}", 404)
    for text, path in _texts(values, ()):
        fault = name_fault(text) if text else None
        if fault and not _AS_THEY_ARE.intersection(path):
            raise ServiceError("bad-name", f"{path[-1]}: {fault}")
    for name_of in ("indexes", "tickets"):
        named = values.get(name_of)
        twice = [one for one, count in Counter(named).items() if count > 1] if isinstance(named, list) else []
        if twice:
            raise ServiceError("bad-values", f"ticket {twice[0]} is named twice: name each once", 400)
    try:
        made = operation(node, values)
        return _noted(made, note_of(node, str(values["event"]))) if name in _NOTED else made
    except (KeyError, TypeError, ValueError) as error:
        raise ServiceError("bad-values", f"{name} cannot use these values: {error}", 400) from error


def _noted(made: Mapping[str, Any], more: Mapping[str, str]) -> dict[str, Any]:
    """The answer with this note, besides its own."""
    notes = [one["note"] for one in (made, more) if "note" in one]
    return {**made, **({"note": "; ".join(notes)} if notes else {})}


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every text in a value, and the names under which it stands."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, (*path, str(name)))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, path)


def _create_event(node: Node, values: Values) -> Any:
    groups = tuple(
        GateGroup(group["number"], group["name_en"], group["name_zh"], tuple(group["gates"]))
        for group in values.get("gate_groups", ())
    )
    plain = {name: values[name] for name in ("event", "name", "doors", "starts", "capacity", "step", "tolerance")}
    plain |= {"zone": values["zone"]} if "zone" in values else {}
    order = events.EventOrder(**plain, gate_groups=groups, policy=Policy(**values.get("policy", {})))
    return event_map(events.create_event(node, order))


def _show_event(node: Node, values: Values) -> Any:
    return _with_standing(node, events.read_event(node, values["event"]))


def _with_standing(node: Node, state: EventState) -> dict[str, Any]:
    return {**event_map(state), "standing": standing_of(node, state.manifest.event)}


def _cancel_event(node: Node, values: Values) -> Any:
    outcome = events.cancel_event(node, values["event"], values["reason"])
    return {"event": values["event"], "cancelled": True, "position": outcome.position}


def _list_events(node: Node, _values: Values) -> Any:
    return [_with_standing(node, state) for state in events.list_events(node)]


def _issue(node: Node, values: Values) -> Any:
    names = ("event", "count", "first", "category", "gate_group", "face_value")
    lot = issue.Lot(**{name: values[name] for name in names}, standing=bool(values.get("standing")))
    first, last = issue.issue_lot(node, lot)
    return {"event": values["event"], "first": first, "last": last, "count": last - first + 1}


def _show_ticket(node: Node, values: Values) -> Any:
    event, index = str(values["event"]), int(values["index"])
    shown = ticket_map(tickets.read_ticket(node, event, index))
    if values.get("certificate"):
        certified = tickets.certificate(node, event, index, int(values.get("ttl", tickets.DAY)))
        shown["certificate"] = certified.certificate.pack().hex()
        shown["ledger_signature"] = certified.signature.hex()
    return shown


def _register(node: Node, values: Values) -> Any:
    holder_key = hex_of(values, "holder_key", PUBLIC_KEY_BYTES, "an Ed25519 public key")
    proof = hex_of(values, "proof", SIGNATURE_BYTES, "the key's signature of possession")
    event, index = str(values["event"]), int(values["index"])
    tickets.register_key(node, event, index, int(values["owner_seq"]), holder_key, proof)
    return ticket_map(tickets.read_ticket(node, event, index))


def _set_state(node: Node, values: Values) -> Any:
    outcome = tickets.set_state(node, values["event"], list(values["indexes"]), values["state"], values["reason"])
    return {"position": outcome.position, "state": values["state"], "tickets": list(values["indexes"])}


def _show_keys(node: Node, _values: Values) -> Any:
    held = {str(kid): key.public.hex() for kid, key in sorted(node.keys.certificates.items())}
    ledger = node.ledger
    return {
        "log": ledger.vkey,
        "origin": node.keys.origin,
        "node_key": node.keys.node.public.hex(),
        "certificate_keys": held,
        "kid": node.keys.kid,
        "log_keys": _log_keys(node.keys.signers.newest),
        "size": ledger.size,
    }


def _log_keys(newest: LogKeys) -> Any:
    """The list of the keys that sign checkpoints; version 0 is the root key, `log`, alone."""
    return {"version": newest.version, "since": newest.at or None, "keys": [key.encode() for key in newest.keys]}


def _rotate(node: Node, values: Values) -> Any:
    return {"kid": keys.rotate(node, retire=bool(values.get("retire")))}


def _rotate_log(node: Node, values: Values) -> Any:
    return _log_keys(keys.rotate_log(node, overlap=bool(values.get("overlap"))))


def _end_overlap(node: Node, _values: Values) -> Any:
    return _log_keys(keys.end_overlap(node))


def _code(node: Node, values: Values) -> Any:
    lifetime = int(values.get("lifetime", devices.HOUR))
    code = devices.make_code(node, values["event"], values["gate"], lifetime)
    return {"code": code.text(), "event": values["event"], "gate": values["gate"], "expires": node.seconds + lifetime}


def _list_devices(node: Node, values: Values) -> Any:
    return [
        {
            "device": seen.device.device,
            "gate": seen.device.gate,
            "public_key": seen.device.public_key.hex(),
            "enrolled_at": seen.device.enrolled_at,
            "revoked_at": seen.device.revoked_at,
            "last_seen": seen.report.seen_at if seen.report else None,
            "view_size": seen.report.view_size if seen.report else None,
            "queue": seen.report.queue if seen.report else None,
        }
        for seen in devices.list_devices(node, values["event"])
    ]


def _revoke(node: Node, values: Values) -> Any:
    devices.revoke(node, values["event"], values["device"], values["reason"])
    return {"device": values["device"], "revoked": True}


def _export(node: Node, values: Values) -> Any:
    folder = Path(values["folder"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {"folder": str(folder), "size": export(node.ledger, folder, cosigning=node.cosigning)}
    except OSError as error:
        raise ServiceError("disk", f"cannot write {error.filename}: {error.strerror}; name another folder") from error


OPERATIONS: Mapping[str, Operation] = {
    "event-create": _create_event,
    "event-show": _show_event,
    "event-list": _list_events,
    "event-cancel": _cancel_event,
    "event-note": lambda node, values: note_of(node, str(values["event"])),
    "tickets-issue": _issue,
    "tickets-show": _show_ticket,
    "tickets-register": _register,
    "tickets-state": _set_state,
    "log-export": _export,
    "keys-show": _show_keys,
    "keys-rotate": _rotate,
    "keys-rotate-log": _rotate_log,
    "keys-end-overlap": _end_overlap,
    "devices-code": _code,
    "devices-list": _list_devices,
    "devices-revoke": _revoke,
    **PEOPLE,
    **MARKET,
    **OVERSIGHT,
    **RESTORING,
    **LEASES,
}


def event_map(state: EventState) -> dict[str, Any]:
    """An event as its operator sees it: the whole manifest, bytes as hex."""
    shown: dict[str, Any] = _hexed(state.manifest.to_map())
    zone = state.manifest.zone
    return {**shown, "zone": zone, "event_hash": state.manifest.hash.hex(), "issued": state.issued}


def ticket_map(ticket: Ticket) -> dict[str, Any]:
    """A ticket with everything that a wallet outside needs."""
    row = ticket.row
    return {
        "event": ticket.event,
        "event_hash": event_hash(ticket.event).hex(),
        "index": row.ticket,
        "owner_seq": row.owner_seq,
        "state": tickets.STATE_WORDS[row.state],
        "holder_key": row.holder_key.hex(),
        "seat": row.seat,
        "category": row.category,
        "gate_group": row.gate_group,
        "face_value": ticket.face_value,
        "uses": row.uses,
        "used_gate": row.used_gate,
        "used_at": row.used_at,
        "changed": ticket.changed,
    }


def _hexed(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case dict():
            return {name: _hexed(item) for name, item in value.items()}
        case list():
            return [_hexed(item) for item in value]
        case _:
            return value
