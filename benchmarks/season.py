"""The entries of a season, as they come: seats issued, kept, sold, activated, registered, identified, given on, resold
and shown at gates. Everybody signs with a key of their own; every receipt and every code is real.

A season is made of lots, each of the same mix and each by itself, so that they can be made on any core. A lot's
tickets are spread over the whole hall, and half as many entries are admissions of tickets that an earlier lot sold: a
ledger meets old and new tickets all over its tables, as it does when several nights are on sale at once.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger_node.contract import bodies_market as market
from ledger_node.contract.bodies_house import RegisterActor, SetPolicy
from ledger_node.contract.commitments import deal_reference, invitation
from ledger_node.contract.entries import NewTicket, Operator
from ledger_node.contract.expressions import ENGINE
from ledger_node.contract.policy import TicketPolicy
from ledger_node.contract.provider import seal_receipt
from scanner.verify.gatecode import COMPACT, Core, event_hash, possession_message, sign_compact
from scanner.verify.keys import SigningKey
from scanner.verify.possession import device_message, identity_message
from scanner.verify.record import FIRST_PREVIOUS, Link, Scan, Stamp, record_hash, sign_record

EVENT = "coliseum-season"
TICKETS = 500
"""Of a lot."""
ENTRIES = 1_952
"""Of a lot, admissions of an earlier one among them."""
FACE, HANDLING = 88_000, 1_500
_DAY = 86_400
_SECRET = b"s" * 32
_PROVIDER = "wallet"


def key(*names: object) -> SigningKey:
    """A key of its own for each name."""
    return SigningKey(digest(*names))


def digest(*names: object) -> bytes:
    """Stands for what is drawn or hashed elsewhere."""
    return hashlib.sha256(repr(names).encode()).digest()


_TICKETING, _WALLET = key("ticketing"), key("provider")
POLICY = TicketPolicy(
    organiser_fee=500,
    service_fee=125,
    handling_fee=HANDLING,
    organiser_party=digest("organiser"),
    service_party=digest("service"),
    rules={"transfer": "offer.price <= ticket.face_value && ticket.transfers < 3"},
    engine=ENGINE,
)


@dataclass(frozen=True, slots=True)
class Season:
    """So many lots, and the operator who signs for the house."""

    lots: int
    operator: SigningKey

    @classmethod
    def of(cls, entries: int, operator: SigningKey) -> "Season":
        """With at least so many entries."""
        return cls(-(-entries // ENTRIES) + 1, operator)

    @property
    def tickets(self) -> int:
        """Of all lots."""
        return self.lots * TICKETS

    def opening(self) -> list[bytes]:
        """Who takes part, and by which rules."""
        now = int(time.time())
        roles = (("urbtix", "ticketing", _TICKETING), (_PROVIDER, "provider", _WALLET))
        cast = [RegisterActor(name, role, who.public).seal(EVENT, now, self.operator) for name, role, who in roles]
        return [*cast, SetPolicy(1, now, POLICY.to_map()).seal(EVENT, now, self.operator)]

    def lot(self, number: int) -> list[bytes]:
        """The entries of one lot, in order; signed now."""
        return list(_Lot(self, number).entries())


class _Lot:
    def __init__(self, season: Season, number: int) -> None:
        self._season, self._number = season, number
        self._now = int(time.time())
        self._operator = Operator(season.operator)
        self._hash = event_hash(EVENT)

    def entries(self) -> Iterator[bytes]:
        tickets = [self._index(self._number, place) for place in range(TICKETS)]
        rows = (NewTicket(index, index, 0, 1, FACE) for index in tickets)
        yield from self._operator.issue(EVENT, rows, self._now)
        for place in range(0, TICKETS, 2):
            yield from self._sold(tickets[place : place + 2], kept=place % 4 == 0)
        for place, index in enumerate(tickets):
            yield from self._passed_on(place, index)
        yield from self._entered()

    def _index(self, lot: int, place: int) -> int:
        return 1 + place * self._season.lots + lot

    def _sold(self, pair: Sequence[int], *, kept: bool) -> Iterator[bytes]:
        hold = digest("hold", pair[0]) if kept else b""
        if kept:
            yield market.HoldSeats(hold, pair, self._now + 600).seal(EVENT, self._now, _TICKETING)
        items, fee = [[index, 0, FACE] for index in pair], HANDLING * len(pair)
        sale = market.Sale(digest("order", pair[0]), items, eticket=True, fee=fee, hold=hold, payment=b"")
        yield sale.seal(EVENT, self._now, _TICKETING)
        links = [[index, digest("link", index)] for index in pair]
        yield market.Activation(links).seal(EVENT, self._now, _TICKETING)
        for index in pair:
            owner = key(index, 0)
            proof = owner.sign(possession_message(self._hash, index, 0, owner.public))
            yield self._operator.register_key(EVENT, index, 0, owner.public, proof, self._now)

    def _passed_on(self, place: int, index: int) -> Iterator[bytes]:
        first, second = key(index, 0), key(index, 1)
        if place % 5 == 0:
            yield self._identified(index, first)
        if _given(place):
            offer = market.OfferTransfer(index, 0, 0, invitation(_SECRET), self._now + _DAY)
            raw = offer.seal(EVENT, self._now, first)
            yield raw
            yield market.AcceptTransfer(index, record_hash(raw), 1, _SECRET, b"").seal(EVENT, self._now, second)
        elif _resold(place):
            yield from self._resale(index, first, second)

    def _identified(self, index: int, owner: SigningKey) -> bytes:
        said = {
            "kind": "attest", "provider": _PROVIDER, "event": EVENT, "reference": f"a{index}", "at": self._now,
            "subject": digest("person", index), "key": owner.public, "level": 2, "until": self._now + 30 * _DAY,
        }  # fmt: skip
        proof = owner.sign(identity_message(self._hash, owner.public, f"a{index}"))
        return market.AttestIdentity([index], seal_receipt(said, _WALLET), proof).seal(EVENT, self._now, _WALLET)

    def _resale(self, index: int, seller: SigningKey, buyer: SigningKey) -> Iterator[bytes]:
        listing = market.ListResale(index, 0, FACE, self._now + _DAY).seal(EVENT, self._now, seller)
        yield listing
        deal = record_hash(listing)
        money = {
            "provider": _PROVIDER, "event": EVENT, "at": self._now, "amount": FACE, "currency": "HKD",
            "payer": digest("payer", index),
        }  # fmt: skip
        reference = deal_reference(deal, buyer.public)
        held = {**money, "kind": "hold", "reference": reference, "until": self._now + _DAY}
        paid = seal_receipt(held, _WALLET)
        yield market.BuyResale(index, deal, 1, paid).seal(EVENT, self._now, buyer)
        fees = FACE * POLICY.organiser_fee // 10_000, FACE * POLICY.service_fee // 10_000
        parts = sorted(
            {
                digest("person", index): FACE - sum(fees),
                POLICY.organiser_party: fees[0],
                POLICY.service_party: fees[1],
            }.items()
        )
        shares = [list(part) for part in parts]
        taken = {**money, "kind": "capture", "reference": f"c{index}", "of": reference, "shares": shares}
        yield market.CapturePayment(seal_receipt(taken, _WALLET)).seal(EVENT, self._now, _WALLET)

    def _entered(self) -> Iterator[bytes]:
        """One half of the tickets of the lot that stands half as far from the beginning, at a gate of this lot's."""
        device, gate, previous = f"gate-{self._number}", key("device", self._number), FIRST_PREVIOUS
        proof = gate.sign(device_message(self._operator.key.public, gate.public))
        yield self._operator.enrol_device(EVENT, device, gate.public, "R1", self._now, proof)
        half = TICKETS // 2
        for counter, place in enumerate(range(self._number % 2 * half, self._number % 2 * half + half), 1):
            index, seq = self._index(self._number // 2, place), int(_given(place) or _resold(place))
            core = Core(COMPACT, self._hash[:4], index, seq, self._now // 10, 0)
            code = sign_compact(self._hash, core, key(index, seq))
            stamp = Stamp(self._now * 1000, trusted=True, error_ms=5, view_size=self._number * ENTRIES)
            link = Link(device, "R1", counter, previous)
            raw = sign_record("admission", EVENT, link, stamp, Scan(index, seq, code.raw, "admit", "ok"), gate)
            yield raw
            previous = record_hash(raw)


def _given(place: int) -> bool:
    return place % 5 in {1, 2}


def _resold(place: int) -> bool:
    return place % 20 == 0
