"""What the contract answers: an outcome or a refusal, both values. Which one is decided by the rules, not here.

A refusal has a stable code (for programs) and a sentence in English and in Traditional Chinese (for people); the codes
and their sentences stand in `refusals`.
"""

from dataclasses import dataclass, field
from typing import Literal

from ledger_node.contract.refusals import Refusal

Verdict = Literal["accepted", "duplicate", "stale", "revoked", "unknown"]
"""What became of an entry that is in the log. Operator entries are always "accepted"; a device's record may be
"duplicate"  the ticket's use was spent already: `first` says where and when,
"stale"      the gate saw an older ledger: the ticket had a newer owner, or was no longer active (see `cause`),
"revoked"    the device had been revoked; nothing but the record itself is kept,
"unknown"    the ledger cannot tie it to a ticket and its holder (see `cause`)."""


@dataclass(frozen=True, slots=True)
class First:
    """The admission that holds a ticket's use."""

    device: str
    counter: int
    gate: str
    time_ms: int
    position: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The entry is in the log at `position` (0-based), so a log of size position + 1 or more proves it.

    `cause` is a word that says why the verdict is not "accepted", or "" (double entries: "relayed-screenshot",
    "shared-or-cloned-key", "sold-then-entered"). `at` is the time the entry counts from, in unix seconds.
    `new` is False when the same bytes had been logged before; everything else is then as it was the first time.
    """

    position: int
    verdict: Verdict = "accepted"
    cause: str = ""
    first: First | None = None
    at: int = 0
    new: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The entry is not in the log and changed nothing. `detail` names what was wrong, e.g. "ticket 17"."""

    refusal: Refusal
    detail: str = ""

    @property
    def code(self) -> str:
        """The stable word for this refusal."""
        return str(self.refusal.value)

    def sentence(self, language: Literal["en", "zh-Hant"] = "en") -> str:
        """What happened and what to do, for a person."""
        text: str = self.refusal.english if language == "en" else self.refusal.chinese
        return f"{text} ({self.detail})" if self.detail else text
