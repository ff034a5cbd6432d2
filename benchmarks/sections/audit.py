"""A full audit: `ledger-node audit` on a static copy of the long log, knowing only the log's public key.

Every entry, hash, tile, signature and rule is checked again, and the state that comes out is compared with the node's.
"""

import json
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import limits
from benchmarks.figures import Bench, Figure, Limit, Target
from benchmarks.house import open_home
from benchmarks.memory import Peak
from benchmarks.season import EVENT
from benchmarks.shared import PROGRAM, season_log
from benchmarks.timing import best
from ledger_node.services.export import export

_LINE = re.compile(r"auditing: ([\d,]+) of")


@dataclass(slots=True)
class _Audit:
    """What the command said, how long it took, and how far it was by when."""

    report: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    peak: float = 0.0
    heard: list[tuple[float, int]] = field(default_factory=list)

    @property
    def pace(self) -> str:
        """Entries a second between the first lines that it printed, and between the last ones."""
        if len(self.heard) < 3:
            return ""
        (early, first), (sooner, second), (later, before), (late, last) = (*self.heard[:2], *self.heard[-2:])
        at_first, at_last = (second - first) / (sooner - early), (last - before) / (late - later)
        return f"{at_first:,.0f}/s at first, {at_last:,.0f}/s at last"


def run(bench: Bench) -> list[Figure]:
    log = season_log(bench)
    with bench.room() as folder:
        bench.tell("audit: a static copy of the log")
        with open_home(log.home) as node, node.view() as view:
            export(node.ledger, folder)
            vkey, root, digest = node.ledger.vkey, view.root, view.state_digest(EVENT)
        bench.tell(f"audit: {log.size:,} entries")
        verify = best(bench.pick(3, 1), verify=limits.verify_s)["verify"]
        done = _audit(folder, vkey)
        verify = min(verify, best(bench.pick(3, 1), verify=limits.verify_s)["verify"])
    said = done.report
    assert said["good"], said["findings"]
    assert (said["root"], said["state_digests"][EVENT]) == (root.hex(), digest.hex()), "not what the node has"
    limit = Limit("one verification an entry, on one core", log.size * verify)
    soon = Target(240.0, "under 4 minutes")
    return [
        Figure(f"full audit of {log.size:,} entries", done.seconds, "s", limit, soon, done.pace),
        Figure("auditor and its helper: peak RSS", done.peak, "MB"),
    ]


def _audit(folder: Path, vkey: str) -> _Audit:
    done, began = _Audit(), time.perf_counter()
    words = [str(PROGRAM), "audit", str(folder), "--key", vkey]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        peak = Peak(running)
        assert running.stdout is not None
        assert running.stderr is not None
        for line in running.stderr:
            if match := _LINE.match(line):
                done.heard.append((time.perf_counter(), int(match[1].replace(",", ""))))
        done.report = json.loads(running.stdout.read())
        done.seconds = time.perf_counter() - began
        peak.close()
    done.peak = peak.highest
    return done
