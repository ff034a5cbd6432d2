"""How often what strangers can do is done: the one table of it (docs/limits.md). Counting is `tally`'s business.

Each line says which act, counted by what, how many within how long, and whether a restart must not reset it ("disk").
The key is chosen so that one person's noise is counted against that person. A network address has a hall full of people
behind it, so where something right can be told from something wrong (a code, a link, a passkey) only what is wrong is
counted by address, after it was looked at: what is right goes through however many others guess beside it.
"""

from dataclasses import dataclass
from typing import Final, Literal

Act = Literal[
    "offer",
    "letter of an offer",
    "letter of an order",
    "hold",
    "unpaid hold",
    "identity",
    "declined by the provider",
    "wrong enrolment code",
    "wrong link",
    "wrong sign-in",
]
By = Literal["ticket", "recipient", "event", "address", "person", "address and purchase"]
Kept = Literal["disk", "memory"]
MINUTE, HOUR, DAY = 60, 3_600, 86_400
HOLDS: Final = 20
"""Unpaid holds of one network address at once, unless an operator says otherwise."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `most` of an act within `seconds`, counted by what `by` says. `code` and `sentence` are the refusal."""

    act: Act
    by: By
    most: int
    seconds: int
    kept: Kept
    code: str
    sentence: str


_LETTERS, _HOLDS, _TRIES = "too-many-letters", "too-many-holds", "too-many-tries"
_HAND_OVER = "send the offer's link to its person yourself, or wait"
ALLOWANCES: Final[tuple[Allowance, ...]] = (
    Allowance(
        "offer",
        "ticket",
        20,
        DAY,
        "disk",
        "too-many-offers",
        "this ticket was offered or listed 20 times within a day: leave the offer that is open as it is, or wait",
    ),
    Allowance(
        "letter of an offer",
        "ticket",
        5,
        DAY,
        "disk",
        _LETTERS,
        f"5 letters were sent for this ticket within a day: {_HAND_OVER}",
    ),
    Allowance(
        "letter of an offer",
        "recipient",
        10,
        DAY,
        "disk",
        _LETTERS,
        f"this person was written to 10 times within a day: {_HAND_OVER}",
    ),
    Allowance(
        "letter of an offer",
        "event",
        5_000,
        DAY,
        "disk",
        _LETTERS,
        f"this event's 5,000 letters of a day have been sent: {_HAND_OVER}",
    ),
    Allowance(
        "letter of an order",
        "recipient",
        20,
        DAY,
        "disk",
        _LETTERS,
        "20 orders were sent to this person within a day: give another phone number or e-mail address, or wait",
    ),
    Allowance(
        "unpaid hold",
        "address",
        HOLDS,
        300,
        "disk",
        _HOLDS,
        "as many holds as this network may have are neither paid nor let go: pay, or wait until one ends",
    ),
    Allowance(
        "hold",
        "address",
        300,
        HOUR,
        "disk",
        _HOLDS,
        "300 holds of this network were not paid within an hour: pay for what is held, or wait",
    ),
    Allowance(
        "hold",
        "event",
        20_000,
        HOUR,
        "disk",
        _HOLDS,
        "20,000 holds of this event were not paid within an hour: try again when some have ended",
    ),
    Allowance(
        "identity",
        "person",
        20,
        DAY,
        "disk",
        "too-many-identities",
        "this person was attested 20 times within a day: use the key that is attested, or wait",
    ),
    Allowance(
        "declined by the provider",
        "address and purchase",
        10,
        10 * MINUTE,
        "memory",
        "too-many-payments",
        "the wallet said no 10 times within ten minutes: see to it in the wallet, then try again",
    ),
    Allowance(
        "wrong enrolment code",
        "address",
        20,
        MINUTE,
        "memory",
        "too-many-guesses",
        "too many wrong codes from this network: look the code up, a right one is taken at once",
    ),
    Allowance(
        "wrong link",
        "address",
        30,
        10 * MINUTE,
        "memory",
        _TRIES,
        "too many wrong links from this network: open the link as it was sent, a right one is taken at once",
    ),
    Allowance(
        "wrong sign-in",
        "address",
        30,
        10 * MINUTE,
        "memory",
        _TRIES,
        "too many wrong tries from this network: wait ten minutes, a right one is taken at once",
    ),
)
