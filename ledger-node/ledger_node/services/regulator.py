"""What a regulator sees and takes away: an event's totals, and every act on it without people. Reads only.

The same facts as in tickets' public histories, so nothing here names, or leads to, a person.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ledger_node.contract.facts import Books
from ledger_node.log.ledger import View
from ledger_node.services.logged import read_logged
from ledger_node.services.node import Node
from ledger_node.services.public_facts import facts_of, signer_of

MOST = 500
"""Acts in one answer."""
_PAGE = 2_000
_BOM = "\ufeff"
"""Without it, spreadsheets take UTF-8 for something else."""
_MONEY = ("orders", "held", "captured", "outside", "sellers", "organiser", "fees", "refunded")


def events_overview(node: Node) -> list[dict[str, Any]]:
    """All events with what tells whether to look closer."""
    with node.view() as view:
        names = view.events()
    shown = ("event", "name", "doors", "starts", "standing", "size", "assurance")
    return [{name: value for name, value in totals(node, event).items() if name in shown} for event in names]


def totals(node: Node, event: str) -> dict[str, Any]:
    """An event's totals at one log size: the promises in numbers, entries by type, money in cents, gates' devices.
    Raises ServiceError "unknown-event".
    """
    with node.view() as view:
        known = node.event(view, event)
        numbers, size = node.assurances.read(view, event)
        books = view.find(Books, event, "books") or Books(event)
        manifest = known.manifest
        return {
            "event": event,
            "name": manifest.name,
            "doors": manifest.doors,
            "starts": manifest.starts,
            "standing": books.standing,
            "size": size,
            "assurance": numbers.summary(),
            "entries": node.chronicle.counts(event, view.size),
            "money": {name: getattr(books, name) for name in _MONEY},
            "devices": len(view.devices(event)),
            "double_entries": _double_entries(node, view, event),
        }


def acts(node: Node, event: str, start: int, limit: int = MOST) -> dict[str, Any]:
    """The event's entries from position `start` on, and where to go on (`next`, or None). Raises ServiceError."""
    with node.view() as view:
        node.event(view, event)
        node.chronicle.catch_up(view)
        found = node.chronicle.of_event(event, start, view.size, limit + 1)
        shown = []
        for act in found[:limit]:
            (raw,) = view.entries(act.position, act.position + 1)
            entry = read_logged(raw)
            signer = asdict(signer_of(view, node.keys.node.public, entry))
            facts = facts_of(view, entry)
            shown.append({"position": act.position, "type": act.type, "at": act.at, "signer": signer, "facts": facts})
        after = found[limit].position if len(found) > limit else None
        return {"event": event, "size": view.size, "acts": shown, "next": after}


def acts_csv(node: Node, event: str) -> Iterator[str]:
    """All of them as CSV (RFC 4180, UTF-8 with a byte order mark), many rows a piece; up to the size of the start."""
    yield _BOM + _rows([["position", "time", "type", "signer_role", "signer", "key", "facts"]])
    start: int | None = 0
    while start is not None:
        page = acts(node, event, start, _PAGE)
        yield _rows([_row(act) for act in page["acts"]])
        start = page["next"]


def totals_csv(node: Node, event: str) -> str:
    """The totals as CSV: one number a line, under a name with dots."""
    return _BOM + _rows([["name", "value"], *_flat("", totals(node, event))])


def _double_entries(node: Node, view: View, event: str) -> int:
    """Incidents that the house reported; a gate's own have no cause."""
    incidents = node.chronicle.of_types(event, ["incident"], 0, view.size)
    found = (raw for act in incidents for raw in view.entries(act.position, act.position + 1))
    return sum("cause" in read_logged(raw).body for raw in found)


def _flat(prefix: str, value: Any) -> Iterator[list[Any]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), item)
    elif isinstance(value, list):
        yield [prefix, " ".join(map(str, value))]
    else:
        yield [prefix, value]


def _row(act: Mapping[str, Any]) -> list[Any]:
    signer = act["signer"]
    time = datetime.fromtimestamp(act["at"], UTC).isoformat()
    facts = json.dumps(act["facts"], sort_keys=True, ensure_ascii=False)
    return [act["position"], time, act["type"], signer["role"], signer["name"], signer["key"], facts]


def _rows(rows: list[list[Any]]) -> str:
    made = io.StringIO()
    csv.writer(made).writerows([_harmless(cell) for cell in row] for row in rows)
    return made.getvalue()


def _harmless(cell: Any) -> Any:
    """A spreadsheet would carry out a text that begins like a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
