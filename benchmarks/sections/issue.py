"""Issuing the largest event: tickets with their holders' keys out of a file, and tickets that nobody has yet.

The commands that operators have, each a process of its own: reading and checking every line, every key and every proof,
the contract's rules, and one durable transaction in which all of it is kept, or nothing.
"""

from benchmarks import limits
from benchmarks.figures import Bench, Figure, Limit, Target
from benchmarks.house import EVENT
from benchmarks.shared import command, keyed_event, open_event
from benchmarks.timing import best


def run(bench: Bench) -> list[Figure]:
    taken = best(bench.pick(5, 1), verify=limits.verify_s, point=limits.point_s)
    keyed = keyed_event(bench)
    again = best(bench.pick(5, 1), verify=limits.verify_s, point=limits.point_s)
    least = keyed.tickets * (min(taken["verify"], again["verify"]) + min(taken["point"], again["point"])) / 2
    with bench.room() as home:
        open_event(home, keyed.tickets)
        bench.tell("issue: tickets that nobody has yet")
        seconds, peak = command(home, "tickets", "issue", EVENT, "--count", str(keyed.tickets))
    of, soon = f"{keyed.tickets:,} tickets", Target(90.0, "under 90 s")
    limit = Limit("checking each key and its proof, on two cores", least)
    return [
        Figure(f"import {of} with holders' keys and proofs", keyed.seconds, "s", limit, Target.of_time(2.5, limit)),
        Figure(f"import {of} with holders' keys and proofs: peak RSS", keyed.peak, "MB"),
        Figure(f"issue {of} that nobody has yet", seconds, "s", target=soon),
        Figure(f"issue {of} that nobody has yet: peak RSS", peak, "MB"),
    ]
