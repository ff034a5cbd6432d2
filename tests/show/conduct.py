"""Plays beats: sends people to the gates, hears what the gates say, and holds it against the script.

A code that was not read is held up once more, as people do; a verdict that the script does not know is a failure.
"""

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.show.audience import Lane, Visit
from tests.show.house import House
from tests.show.phone import Phone
from tests.show.script import Beat, Scene
from tests.show.stage import Line, ShowError
from tests.show.table import Stage

Lines = queue.SimpleQueue[Line]
LATE_S, CLEAR_S = 1.2, 60.0
TRIES = 2


@dataclass
class Played:
    """A scene, how often it was tried, and each verdict that it got."""

    scene: Scene
    tries: int = 0
    scans: list[dict[str, Any]] = field(default_factory=list)

    def fault(self) -> str:
        """Why this is not what the script says, or nothing."""
        if not self.scans:
            return f"was not read in {self.tries} tries"
        if len(self.scans) > 1:
            return f"was scanned {len(self.scans)} times: {[scan['reason'] for scan in self.scans]}"
        scan = self.scans[0]
        if not self.expected(scan):
            wanted = " or ".join(sorted(f"{outcome} {reason}" for outcome, reason in self.scene.expect))
            return f"was {scan['verdict']} {scan['reason']} (ticket {scan['ticket']}), expected {wanted}"
        return ""

    def expected(self, scan: Mapping[str, Any]) -> bool:
        """Whether the verdict is the script's, and on the ticket that was held up."""
        known = self.scene.ticket is None or scan["ticket"] == self.scene.ticket
        return known and (scan["verdict"], scan["reason"]) in self.scene.expect

    @property
    def deadline_missed(self) -> bool:
        """Whether the node's answer to the claim came too late."""
        return any(scan["detail"].get("deadline") == "missed" for scan in self.scans)

    @property
    def admitted(self) -> bool:
        """Whether the turnstile was released."""
        return any(scan["pulse"] for scan in self.scans)


class Conductor:
    """See the module. `lines` is what the programs log. Everything runs on the caller's thread."""

    def __init__(
        self,
        house: House,
        lines: Lines,
        lanes: Mapping[str, Lane],
        stage: Stage,
        clock: Callable[[], float],
        late: float = LATE_S,
    ) -> None:
        self.played: list[Played] = []
        self.faults: list[str] = []
        self._house, self._lanes, self._stage, self._clock = house, lanes, stage, clock
        self._lines, self._late = lines, late
        self._at: dict[str, Played] = {}

    def play(self, beats: Sequence[Beat]) -> None:
        """Play them one after the other."""
        for beat in beats:
            self._beat(beat)

    def listen(self, until: Callable[[], bool], patience: float, what: str = "") -> bool:
        """Show what the gates say until it is so; False (or ShowError, if `what` names it) when it takes too long."""
        deadline = time.monotonic() + patience
        while not until():
            self._take(0.05)
            if time.monotonic() > deadline:
                if what:
                    raise ShowError(f"waited {patience:.0f} s in vain: {what}")
                return False
        return True

    def second_tries(self) -> int:
        """How many scenes were held up twice."""
        return sum(played.tries > 1 for played in self.played)

    def _beat(self, beat: Beat) -> None:
        playing = [Played(scene) for scene in beat.scenes]
        self._at = {played.scene.gate: played for played in playing}
        self.played += playing
        for _ in range(TRIES):
            unread = [played for played in playing if not played.scans]
            for played in unread:
                self._hold_up(played)
            self.listen(lambda: all(lane.clear for lane in self._lanes.values()), CLEAR_S, "the gates are clear")
            self.listen(lambda: all(played.scans for played in playing), self._late)
        while self._take(0.0):
            pass
        self._at = {}
        for played in playing:
            if fault := played.fault():
                self._fail(f"{played.scene.gate}, {played.scene.held_up}: {fault}")
        if beat.one_enters:
            self._one_entered(playing)

    def _one_entered(self, playing: Sequence[Played]) -> None:
        """Never two. None, if a gate or the node was too busy for the deadline, and the gate said so."""
        entered, what = sum(played.admitted for played in playing), playing[0].scene.held_up
        late = [played.scene.gate for played in playing if played.deadline_missed]
        if entered == 0 and late:
            self._stage.note(f"{what}: none entered, because {' and '.join(late)} missed the deadline of a claim")
        elif entered != 1:
            self._fail(f"{what}: {entered} were admitted, not exactly one")

    def _hold_up(self, played: Played) -> None:
        again = played.tries > 0
        if again:
            self._stage.note(f"{played.scene.gate}: {played.scene.held_up} was not read; it is held up once more")
        played.tries += 1
        hour = time.strftime("%H:%M", time.localtime(self._clock()))
        seat = f"Ticket {played.scene.ticket}" if played.scene.ticket else ""
        phones = [Phone(text, seat=seat, clock=hour) for text in played.scene.show(self._clock())]
        self._lanes[played.scene.gate].hold_up(Visit(phones, calm=again))

    def _take(self, timeout: float) -> bool:
        """Take in one line, if there is one within `timeout` seconds."""
        self._house.check()
        for lane in self._lanes.values():
            if lane.fault is not None:
                raise ShowError(f"the pictures of gate {lane.gate} ended: {lane.fault!r}") from lane.fault
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            return False
        if line.fields.get("level") in {"error", "critical"}:
            self._fail(f"{line.who} logged an error: {line.fields['event']} {line.text[-200:]}")
        match line.fields.get("event"):
            case "scan":
                self._scan(line.fields)
            case "sync":
                self._stage.online(line.who, bool(line.fields["online"]))
        return True

    def _scan(self, fields: dict[str, Any]) -> None:
        played = self._at.get(fields["gate"])
        if played is None:
            self._stage.scan("nobody was there", fields, good=False)
            self._fail(f"{fields['gate']}: a scan ({fields['verdict']} {fields['reason']}) while nobody was there")
            return
        played.scans.append(fields)
        self._stage.scan(played.scene.held_up, fields, good=played.expected(fields))

    def _fail(self, sentence: str) -> None:
        self.faults.append(sentence)
        self._stage.note(f"NOT AS EXPECTED  {sentence}", style="bold red")
