"""Measuring on a machine that others use too: several short rounds, figure and limit in turn, the best of each.

The best round is the one that was disturbed least, and because limits are treated alike, ratios stay fair.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil

Measure = Callable[[], float]
Measures = Callable[[], Mapping[str, float]]


def median_of(act: Callable[[], object], times: int) -> float:
    """Seconds that `act` takes, the median of so many times."""
    return percentile(each(act, times), 50)


def each(act: Callable[[], object], times: int) -> list[float]:
    """Seconds of each of so many times."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return taken


def once(act: Callable[[], object]) -> float:
    """Seconds that `act` takes."""
    return each(act, 1)[0]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * share / 100), 1) - 1]


def spread(values: Sequence[float]) -> dict[str, float]:
    """The two percentiles that the targets speak of."""
    return {"p50": percentile(values, 50), "p99": percentile(values, 99)}


def best(rounds: int, **measures: Measure) -> dict[str, float]:
    """Each measure once a round, in turn; the least of each."""
    return best_of(rounds, {name: _named(name, measure) for name, measure in measures.items()}.values())


def best_of(rounds: int, measures: Iterable[Measures]) -> dict[str, float]:
    """The same for measures that give several values at once."""
    found: dict[str, float] = {}
    measures = list(measures)
    for _ in range(rounds):
        for measure in measures:
            for name, value in measure().items():
                found[name] = min(value, found.get(name, value))
    return found


def _named(name: str, measure: Measure) -> Measures:
    return lambda: {name: measure()}
