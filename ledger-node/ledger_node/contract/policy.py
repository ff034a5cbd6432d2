"""An organiser's policy for the tickets of an event: typed limits, price tiers and rules in CEL, as data on the ledger.

Reading is strict, and a policy that contradicts itself is refused. What the rules in CEL may say is `expressions`'
business; applying a policy is that of the rules which name it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from ledger_node.contract.shape import MOST, MOST_CENTS, digest_or_none
from scanner.verify.entry import Malformed, is_uint

BASIS_POINTS: Final = 10_000
PERCENT: Final = 100
NO_LIMIT: Final = 2**32 - 1
MOST_TRANSFERS: Final = 2**16 - 1
HIGHEST_LEVEL: Final = 9
_MOST: Mapping[str, int] = {
    "transfer_cap": 1_000,
    "resale_cap": 1_000,
    "organiser_fee": BASIS_POINTS,
    "service_fee": BASIS_POINTS,
    "most_transfers": MOST_TRANSFERS,
    "most_tickets": NO_LIMIT,
    "opens": 2**32 - 1,
    "freezes": 366 * 86_400,
    "send_level": HIGHEST_LEVEL,
    "receive_level": HIGHEST_LEVEL,
    "sponsor_share": BASIS_POINTS,
    "capacity": NO_LIMIT,
    "handling_fee": MOST_CENTS,
}
_TIER: Mapping[str, int] = {"tier": 255, "category": 255, "price": MOST_CENTS, "opens": MOST, "closes": MOST}
_CURRENCY = re.compile(r"[A-Z]{3}")
ACTS: Final = ("sale", "transfer", "resale")
"""What a rule in CEL may be about."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A price for the tickets of one category, from `opens` and before `closes` (unix seconds)."""

    tier: int
    category: int
    price: int
    opens: int = 0
    closes: int = MOST


@dataclass(frozen=True, slots=True)
class TicketPolicy:
    """What an organiser may choose. Every default is the widest, but for the price caps.

    transfer_cap, resale_cap: highest price, in percent of the face value (100 = equal or lower).
    organiser_fee, service_fee: basis points of a resale's price that go to the organiser and to the ledger's operator.
    most_transfers: changes of hands of one ticket (0 = none). most_tickets: that one pseudonym may hold.
    opens: unix seconds from which tickets change hands; freezes: seconds before doors from which they no longer do.
    send_level, receive_level: how well the provider must know a giver and a receiver (0 = not at all).
    sponsor_share: basis points of the capacity that sponsors may have. capacity: tickets that are licensed.
    handling_fee: cents a ticket, for the e-ticket option. tiers: prices of a sale; without any it is the face value.
    currency: what all amounts are cents of. organiser_party, service_party: who gets the fees, as the provider calls
    them in this event (32 bytes; empty where nothing is to get).
    rules: an expression for each of `ACTS`, in the language of the engine `engine`.
    """

    transfer_cap: int = 100
    resale_cap: int = 100
    organiser_fee: int = 0
    service_fee: int = 0
    most_transfers: int = MOST_TRANSFERS
    most_tickets: int = NO_LIMIT
    opens: int = 0
    freezes: int = 0
    send_level: int = 0
    receive_level: int = 0
    sponsor_share: int = BASIS_POINTS
    capacity: int = NO_LIMIT
    handling_fee: int = 0
    currency: str = "HKD"
    organiser_party: bytes = b""
    service_party: bytes = b""
    tiers: tuple[Tier, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""

    def to_map(self) -> dict[str, Any]:
        """As `policy.set` carries it."""
        plain = {name: getattr(self, name) for name in (*_MOST, "currency", "organiser_party", "service_party")}
        tiers = [{item.name: getattr(tier, item.name) for item in fields(Tier)} for tier in self.tiers]
        return {**plain, "tiers": tiers, "rules": dict(self.rules), "engine": self.engine}

    @classmethod
    def from_map(cls, value: object) -> "TicketPolicy | Malformed":
        """Strict: every field, no other, each of its type and range, and none against another."""
        names = {item.name for item in fields(cls)}
        if not isinstance(value, dict) or value.keys() != names:
            return Malformed(f"a policy has the fields {', '.join(sorted(names))} and no other")
        for name, most in _MOST.items():
            if not is_uint(value[name], most):
                return Malformed(f"{name} is an integer from 0 to {most}")
        if not isinstance(value["currency"], str) or not _CURRENCY.fullmatch(value["currency"]):
            return Malformed("currency has three capitals")
        if not digest_or_none(value["organiser_party"]) or not digest_or_none(value["service_party"]):
            return Malformed("organiser_party and service_party have 32 bytes, or none")
        tiers = _tiers(value["tiers"])
        wrong = tiers if isinstance(tiers, Malformed) else _rules_fault(value["rules"], value["engine"])
        if isinstance(wrong, Malformed):
            return wrong
        assert not isinstance(tiers, Malformed), "it was told just now"
        policy = cls(**{**value, "tiers": tiers})
        contradiction = _contradiction(policy)
        return Malformed(contradiction) if contradiction else policy


def _tiers(value: object) -> tuple[Tier, ...] | Malformed:
    if not isinstance(value, list):
        return Malformed("tiers is a list")
    for one in value:
        if not isinstance(one, dict) or one.keys() != _TIER.keys():
            return Malformed(f"a tier has the fields {', '.join(_TIER)} and no other")
        if not all(is_uint(one[name], most) for name, most in _TIER.items()):
            return Malformed("tier: a value is no integer or out of range")
    return tuple(Tier(**one) for one in value)


def _rules_fault(rules: object, engine: object) -> Malformed | None:
    if not isinstance(rules, dict) or not all(isinstance(text, str) for text in rules.values()):
        return Malformed("rules is a map of texts")
    if not isinstance(engine, str) or bool(engine) != bool(rules):
        return Malformed("engine names what the rules were written for, and is empty without rules")
    unknown = rules.keys() - set(ACTS)
    return Malformed(f"rules are about {', '.join(ACTS)}, not {', '.join(sorted(unknown))}") if unknown else None


def _contradiction(policy: TicketPolicy) -> str | None:
    numbers = [tier.tier for tier in policy.tiers]
    if 0 in numbers or len(set(numbers)) < len(numbers):
        return "tiers are numbered from 1, each number once"
    if any(tier.closes <= tier.opens for tier in policy.tiers):
        return "a tier closes before it opens"
    if policy.organiser_fee + policy.service_fee > BASIS_POINTS:
        return "the fees of a resale are more than its price"
    if policy.organiser_fee and not policy.organiser_party:
        return "there is an organiser's fee, and nobody to get it"
    if (policy.service_fee or policy.handling_fee) and not policy.service_party:
        return "there is a service or handling fee, and nobody to get it"
    if policy.most_tickets == 0:
        return "most_tickets is 0, so nobody may hold a ticket"
    return None
