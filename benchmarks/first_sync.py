"""An event of some size, from the node's tables to a gate that is ready: build, download, swap, and all of it in one.

A real `ledger-node serve` and the gate's own sync (scanner.cli.node), over loopback. Each first sync meets a node that
was just started, so that building the snapshot is in it.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import limits
from benchmarks.figures import Figure, Limit, Target, ms
from benchmarks.house import EVENT, Served, open_home, serve
from benchmarks.timing import best_of, once
from ledger_node.services.snapshot import export_snapshot
from scanner.admission import stamp
from scanner.cli.node import Node
from scanner.clock import TrustedClock
from scanner.journal import Identity as Who
from scanner.journal import Journal
from scanner.sync.client import Identity, NodeClient
from scanner.sync.trust import LogTrust
from scanner.verify.checkpoint import VerifierKey
from scanner.verify.row import ROW_BYTES
from scanner.view import GateView, Trust
from tests.fakes.gate_client import GateClient

PATIENCE = 300.0
MOST_BYTES = 72.0


@dataclass(frozen=True, slots=True)
class Place:
    """A node's home with an event of so many tickets, and room for gates beside it."""

    home: Path
    gates: Path
    tickets: int


def figures(place: Place, rounds: int, most_s: float) -> list[Figure]:
    """Everything about this size; `most_s` is the promise for the first sync."""
    snapshot, rows = place.gates / "snapshot", place.tickets * ROW_BYTES
    with open_home(place.home) as node:
        taken = best_of(
            rounds,
            [
                lambda: {"sha256": limits.sha256_s(rows)},
                lambda: {"build": once(lambda: export_snapshot(node, EVENT, snapshot))},
            ],
        )
    taken |= best_of(rounds, [lambda: _synced(place)])
    return _figures(place.tickets, snapshot.stat().st_size, taken, most_s)


def _figures(tickets: int, size: int, taken: Mapping[str, float], most_s: float) -> list[Figure]:
    once_over = Limit("SHA-256 over the rows", ms(taken["sha256"]))
    least = Limit("SHA-256 over the rows, at the node and at the gate", 2 * taken["sha256"])
    of = f"{tickets:,} tickets"
    promise = Target(most_s, f"under {most_s:.0f} s")
    dense = Target(MOST_BYTES, f"at most {MOST_BYTES:.0f} bytes")
    return [
        Figure(f"snapshot of {of}: build", ms(taken["build"]), "ms", once_over),
        Figure(f"snapshot of {of}: size of a ticket", size / tickets, "bytes", target=dense),
        Figure(f"snapshot of {of}: download", ms(taken["download"]), "ms", once_over),
        Figure(f"snapshot of {of}: check and swap", ms(taken["swap"]), "ms", once_over),
        Figure(f"first sync of {of} to ready", taken["ready"], "s", least, promise),
    ]


def _synced(place: Place) -> dict[str, float]:
    """One gate that knows nothing, at a node that was just started."""
    with serve(place.home, 1) as served, ExitStack() as stack:
        folder = place.gates / secrets.token_hex(4)
        folder.mkdir()
        gate, clock = served.gates[0], TrustedClock(time.time, time.monotonic, lambda: 0.0)
        ready = once(lambda: _first_sync(folder, served, clock, stack))
        stack.close()
        client = NodeClient(served.gates_url, _identity(gate), clock.now, lambda: secrets.token_hex(16))
        stack.callback(client.close)
        download = folder / "download"
        took = once(lambda: client.download_snapshot(download))
        view = GateView(folder / "other", Trust(gate.node_key, EVENT), "bench")
        stack.callback(view.close)
        return {"ready": ready, "download": took, "swap": once(lambda: view.install(download))}


def _first_sync(folder: Path, served: Served, clock: TrustedClock, stack: ExitStack) -> None:
    """From nothing to a view with a manifest, which is when a gate is ready to admit."""
    gate, ready = served.gates[0], threading.Event()
    view = GateView(folder / "view", Trust(gate.node_key, EVENT), "bench")
    stack.callback(view.close)
    who = Who(gate.device, gate.gate, EVENT, gate.key)
    journal = Journal.open(folder / "journal.db", who, lambda: stamp(clock.now(), view.size))
    stack.callback(journal.close)

    def news() -> None:
        if view.manifest is not None:
            ready.set()

    node = Node(served.gates_url, _identity(gate), _trust(served), journal, view, clock, _never, news, None)
    node.start()
    stack.callback(node.stop)
    assert ready.wait(PATIENCE), node.health()


def _never() -> None:
    raise AssertionError("this gate was not revoked")


def _identity(gate: GateClient) -> Identity:
    return Identity(gate.device, gate.key, EVENT, gate.node_key)


def _trust(served: Served) -> LogTrust:
    key = VerifierKey.parse(served.log)
    assert isinstance(key, VerifierKey)
    return LogTrust(key.name, key)
