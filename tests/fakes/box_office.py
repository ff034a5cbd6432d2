"""Makes the entries of one event for tests of the ledger: operator, holders and gates with real keys and signatures."""

import hashlib
from dataclasses import dataclass, field

from ledger_node.contract.entries import NewTicket, Operator
from scanner.verify import gatecode
from scanner.verify.gatecode import COMPACT, FULL, Certificate, Core, GateCode
from scanner.verify.keys import SigningKey
from scanner.verify.manifest import EventManifest, GateGroup, LedgerKey
from scanner.verify.possession import device_message
from scanner.verify.record import FIRST_PREVIOUS, GateIncident, Link, Scan, Settlement, Stamp, record_hash, sign_record

EVENT = "coliseum-2026"
DOORS = 1_790_000_000
NOW = DOORS - 3600


def key(*names):
    """A key of its own for each name, the same in every run."""
    return SigningKey(hashlib.sha256(repr(names).encode()).digest())


NODE, LEDGER_KEY = key("node"), key("certificates")
OPERATOR = Operator(NODE)


def manifest(**changes):
    groups = (GateGroup(1, "Arena", "堂座", ("A1", "A2")), GateGroup(2, "Balcony", "樓座", ("B1",)))
    values = {
        "event": EVENT,
        "name": "Live at the Coliseum",
        "doors": DOORS,
        "starts": DOORS + 3600,
        "capacity": 1000,
        "keys": (LedgerKey(1, LEDGER_KEY.public),),
        "gate_groups": groups,
    }
    return EventManifest(**(values | changes))


def holder(index, owner_seq=0):
    return key("holder", index, owner_seq)


def proof(index, owner_seq=0, owner=None, event=EVENT):
    owner = owner or holder(index, owner_seq)
    message = gatecode.possession_message(gatecode.event_hash(event), index, owner_seq, owner.public)
    return owner.sign(message)


def ticket(index, *, held=True, group=1):
    if not held:
        return NewTicket(index, 100 + index, 1, group, 48_000)
    return NewTicket(index, 100 + index, 1, group, 48_000, holder(index).public, proof(index))


def opening(count=20, **changes):
    """The entries that bring an event, `count` tickets and the gates A1, A2 and B1 onto a ledger."""
    made = manifest(**changes)
    return [
        OPERATOR.create_event(made, NOW),
        *OPERATOR.issue(EVENT, (ticket(index) for index in range(count)), NOW),
        *(enrol(gate.device, gate.key, gate.gate) for gate in gates()),
    ]


def enrol(device, owner, gate, *, event=EVENT, at=NOW):
    proof = owner.sign(device_message(NODE.public, owner.public))
    return OPERATOR.enrol_device(event, device, owner.public, gate, at, proof)


def rekey(index, owner_seq, at=NOW):
    owner = holder(index, owner_seq)
    return OPERATOR.register_key(EVENT, index, owner_seq, owner.public, proof(index, owner_seq), at)


def code(index, owner_seq=0, *, step=DOORS // 10, owner=None, event=EVENT, beacon=0, value=b"") -> GateCode:
    event_hash = gatecode.event_hash(event)
    core = Core(COMPACT, event_hash[:4], index, owner_seq, step, beacon)
    return gatecode.sign_compact(event_hash, core, owner or holder(index, owner_seq), value)


def full_code(index, owner_seq, *, signer=LEDGER_KEY, kid=1, step=DOORS // 10) -> GateCode:
    event_hash = gatecode.event_hash(EVENT)
    owner = holder(index, owner_seq)
    certificate = Certificate(kid, 0, 1, 1, 100 + index, 50, NOW, 600, owner.public)
    signature = gatecode.sign_certificate(event_hash, index, owner_seq, certificate, signer)
    core = Core(FULL, event_hash[:4], index, owner_seq, step, 0)
    return gatecode.sign_full(event_hash, core, certificate, signature, owner)


@dataclass
class Gate:
    """A device with its chain, as a scanner's journal keeps it."""

    gate: str
    device: str
    event: str = EVENT
    time_ms: int = DOORS * 1000
    records: list[bytes] = field(default_factory=list)

    @property
    def key(self):
        return key("device", self.device)

    @property
    def counter(self):
        return len(self.records)

    def _sign(self, kind, what):
        previous = record_hash(self.records[-1]) if self.records else FIRST_PREVIOUS
        self.time_ms += 1000
        stamp = Stamp(self.time_ms, trusted=True, error_ms=20, view_size=5)
        self.records.append(
            sign_record(
                kind, self.event, Link(self.device, self.gate, self.counter + 1, previous), stamp, what, self.key
            )
        )
        return self.records[-1]

    def admit(self, shown: GateCode):
        return self._sign("admission", Scan(shown.core.ticket, shown.core.owner_seq, shown.raw, "admit", "ok"))

    def refuse(self, shown: GateCode, reason="already-used"):
        return self._sign("refusal", Scan(shown.core.ticket, shown.core.owner_seq, shown.raw, "refuse", reason))

    def release(self, of=None):
        return self._sign("release", Settlement(of or self.counter, "not-passed"))

    def void(self, of=None):
        return self._sign("void", Settlement(of or self.counter, "used-elsewhere"))

    def incident(self):
        return self._sign("incident", GateIncident("tamper", {"active": True}))


def gates():
    return Gate("A1", "gate-a1"), Gate("A2", "gate-a2"), Gate("B1", "gate-b1")
