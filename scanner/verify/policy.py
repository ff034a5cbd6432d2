"""The organiser's choices for a gate: data in the event manifest, chosen per event, read by the decision."""

from dataclasses import dataclass
from typing import Literal, get_args

Strictness = Literal["amber", "refuse"]
Offline = Literal["refuse", "supervisor", "admit-marked"]
Lease = Literal["group", "gate"]
LIST_EXPIRES = 86_400
"""A day: longer than any show and than what a venue's network is away for, shorter than from one show to the next."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a gate does where the rules leave a choice.

    offline: a ticket whose single use is leased elsewhere, while no ledger node answers.
    lease: whether a ticket's use is leased to its gate group or to one gate of it.
    wrong_gate, too_early, zone_closed: how strictly these are met.
    early_opens: seconds before doors at which admission begins.
    claim_deadline_ms: how long a decision may wait for the ledger node.
    view_limit: age of the view, in seconds, past which the lamp is amber.
    list_expires: seconds without the ledger node's word on the list, after which a gate admits nobody by it alone.
    untrusted_widening: steps added to both sides of the window while the scanner's time is not trusted.
    """

    offline: Offline = "refuse"
    lease: Lease = "group"
    wrong_gate: Strictness = "amber"
    too_early: Strictness = "amber"
    zone_closed: Strictness = "refuse"
    early_opens: int = 0
    beacon_required: bool = False
    claim_deadline_ms: int = 150
    view_limit: int = 900
    untrusted_widening: int = 30
    list_expires: int = LIST_EXPIRES
    """Left out of the manifest's map where it is LIST_EXPIRES: policies of before have none."""

    def list_expired(self, unheard: float) -> bool:
        """Whether a list is too old to admit by, that no node has confirmed for so many seconds."""
        return unheard > self.list_expires

    @staticmethod
    def choices() -> dict[str, tuple[str, ...]]:
        """The fields that hold one of a few words, with the words."""
        strictness = get_args(Strictness)
        return {
            "offline": get_args(Offline),
            "lease": get_args(Lease),
            "wrong_gate": strictness,
            "too_early": strictness,
            "zone_closed": strictness,
        }
