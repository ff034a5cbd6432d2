"""The largest event, 1,000,000 tickets: its snapshot, a gate's first sync, and what a running gate holds in memory."""

import time
from pathlib import Path

from benchmarks.figures import Bench, Figure, Target
from benchmarks.first_sync import Place, figures
from benchmarks.house import enrolment, open_home, serve
from benchmarks.running import Memory, await_tickets, memory_of, running_gate, scans
from benchmarks.shared import keyed_event

MOST_MB = 250.0
_SCANS = 12
_PATIENCE = 60.0


def run(bench: Bench) -> list[Figure]:
    tickets = bench.most_tickets
    home = keyed_event(bench).home
    with bench.room() as gates:
        bench.tell("large: first sync")
        found = figures(Place(home, gates, tickets), bench.pick(2, 1), most_s=40.0)
        bench.tell("large: a running gate")
        return [*found, *_memory(home, gates, tickets, bench.pick(_SCANS, 2))]


def _memory(home: Path, gates: Path, tickets: int, least: int) -> list[Figure]:
    with open_home(home) as node:
        code = enrolment(node)
    folder = gates / "running"
    folder.mkdir()
    with serve(home, 0) as served, running_gate(folder, served.gates_url, code, tickets) as pid:
        await_tickets(folder, tickets)
        give_up = time.monotonic() + _PATIENCE
        while scans(folder) < least:
            assert time.monotonic() < give_up, "the gate does not scan"
            time.sleep(0.2)
        return _figures(memory_of(pid), tickets)


def _figures(memory: Memory, tickets: int) -> list[Figure]:
    what, most = f"gate-scanner and its camera's process, {tickets:,} tickets", Target(MOST_MB, "below 250 MB")
    note = f"of {memory.mapped:.0f} MB of mapped rows, pages of its file, {memory.resident:.0f} were resident"
    return [
        Figure(f"{what}: RSS", memory.rss, "MB", target=most, note=note),
        Figure(f"{what}: RSS with every row touched", memory.warm, "MB", target=most),
        Figure(f"{what}: PSS", memory.pss, "MB", target=most),
        Figure(f"{what}: peak RSS, the first sync in it", memory.peak, "MB", target=most),
    ]
