"""Who may take up the time of a gate that listens: bounds for strangers, and single-use nonces. Pure: time comes in.

A stranger is whoever sends what no peer has signed. Its address may fail a few times and is then turned away unheard,
so that a flood costs little more than the connections. All memory here is bounded.
"""

from dataclasses import dataclass, field

from scanner.verify.httpsig import WINDOW

FAILURES = 20
REFILL_S = 2.0
"""Seconds in which one failure is forgiven."""
MOST_ADDRESSES = 256
MOST_NONCES = 20_000


@dataclass
class Guard:
    """See the module. One thread."""

    _failed: dict[str, tuple[float, float]] = field(default_factory=dict)
    _nonces: dict[tuple[str, str], int] = field(default_factory=dict)

    def turned_away(self, address: str, now: float) -> bool:
        """Whether this address has failed too often lately."""
        return self._failures(address, now) >= FAILURES

    def failed(self, address: str, now: float) -> None:
        """This address sent what nobody of ours had signed."""
        count = self._failures(address, now) + 1
        self._failed.pop(address, None)
        if len(self._failed) >= MOST_ADDRESSES:
            self._failed.pop(next(iter(self._failed)))
        self._failed[address] = (min(count, FAILURES), now)

    def spend(self, keyid: str, nonce: str, created: int, now: float) -> bool:
        """Whether this nonce is new; then it is spent."""
        if len(self._nonces) >= MOST_NONCES:
            self._nonces = {key: at for key, at in self._nonces.items() if at >= now - WINDOW - 1}
        if (keyid, nonce) in self._nonces or len(self._nonces) >= MOST_NONCES:
            return False
        self._nonces[keyid, nonce] = created
        return True

    def _failures(self, address: str, now: float) -> float:
        count, at = self._failed.get(address, (0.0, now))
        return max(0.0, count - max(0.0, now - at) / REFILL_S)
