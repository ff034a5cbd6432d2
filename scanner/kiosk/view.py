"""From a gate's status to what the page shows. Pure: no clock, no socket, no browser; times are in the event's zone.

Only named values are taken from a verdict's detail, so neither a code's payload nor anything about a person can
reach the page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal

from scanner.event_zone import zone_of
from scanner.kiosk.strip import Chip, age, chips
from scanner.kiosk.texts import FAULTS, MARKS, REASONS, STATES, Text
from scanner.ports import GateStatus
from scanner.signs import Sound
from scanner.verify.reasons import Reason

Tone = Literal["ready", "admit", "amber", "refuse", "fire", "fault"]
"""One colour and one symbol each; the page's style sheet knows both."""


@dataclass(frozen=True, slots=True)
class Line:
    """One fact in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class KioskView:
    """Everything that the page shows. `moment` changes whenever `sound` is to be played."""

    gate: str
    event: str
    clock: str
    tone: Tone
    sound: Sound
    moment: str
    reason: str
    zh_title: str
    en_title: str
    zh_do: str
    en_do: str
    facts: tuple[Line, ...]
    notices: tuple[Line, ...]
    chips: tuple[Chip, ...]
    admitted: int
    refused: int


_TONES: dict[str, tuple[Tone, Sound]] = {
    "ready": ("ready", "none"),
    "deciding": ("ready", "none"),
    "open": ("admit", "admit"),
    "passed": ("admit", "none"),
    "not-passed": ("amber", "amber"),
    "amber": ("amber", "amber"),
    "refused": ("refuse", "refuse"),
    "fire-release": ("fire", "none"),
    "fault": ("fault", "fault"),
}
_VERDICTS = frozenset({"open", "amber", "refused"})
# The worst comes first: what keeps the gate closed longest is what staff should read.
_FAULT_CODES = {
    "revoked": "revoked",
    "card-copied": "card-copied",
    "journal": "journal-fault",
    "hardware": "hardware-fault",
    "turnstile": "hardware-fault",
    "defect": "defect",
    "camera": "camera-lost",
    "snapshot": "no-snapshot",
    "starting": "starting",
}


def view_of(status: GateStatus) -> KioskView:
    """What the page shows for `status`; times of day in the event's zone."""
    zone = zone_of(status.zone)
    tone, sound = _TONES[status.state]
    code, text = _text(status)
    return KioskView(
        gate=status.gate,
        event=status.event_name,
        clock=_time_of_day(status.unix, zone),
        tone=tone,
        sound=sound,
        moment=f"{status.state} {status.scan} {','.join(status.faults)}",
        reason=code,
        zh_title=text.zh_title,
        en_title=text.en_title,
        zh_do=text.zh_do,
        en_do=text.en_do,
        facts=_facts(status, zone) if status.state in _VERDICTS else (),
        # Beside a verdict they would only be in the way: its marks say the same.
        notices=() if status.state in _VERDICTS else _warnings(status),
        chips=chips(status),
        admitted=status.admitted,
        refused=status.refused,
    )


def _text(status: GateStatus) -> tuple[str, Text]:
    if status.state == "fault":
        code = fault_code(status)
        return code, FAULTS[code]
    repeated = status.state == "passed" and status.reason == Reason.REPEAT
    if status.state in _VERDICTS or repeated:
        return status.reason, REASONS[Reason(status.reason)]
    return status.state, STATES[status.state]


def fault_code(status: GateStatus) -> str:
    """The code of the worst fault; "defect" for a part that this page has no words for."""
    broken = {fault.partition(":")[0] for fault in status.faults}
    part = next((part for part in _FAULT_CODES if part in broken), "defect")
    if part != "camera":
        return _FAULT_CODES[part]
    return {"frozen": "camera-frozen", "decoder-died": "decoder-died"}.get(status.camera, "camera-lost")


def _warnings(status: GateStatus) -> tuple[Line, ...]:
    too_old = status.view_age is not None and status.view_age > status.view_limit
    old = "list-expired" if status.list.expired else "view-too-old" if too_old else ""
    codes = [old, "" if status.clock_trusted else "clock-untrusted"]
    told = tuple(Line(FAULTS[code].zh_title, FAULTS[code].en_title) for code in codes if code)
    zh, en = age(status.list.left)
    left = Line(f"名單尚可用 {zh}", f"List good for {en} more")
    return (left, *told) if status.list.ends or (too_old and status.list.left) else told


def _facts(status: GateStatus, zone: tzinfo) -> tuple[Line, ...]:
    rule = _FACTS.get(status.reason)
    lines = [rule(status.detail, zone)] if rule else []
    if status.seat:
        lines.append(
            Line(f"座位 {status.seat} · 級別 {status.category}", f"Seat {status.seat} · tier {status.category}")
        )
    marks = [MARKS[mark] for mark in status.marks if mark in MARKS]
    lines.append(Line(" · ".join(zh for zh, _ in marks), " · ".join(en for _, en in marks)))
    return tuple(line for line in lines if line.zh)


def _other_gates(detail: Mapping[str, Any], _zone: tzinfo) -> Line:
    gates = "、".join(detail.get("gates", ()))
    return Line(
        f"{detail.get('name_zh', '')} {gates}".strip(),
        f"{detail.get('name_en', '')} {gates.replace('、', ', ')}".strip(),
    )


def _first_use(detail: Mapping[str, Any], zone: tzinfo) -> Line:
    if "gate" not in detail:
        return Line("", "")
    at = _time_of_day(detail["at"], zone)
    return Line(f"{detail['gate']} 閘口 · {at}", f"Gate {detail['gate']} at {at}")


def _clock_error(detail: Mapping[str, Any], _zone: tzinfo) -> Line:
    seconds = int(detail["seconds"])
    zh, en = ("快", "ahead") if seconds > 0 else ("慢", "behind")
    zh_long, en_long = age(abs(seconds))
    return Line(f"手機{zh} {zh_long}", f"Phone is {en_long} {en}")


def _code_age(detail: Mapping[str, Any], _zone: tzinfo) -> Line:
    zh, en = age(abs(int(detail["seconds"])))
    return Line(f"此碼是 {zh}前的", f"This code is {en} old")


def _unconfirmed(detail: Mapping[str, Any], _zone: tzinfo) -> Line:
    zh, en = age(detail.get("unheard", 0))
    return Line(f"{zh}未連線到帳本", f"Not confirmed for {en}")


def _opening(detail: Mapping[str, Any], zone: tzinfo) -> Line:
    at = datetime.fromtimestamp(detail["opens"], zone).strftime("%m-%d %H:%M")
    return Line(f"{at} 開始入場", f"Doors open {at}")


_FACTS: dict[str, Callable[[Mapping[str, Any], tzinfo], Line]] = {
    Reason.WRONG_GATE: _other_gates,
    Reason.OTHER_LEASE: _other_gates,
    Reason.ASK_SUPERVISOR: _other_gates,
    Reason.ALREADY_USED: _first_use,
    Reason.USED_ELSEWHERE: _first_use,
    Reason.CLOCK_OFF: _clock_error,
    Reason.OLD_CODE: _code_age,
    Reason.SCREENSHOT: _code_age,
    Reason.EXPIRED: _code_age,
    Reason.TOO_EARLY: _opening,
    Reason.LIST_EXPIRED: _unconfirmed,
}


def _time_of_day(unix: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(unix, zone).strftime("%H:%M:%S")
