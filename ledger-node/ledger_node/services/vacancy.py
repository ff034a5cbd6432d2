"""Whether an event has a seat left for somebody whose seat was taken: a rush ends with "sold out", not with everybody
trying one seat after the other. Who gets a seat is the contract's business.

The free tickets are read once and looked at again before one counts as free, so a sold-out night costs the log a few
readings and not one for each of those who come too late.
"""

import threading
from dataclasses import dataclass, field

from ledger_node.contract.facts import Title
from ledger_node.log.ledger import View
from ledger_node.services.errors import ServiceError
from ledger_node.services.pricing import is_free

AGAIN = 5
"""Seconds for which "none" stands, unless a seat that is kept comes free before."""


@dataclass(slots=True)
class _Left:
    """Tickets that were free when they were read, and when one was seen free last; if none was, how many are kept and
    until when that is believed.
    """

    free: list[int] = field(default_factory=list)
    kept: int = 0
    until: int = 0
    seen: int = -1


class Vacancies:
    """Of the events that are sold here. Any thread."""

    def __init__(self) -> None:
        self._events: dict[str, _Left] = {}
        self._lock = threading.Lock()

    def lately(self, event: str, now: int) -> bool:
        """Whether a free seat was seen in this very second, so that nobody needs to look."""
        left = self._events.get(event)
        return left is not None and left.seen == now

    def check(self, view: View, event: str, now: int) -> None:
        """Raises ServiceError "sold-out" if every seat is sold, "none-free" if some may come free."""
        with self._lock:
            left = self._events.setdefault(event, _Left())
            if _any(view, event, left, now):
                return
            if left.until <= now:
                left = self._events[event] = _read(view, event, now)
            if left.free:
                left.seen = now
                return
            kept = left.kept
        if kept:
            why = f"no seat is free now; {kept} are kept for buyers who have not paid yet: look again in a minute"
            raise ServiceError("none-free", why, 409)
        raise ServiceError("sold-out", f"{event} is sold out: every seat is sold", 409)


def _any(view: View, event: str, left: _Left, now: int) -> bool:
    while left.free:
        index = left.free[-1]
        ticket = view.ticket(event, index)
        if ticket is not None and is_free(ticket, view.find(Title, event, index), now):
            left.seen = now
            return True
        left.free.pop()
    return False


def _read(view: View, event: str, now: int) -> _Left:
    """All tickets, each with its title. Too dear to do for every buyer."""
    titles = {title.ticket: title for title in view.each(Title, event)}
    tickets = ((ticket, titles.get(ticket.row.ticket)) for ticket in view.tickets(event))
    free = [ticket.row.ticket for ticket, title in tickets if is_free(ticket, title, now)]
    ends = [title.until for title in titles.values() if title.place == "held" and title.until > now]
    return _Left(free, len(ends), min([now + AGAIN, *ends]))
