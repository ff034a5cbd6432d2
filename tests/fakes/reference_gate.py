"""A second implementation of the decision, from the table in docs/gate-code.md and nothing else.

It shares with the first one the values that go in (manifest, row, use) and libsodium's verdict on a signature, because
no decision may rest on another; the parsing, the facts and the order are its own. It reads a code as one big integer
and walks the table row by row. Slow and plain on purpose; only tests use it.
"""

import hashlib
from collections.abc import Callable
from functools import cached_property

from scanner.verify.admit import Use
from scanner.verify.keys import verify
from scanner.verify.manifest import Beacon, EventManifest
from scanner.verify.row import Row

Answer = tuple[str, str]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
NOBODY = bytes(32)


def read_text(text: str) -> Answer | bytes:
    """The bytes of a code, or the answer to something that is none."""
    if not text.startswith(("T1", "T2")):
        return "refuse", "not-a-code"
    data = _base45(text[2:])
    if not data or data[0] % 16 != int(text[1]):
        return "refuse", "malformed"
    if data[0] // 16 > 1:
        return "amber", "update-gate"
    if data[0] // 16 < 1:
        return "refuse", "unsupported-version"
    if len(data) != {"1": 80, "2": 194}[text[1]]:
        return "refuse", "malformed"
    return data


def reference_answer(
    text: str,
    manifest: EventManifest,
    row: Row | None,
    size: int,
    use: Use | None,
    now: int,
    trusted: bool,
    gate: str | None,
) -> Answer:
    """Outcome and reason; the first row of the table that applies."""
    data = read_text(text)
    if isinstance(data, tuple):
        return data
    case = Case(data, manifest, row, size, use, now, trusted, gate)
    for applies, answer in TABLE:
        if applies(case):
            return answer(case) if callable(answer) else answer
    return "admit", "ok"


class Case:
    """One code in one situation; every question that the table asks is a property."""

    def __init__(
        self,
        data: bytes,
        manifest: EventManifest,
        row: Row | None,
        size: int,
        use: Use | None,
        now: int,
        trusted: bool,
        gate: str | None,
    ) -> None:
        self.data, self.manifest, self.row, self.size = data, manifest, row, size
        self.use, self.now, self.trusted, self.gate = use, now, trusted, gate
        self.number = int.from_bytes(data, "big")
        self.hash = hashlib.sha256(manifest.event.encode("utf-8")).digest()

    def take(self, offset: int, length: int) -> int:
        """The unsigned integer in `length` bytes at `offset`."""
        return self.number >> 8 * (len(self.data) - offset - length) & (1 << 8 * length) - 1

    @property
    def full(self) -> bool:
        return len(self.data) == 194

    @property
    def seq(self) -> int:
        return self.take(9, 2)

    @property
    def other_event(self) -> bool:
        return self.take(1, 4) != int.from_bytes(self.hash, "big") >> 224

    @property
    def transferred(self) -> bool:
        known = [source.owner_seq for source in (self.row, self.use) if source is not None]
        return any(self.seq < seq for seq in known)

    @cached_property
    def known_key(self) -> bytes | None:
        """The key of this very owner, from the snapshot or, failing that, from an admission of this gate."""
        if self.row is None:
            return None
        sources = [source for source in (self.row, self.use) if source is not None and source.owner_seq == self.seq]
        return next((source.holder_key for source in sources if source.holder_key != NOBODY), None)

    @property
    def needs_certificate(self) -> bool:
        return self.known_key is None

    @property
    def untrusted_kid(self) -> bool:
        good = {key.kid for key in self.manifest.keys if not key.retired}
        return self.take(16, 1) not in good

    @property
    def certificate_forged(self) -> bool:
        key = {key.kid: key.public_key for key in self.manifest.keys}[self.take(16, 1)]
        signed = b"gatecode/v1/cert\x00" + self.hash + self.data[5:11] + self.data[16:66]
        return not verify(key, signed, self.data[66:130])

    @property
    def certificate_expired(self) -> bool:
        return self.now - self.take(28, 4) >= 60 * self.take(32, 2)

    @property
    def certificate_older(self) -> bool:
        return self.take(24, 4) <= self.size

    @property
    def named_beacon(self) -> Beacon | None:
        return {beacon.number: beacon for beacon in self.manifest.beacons}.get(self.data[15])

    @property
    def beacon_unknown(self) -> bool:
        return self.data[15] != 0 and self.named_beacon is None

    @property
    def forged(self) -> bool:
        key = self.data[34:66] if self.known_key is None else self.known_key
        mixed = self.named_beacon.value if self.named_beacon else b""
        signed = b"gatecode/v1/holder\x00" + self.hash + self.data[:16] + mixed + self.data[16:-64]
        return not verify(key, signed, self.data[-64:])

    @property
    def drift(self) -> int:
        """Steps by which the phone is ahead of us."""
        return self.take(11, 4) - self.now // self.manifest.step

    @property
    def out_of_window(self) -> bool:
        more = 0 if self.trusted else self.manifest.policy.untrusted_widening
        return not (-(self.manifest.behind + more) <= self.drift <= self.manifest.ahead + more)

    @property
    def far_out(self) -> bool:
        return self.out_of_window and abs(self.drift) * self.manifest.step > self.manifest.tolerance

    @property
    def state(self) -> int:
        """What the snapshot says of the ticket, unless this code is of a newer owner than the snapshot knows."""
        return self.row.state if self.row is not None and self.row.owner_seq == self.seq else 0

    @property
    def entered(self) -> tuple[str, int] | None:
        """Gate and second of the use that stands."""
        here = (self.use.gate, self.use.at) if self.use is not None else None
        if self.use is not None and not self.use.released:
            return here
        if self.row is None or self.row.used_gate == 0:
            return None
        gates = sorted({gate for group in self.manifest.gate_groups for gate in group.gates})
        name = dict(enumerate(gates, 1)).get(self.row.used_gate, f"no. {self.row.used_gate}")
        return None if here == (name, self.row.used_at) else (name, self.row.used_at)

    @property
    def repeated(self) -> bool:
        if self.entered is None or self.gate is None:
            return False
        gate, at = self.entered
        return gate == self.gate and at <= self.now <= at + self.manifest.repeat

    @property
    def zone(self) -> int:
        """The certificate's gate group if only the certificate vouches for this owner, else the snapshot's."""
        return self.take(18, 1) if self.known_key is None or self.row is None else self.row.gate_group

    @property
    def wrong_gate(self) -> bool:
        right = {gate for group in self.manifest.gate_groups if group.number == self.zone for gate in group.gates}
        return self.gate is not None and self.zone != 0 and self.gate not in right

    @property
    def early(self) -> bool:
        return self.now + self.manifest.policy.early_opens < self.manifest.doors

    @property
    def beacon_lacking(self) -> bool:
        beacon = self.named_beacon
        fresh = beacon is not None and beacon.not_before <= self.now < beacon.not_after
        return self.manifest.policy.beacon_required and not fresh


TABLE: tuple[tuple[Callable[[Case], bool], Answer | Callable[[Case], Answer]], ...] = (
    (lambda c: c.other_event, ("refuse", "other-event")),
    (lambda c: c.transferred, ("refuse", "transferred")),
    (lambda c: c.needs_certificate and not c.full, ("amber", "show-full-code")),
    (lambda c: c.needs_certificate and c.untrusted_kid, ("refuse", "untrusted-certificate")),
    (lambda c: c.needs_certificate and c.certificate_forged, ("refuse", "forged")),
    (lambda c: c.needs_certificate and c.certificate_expired, ("refuse", "certificate-expired")),
    (lambda c: c.needs_certificate and c.certificate_older, ("refuse", "certificate-older")),
    (lambda c: c.beacon_unknown, ("amber", "beacon-missing")),
    (lambda c: c.forged, ("refuse", "forged")),
    (lambda c: c.far_out, ("refuse", "expired")),
    (lambda c: c.out_of_window, ("amber", "clock-off")),
    (lambda c: c.state == 1, ("refuse", "cancelled")),
    (lambda c: c.state == 2, ("refuse", "refunded")),
    (lambda c: c.state != 0, ("refuse", "blocked")),
    (lambda c: c.repeated, ("admit", "repeat")),
    (lambda c: c.entered is not None, ("refuse", "already-used")),
    (lambda c: c.wrong_gate, lambda c: (c.manifest.policy.wrong_gate, "wrong-gate")),
    (lambda c: c.early, lambda c: (c.manifest.policy.too_early, "too-early")),
    (lambda c: c.zone in c.manifest.closed_groups, lambda c: (c.manifest.policy.zone_closed, "zone-closed")),
    (lambda c: c.beacon_lacking, ("amber", "beacon-missing")),
)
"""gate-code.md's table in the order in which its questions can be answered: a signature can be judged only when it is
known whose it must be, so ownership and certificate stand before it, and the time rows say "signature good"."""


def _base45(text: str) -> bytes | None:
    """RFC 9285: groups of three characters are two bytes, a last group of two is one; None for any other text."""
    places = [ALPHABET.find(character) for character in text]
    if -1 in places or len(places) % 3 == 1:
        return None
    out = b""
    while places:
        chunk, places = places[:3], places[3:]
        value = sum(place * 45**power for power, place in enumerate(chunk))
        if value >= 256 ** (len(chunk) - 1):
            return None
        out += value.to_bytes(len(chunk) - 1, "big")
    return out
