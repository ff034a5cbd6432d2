"""`gate-scanner status`, and the file through which the running gate tells it: JSON, rewritten each second."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scanner.cli.lock import gate_runs
from scanner.cli.neighbour_names import names_of
from scanner.cli.settings import Settings, load
from scanner.errors import GateError
from scanner.identity import NOT_ENROLLED, Identities, NotEnrolledError
from scanner.list_age import ListHealth
from scanner.ports import GateStatus

FILE = "status.json"
STALE_S = 5.0
HOUR = 3_600


class StatusFile:
    """A screen that is a file. Written at most once a second, and at once when the gate's state changes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE
        self._shown: tuple[str, int, float] = ("", -1, 0.0)

    def publish(self, status: GateStatus) -> None:
        """Replace the file. A disk that is full must not stop the gate: the old status is then found to be stale."""
        state, scan, at = self._shown
        now = time.monotonic()
        if (state, scan) == (status.state, status.scan) and now - at < 1:
            return
        self._shown = (status.state, status.scan, now)
        new = self._path.with_suffix(".new")
        try:
            new.write_text(json.dumps({**asdict(status), "written": time.time()}, ensure_ascii=False))
            new.replace(self._path)
        except OSError:
            return


def show_status(config: Path | None, *, as_json: bool) -> tuple[str, bool]:
    """The text to print, and whether the gate is well. Raises GateError if no gate runs here."""
    found, age = read_status(load(config))
    complaints = _complaints(found, age)
    if as_json:
        return json.dumps({**found, "complaints": complaints}, ensure_ascii=False, indent=1), not complaints
    return "\n".join([*_lines(found, age), *(f"! {complaint}" for complaint in complaints)]), not complaints


def read_status(settings: Settings) -> tuple[dict[str, Any], float]:
    """What the gate last said of itself, and how many seconds ago. Raises GateError if no gate has run here."""
    if not Identities(settings.state_folder).are_told and not gate_runs(settings.state_folder):
        # What the file still says is of the gate that this device was before.
        raise NotEnrolledError(NOT_ENROLLED)
    path = settings.runtime_folder / FILE
    try:
        text = path.read_text()
    except OSError as error:
        raise GateError(
            f"no gate has run here ({path}: {error.strerror}); start it: systemctl start gate-scanner"
        ) from error
    found: dict[str, Any] = json.loads(text)
    return found, time.time() - found["written"]


def _lines(found: dict[str, Any], age: float) -> list[str]:
    sync = found["sync"]
    view = "none" if found["view_age"] is None else f"{found['tickets']} tickets, {found['view_age']:.0f} s old"
    return [
        f"gate     {found['gate']}  {found['event_name']}",
        f"state    {found['state']}  (said {age:.0f} s ago)",
        f"people   {found['admitted']} admitted, {found['refused']} sent away",
        f"view     {view}, log size {found['view_size']}",
        f"node     {'online' if sync['online'] else 'offline'}, {found['queue']} records wait",
        f"gates    {_gates(found['gate'], found['peers'])}",
        f"camera   {found['camera']} {found['camera_detail']}".rstrip(),
        f"clock    {'trusted' if found['clock_trusted'] else 'not trusted'}",
    ]


def _gates(own: str, peers: list[dict[str, Any]]) -> str:
    """How many of the other gates were heard lately, and what is wrong with which."""
    if not peers:
        return "no other is known"
    said = [f"{sum(peer['near'] for peer in peers)} of {len(peers)} others heard"]
    for peer, name in zip(peers, names_of(own, [(peer["gate"], peer["device"]) for peer in peers]), strict=True):
        silent = "" if peer["near"] or peer["heard_age"] is None else f"silent for {peer['heard_age']:.0f} s, "
        if silent or peer["note"]:
            said.append(f"{name}: {silent}{peer['note']}".rstrip(", "))
    return "; ".join(said)


def _complaints(found: dict[str, Any], age: float) -> list[str]:
    sync, complaints = found["sync"], []
    if age > STALE_S:
        complaints.append(f"the gate has said nothing for {age:.0f} s: journalctl -u gate-scanner tells why")
    complaints += [f"{part} does not work" for part in found["faults"]]
    complaints += [text for text in (sync["alarm"], sync["error"], found["clock_alarm"]) if text]
    if not found["clock_trusted"]:
        complaints.append("the clock is not trusted: connect to the node or to NTP")
    if found["set_aside"]:
        complaints.append(f"{found['set_aside']} records were refused by the ledger: gate-scanner journal show")
    if found["view_age"] is not None and found["view_age"] > found["view_limit"]:
        complaints.append(f"the view is {found['view_age']:.0f} s old: is the node reachable?")
    return complaints + list_complaints(ListHealth(**found["list"]))


def list_complaints(health: ListHealth) -> list[str]:
    """What people should know of the list's end."""
    hours = f"no node has confirmed the list for {health.unheard / HOUR:.1f} h"
    if health.expired:
        return [f"{hours}: it has expired, and nobody is admitted by it alone; connect the gate to the node"]
    if health.ends:
        return [f"{hours}: it expires in {health.left / HOUR:.1f} h; connect the gate to the node"]
    return []
