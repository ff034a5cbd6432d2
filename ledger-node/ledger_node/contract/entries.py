"""Makes the entries that an operator signs, one for each act. Whether the act is allowed, `apply` says."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ledger_node.contract.incidents import DOUBLE_ENTRY
from ledger_node.contract.ruleset import NEWEST
from ledger_node.contract.state import Record
from scanner.verify.entry import canonical, seal
from scanner.verify.keys import SigningKey
from scanner.verify.manifest import EventManifest

_ISSUE_BYTES = 60_000
"""Rows of one ticket.issue, so that the entry stays under 65,535 bytes."""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket to issue; `face_value` in cents. `proof` is the possession signature of `holder_key` for owner_seq 0."""

    index: int
    seat: int
    category: int
    gate_group: int
    face_value: int
    holder_key: bytes = b""
    proof: bytes = b""

    def row(self) -> list[int | bytes]:
        """As ticket.issue carries it."""
        bare: list[int | bytes] = [self.index, self.seat, self.category, self.gate_group, self.face_value]
        return [*bare, self.holder_key, self.proof] if self.holder_key else bare


@dataclass(frozen=True, slots=True)
class Operator:
    """Signs for one ledger's operator. Every `at` is unix seconds."""

    key: SigningKey

    def create_event(self, manifest: EventManifest, at: int) -> bytes:
        """event.create."""
        return seal("event.create", manifest.event, at, {"manifest": manifest.to_map(), "rules": NEWEST}, self.key)

    def update_event(self, manifest: EventManifest, at: int, heard: Sequence[str] = ()) -> bytes:
        """event.update; the manifest carries the next version. The event goes by the newest rules from here on.

        `heard`: the devices that have heard that leases are paused, for the version that ends that.
        """
        body = {"manifest": manifest.to_map(), "rules": NEWEST} | ({"heard": list(heard)} if heard else {})
        return seal("event.update", manifest.event, at, body, self.key)

    def issue(self, event: str, tickets: Iterable[NewTicket], at: int) -> Iterator[bytes]:
        """ticket.issue, as many entries as it takes; submit them `whole` when none may be kept without the others."""
        rows: list[list[int | bytes]] = []
        size = 0
        for ticket in tickets:
            row = ticket.row()
            size += len(canonical(row))
            if rows and size > _ISSUE_BYTES:
                yield seal("ticket.issue", event, at, {"rows": rows}, self.key)
                rows, size = [], len(canonical(row))
            rows.append(row)
        if rows:
            yield seal("ticket.issue", event, at, {"rows": rows}, self.key)

    def register_key(self, event: str, ticket: int, owner_seq: int, holder_key: bytes, proof: bytes, at: int) -> bytes:
        """key.register; `proof` = the holder key's signature over `gatecode.possession_message`."""
        body = {"ticket": ticket, "owner_seq": owner_seq, "holder_key": holder_key, "proof": proof}
        return seal("key.register", event, at, body, self.key)

    def set_state(
        self, event: str, tickets: Sequence[int], state: str, reason: str, at: int, nonce: bytes = b""
    ) -> bytes:
        """ticket.state; `state` is active, cancelled, refunded or blocked. With a `nonce` it is another entry than the
        same act in the same second.
        """
        body = {"tickets": list(tickets), "state": state, "reason": reason} | ({"nonce": nonce} if nonce else {})
        return seal("ticket.state", event, at, body, self.key)

    def enrol_device(self, event: str, device: str, public_key: bytes, gate: str, at: int, proof: bytes) -> bytes:
        """device.enrol; `proof` = the device key's signature over `possession.device_message`."""
        body = {"device": device, "public_key": public_key, "gate": gate, "proof": proof}
        return seal("device.enrol", event, at, body, self.key)

    def revoke_device(self, event: str, device: str, reason: str, at: int) -> bytes:
        """device.revoke."""
        return seal("device.revoke", event, at, {"device": device, "reason": reason}, self.key)

    def report_double_entry(self, record: Record, at: int) -> bytes:
        """incident, about a record that `View.doubts` names."""
        body = {"kind": DOUBLE_ENTRY, "device": record.device, "counter": record.counter, "cause": record.cause}
        return seal("incident", record.event, at, body, self.key)
