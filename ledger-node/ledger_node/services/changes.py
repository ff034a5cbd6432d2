"""Changes: what a gate must put into its rows to get from one log size to another, with the proof that it is one log.

Reads only. Waiting for something to change is the web's business.
"""

from dataclasses import dataclass

from ledger_node.contract.state import EventState
from ledger_node.log.ledger import Shown
from ledger_node.services.cosigning import Cosigned
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node

PAGE = 5_000
"""About how many rows one answer holds."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows that changed at positions from `start` up to `to`; go on from `to` until it is the checkpoint's size.

    `consistency` proves that the checkpoint extends the one of size `verified`. `manifest` is the event's state if it
    changed since `start`.
    """

    start: int
    to: int
    rows: tuple[bytes, ...]
    manifest: EventState | None
    shown: Shown
    consistency: tuple[bytes, ...]

    @property
    def empty(self) -> bool:
        """Whether the gate would learn nothing of its event."""
        return not self.rows and self.manifest is None


def read_page(
    node: Node, event: str, start: int, verified: int, limit: int = PAGE, shown: Cosigned | None = None
) -> Page:
    """One page, up to the newest size, or to that of the cosigned checkpoint `shown`, which is not before `start` and
    `verified`. Raises ServiceError "unknown-event", or "log-behind" when the gate has seen more than this node has.
    """
    node.newer.require()
    node.lost.require()
    with node.view() as view:
        state = node.event(view, event)
        if max(start, verified) > view.size:
            raise log_behind(max(start, verified), view.size)
        size = shown.head.size if shown else view.size
        changes = view.changed_since(event, start, limit, size)
        return Page(
            start=start,
            to=changes.size,
            rows=tuple(ticket.row.pack() for ticket in changes.tickets),
            manifest=state if start <= state.changed < size else None,
            shown=shown.shown if shown else node.ledger.show(view.head),
            consistency=tuple(view.consistency(verified, size)) if verified else (),
        )


def log_behind(seen: int, size: int) -> ServiceError:
    """The node has less than a gate has seen: it was restored from an old backup, or is another node."""
    return ServiceError(
        "log-behind",
        f"you have seen size {seen}, this ledger has {size}: it was restored from an old backup; tell its operator",
        409,
    )
