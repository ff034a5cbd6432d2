import os
import socket
from pathlib import Path

import pytest

from scanner.hw.watchdog import Progress, Watchdog, systemd_watchdog
from tests.fakes.clockwork import HandClock

LIMITS = {"loop": 1.0, "pins": 1.0, "camera": 5.0}


def test_only_the_silent_part_is_late() -> None:
    progress = Progress(LIMITS, now=0.0)
    progress.beat("loop", 2.0)
    progress.beat("pins", 0.5)
    assert progress.late(2.0) == ["pins"]
    assert progress.late(100.0) == ["loop", "pins", "camera"]


def test_part_that_nobody_watches_is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError, match="not watched"):
        Progress(LIMITS, now=0.0).beat("kiosk", 1.0)


def test_fed_only_while_every_part_turns() -> None:
    clock, sent = HandClock(), []
    watchdog = Watchdog(Progress(LIMITS, clock()), sent.append, 0.5, clock)
    assert watchdog.feed() == []
    clock.pass_time(2.0)
    watchdog.beat("loop")
    assert watchdog.feed() == ["pins"]
    watchdog.beat("pins")
    assert watchdog.feed() == []
    assert sent == ["WATCHDOG=1", "WATCHDOG=1"]


def test_fed_no_more_often_than_needed() -> None:
    clock, sent = HandClock(), []
    watchdog = Watchdog(Progress({"loop": 100.0}, clock()), sent.append, 0.5, clock)
    for _ in range(10):
        watchdog.feed()
        clock.pass_time(0.1)
    assert len(sent) == 2


def test_without_systemd_nothing_is_sent_and_lateness_is_still_told() -> None:
    clock = HandClock()
    watchdog = systemd_watchdog({"loop": -1.0}, environ={})
    watchdog.ready()
    assert watchdog.feed() == ["loop"]
    assert clock() == 1000.0


def test_what_systemd_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        path = str(tmp_path / "notify")
        systemd.bind(path)
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        environ = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}
        watchdog = systemd_watchdog({"loop": 60.0}, environ)
        watchdog.ready()
        watchdog.status("gate A1 · 請出示二維碼")
        watchdog.feed()
        watchdog.stopping()
        heard = [systemd.recv(200).decode() for _ in range(4)]
    assert heard == ["READY=1", "STATUS=gate A1 · 請出示二維碼", "WATCHDOG=1", "STOPPING=1"]


def test_watchdog_of_another_process_is_not_fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        path = str(tmp_path / "notify")
        systemd.bind(path)
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        environ = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid() + 1)}
        systemd_watchdog({"loop": 60.0}, environ).feed()
        with pytest.raises(BlockingIOError):
            systemd.recv(200)
