"""Any order of acts, good or bad: what must hold on the ledger at every moment."""

import hashlib
import os

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger_node.contract.apply import apply
from ledger_node.contract.incidents import doubtful
from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome
from scanner.verify.snapshot import StateDigest
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR, code, full_code, gates, manifest, opening, rekey, ticket

CAPACITY = 8
INDEX, SEQ, GATE = st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)
STATE = st.sampled_from(["active", "cancelled", "refunded", "blocked", "asleep"])


def digest(state, size):
    made = StateDigest(EVENT, size, state.event(EVENT).issued)
    for one in state.tickets(EVENT):
        made.update(one.row.pack())
    return made.digest()


def fingerprint(state):
    return hashlib.sha256(repr(vars(state)).encode()).digest()


class Ledger(RuleBasedStateMachine):
    """Operators, holders and gates do what they like; the ledger keeps its promises."""

    def __init__(self):
        super().__init__()
        self.state = MemoryState(NODE.public)
        self.entries, self.outcomes = [], {}
        self.gates = gates()

    def put(self, raw):
        before = fingerprint(self.state)
        answer = apply(self.state, len(self.entries), raw)
        if isinstance(answer, Outcome) and answer.new:
            self.entries.append(raw)
            self.outcomes[raw] = answer
        else:
            assert fingerprint(self.state) == before
        if isinstance(answer, Outcome):
            assert answer == self.outcomes[raw]

    @initialize()
    def open(self):
        for raw in opening(4, capacity=CAPACITY):
            self.put(raw)

    @rule(index=st.integers(0, 12), count=st.integers(1, 6))
    def issue(self, index, count):
        for raw in OPERATOR.issue(EVENT, (ticket(i, held=i % 2 == 0) for i in range(index, index + count)), NOW):
            self.put(raw)

    @rule(index=INDEX, seq=SEQ)
    def sell(self, index, seq):
        self.put(rekey(index, seq))

    @rule(index=INDEX, state=STATE, at=st.integers(0, 2 * NOW))
    def change_state(self, index, state, at):
        self.put(OPERATOR.set_state(EVENT, [index], state, "x", at))

    @rule(version=st.integers(1, 4), capacity=st.integers(0, 12))
    def update(self, version, capacity):
        self.put(OPERATOR.update_event(manifest(version=version, capacity=capacity), NOW))

    @rule(gate=GATE, index=INDEX, seq=SEQ, full=st.booleans(), step=st.integers(0, 2), sent=st.booleans())
    def admit(self, gate, index, seq, full, step, sent):
        raw = self.gates[gate].admit(full_code(index, seq, step=step) if full else code(index, seq, step=step))
        if sent:
            self.put(raw)

    @rule(gate=GATE, back=st.integers(0, 3), void=st.booleans(), sent=st.booleans())
    def take_back(self, gate, back, void, sent):
        device = self.gates[gate]
        if device.counter > back:
            of = device.counter - back
            raw = device.void(of) if void else device.release(of)
            if sent:
                self.put(raw)

    @rule(gate=GATE, place=st.integers(0, 30))
    def upload_again_or_late(self, gate, place):
        records = self.gates[gate].records
        if records:
            self.put(records[place % len(records)])

    @rule(gate=GATE)
    def revoke(self, gate):
        self.put(OPERATOR.revoke_device(EVENT, self.gates[gate].device, "lost", NOW))

    @rule()
    def report(self):
        for record in list(self.state.records()):
            if doubtful(self.state, record):
                self.put(OPERATOR.report_double_entry(record, NOW))
                assert not doubtful(self.state, record)

    @rule(data=st.binary(max_size=200), bit=st.integers(0, 10_000), place=st.integers(0, 100))
    def attack(self, data, bit, place):
        self.put(data)
        if self.entries:
            raw = bytearray(self.entries[place % len(self.entries)])
            raw[bit // 8 % len(raw)] ^= 1 << bit % 8
            self.put(bytes(raw))

    @invariant()
    def one_use_a_ticket(self):
        for one in self.state.tickets(EVENT):
            assert one.row.uses == (one.used_by is not None) == (one.row.used_gate > 0)
            holding = [r for r in self.state.admissions(EVENT, one.row.ticket) if (r.device, r.counter) == one.used_by]
            assert len(holding) == one.row.uses
            assert all(self.state.undone(r.device, r.counter) is None for r in holding)

    @invariant()
    def no_more_tickets_than_seats(self):
        event = self.state.event(EVENT)
        if event:
            assert event.issued == len(list(self.state.tickets(EVENT))) <= event.manifest.capacity

    @invariant()
    def an_accepted_admission_is_the_only_one_of_its_ticket_unless_taken_back(self):
        standing = [
            r.ticket
            for r in self.state.records()
            if r.type == "admission" and r.verdict == "accepted" and not self.state.undone(r.device, r.counter)
        ]
        assert len(standing) == len(set(standing))

    def teardown(self):
        replayed = MemoryState(NODE.public)
        for position, raw in enumerate(self.entries):
            assert apply(replayed, position, raw) == self.outcomes[raw]
        if self.entries:
            assert digest(replayed, len(self.entries)) == digest(self.state, len(self.entries))
            assert fingerprint(replayed) == fingerprint(self.state)


STEPS = int(os.environ.get("TICKETME_CONTRACT_STEPS", "1500"))
Ledger.TestCase.settings = settings(max_examples=max(1, STEPS // 30), stateful_step_count=30, deadline=None)
TestLedger = Ledger.TestCase
