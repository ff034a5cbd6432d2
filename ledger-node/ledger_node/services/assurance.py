"""The promises that a regulator asks about, counted from the log's entries: tickets issued <= licensed, sponsors' share
<= declared, every transfer and resale <= its cap. Each number with the positions of the entries behind it.

The contract keeps these promises by refusing; here they are counted by themselves, out of what the entries say and not
out of the contract's state, so that the two can be held against each other. Whether an entry is good at all (signature,
order, signer) is not asked: the node asked when it took the entry in, and an audit asks again.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ledger_node.contract.policy import BASIS_POINTS, PERCENT, TicketPolicy
from scanner.verify.entry import Entry, Malformed

DealKind = Literal["transfer", "resale"]
FaceValue = Callable[[int], int]
"""Cents that a ticket was issued for; it never changes."""
TYPES = (
    "event.create", "event.update", "policy.set", "actor.register", "ticket.issue", "sponsor.allot", "sponsor.recall",
    "transfer.offer", "transfer.accept", "resale.list", "resale.buy",
)  # fmt: skip
"""The only entries that count here."""


@dataclass(slots=True)
class Capacity:
    """`issued` tickets of `licensed`; `licences` are the positions of manifests and policies that say how many may be,
    `issues` those of the entries that issued, [position, tickets]; `breaches` those that issued too many.
    """

    issued: int = 0
    licensed: int = 0
    licences: list[int] = field(default_factory=list)
    issues: list[tuple[int, int]] = field(default_factory=list)
    breaches: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Share:
    """`allotted` tickets, `allowed` by the share in basis points of what is licensed; `most` = the most there were.
    `allotments` are [position, sponsor, tickets], `recalls` (by the house) [position, tickets].
    """

    allotted: int = 0
    allowed: int = 0
    share: int = 0
    most: int = 0
    allotments: list[tuple[int, str, int]] = field(default_factory=list)
    recalls: list[tuple[int, int]] = field(default_factory=list)
    breaches: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Prices:
    """`offered` deals of which `completed` changed hands. `highest` is the highest price in basis points of the face
    value, rounded up, `at_cap` how many stood at the very cap; `deals` are [offered at, completed at or None]. A breach
    is an offer above the cap of its day, or a change of hands without an offer.
    """

    offered: int = 0
    completed: int = 0
    highest: int = 0
    at_cap: int = 0
    deals: list[tuple[int, int | None]] = field(default_factory=list)
    breaches: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Assurance:
    """One event's numbers."""

    capacity: Capacity = field(default_factory=Capacity)
    sponsors: Share = field(default_factory=Share)
    transfers: Prices = field(default_factory=Prices)
    resales: Prices = field(default_factory=Prices)

    @property
    def holds(self) -> bool:
        """Whether every promise was kept by every entry."""
        return not any(part.breaches for part in (self.capacity, self.sponsors, self.transfers, self.resales))

    def to_map(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"holds": self.holds, **asdict(self)}

    def summary(self) -> dict[str, Any]:
        """The numbers without positions, but for those of breaches."""
        lists = {"licences", "issues", "allotments", "recalls", "deals"}
        parts = asdict(self).items()
        short = {name: {key: value for key, value in part.items() if key not in lists} for name, part in parts}
        return {"holds": self.holds, **short}


class Count:
    """Counts one event's entries, in log order."""

    def __init__(self, face_value: FaceValue) -> None:
        self._face_value = face_value
        self._house_capacity = 0
        self._policies: list[tuple[int, TicketPolicy]] = [(0, TicketPolicy())]
        self._sponsors: set[bytes] = set()
        self._deals: dict[bytes, tuple[DealKind, int]] = {}
        self.result = Assurance()

    def take(self, position: int, at: int, entry: Entry) -> None:
        """One entry, which counts from `at` (unix seconds)."""
        match entry.type:
            case "event.create" | "event.update":
                self._house_capacity = entry.body["manifest"]["capacity"]
                self._license(position, at)
            case "policy.set":
                policy = TicketPolicy.from_map(entry.body["policy"])
                assert not isinstance(policy, Malformed), "the contract read it"
                self._policies.append((entry.body["effective"], policy))
                self._license(position, at)
            case "actor.register":
                if entry.body["role"] == "sponsor":
                    self._sponsors.add(entry.body["public_key"])
            case "ticket.issue":
                self._issue(position, at, len(entry.body["rows"]))
            case "sponsor.allot":
                self._allot(position, at, entry.body["sponsor"], len(entry.body["tickets"]))
            case "sponsor.recall":
                self._recall(position, entry)
            case "transfer.offer" | "resale.list":
                self._offer(position, at, entry)
            case "transfer.accept" | "resale.buy":
                self._complete(position, entry)

    def _in_force(self, at: int) -> int:
        """The place of the policy that counts at this time."""
        return next(place for place in range(len(self._policies) - 1, -1, -1) if self._policies[place][0] <= at)

    def _licensed(self, at: int) -> int:
        """By the manifest, the policy in force and those that wait for their time."""
        waiting = self._policies[self._in_force(at) :]
        return min(self._house_capacity, *(policy.capacity for _, policy in waiting))

    def _license(self, position: int, at: int) -> None:
        capacity = self.result.capacity
        capacity.licences.append(position)
        capacity.licensed = self._licensed(at)
        if capacity.issued > capacity.licensed:
            capacity.breaches.append(position)
        self._declare(at)

    def _declare(self, at: int) -> None:
        sponsors = self.result.sponsors
        sponsors.share = self._policies[self._in_force(at)][1].sponsor_share
        sponsors.allowed = sponsors.share * self._licensed(at) // BASIS_POINTS

    def _issue(self, position: int, at: int, tickets: int) -> None:
        capacity = self.result.capacity
        capacity.issued += tickets
        capacity.licensed = self._licensed(at)
        capacity.issues.append((position, tickets))
        if capacity.issued > capacity.licensed:
            capacity.breaches.append(position)

    def _allot(self, position: int, at: int, sponsor: str, tickets: int) -> None:
        self._declare(at)
        sponsors = self.result.sponsors
        sponsors.allotted += tickets
        sponsors.most = max(sponsors.most, sponsors.allotted)
        sponsors.allotments.append((position, sponsor, tickets))
        if sponsors.allotted > sponsors.allowed:
            sponsors.breaches.append(position)

    def _recall(self, position: int, entry: Entry) -> None:
        """A sponsor's own recall goes back into its allotment, so only the house's counts."""
        if entry.actor not in self._sponsors:
            tickets = len(entry.body["tickets"])
            self.result.sponsors.allotted -= tickets
            self.result.sponsors.recalls.append((position, tickets))

    def _offer(self, position: int, at: int, entry: Entry) -> None:
        kind: DealKind = "transfer" if entry.type == "transfer.offer" else "resale"
        prices, policy = self._prices(kind), self._policies[self._in_force(at)][1]
        cap = policy.transfer_cap if kind == "transfer" else policy.resale_cap
        price, face = entry.body["price"], self._face_value(entry.body["ticket"])
        self._deals[hashlib.sha256(entry.raw).digest()] = (kind, prices.offered)
        prices.offered += 1
        prices.deals.append((position, None))
        prices.at_cap += price > 0 and price * PERCENT == face * cap
        if face:
            prices.highest = max(prices.highest, -(-price * BASIS_POINTS // face))
        if price * PERCENT > face * cap:
            prices.breaches.append(position)

    def _complete(self, position: int, entry: Entry) -> None:
        kind: DealKind = "transfer" if entry.type == "transfer.accept" else "resale"
        prices, found = self._prices(kind), self._deals.pop(entry.body["deal"], None)
        prices.completed += 1
        if found is None or found[0] != kind:
            prices.breaches.append(position)
            return
        prices.deals[found[1]] = (prices.deals[found[1]][0], position)

    def _prices(self, kind: DealKind) -> Prices:
        return self.result.transfers if kind == "transfer" else self.result.resales
