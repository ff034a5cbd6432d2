"""How the node and its gates are, and the rules about that: log stalled, witness stalled, a gate far behind.

Pure: the time and what was seen are passed in. A condition counts only after it has lasted, and is over when it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ledger_node.services.monitoring import Raised, Thresholds

Condition = tuple[str, str, str]
"""(rule, event, subject)."""
CONDITIONS = frozenset({"log-stalled", "witness-stalled", "gate-behind", "clock-jumped", "log-behind"})


@dataclass(frozen=True, slots=True)
class GateSeen:
    """A gate's device while its event is on: when it was heard of last, and how many entries it has not seen."""

    event: str
    gate: str
    device: str
    seen_at: int
    behind: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look. `log_asked` is since when the ledger's writer owes an answer; `witnesses` has those that do not sign,
    with their problem; `clock_jump` is by how many seconds the machine's clock jumped; `lost` has
    the log's size and the one that it was shown to have had, if they differ. Times are unix seconds.
    """

    now: int
    log_asked: int
    witnesses: Mapping[str, str] = field(default_factory=dict)
    gates: tuple[GateSeen, ...] = ()
    clock_jump: float = 0.0
    lost: tuple[int, int] | None = None


def watched(limits: Thresholds, doors: int, starts: int, now: int) -> bool:
    """Whether gates of an event with these times are looked after now."""
    return doors - limits.before_doors <= now < starts + limits.after_start


def lasting(
    limits: Thresholds, vitals: Vitals, since: Mapping[Condition, int]
) -> tuple[list[Raised], dict[Condition, int]]:
    """What has lasted long enough to be raised, and since when everything that is wrong now is (for the next look)."""
    wrong = dict(_wrong(limits, vitals))
    began = {condition: since.get(condition, vitals.now) for condition in wrong}
    raised = [
        Raised(*condition, vitals.now, None, detail)
        for condition, (patience, detail) in wrong.items()
        if vitals.now - began[condition] >= patience
    ]
    return raised, began


def _wrong(limits: Thresholds, vitals: Vitals) -> Iterator[tuple[Condition, tuple[int, Mapping[str, int | str]]]]:
    """Every condition that holds now, with the seconds that it must last and its details."""
    silent = vitals.now - vitals.log_asked
    if silent >= limits.log_silent:
        yield ("log-stalled", "", "log"), (0, {"seconds": silent})
    if vitals.clock_jump:
        yield ("clock-jumped", "", "clock"), (0, {"seconds": round(vitals.clock_jump)})
    if vitals.lost:
        yield ("log-behind", "", "log"), (0, {"size": vitals.lost[0], "newest": vitals.lost[1]})
    for name in vitals.witnesses:
        # The witness's own words stay in the node's log: they are text of another organisation.
        yield ("witness-stalled", "", f"witness {name}"), (limits.witness_late, {})
    for gate in vitals.gates:
        missing = vitals.now - gate.seen_at
        if missing >= limits.gate_silent or gate.behind >= limits.gate_entries:
            detail: dict[str, int | str] = {"device": gate.device, "behind": gate.behind, "seconds": missing}
            yield ("gate-behind", gate.event, f"gate {gate.gate}"), (limits.gate_for, detail)
