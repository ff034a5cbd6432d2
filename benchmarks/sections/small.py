"""The Coliseum, 12,500 tickets: its snapshot, and a gate's first sync."""

from benchmarks.figures import Bench, Figure
from benchmarks.first_sync import Place, figures
from benchmarks.house import open_home, stage


def run(bench: Bench) -> list[Figure]:
    tickets = bench.house_tickets
    with bench.room() as home, bench.room() as gates:
        bench.tell(f"small: {tickets:,} tickets with their holders' keys")
        with open_home(home) as node:
            stage(node, tickets)
        bench.tell("small: first syncs")
        return figures(Place(home, gates, tickets), bench.pick(4, 1), most_s=1.0)
