"""Everybody who takes part in a ticket's life, with real keys: organiser, ticketing system, wallet provider, sponsor
and people. Makes their entries; the ledger's rules decide about them.
"""

import hashlib
from dataclasses import dataclass, field, replace

from ledger_node.contract import bodies_house as house
from ledger_node.contract import bodies_market as market
from ledger_node.contract.commitments import deal_reference, invitation, order_reference, refund_reference
from ledger_node.contract.facts import Books, Deal, Title
from ledger_node.contract.policy import TicketPolicy
from ledger_node.contract.provider import open_receipt, seal_receipt
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.possession import identity_message
from tests.fakes.box_office import DOORS, EVENT, NODE, NOW, OPERATOR, key, opening, ticket
from tests.fakes.contract_log import Log

ORGANISER, TICKETING, PROVIDER, SPONSOR = (key(name) for name in ("organiser", "ticketing", "provider", "sponsor"))
ORGANISER_PARTY, SERVICE_PARTY = (hashlib.sha256(name).digest() for name in (b"organiser", b"service"))
FACE = 48_000
LATER = NOW + 100
ROLES = {"organiser": ORGANISER, "ticketing": TICKETING, "provider": PROVIDER, "sponsor": SPONSOR}
POLICY = TicketPolicy(
    organiser_fee=500,
    service_fee=125,
    handling_fee=1_500,
    organiser_party=ORGANISER_PARTY,
    service_party=SERVICE_PARTY,
    freezes=600,
)


def digest(*parts):
    return hashlib.sha256(repr(parts).encode()).digest()


def cast(event=EVENT, at=NOW):
    """The entries that register everybody."""
    names = {"organiser": "lcsd", "ticketing": "urbtix", "provider": "wallet", "sponsor": "bank"}
    return [house.RegisterActor(name, role, ROLES[role].public).seal(event, at, NODE) for role, name in names.items()]


def policy(made=POLICY, *, version=1, effective=NOW, at=NOW, signer=ORGANISER, **changes):
    if isinstance(made, TicketPolicy):
        made = replace(made, **changes).to_map()
    return house.SetPolicy(version, effective, made).seal(EVENT, at, signer)


def stage(count=20, made=POLICY, **manifest):
    """A ledger with unsold tickets, everybody registered, and a policy."""
    issued = OPERATOR.issue(EVENT, (ticket(index, held=False) for index in range(count)), NOW)
    return Log([*opening(0, **manifest), *issued, *cast(), policy(made)])


def order(
    *tickets, number="1", price=FACE, tier=0, eticket=True, fee=None, hold=b"", payment=b"", at=NOW, by=TICKETING
):
    fee = POLICY.handling_fee * len(tickets) * eticket if fee is None else fee
    items = [[index, tier, price] for index in tickets]
    return market.Sale(digest("order", number), items, eticket, fee, hold, payment).seal(EVENT, at, by)


def hold(*tickets, name="h", until=NOW + 600, at=NOW, by=TICKETING):
    return market.HoldSeats(digest("hold", name), list(tickets), until).seal(EVENT, at, by)


def receipt(kind, reference, amount, *, shares=(), of="", until=NOW + 7_200, by=PROVIDER, **changes):
    fields = {
        "kind": kind, "provider": "wallet", "event": EVENT, "reference": reference, "at": NOW, "amount": amount,
        "currency": "HKD", "payer": digest("payer"),
    }  # fmt: skip
    if kind == "hold":
        fields["until"] = until
    else:
        fields["of"] = of
    if kind in {"capture", "refund"}:
        fields["shares"] = [list(share) for share in shares]
    return seal_receipt({**fields, **changes}, by)


def attestation(public_key, person, level=2, *, until=DOORS, at=NOW, event=EVENT, by=PROVIDER, provider="wallet"):
    subject = digest("person", event, person)
    fields = {
        "kind": "attest", "provider": provider, "event": event, "reference": digest(public_key, at, level).hex(),
        "at": at, "subject": subject, "key": public_key, "level": level, "until": until,
    }  # fmt: skip
    return seal_receipt(fields, by)


def identity_proof(owner, raw, event=EVENT):
    """The key's own word that this attestation is about it."""
    said = open_receipt(raw)
    return owner.sign(identity_message(event_hash(event), owner.public, said.reference))


@dataclass
class Person:
    """Somebody with a key for each ticket, and one pseudonym."""

    name: str
    keys: dict = field(default_factory=dict)

    @property
    def pseudonym(self):
        return digest("person", EVENT, self.name)

    def key(self, index, seq):
        return self.keys.setdefault((index, seq), key("person", self.name, index, seq))

    def activate(self, index, seq=0, at=NOW):
        owner = self.key(index, seq)
        proof = owner.sign(possession_message(event_hash(EVENT), index, seq, owner.public))
        return OPERATOR.register_key(EVENT, index, seq, owner.public, proof, at)

    def identify(self, index, seq=0, *, held=True, level=2, at=NOW, by=PROVIDER):
        owner = self.key(index, seq)
        raw = attestation(owner.public, self.name, level, at=at)
        return market.AttestIdentity([index] if held else [], raw, identity_proof(owner, raw)).seal(EVENT, at, by)

    def offer(self, index, seq=0, *, price=0, secret=b"s" * 32, until=NOW + 3_000, at=LATER):
        body = market.OfferTransfer(index, seq, price, invitation(secret), until)
        return body.seal(EVENT, at, self.key(index, seq))

    def sell(self, index, seq=0, *, price=FACE, until=NOW + 3_000, at=LATER):
        return market.ListResale(index, seq, price, until).seal(EVENT, at, self.key(index, seq))

    def accept(self, index, deal, seq=1, *, secret=b"s" * 32, payment=b"", at=LATER, owner_seq=None):
        body = market.AcceptTransfer(index, deal, seq if owner_seq is None else owner_seq, secret, payment)
        return body.seal(EVENT, at, self.key(index, seq))

    def buy(self, index, deal, seq=1, *, payment=b"", at=LATER):
        return market.BuyResale(index, deal, seq, payment).seal(EVENT, at, self.key(index, seq))

    def pay(self, index, deal, amount, seq=1, **changes):
        """A hold for a deal."""
        return receipt("hold", deal_reference(deal, self.key(index, seq).public), amount, **changes)


def title(log, index):
    return log.state.find(Title, EVENT, index)


def books(log):
    return log.state.find(Books, EVENT, "books")


def deal_of(log, index):
    return log.state.find(Deal, EVENT, title(log, index).deal)


def owned(log, *people, level=2):
    """Ticket i bought, activated and identified by person i; the log."""
    for index, person in enumerate(people):
        for raw in (order(index, number=index), person.activate(index), person.identify(index, level=level)):
            answer = log.put(raw)
            assert getattr(answer, "verdict", answer) == "accepted", answer
    return log


def balanced(held):
    """Whether all money that came is with somebody, to the cent."""
    return held.captured + held.outside == held.sellers + held.organiser + held.fees and held.held >= 0


def payment_for_order(number, amount, kind="hold", **changes):
    return receipt(kind, order_reference(EVENT, digest("order", number)), amount, **changes)


def capture(of, amount, shares, *, at=LATER, by=PROVIDER, reference="c1", **changes):
    raw = receipt("capture", reference, amount, of=of, shares=shares, **changes)
    return market.CapturePayment(raw).seal(EVENT, at, by)


def refund(index, seq, amount, *, at=LATER, by=ORGANISER, reference=None):
    reference = reference or refund_reference(EVENT, index, seq)
    raw = receipt("refund", reference, amount, of="c1", shares=[(ORGANISER_PARTY, amount)])
    return market.RefundTicket(index, raw).seal(EVENT, at, by)
