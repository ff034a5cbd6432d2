"""Follows the log and the node's own state, and raises alerts: the thread behind `monitoring`.

A step handles what is new in the log since the position that is kept with the alerts, so nothing is judged twice and
nothing is left out, whatever dies in between. Rules are elsewhere (`monitoring`, `vitals`), so is the webhook.
"""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import structlog

from ledger_node.log.ledger import LedgerFault, View
from ledger_node.services.alerts import Alert, Alerts
from ledger_node.services.background import Background
from ledger_node.services.errors import ServiceError
from ledger_node.services.logged import read_logged
from ledger_node.services.monitoring import Raised, Thresholds, Windows, judge, spans
from ledger_node.services.node import Node
from ledger_node.services.signs import TYPES, signs_of
from ledger_node.services.vitals import CONDITIONS, Condition, GateSeen, Vitals, lasting, watched

EVERY = 2.0
"""Seconds between two looks."""
_BATCH = 1_000
log = structlog.get_logger("monitor")


class Monitor(Background):
    """See the module. `step` and `look` are for one thread at a time; `start` runs them until `close`."""

    def __init__(self, node: Node, limits: Thresholds, alerts: Alerts) -> None:
        self._node = node
        self._limits = limits
        self._alerts = alerts
        self._windows: Windows | None = None
        self._since: dict[Condition, int] = {}
        self._probe: Future[Any] | None = None
        self._asked = 0
        super().__init__("monitor", self._run)

    def step(self) -> bool:
        """Handle one batch of entries; whether there may be more. Raises ServiceError."""
        with self._node.view() as view:
            start = self._alerts.followed()
            if start > view.size:
                start = self._begin_again(view)
            stop = min(start + _BATCH, view.size)
            if start == stop:
                return False
            windows = self._windows if self._windows is not None else self._alerts.windows()
            raised = self._judge(view, start, stop, windows)
        try:
            opened = self._keep(stop, windows, raised)
        except BaseException:
            # The windows have marks by now that were not kept: read them anew.
            self._windows = None
            raise
        self._windows = windows
        self._tell(opened)
        return stop < view.size

    def look(self) -> None:
        """Look at node, witnesses and gates once; close what is over. Raises ServiceError."""
        raised, began = lasting(self._limits, self._vitals(), self._since)
        now = self._node.seconds
        with self._alerts.database.transaction():
            opened = [self._alerts.raise_alert(one, now) for one in raised]
            closed = self._alerts.close_conditions(CONDITIONS, list(began), now)
            closed += self._alerts.close_quiet(now - self._limits.quiet, now)
        self._since = began
        self._tell(opened)
        for alert in closed:
            log.info("alert closed", id=alert.id, rule=alert.rule, show=alert.event, subject=alert.subject)

    def _judge(self, view: View, start: int, stop: int, windows: Windows) -> list[Raised]:
        raised: list[Raised] = []
        now = self._node.seconds
        for position, raw in enumerate(view.entries(start, stop), start):
            entry = read_logged(raw)
            if entry.type in TYPES:
                for sign in signs_of(view, position, entry, now):
                    raised += judge(self._limits, windows, sign)
        return raised

    def _keep(self, size: int, windows: Windows, raised: list[Raised]) -> list[Alert | None]:
        now = self._node.seconds
        # Marks may come an hour late, from a gate that was cut off; after that their window is closed.
        spent = {rule: now - 2 * span - 3_600 for rule, span in spans(self._limits).items()}
        with self._alerts.database.transaction():
            opened = [self._alerts.raise_alert(one, now, times) for one, times in _together(raised)]
            self._alerts.keep(windows.fresh, spent)
            self._alerts.follow(size)
        windows.fresh.clear()
        for rule, before in spent.items():
            windows.forget(rule, before)
        return opened

    def _begin_again(self, view: View) -> int:
        log.warning("the log is shorter than what was followed", size=view.size)
        self._alerts.follow(view.size)
        return view.size

    def _vitals(self) -> Vitals:
        now = self._node.seconds
        if self._probe is None or self._probe.done():
            self._probe, self._asked = self._node.ledger.probe(), now
        problems = self._node.cosigning.problems()
        behind = self._node.newer.behind
        lost = (behind.size, behind.newest.size) if behind else None
        return Vitals(now, self._asked, problems, tuple(self._gates(now)), self._node.jump(), lost)

    def _gates(self, now: int) -> list[GateSeen]:
        reports = self._node.store.reports()
        found: list[GateSeen] = []
        with self._node.view() as view:
            for event in view.events():
                known = view.event(event)
                if known is None or not watched(self._limits, known.manifest.doors, known.manifest.starts, now):
                    continue
                opened = known.manifest.doors - self._limits.before_doors
                for device in view.devices(event):
                    report = reports.get(device.device)
                    if device.revoked_at is None and report is not None and report.seen_at >= opened:
                        behind = max(0, view.size - report.view_size)
                        found.append(GateSeen(event, device.gate, device.device, report.seen_at, behind))
        return found

    def _tell(self, opened: list[Alert | None]) -> None:
        for alert in opened:
            if alert is not None:
                log.warning(
                    "alert", id=alert.id, rule=alert.rule, show=alert.event, subject=alert.subject,
                    detail=dict(alert.detail), position=alert.position,
                )  # fmt: skip

    def _run(self) -> None:
        while not self.ended.is_set():
            _safely(self._follow)
            _safely(self.look)
            self.ended.wait(EVERY)

    def _follow(self) -> None:
        """Step by step, with a rest of nine times each step's length: gates come first, alerts may be seconds late."""
        more = True
        while more and not self.ended.is_set():
            began = time.monotonic()
            more = self.step()
            self.ended.wait(9 * (time.monotonic() - began))


def _together(raised: list[Raised]) -> list[tuple[Raised, int]]:
    """The newest of each subject, and how often it was raised."""
    newest = {(one.rule, one.event, one.subject): one for one in raised}
    counts = Counter((one.rule, one.event, one.subject) for one in raised)
    return [(one, counts[name]) for name, one in newest.items()]


def _safely(work: Callable[[], None]) -> None:
    try:
        work()
    except (ServiceError, LedgerFault) as error:
        log.warning("monitoring", problem=str(error))
    except Exception:
        log.exception("monitoring fault")
