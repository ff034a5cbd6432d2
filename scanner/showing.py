"""What a person may see of a gate, kept up to date: the status that the page, the file and the lamp are made from."""

from dataclasses import replace

from scanner.clock import TrustedClock
from scanner.clock_status import ClockAsked, ClockHealth
from scanner.event_zone import zone_in
from scanner.gate import State
from scanner.list_age import NO_LIST, ListHealth
from scanner.ports import CameraHealth, Counts, GateStatus, Knowledge, PeerHealth, SyncHealth
from scanner.signs import Lamp, Sound
from scanner.skew import SkewWatch
from scanner.verify.admit import Verdict
from scanner.verify.reasons import Reason


class Showing:
    """The status of one gate. One thread calls."""

    def __init__(self, gate: str) -> None:
        self.status = GateStatus(gate)
        self._skew = SkewWatch()
        self._camera_failed = False

    def scanned(self, verdict: Verdict) -> None:
        """A new verdict is what staff look at now."""
        self.status = replace(
            self.status,
            scan=self.status.scan + 1,
            outcome=verdict.outcome,
            reason=verdict.reason,
            detail=verdict.detail,
            marks=verdict.marks,
            seat=verdict.seat,
            category=verdict.category,
        )
        if verdict.reason in {Reason.CLOCK_OFF, Reason.OLD_CODE}:
            self._skew.add(verdict.detail["seconds"])
        elif verdict.outcome == "admit":
            self._skew.add(0.0)

    def counted(self, counts: Counts) -> None:
        """The journal's totals."""
        self.status = replace(
            self.status,
            admitted=counts.admitted,
            refused=counts.refused,
            queue=counts.waiting,
            set_aside=counts.set_aside,
        )

    def clock_answered(self, asked: ClockAsked, refused: str) -> None:
        """A person's request about the clock was done, or refused and why."""
        self.status = replace(self.status, clock=replace(self.status.clock, answered=(asked.number, refused)))

    def walked(self) -> None:
        """Somebody passed while the alarm panel held the gate open."""
        self.status = replace(self.status, passages=self.status.passages + 1)

    def camera(self, health: CameraHealth) -> bool:
        """How the camera is; whether that is news."""
        news = health.state != self.status.camera
        # One that starts again after a failure has failed until it works.
        self._camera_failed = health.state != "ok" and (self._camera_failed or health.state != "starting")
        self.status = replace(self.status, camera=health.state, camera_detail=health.detail)
        return news

    def refresh(
        self, state: State, view: Knowledge, clock: TrustedClock, sync: SyncHealth, peers: tuple[PeerHealth, ...]
    ) -> GateStatus:
        """Everything as it is now."""
        time_now, manifest = clock.now(), view.manifest
        self.status = replace(
            self.status,
            event_name=manifest.name if manifest else "",
            zone=zone_in(manifest),
            state=state.name,
            faults=tuple(sorted(state.faults)),
            fire_release=state.name == "fire-release",
            view_age=time_now.seconds - view.at if manifest else None,
            view_limit=float(manifest.policy.view_limit) if manifest else 0.0,
            list=ListHealth(view.unheard, manifest.policy.list_expires) if manifest else NO_LIST,
            view_size=view.size,
            tickets=view.tickets,
            sync=sync,
            peers=peers,
            clock_trusted=time_now.trusted,
            clock_alarm=clock.alarm() or self._skew.alarm(),
            clock=ClockHealth(
                time_now.source, time_now.error_s, clock.floor(), clock.heard(), self.status.clock.answered
            ),
            unix=time_now.seconds,
        )
        return self.status

    def waiting_for(self, state: State) -> tuple[Lamp, Sound] | None:
        """How a gate looks that is out of service and not broken; None if something is broken."""
        starting = {"starting"} if self._camera_failed else {"starting", "camera"}
        missing = state.faults - starting
        if not missing:
            return "busy", "none"
        return ("no-list", "none") if missing == {"snapshot"} else None

    def idle(self) -> Lamp:
        """How a gate looks that waits for a code: its list may be too old to be trusted without a look, or at all."""
        status = self.status
        if status.list.expired:
            return "no-list"
        old = status.view_age is not None and status.view_age > status.view_limit
        return "amber" if old or status.list.ends else "ready"
