"""The life of an admission, as a table: which act leads from which state to which. Data and one question; no disk.

Each act is checked against it in the transaction that writes it, and one that it has no place for raises
`ImpossibleMove`. `voided` and `released` lead nowhere, so never are a void and a release of one admission both signed.
docs/offline.md shows the same table.
"""

from collections.abc import Mapping
from typing import Literal

AdmissionOutcome = Literal["pending", "claimed", "alone", "pulsed", "passed", "released", "voided", "in-doubt"]
Act = Literal["claimed", "alone", "pulse", "passage", "void", "release", "restart"]

STARTS: frozenset[AdmissionOutcome] = frozenset({"pending", "alone"})
"""Pending where a node or other gates are asked first; alone where there are none to ask."""

TABLE: Mapping[tuple[AdmissionOutcome, Act], AdmissionOutcome] = {
    ("pending", "claimed"): "claimed",
    ("pending", "alone"): "alone",
    ("pending", "void"): "voided",
    ("pending", "release"): "released",
    ("claimed", "pulse"): "pulsed",
    ("claimed", "passage"): "passed",
    ("claimed", "release"): "released",
    ("claimed", "restart"): "in-doubt",
    ("alone", "pulse"): "pulsed",
    ("alone", "passage"): "passed",
    ("alone", "release"): "released",
    ("alone", "restart"): "in-doubt",
    ("pulsed", "passage"): "passed",
    ("pulsed", "release"): "released",
}
"""A passage may be heard of before the word of its pulse is."""

LATE: Mapping[tuple[AdmissionOutcome, Act], str] = {
    ("passed", "pulse"): "the passage was heard of first",
    ("released", "pulse"): "a fire alarm or a fault came between the pulse and its word; a release is final",
}
"""What comes true too late to change the state; the time of the pulse is noted."""


class ImpossibleMove(Exception):  # noqa: N818 - it names what happened
    """An act that cannot follow an admission's state: the program is wrong, not the ticket. Nothing was written."""


def after(counter: int, state: AdmissionOutcome | None, act: Act) -> AdmissionOutcome:
    """The state of an admission after the act; `state` None = there is no such admission. Raises ImpossibleMove."""
    if state is None:
        raise ImpossibleMove(f"{act} of admission {counter}: this journal holds no such admission")
    if (state, act) in LATE:
        return state
    if (state, act) not in TABLE:
        raise ImpossibleMove(f"{act} of admission {counter}, which is {state}: its life has no such move")
    return TABLE[state, act]


def begun(counter: int, state: AdmissionOutcome) -> AdmissionOutcome:
    """The state, if an admission may begin in it. Raises ImpossibleMove."""
    if state not in STARTS:
        raise ImpossibleMove(f"admission {counter} cannot begin as {state}")
    return state
