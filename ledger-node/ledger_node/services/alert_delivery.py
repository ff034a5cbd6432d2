"""Delivers alerts to the webhook, in order, until they have arrived; pauses double, and each ends by chance earlier.

What is owed stands in the alerts' own file, so a restart loses none; after a week of trying one is given up. A thread
of its own, because a slow receiver must not keep anybody from being alerted in the log.
"""

from collections.abc import Callable
from typing import Protocol

import structlog

from ledger_node.services.alerts import Alerts, Delivery
from ledger_node.services.background import Background
from ledger_node.services.errors import ServiceError

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 600.0
MOST_TRIES = 1_000
"""At the longest pause about a week."""
_LOOK = 1.0
log = structlog.get_logger("alerts")


class Post(Protocol):
    """Where alerts go."""

    def post(self, ident: str, body: bytes) -> str:
        """Deliver; what went wrong, or ""."""


class Deliverer(Background):
    """`now` is unix seconds, `chance` gives a number from 0 to 1. `step` is one try, testable without the thread."""

    def __init__(
        self, alerts: Alerts, post: Post, name: str, now: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self._alerts = alerts
        self._post = post
        self._name = name
        self._now = now
        self._chance = chance
        super().__init__("alert-delivery", self._run)
        alerts.owed = True

    def step(self) -> bool:
        """One try at the oldest that is due; whether something arrived. Raises ServiceError."""
        due = self._alerts.due(int(self._now()))
        if due is None:
            return False
        problem = self._post.post(f"{self._name}-{due.id}", due.body.encode())
        if not problem:
            self._alerts.delivered(due.id)
            return True
        self._failed(due, problem)
        return False

    def _failed(self, due: Delivery, problem: str) -> None:
        tries = due.tries + 1
        if tries >= MOST_TRIES:
            log.error("alert not delivered", delivery=due.id, tries=tries, problem=problem, given_up=True)
            self._alerts.delivered(due.id)
            return
        pause = min(FIRST_PAUSE * 2 ** min(due.tries, 20), LONGEST_PAUSE) * (0.5 + self._chance() / 2)
        self._alerts.postpone(due.id, int(self._now() + pause) + 1)
        log.warning("alert not delivered", delivery=due.id, tries=tries, problem=problem, given_up=False)

    def _run(self) -> None:
        while not self.ended.is_set():
            arrived = False
            try:
                arrived = self.step()
            except ServiceError as error:
                log.warning("alerts cannot be delivered", problem=str(error))
            if not arrived:
                self.ended.wait(_LOOK)
