"""On what the figures were measured: they mean nothing without it."""

import os
import platform
import sqlite3
from datetime import UTC, datetime
from pathlib import Path


def describe() -> dict[str, str]:
    """The machine, in words."""
    return {
        "cpu": f"{_value('/proc/cpuinfo', 'model name') or platform.processor()}, {os.cpu_count()} cores",
        "memory": f"{int((_value('/proc/meminfo', 'MemTotal') or '0').split()[0]) / 2**20:.0f} GB",
        "system": f"{platform.freedesktop_os_release().get('PRETTY_NAME', platform.system())}, "
        f"Linux {platform.release()}, {platform.machine()}",
        "python": f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def load() -> str:
    """Processes that want to run, over the last minute: above the number of cores, somebody else works here too."""
    return f"{os.getloadavg()[0]:.1f}"


def _value(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
