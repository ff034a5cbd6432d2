"""A seeded walk through the contract: everybody does what they like, allowed or not, and a provider moves the money.

The provider keeps accounts of its own, the walk a list of who was given each ticket; what the ledger says is compared
with both. A step costs a signature and an entry, so many more of them fit into a test than hypothesis would try.
"""

import random
from collections import Counter
from dataclasses import replace

from ledger_node.contract import bodies_house as house
from ledger_node.contract import bodies_market as market
from ledger_node.contract.apply import apply
from ledger_node.contract.commitments import deal_reference, order_reference, refund_reference
from ledger_node.contract.facts import Books, Deal, Holding, Identity, Payment, Title
from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome
from ledger_node.contract.policy import PERCENT, TicketPolicy
from ledger_node.contract.scene import look_up
from scanner.verify.keys import NO_KEY
from scanner.verify.row import ACTIVE, REFUNDED
from tests.fakes.box_office import DOORS, EVENT, NODE, NOW, OPERATOR, code, gates, opening, ticket
from tests.fakes.market import (
    FACE,
    ORGANISER,
    ORGANISER_PARTY,
    POLICY,
    SPONSOR,
    TICKETING,
    Person,
    capture,
    cast,
    digest,
    hold,
    order,
    policy,
    receipt,
)

TICKETS = 24
PRICES = (0, 0, 1, 999, 20_001, FACE - 1, FACE, FACE + 1)
SECRETS = (b"s" * 32,) * 5 + (b"t" * 32,)


class Watched(MemoryState):
    """Counts what is put, so that a refusal that changed something shows."""

    puts = 0


for _name in ("put_event", "put_ticket", "put_device", "put_record", "put_undone", "put_incident", "put", "drop",
              "put_act", "set_clock"):  # fmt: skip

    def _counted(self, *args, _name=_name):
        self.puts += 1
        return getattr(MemoryState, _name)(self, *args)

    setattr(Watched, _name, _counted)


class Walk:
    """One ledger, some people, a provider's accounts."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.state, self.entries, self.seen = Watched(NODE.public), [], Counter()
        self.people = [Person(f"{name}{seed}") for name in ("ann", "bob", "eve", "dan")]
        self.now, self.number, self.version = NOW, 0, 1
        self.gates = gates()[:2]
        self.keys = {}
        self.held, self.accounts = {}, Counter()
        capacity = self.random.choice((TICKETS, TICKETS + 3))
        limits = {"most_transfers": self.random.choice((1, 3, 9)), "most_tickets": self.random.choice((3, 5, 99))}
        self.policies = [replace(POLICY, **limits)]
        start = [*opening(0, capacity=capacity), *cast(), policy(self.policies[0])]
        issued = OPERATOR.issue(EVENT, (ticket(index, held=False) for index in range(TICKETS)), NOW)
        for raw in (*start, *issued):
            assert isinstance(self.put(raw), Outcome)

    def put(self, raw):
        """One entry; a refusal has put nothing, a success keeps every promise."""
        before, owners = self.state.puts, self._seqs() if self.number % 16 == 0 else None
        answer = apply(self.state, len(self.entries), raw)
        new = isinstance(answer, Outcome) and answer.new
        assert new or self.state.puts == before, f"{answer} changed something"
        if new:
            self.entries.append(raw)
        if owners:
            after = self._seqs()
            assert all(after[index] >= seq for index, seq in owners.items()), "owner_seq went back"
        self.number += 1
        return answer

    def _seqs(self):
        return {one.row.ticket: one.row.owner_seq for one in self.state.tickets(EVENT)}

    def step(self):
        """Somebody does something."""
        act = self.random.choice(ACTS)
        self.now += self.random.choice((0, 0, 0, 1, 9))
        if self.now >= DOORS + 60:
            self.now = DOORS - 3_000
        answer = act(self)
        self.seen[act.__name__, isinstance(answer, Outcome)] += 1

    # what people do

    def buy(self):
        picked = self.random.sample(range(TICKETS), self.random.randint(1, 2))
        number, price = self.random.randint(0, 60), self.random.choice((FACE, FACE, FACE, FACE - 1))
        paid = b""
        if self.random.random() < 0.4:
            amount = (price + POLICY.handling_fee) * len(picked)
            paid = self._hold(order_reference(EVENT, digest("order", str(number))), amount)
        named = digest("hold", "h") if self.random.random() < 0.2 else b""
        return self.put(order(*picked, number=str(number), price=price, payment=paid, hold=named, at=self.now))

    def keep(self):
        return self.put(hold(self._any(), until=self.now + 200, at=self.now))

    def activate(self):
        index, person = self._any(), self._someone()
        row = self.state.ticket(EVENT, index).row
        seq = row.owner_seq + (row.holder_key != NO_KEY) if self.random.random() < 0.9 else 0
        if row.holder_key != NO_KEY and self.random.random() < 0.7:
            return None
        answer = self.put(person.activate(index, seq, self.now))
        if isinstance(answer, Outcome) and answer.new:
            self.keys[index] = (person, seq)
        return answer

    def identify(self):
        index = self._likely(self.keys)
        person, seq = self.keys.get(index, (self._someone(), 0))
        person = person if self.random.random() < 0.9 else self._someone()
        return self.put(person.identify(index, seq, level=self.random.randint(1, 3), at=self.now))

    def introduce(self):
        """The provider attests a key that is to receive a ticket."""
        index = self._any()
        seq = self.state.ticket(EVENT, index).row.owner_seq + 1
        return self.put(self._someone().identify(index, seq, held=False, at=self.now))

    def offer(self):
        index = self._likely(self.keys)
        person, seq = self._holder(index)
        secret, price = self.random.choice(SECRETS), self.random.choice(PRICES)
        until = self.now + self.random.choice((-1, 60) + (3_000,) * 9)
        return self.put(person.offer(index, seq, price=price, secret=secret, until=max(0, until), at=self.now))

    def list_it(self):
        index = self._likely(self.keys)
        person, seq = self._holder(index)
        until = self.now + self.random.choice((60,) + (3_000,) * 6)
        return self.put(person.sell(index, seq, price=self.random.choice(PRICES), until=until, at=self.now))

    def take(self):
        """Accept or buy what is offered, mostly as it should be done."""
        index, person = self._likely({one.ticket for one in self.state.each(Deal, EVENT)}), self._someone()
        title = self.state.find(Title, EVENT, index)
        deal = self.state.find(Deal, EVENT, title.deal) if title and title.deal else None
        seq = self.state.ticket(EVENT, index).row.owner_seq + self.random.choice((1,) * 9 + (0, 2))
        if deal is None:
            return self.put(person.accept(index, digest("none"), seq, at=self.now))
        new = person.key(index, seq)
        if self.random.random() < 0.8:
            self.put(person.identify(index, seq, held=False, level=self.random.randint(0, 3), at=self.now))
        asked = deal.price if self.random.random() < 0.9 else deal.price + 1
        paid = self._hold(deal_reference(deal.deal, new.public), asked) if asked else b""
        if deal.kind == "transfer":
            secret = self.random.choice(SECRETS)
            raw = person.accept(index, deal.deal, seq, secret=secret, payment=paid, at=self.now)
        else:
            raw = person.buy(index, deal.deal, seq, payment=paid, at=self.now)
        answer = self.put(raw)
        if isinstance(answer, Outcome) and answer.new:
            self._check_hand_over(index, deal, person, seq)
        return answer

    def take_back(self):
        index = self._any()
        title = self.state.find(Title, EVENT, index)
        person, seq = self._holder(index)
        deal = title.deal if title and title.deal else digest("none")
        kind = self.random.choice((market.CancelTransfer, market.UnlistResale, market.ExpireDeal))
        signer = NODE if self.random.random() < 0.3 else person.key(index, seq)
        return self.put(kind(index, deal).seal(EVENT, self.now, signer))

    def reject(self):
        index = self._any()
        title = self.state.find(Title, EVENT, index)
        deal = title.deal if title and title.deal else digest("none")
        body = market.RejectTransfer(index, deal, self.random.choice(SECRETS))
        return self.put(body.seal(EVENT, self.now, self._someone().key(index, 77)))

    # what the house, sponsors and the provider do

    def settle(self):
        """The provider captures a hold that the ledger knows of, or now and then lets it go."""
        pending = list(self.state.each(Payment, EVENT))
        if not pending:
            return None
        one = self.random.choice(pending)
        if self.random.random() < 0.15:
            raw = receipt("release", f"r{self.number}", one.amount, of=one.payment)
            answer = self.put(market.ReleasePayment(raw).seal(EVENT, self.now, NODE))
            assert isinstance(answer, Outcome)
            self.held.pop(one.payment)
            return answer
        bent = self.random.random() < 0.1
        shares = [(digest("thief"), one.amount)] if bent else one.shares
        answer = self.put(capture(one.payment, one.amount, shares, at=self.now, reference=f"c{self.number}"))
        if isinstance(answer, Outcome):
            assert not bent
            self.accounts["captured"] += self.held.pop(one.payment)
            for party, amount in one.shares:
                self.accounts[party] += amount
        return answer

    def refund(self):
        if self.random.random() < 0.8:
            return None
        index = self._any()
        row, title = self.state.ticket(EVENT, index).row, self.state.find(Title, EVENT, index)
        amount = self.random.choice((1, title.paid if title and title.paid else 5, 10**9))
        reference = f"{refund_reference(EVENT, index, row.owner_seq)}-{self.number}"
        raw = receipt("refund", reference, amount, of="c", shares=[(ORGANISER_PARTY, amount)])
        answer = self.put(market.RefundTicket(index, raw).seal(EVENT, self.now, ORGANISER))
        if isinstance(answer, Outcome):
            self.accounts["refunded"] += amount
        return answer

    def allot(self):
        if self.random.random() < 0.6:
            return None
        return self.put(market.AllotTickets("bank", [self._any()]).seal(EVENT, self.now, ORGANISER))

    def grant(self):
        body = market.GrantTickets([[self._any(), digest(self.number)]])
        return self.put(body.seal(EVENT, self.now, self.random.choice((SPONSOR, SPONSOR, TICKETING))))

    def recall(self):
        body = market.RecallTickets([self._any()])
        return self.put(body.seal(EVENT, self.now, self.random.choice((SPONSOR, ORGANISER))))

    def change_policy(self):
        if self.random.random() < 0.8:
            return None
        caps = {"transfer_cap": self.random.choice((50, 100)), "resale_cap": self.random.choice((0, 100, 110))}
        levels = {"send_level": self.random.randint(0, 1), "receive_level": self.random.randint(0, 2)}
        fees = {"organiser_fee": self.random.choice((0, 333, 500))}
        made = replace(self.policies[0], **caps, **levels, **fees)
        raw = policy(made, version=self.version + 1, effective=self.now + self.random.choice((-50, 0, 50)), at=self.now)
        answer = self.put(raw)
        if isinstance(answer, Outcome):
            self.version += 1
            self.policies.append(made)
        return answer

    def move_seat(self):
        index = self._any()
        seq = self.state.ticket(EVENT, index).row.owner_seq + self.random.choice((1, 1, 0))
        body = house.ChangeSeat(index, self.number % 1000, 1, self.random.choice((1, 2)), seq)
        answer = self.put(body.seal(EVENT, self.now, ORGANISER))
        if isinstance(answer, Outcome) and index in self.keys:
            person, old = self.keys[index]
            person.keys[index, seq] = person.key(index, old)
            self.keys[index] = (person, seq)
        return answer

    def set_state(self):
        state = self.random.choice(("active", "active", "active", "active", "active", "active", "cancelled", "blocked"))
        return self.put(OPERATOR.set_state(EVENT, [self._any()], state, "x", self.now))

    def issue_again(self):
        count = self.random.randint(1, 5)
        first = self.random.randint(0, 40)
        rows = (ticket(index, held=False) for index in range(first, first + count))
        return self.put(next(iter(OPERATOR.issue(EVENT, rows, self.now))))

    def admit(self):
        if self.random.random() < 0.7:
            return None
        index, gate = self._any(), self.random.choice(self.gates)
        person, seq = self._holder(index)
        return self.put(gate.admit(code(index, seq, owner=person.key(index, seq), step=self.now // 10)))

    def back_out(self):
        gate = self.random.choice(self.gates)
        return self.put(gate.release(self.random.randint(1, gate.counter))) if gate.counter else None

    def leave(self):
        index = self._likely({one.row.ticket for one in self.state.used_tickets(EVENT)})
        used = self.state.ticket(EVENT, index).used_by or ("gate-a1", 1)
        flags = house.SetFlags([index], 2).seal(EVENT, self.now, ORGANISER)
        if self.random.random() < 0.5:
            self.put(flags)
        return self.put(house.Exit(index, *used).seal(EVENT, self.now, self.gates[0].key))

    def replay(self):
        raw = self.random.choice(self.entries)
        answer = self.put(raw)
        assert isinstance(answer, Outcome)
        assert not answer.new
        return answer

    def bend(self):
        raw = bytearray(self.random.choice(self.entries))
        raw[self.random.randrange(len(raw))] ^= 1 << self.random.randrange(8)
        answer = self.put(bytes(raw))
        assert not isinstance(answer, Outcome)
        return answer

    # what must hold

    def check(self):
        """Everything that the ledger promises, over all of it."""
        books = self.state.find(Books, EVENT, "books") or Books(EVENT)
        assert books.captured + books.outside == books.sellers + books.organiser + books.fees
        assert books.held == sum(one.amount for one in self.state.each(Payment, EVENT))
        assert books.refunded == self.accounts["refunded"] <= books.captured + books.outside
        assert books.captured == self.accounts["captured"]
        paid = sum(amount for party, amount in self.accounts.items() if isinstance(party, bytes))
        assert paid == books.captured
        self._check_tickets(books)

    def _check_tickets(self, books):
        event, keys, holding, allotted = self.state.event(EVENT), set(), Counter(), 0
        tickets = list(self.state.tickets(EVENT))
        assert event.issued == len(tickets) <= event.manifest.capacity
        seats = [one.row.seat for one in tickets if one.row.seat and one.row.state != REFUNDED]
        assert len(seats) == len(set(seats)), "two tickets have one seat"
        for one in tickets:
            title = look_up(self.state, EVENT, one.row.ticket).title
            assert title.place == "person" or one.row.holder_key == NO_KEY
            assert title.transfers <= self.policies[0].most_transfers
            assert title.transfers <= one.row.owner_seq
            if one.row.holder_key != NO_KEY:
                assert one.row.holder_key not in keys
                keys.add(one.row.holder_key)
                person, seq = self.keys[one.row.ticket]
                assert (one.row.owner_seq, one.row.holder_key) == (seq, person.key(one.row.ticket, seq).public)
            if title.deal:
                deal = self.state.find(Deal, EVENT, title.deal)
                assert deal is None or deal.ticket == one.row.ticket
            holding[title.pseudonym] += 1
            allotted += bool(title.sponsor)
        del holding[b""]
        known = {one.pseudonym: one.tickets for one in self.state.each(Holding, EVENT)}
        assert known == holding
        assert all(count <= self.policies[0].most_tickets for count in holding.values())
        assert allotted == books.allotted

    def _check_hand_over(self, index, deal, person, seq):
        made: TicketPolicy = self.policies[deal.policy - 1]
        cap = made.transfer_cap if deal.kind == "transfer" else made.resale_cap
        one = self.state.ticket(EVENT, index)
        assert deal.price * PERCENT <= FACE * cap
        assert one.row.state == ACTIVE
        assert not one.row.uses
        assert self.state.clock < min(deal.until, DOORS - made.freezes)
        known = self.state.find(Identity, EVENT, one.row.holder_key)
        assert made.receive_level == 0 or known.level >= made.receive_level
        self.keys[index] = (person, seq)

    def _hold(self, reference, amount):
        """The provider holds money; it knows of every hold that the ledger ends up with."""
        reference = f"{reference}-{self.number}"
        self.held[reference] = amount
        return receipt("hold", reference, amount, until=DOORS * 2)

    def _any(self):
        return self.random.randrange(TICKETS)

    def _likely(self, indexes):
        return self.random.choice(sorted(indexes)) if indexes and self.random.random() < 0.9 else self._any()

    def _someone(self):
        return self.random.choice(self.people)

    def _holder(self, index):
        if index in self.keys and self.random.random() < 0.95:
            return self.keys[index]
        return self._someone(), 0


ACTS = (
    Walk.buy, Walk.buy, Walk.keep, Walk.activate, Walk.activate, Walk.activate, Walk.identify, Walk.identify,
    Walk.introduce, Walk.introduce, Walk.offer, Walk.offer, Walk.offer, Walk.list_it, Walk.list_it, Walk.list_it,
    Walk.take, Walk.take, Walk.take, Walk.take, Walk.take, Walk.take_back, Walk.reject, Walk.settle, Walk.settle,
    Walk.settle, Walk.refund, Walk.allot, Walk.grant, Walk.recall, Walk.change_policy, Walk.move_seat, Walk.set_state,
    Walk.set_state, Walk.issue_again, Walk.admit, Walk.back_out, Walk.leave, Walk.replay, Walk.bend,
)  # fmt: skip
