"""The rules of monitoring: pure functions over what happens on the ledger and over how the node is.

A rule looks at one sign (an entry, as `signs` reads it) and at the window of signs like it, and raises or stays silent.
Windows are passed in; nothing here knows the time, a disk or a person. Subjects are ticket numbers, gates, devices and
fingerprints of pseudonyms. What becomes of what was raised is for `alerts`.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from statistics import median_low
from typing import Final

PERCENT: Final = 100
MOST_MARKS: Final = 500
"""Newest marks that a window keeps."""
MOST_COUNT: Final = 250
"""What a threshold that counts may be at most, so that windows have room for it."""
RECEIVED = frozenset({"identity.attest", "transfer.accept", "resale.buy"})
HANDED_ON = frozenset({"transfer.accept", "resale.buy"})
OFFERED = frozenset({"transfer.offer", "resale.list"})
SCANNED = frozenset({"admission", "refusal"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a rule raises. Times are seconds; `..._within` is a rule's window.

    tickets          different tickets that came to one pseudonym, whether it keeps them or not
    held             tickets that one pseudonym holds at once, however slowly they came
    hands            changes of hands of one ticket
    refused          different tickets refused at one gate, if that is refused_percent of all that were shown there
    at_cap           different tickets that one pseudonym offered at the very cap
    skew             by how much a gate's clock and the phones' may differ (median of skew_tickets different tickets)
    log_silent       that the ledger's writer may not answer
    witness_late     that a witness may not sign
    gate_silent, gate_entries   that a gate may not be heard of, and by how much it may lag, each for gate_for
    before_doors, after_start   when gates are watched
    quiet            after so long without a new sign an alert closes by itself
    """

    tickets: int = 8
    tickets_within: int = 86_400
    held: int = 8
    hands: int = 3
    hands_within: int = 86_400
    refused: int = 12
    refused_percent: int = 40
    refused_within: int = 300
    at_cap: int = 4
    at_cap_within: int = 7 * 86_400
    skew: int = 20
    skew_tickets: int = 15
    skew_within: int = 600
    log_silent: int = 15
    witness_late: int = 120
    gate_silent: int = 120
    gate_entries: int = 500
    gate_for: int = 60
    before_doors: int = 3_600
    after_start: int = 4 * 3_600
    quiet: int = 86_400


@dataclass(frozen=True, slots=True)
class Sign:
    """What rules see of one entry. `at` is unix seconds; `person` the fingerprint of whoever received or offered the
    ticket, and `held` how many they hold now; `lag` the seconds by which the gate's clock is ahead of the phone that
    showed the code; `verdict` what the ledger made of the gate's record.
    """

    position: int
    event: str
    type: str
    at: int
    ticket: int = -1
    person: str = ""
    gate: str = ""
    device: str = ""
    cause: str = ""
    at_cap: bool = False
    lag: int | None = None
    held: int = 0
    ways: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Raised:
    """Something that somebody should look at; `detail` says how much of what, in plain values."""

    rule: str
    event: str
    subject: str
    at: int
    position: int | None = None
    detail: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A sign in a window: when, which ticket, and a value that the rule needs."""

    at: int
    position: int
    ticket: int
    value: int = 0


Name = tuple[str, str, str]
"""A window: (rule, event, subject)."""
_at = attrgetter("at")


class Windows:
    """The marks of all windows, each in order of time; `fresh` are those that were added since somebody emptied it."""

    def __init__(self, marks: Iterable[tuple[Name, Mark]] = ()) -> None:
        self._marks: dict[Name, list[Mark]] = {}
        self.fresh: list[tuple[Name, Mark]] = []
        for name, mark in marks:
            insort(self._marks.setdefault(name, []), mark)

    def add(self, name: Name, mark: Mark, span: int) -> list[Mark]:
        """The marks of the window of `span` seconds that has this one in it and ends with the newest it can: marks may
        come late and in any order.
        """
        marks = self._marks.setdefault(name, [])
        insort(marks, mark)
        self.fresh.append((name, mark))
        stop = bisect_left(marks, mark.at + span, key=_at)
        window = marks[bisect_right(marks, marks[stop - 1].at - span, key=_at) : stop]
        # A gate that floods the log must not make every one of its records dearer than the one before.
        del marks[:-MOST_MARKS]
        return window

    def forget(self, rule: str, before: int) -> None:
        """Drop a rule's marks before a time."""
        for name in [name for name in self._marks if name[0] == rule]:
            kept = [mark for mark in self._marks[name] if mark.at >= before]
            if kept:
                self._marks[name] = kept
            else:
                del self._marks[name]

    def __len__(self) -> int:
        return sum(map(len, self._marks.values()))


Rule = Callable[[Thresholds, Windows, Sign], Raised | None]


def many_tickets(limits: Thresholds, windows: Windows, sign: Sign) -> Raised | None:
    """Many tickets come to one pseudonym: fast, though they may be passed on at once, or slowly, and are kept."""
    if sign.type not in RECEIVED or not sign.person:
        return None
    name = ("many-tickets", sign.event, f"pseudonym {sign.person}")
    came = len({mark.ticket for mark in _mark(windows, name, sign, limits.tickets_within)})
    if came < limits.tickets and sign.held < limits.held:
        return None
    return _raise(name, sign, {"tickets": came, "held": sign.held})


def rapid_passing(limits: Thresholds, windows: Windows, sign: Sign) -> Raised | None:
    """One ticket is passed on again and again."""
    if sign.type not in HANDED_ON:
        return None
    name = ("rapid-passing", sign.event, f"ticket {sign.ticket}")
    hands = len(_mark(windows, name, sign, limits.hands_within))
    return _raise(name, sign, {"hands": hands}) if hands >= limits.hands else None


def refusal_spike(limits: Thresholds, windows: Windows, sign: Sign) -> Raised | None:
    """A gate refuses many. One person who tries again and again is one."""
    if sign.type not in SCANNED:
        return None
    name = ("refusal-spike", sign.event, f"gate {sign.gate}")
    marks = _mark(windows, name, sign, limits.refused_within, int(sign.type == "refusal"))
    refused = {mark.ticket for mark in marks if mark.value}
    shown = {mark.ticket for mark in marks}
    if len(refused) < limits.refused or len(refused) * PERCENT < len(shown) * limits.refused_percent:
        return None
    return _raise(name, sign, {"refused": len(refused), "shown": len(shown)})


def double_entry(_limits: Thresholds, _windows: Windows, sign: Sign) -> Raised | None:
    """A ticket let two people in, and nobody took it back: a cloned key, a relayed screenshot, or sold and entered."""
    if sign.type != "incident" or not sign.cause:
        return None
    ways = {"ways": sign.ways} if sign.ways else {}
    return _raise(("double-entry", sign.event, f"ticket {sign.ticket}"), sign, {"cause": sign.cause, **ways})


def out_of_service(_limits: Thresholds, _windows: Windows, sign: Sign) -> Raised | None:
    """A gate admitted whose device was revoked: the ledger counts it not, and the same ticket may be in twice."""
    if sign.type != "admission" or sign.verdict != "revoked":
        return None
    name = ("out-of-service", sign.event, f"gate {sign.gate}")
    return _raise(name, sign, {"device": sign.device, "ticket": sign.ticket})


def price_at_cap(limits: Thresholds, windows: Windows, sign: Sign) -> Raised | None:
    """One pseudonym offers ticket after ticket at the highest price that is allowed."""
    if sign.type not in OFFERED or not sign.person or not sign.at_cap:
        return None
    name = ("price-at-cap", sign.event, f"pseudonym {sign.person}")
    tickets = {mark.ticket for mark in _mark(windows, name, sign, limits.at_cap_within)}
    return _raise(name, sign, {"tickets": len(tickets)}) if len(tickets) >= limits.at_cap else None


def clock_skew(limits: Thresholds, windows: Windows, sign: Sign) -> Raised | None:
    """Many phones agree that a gate's clock is wrong. One wrong phone, or a screenshot, moves no median."""
    if sign.type not in SCANNED or sign.lag is None:
        return None
    name = ("clock-skew", sign.event, f"device {sign.device}")
    lags = {mark.ticket: mark.value for mark in _mark(windows, name, sign, limits.skew_within, sign.lag)}
    if len(lags) < limits.skew_tickets or abs(median_low(lags.values())) <= limits.skew:
        return None
    return _raise(name, sign, {"seconds": median_low(lags.values()), "gate": sign.gate})


RULES: tuple[Rule, ...] = (
    many_tickets,
    rapid_passing,
    refusal_spike,
    double_entry,
    out_of_service,
    price_at_cap,
    clock_skew,
)


def spans(limits: Thresholds) -> dict[str, int]:
    """How long each rule's window is."""
    return {
        "many-tickets": limits.tickets_within,
        "rapid-passing": limits.hands_within,
        "refusal-spike": limits.refused_within,
        "price-at-cap": limits.at_cap_within,
        "clock-skew": limits.skew_within,
    }


def judge(limits: Thresholds, windows: Windows, sign: Sign) -> list[Raised]:
    """What all rules say to one sign."""
    said = (rule(limits, windows, sign) for rule in RULES)
    return [raised for raised in said if raised is not None]


def _mark(windows: Windows, name: Name, sign: Sign, span: int, value: int = 0) -> list[Mark]:
    return windows.add(name, Mark(sign.at, sign.position, sign.ticket, value), span)


def _raise(name: Name, sign: Sign, detail: Mapping[str, int | str]) -> Raised:
    rule, event, subject = name
    return Raised(rule, event, subject, sign.at, sign.position, detail)
