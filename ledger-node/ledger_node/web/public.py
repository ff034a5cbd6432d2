"""What anybody may read: events, a ticket's history without people, the log's tiles (C2SP tlog-tiles), health, metrics.

Nothing here needs a signature: tiles and checkpoints prove themselves.
"""

import asyncio
import re

from starlette.requests import Request

from ledger_node.contract.state import EventState
from ledger_node.log.tiles import TilePath
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import list_events, read_event
from ledger_node.services.node import Node
from ledger_node.services.states import States
from ledger_node.services.tickets import STATE_WORDS
from ledger_node.web.metrics import CONTENT_TYPE, Metrics
from ledger_node.web.reply import OCTETS, Reply, reply

_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_TICKET = re.compile(r"0|[1-9][0-9]{0,9}")


class Public:
    """The handlers. Any event loop."""

    def __init__(self, node: Node, metrics: Metrics) -> None:
        self._node = node
        self._metrics = metrics
        self._states = States(node)

    async def checkpoint(self, _request: Request) -> Reply:
        """The log's newest signed size and root, with the cosignatures of its witnesses."""
        note = await asyncio.to_thread(self._node.cosigning.published)
        return Reply(200, note.encode(), "text/plain; charset=utf-8", {"Cache-Control": "no-cache"})

    async def log_keys(self, request: Request) -> Reply:
        """The newest list of the keys that sign the log's checkpoints, or the one of this version."""
        lists = self._node.ledger.lists
        asked = str(request.path_params.get("version", lists[-1].version if lists else 0))
        note = next((one.note for one in lists if str(one.version) == asked), None)
        if note is None:
            raise ServiceError("no-such-list", "there is none: until the first list the root key itself signs", 404)
        return Reply(200, note.encode(), "text/plain; charset=utf-8", {"Cache-Control": "no-cache"})

    async def state(self, _request: Request) -> Reply:
        """The log's signed statement of every event's state digest, with the checkpoint of the size that it is for."""
        return reply(await asyncio.to_thread(self._states.get))

    async def tile(self, request: Request) -> Reply:
        """A tile of hashes or a bundle of entries; full ones and partial ones never change, so they may be kept."""
        path = TilePath.parse(f"tile/{request.path_params['path']}")
        if path is None:
            raise ServiceError("no-such-tile", "a tile is /tile/<level or entries>/<x001/.../123>[.p/<width>]", 404)
        data = await asyncio.to_thread(self._read_tile, path)
        if data is None:
            raise ServiceError("no-such-tile", "the log is not that long yet: see /checkpoint", 404)
        return Reply(200, data, OCTETS, _FOREVER)

    async def events(self, _request: Request) -> Reply:
        """All events."""
        states = await asyncio.to_thread(list_events, self._node)
        return reply([event_facts(state) for state in states])

    async def event(self, request: Request) -> Reply:
        """One event."""
        state = await asyncio.to_thread(read_event, self._node, str(request.path_params["event"]))
        return reply(event_facts(state))

    async def ticket(self, request: Request) -> Reply:
        """One ticket's state and admissions, by position in the log."""
        index = str(request.path_params["index"])
        if not _TICKET.fullmatch(index):
            raise ServiceError("unknown-ticket", f"{index!r} is not the index of a ticket", 404)
        return await asyncio.to_thread(self._history, str(request.path_params["event"]), int(index))

    async def health(self, _request: Request) -> Reply:
        """That the node answers and how long its log is."""
        problems = self._node.cosigning.problems()
        told: dict[str, object] = {"witnesses": problems} if problems else {}
        behind = self._node.newer.behind
        told |= {"behind": behind.to_map()} if behind else {}
        return reply({"status": "behind" if behind else "ok", "size": self._node.ledger.size, **told})

    async def metrics(self, _request: Request) -> Reply:
        """Prometheus's text."""
        return Reply(200, self._metrics.text(), CONTENT_TYPE)

    def _read_tile(self, path: TilePath) -> bytes | None:
        with self._node.view() as view:
            return view.read(path)

    def _history(self, event: str, index: int) -> Reply:
        with self._node.view() as view:
            self._node.event(view, event)
            ticket = view.ticket(event, index)
            if ticket is None:
                raise ServiceError("unknown-ticket", f"{event} has no ticket {index}", 404)
            admissions = view.admissions(event, index)
            size = view.size
        row = ticket.row
        facts = {
            "event": event,
            "index": row.ticket,
            "owner_seq": row.owner_seq,
            "state": STATE_WORDS[row.state],
            "gate_group": row.gate_group,
            "category": row.category,
            "uses": row.uses,
            "changed": ticket.changed,
            "admissions": [
                {
                    "position": record.position,
                    "gate": record.gate,
                    "time_ms": record.time_ms,
                    "verdict": record.verdict,
                    "cause": record.cause,
                }
                for record in admissions
            ],
            "size": size,
        }
        return reply(facts)


def event_facts(state: EventState) -> dict[str, object]:
    """An event as anybody may know it."""
    manifest = state.manifest
    groups = [
        {"number": group.number, "name_en": group.name_en, "name_zh": group.name_zh, "gates": list(group.gates)}
        for group in manifest.gate_groups
    ]
    return {
        "event": manifest.event,
        "event_hash": manifest.hash.hex(),
        "name": manifest.name,
        "doors": manifest.doors,
        "starts": manifest.starts,
        "zone": manifest.zone,
        "capacity": manifest.capacity,
        "issued": state.issued,
        "version": manifest.version,
        "gate_groups": groups,
    }
