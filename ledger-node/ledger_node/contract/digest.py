"""The digest of the contract's whole state: what two nodes that replayed the same log must both arrive at.

digest = SHA-256("ticketme/v1/contract" 0x00 | u64 log size | u64 clock | tally); tally = the sum modulo 2^4096 of
SHAKE-128("ticketme/v1/contract/item" 0x00 | item), 512 bytes big-endian, over all items (AdHash of Bellare and
Micciancio, wide enough that a second set with the same sum is out of reach). A sum has no order and can be kept up to
date: what changes is taken out as it was and put in as it is, so an entry costs what it changes, however large the
state is.

item = canonical CBOR of [kind, event, key, fields]: every event, ticket, device and fact. Not in it: records, their
verdicts and which entries were seen, because those are the log once more, which the root covers.
"""

import hashlib
import struct
from typing import Final

from ledger_node.contract.facts import Fact
from ledger_node.contract.state import Device, EventState, Ticket
from scanner.verify.entry import canonical

TALLY_BYTES: Final = 512
_MODULUS = 1 << 8 * TALLY_BYTES
_ITEM = b"ticketme/v1/contract/item\0"
_DOMAIN = b"ticketme/v1/contract\0"
_HEAD = struct.Struct(">QQ")


class Tally:
    """The running sum; `total` as `pack` gave it."""

    def __init__(self, total: bytes = b"") -> None:
        self._total = int.from_bytes(total, "big")

    def add(self, item: bytes) -> None:
        """Put an item in."""
        self._total = (self._total + _element(item)) % _MODULUS

    def remove(self, item: bytes) -> None:
        """Take an item out again."""
        self._total = (self._total - _element(item)) % _MODULUS

    def pack(self) -> bytes:
        """TALLY_BYTES bytes."""
        return self._total.to_bytes(TALLY_BYTES, "big")

    def digest(self, size: int, clock: int) -> bytes:
        """32 bytes, at a log of `size` entries and the contract's clock."""
        return hashlib.sha256(_DOMAIN + _HEAD.pack(size, clock) + self.pack()).digest()


def event_item(event: str, state: EventState) -> bytes:
    """An event."""
    return canonical(["event", event, "", [state.manifest.to_map(), state.issued, state.changed]])


def ticket_item(ticket: Ticket) -> bytes:
    """A ticket."""
    used_by = list(ticket.used_by or ())
    row = ticket.row.pack()
    return canonical(["ticket", ticket.event, ticket.row.ticket, [row, ticket.face_value, used_by, ticket.changed]])


def device_item(device: Device) -> bytes:
    """A device."""
    times = [device.enrolled_at, device.revoked_at, device.position]
    return canonical(["device", device.event, device.device, [device.public_key, device.gate, *times]])


def fact_item(fact: Fact) -> bytes:
    """A fact of any kind."""
    return canonical([fact.KIND, fact.event, fact.key, fact.values()])


def _element(item: bytes) -> int:
    return int.from_bytes(hashlib.shake_128(_ITEM + item).digest(TALLY_BYTES), "big")
