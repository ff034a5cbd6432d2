"""The strip at the foot of the page: how the gate's parts are, a word and a mark each, never colour alone. Pure."""

from dataclasses import dataclass
from typing import Literal

from scanner.ports import GateStatus

Level = Literal["good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of the gate and how it is."""

    part: str
    level: Level
    zh: str
    en: str


def chips(status: GateStatus) -> tuple[Chip, ...]:
    """In a fixed order, so that eyes learn where to look."""
    return (_node(status), *_gates(status), _list(status), _queue(status), _camera(status), _clock(status))


def _node(status: GateStatus) -> Chip:
    if status.sync.alarm:
        return Chip("node", "bad", "帳本警報", "Ledger alarm")
    if status.sync.online:
        return Chip("node", "good", "帳本連線", "Ledger online")
    if status.sync.no_network:
        return Chip("node", "warn", "沒有網絡", "No network")
    if status.sync.error:
        return Chip("node", "warn", "帳本無回應", "Ledger away")
    return Chip("node", "warn", "帳本離線", "Ledger offline")


def _gates(status: GateStatus) -> tuple[Chip, ...]:
    """The other gates, where any are known."""
    if not status.peers:
        return ()
    near = sum(peer.near for peer in status.peers)
    level: Level = "good" if near == len(status.peers) else "warn"
    return (Chip("gates", level, f"鄰閘 {near}/{len(status.peers)}", f"Other gates {near}/{len(status.peers)}"),)


def _list(status: GateStatus) -> Chip:
    if status.view_age is None:
        return Chip("list", "bad", "未有名單", "No list")
    if status.list.expired:
        return Chip("list", "bad", "名單過期", "List expired")
    zh, en = age(status.view_age)
    level: Level = "warn" if status.view_age > status.view_limit or status.list.ends else "good"
    return Chip("list", level, f"名單 {zh}前", f"List {en} old")


def _queue(status: GateStatus) -> Chip:
    if status.set_aside:
        return Chip("queue", "bad", f"擱置 {status.set_aside}", f"Set aside {status.set_aside}")
    return Chip(
        "queue", "warn" if status.queue > 100 else "good", f"待上傳 {status.queue}", f"To upload {status.queue}"
    )


def _camera(status: GateStatus) -> Chip:
    if status.camera == "ok":
        return Chip("camera", "good", "鏡頭正常", "Camera fine")
    if status.camera == "starting":
        return Chip("camera", "warn", "鏡頭啟動", "Camera starting")
    return Chip("camera", "bad", "鏡頭故障", "Camera fault")


def _clock(status: GateStatus) -> Chip:
    if not status.clock_trusted:
        return Chip("clock", "warn", "時鐘未校準", "Clock not trusted")
    if status.clock_alarm:
        return Chip("clock", "warn", "檢查時鐘", "Check the clock")
    return Chip("clock", "good", "時鐘準確", "Clock trusted")


def age(seconds: float) -> tuple[str, str]:
    """A duration in words, in both languages, one unit each: nobody at a gate reads two."""
    whole = max(int(seconds), 0)
    for length, zh, en in ((86_400, "日", "d"), (3_600, "小時", "h"), (60, "分鐘", "min")):
        if whole >= length:
            return f"{whole // length} {zh}", f"{whole // length} {en}"
    return f"{whole} 秒", f"{whole} s"
