"""How long a command takes before it does anything: CPU seconds of whole processes, as the kernel counted them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import Bench, Figure, Limit, Target, ms
from benchmarks.timing import best

_HERE = Path(sys.executable)
_PASS = [sys.executable, "-c", "pass"]
_CLICK = [sys.executable, "-c", "import click"]


def run(bench: Bench) -> list[Figure]:
    bench.tell("start-up: both programs, again and again")
    with bench.room() as folder:
        config = folder / "gate.toml"
        config.write_text("[pins]\nrelay = 5\n")
        taken = best(
            bench.pick(15, 2),
            nothing=_cpu_of(_PASS),
            click=_cpu_of(_CLICK),
            gate=_cpu_of([_program("gate-scanner"), "--help"]),
            node=_cpu_of([_program("ledger-node"), "--help"]),
            command=_cpu_of([_program("ledger-node"), "tickets", "import", "--help"]),
            release=_cpu_of([_program("gate-scanner"), "release-relay", "--config", str(config)]),
        )
    click, nothing = (
        Limit('python -c "import click"', ms(taken["click"])),
        Limit("python -c pass", ms(taken["nothing"])),
    )
    return [
        Figure("gate-scanner --help", ms(taken["gate"]), "ms", click, Target.of_time(2, click)),
        Figure("ledger-node --help", ms(taken["node"]), "ms", click, Target.of_time(2.5, click)),
        Figure("ledger-node tickets import --help", ms(taken["command"]), "ms", click, Target.of_time(2, click)),
        Figure("gate-scanner release-relay", ms(taken["release"]), "ms", nothing, Target.of_time(2, nothing)),
    ]


def _program(name: str) -> str:
    return str(_HERE.with_name(name))


def _cpu_of(command: list[str]) -> Callable[[], float]:
    """User and system seconds of the process; its exit status is its own business, as a machine may have no pins."""

    def seconds() -> float:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in {0, 1}, command
        return used.ru_utime + used.ru_stime

    return seconds
