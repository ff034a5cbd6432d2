"""Who comes to the show: 12,500 tickets with their holders' keys, and which of them play a part.

Holders' keys are real and drawn anew for every show. What a ticket is worth at a gate is not known here.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from random import Random

from scanner.verify.gatecode import Certificate
from tests.fakes.wallet import Wallet

EVENT, NAME = "hkc:the-long-night", "Coliseum: The Long Night"
OTHER_EVENT = "hkc:the-matinee"
COLUMNS = ("index", "seat", "category", "gate_group", "face_value", "holder_key", "proof")
ANY_GATE, RED, BLUE = 0, 1, 4
FACE_VALUE = 88_000
PARTS = 40
_OF_REMAINDER = (RED, 2, 3, BLUE)
_EVERY = 250

Progress = Callable[[int], None]


class Cast:
    """Tickets 1 to `seats`. Those with a part stand apart by `_stride`, the n-th of a kind is `red(n)` and so on."""

    def __init__(self, seats: int, draw: Random, progress: Progress = lambda _: None) -> None:
        self.seats = seats
        self._draw = draw
        self._stride = seats // PARTS // 4 * 4
        if self._stride < 8:
            raise ValueError(f"{seats} seats are too few for this cast: at least {8 * PARTS}")
        self._anywhere = {self.anywhere(n) for n in range(PARTS - 1)}
        self._unsold_blue = {self.unsold_blue(n) for n in range(PARTS - 1)}
        self._unsold = {self.unsold(n) for n in range(PARTS - 1)} | self._unsold_blue
        self._wallets: dict[int, Wallet] = {}
        for index in range(1, seats + 1):
            self._wallets[index] = Wallet.new(draw)
            if index % _EVERY == 0:
                progress(index)
        progress(seats)

    # Tickets with a part

    def red(self, n: int) -> int:
        """The n-th ticket for the red gates."""
        return self._stride * (n + 1)

    def blue(self, n: int) -> int:
        """The n-th ticket for the blue gates."""
        return self._stride * (n + 1) + 3

    def unsold(self, n: int) -> int:
        """The n-th ticket, for the red gates, that is not sold yet when the tickets are issued."""
        return self._stride * (n + 1) + 4

    def unsold_blue(self, n: int) -> int:
        """The same for the blue gates."""
        return self._stride * (n + 1) + 5

    def anywhere(self, n: int) -> int:
        """The n-th ticket for any gate; its number leases its use to the blue gates when no node can be asked."""
        return self._stride * (n + 1) + 7

    # Codes

    def compact(self, ticket: int, at: float, *, owner_seq: int = 0, holder: Wallet | None = None) -> str:
        """What the holder's phone shows at unix second `at`."""
        return (holder or self._wallets[ticket]).compact(EVENT, ticket, owner_seq, at).text()

    def full(self, ticket: int, at: float, holder: Wallet, certificate: str, signature: str, owner_seq: int = 0) -> str:
        """The same with the certificate and the ledger's signature on it, both in hex as `tickets show` gives them."""
        unpacked = Certificate.unpack(bytes.fromhex(certificate))
        return holder.full(EVENT, ticket, owner_seq, at, unpacked, bytes.fromhex(signature)).text()

    def stranger(self) -> Wallet:
        """Somebody with a key that no ledger knows."""
        return Wallet.new(self._draw)

    def other_show(self, ticket: int, at: float) -> str:
        """A good code of another event."""
        return self.stranger().compact(OTHER_EVENT, ticket, 0, at).text()

    # The box office's list

    def write_csv(self, path: Path, progress: Progress = lambda _: None) -> None:
        """The file for `ledger-node tickets import`: each sold ticket with its holder's key and proof of possession."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for index, wallet in self._wallets.items():
                sold = index not in self._unsold
                key, proof = (wallet.public.hex(), wallet.proof(EVENT, index).hex()) if sold else ("", "")
                writer.writerow((index, index, 1, self._group(index), FACE_VALUE, key, proof))
                if index % _EVERY == 0:
                    progress(index)
        progress(self.seats)

    def _group(self, index: int) -> int:
        if index in self._anywhere:
            return ANY_GATE
        return BLUE if index in self._unsold_blue else _OF_REMAINDER[index % 4]
