"""A ledger in memory with the rules that a gate can notice: one use a ticket, records known by device and counter.

It is signed, hashed and proven like the real one, and can be put back to an earlier size or given another past.
"""

import hashlib
import io
from dataclasses import dataclass, field

from scanner.verify.checkpoint import VerifierKey, sign_checkpoint
from scanner.verify.entry import Malformed, open_entry, seal, signature_good
from scanner.verify.keys import SigningKey
from scanner.verify.log_keys import sign_log_keys
from scanner.verify.manifest import EventManifest, GateGroup
from scanner.verify.record import ADMISSION, check_record
from scanner.verify.row import Row
from scanner.verify.snapshot import StateDigest, sign_header, write_file
from tests.fakes.merkle_log import MerkleLog

EVENT = "coliseum-2026"
DOORS = 1_790_000_000


def key(name):
    return SigningKey(hashlib.sha256(name.encode()).digest())


def manifest(version=1, event=EVENT):
    groups = (GateGroup(1, "Arena", "堂座", ("A1", "A2")),)
    return EventManifest(event, "Live", DOORS, DOORS + 3600, 1000, version, gate_groups=groups)


def row(ticket, **changes):
    values = {"owner_seq": 0, "state": 0, "gate_group": 1, "category": 0, "flags": 0, "seat": ticket}
    values |= {"holder_key": key(f"holder {ticket}").public, "lease": 0, "uses": 0, "used_gate": 0, "used_at": 0}
    return Row(ticket, **(values | changes))


@dataclass
class Step:
    """What one entry did."""

    raw: bytes
    rows: tuple[Row, ...] = ()
    manifest: EventManifest | None = None
    record: tuple[str, int] | None = None
    outcome: dict = field(default_factory=dict)


class FakeLedger:
    """One event's ledger. Not for several threads: its server holds a lock."""

    def __init__(self, tickets=20, name="node", event=EVENT):
        self.key = key(name)
        self.event = event
        self.origin = f"ledger/{self.key.public.hex()[:16]}"
        self.vkey = VerifierKey(self.origin, self.key.public)
        self.signers, self.log_keys, self.version = [self.key], "", 0
        self.devices = {}
        self.poison = set()
        self.steps = []
        self.log = MerkleLog()
        self.append(Step(b"event", manifest=manifest(event=event)))
        for ticket in range(tickets):
            self.append(Step(b"ticket %d" % ticket, (row(ticket),)))

    @property
    def size(self):
        return len(self.log)

    @property
    def rows(self):
        return {changed.ticket: changed for step in self.steps for changed in step.rows}

    @property
    def manifest(self):
        return [step.manifest for step in self.steps if step.manifest][-1]

    def append(self, step):
        self.steps.append(step)
        return self.log.append(step.raw)

    def change(self, ticket, **changes):
        """What an operator does: one row is different from now on."""
        changed = self.rows[ticket]._replace(**changes)
        self.append(Step(b"change %d %d" % (ticket, self.size), (changed,)))

    def revoke(self, device, *, by=None, event=None):
        """The entry by which an operator revokes a device."""
        body = {"device": device, "reason": "stolen"}
        self.append(Step(seal("device.revoke", event or self.event, DOORS, body, by or self.key)))

    def cut(self, size):
        """What is left when an old backup is restored."""
        self.steps = self.steps[:size]
        self.log = MerkleLog(step.raw for step in self.steps)

    def fork(self, at):
        """Another past from position `at` on, of the same length."""
        for position in range(at, self.size):
            self.steps[position].raw = b"other " + self.steps[position].raw
        self.log = MerkleLog(step.raw for step in self.steps)

    def take(self, raw):
        """The receipt of one record, as the contract would judge it."""
        entry = open_entry(raw)
        if isinstance(entry, Malformed):
            return {"device": None, "counter": None, "position": None, "verdict": "rejected", "reason": entry.reason}
        ref = entry.body.get("device"), entry.body.get("counter")
        for position, step in enumerate(self.steps):
            if step.record == ref and step.raw == raw:
                return step.outcome | {"position": position}
        fault = self._fault(entry, ref)
        head = {"device": ref[0], "counter": ref[1], "first": None}
        if fault:
            return head | {"position": None, "verdict": "rejected", "error": "bad", "reason": fault}
        step = Step(raw, record=ref)
        step.outcome = head | self._judge(entry, step)
        return step.outcome | {"position": self.append(step)}

    def _fault(self, entry, ref):
        if ref[1] in self.poison:
            return "the node cannot take this one"
        if check_record(entry) or not signature_good(entry):
            return "not a good record"
        if self.devices.get(entry.actor) != ref[0]:
            return "unknown device"
        return "another record has this counter" if any(step.record == ref for step in self.steps) else ""

    def _judge(self, entry, step):
        held = self.rows.get(entry.body.get("ticket"))
        if entry.type != ADMISSION:
            return {"verdict": "accepted", "cause": ""}
        if held is None:
            return {"verdict": "unknown", "cause": "no-such-ticket"}
        if held.uses:
            gate = self.manifest.gates()[held.used_gate - 1]
            return {"verdict": "duplicate", "cause": "relayed", "first": {"gate": gate, "at": held.used_at}}
        place = self.manifest.gates().index(entry.body["gate"]) + 1
        step.rows = (held._replace(uses=1, used_gate=place, used_at=entry.at),)
        return {"verdict": "accepted", "cause": ""}

    def checkpoint(self, size=None):
        size = self.size if size is None else size
        return sign_checkpoint(self.origin, size, self.log.root(size), *self.signers)

    def rotate(self, *signers, version=None):
        """From now on these keys sign checkpoints, as the root key says."""
        self.version = version or self.version + 1
        self.signers = list(signers)
        self.log_keys = sign_log_keys(self.origin, self.version, DOORS, [one.public for one in signers], self.key)

    def consistency(self, verified):
        return [part.hex() for part in self.log.consistency(verified)]

    def changed_since(self, start, to):
        """Rows and manifest that entries from `start` up to `to` touched."""
        touched = {changed.ticket for step in self.steps[start:to] for changed in step.rows}
        news = any(step.manifest for step in self.steps[start:to])
        return [self.rows[ticket] for ticket in sorted(touched)], self.manifest if news else None

    def snapshot(self):
        """The file's bytes."""
        rows = [self.rows[ticket].pack() for ticket in sorted(self.rows)]
        digest = StateDigest(self.event, self.size, len(rows))
        digest.update(b"".join(rows))
        header = sign_header(
            self.manifest, self.size, self.log.root(), digest.digest(), DOORS, len(rows), self.checkpoint(), self.key,
            log_keys=self.log_keys,
        )  # fmt: skip
        out = io.BytesIO()
        write_file(out, header, rows)
        return out.getvalue()
