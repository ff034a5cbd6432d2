"""Single-use nonces: a signed request is acted upon once, also across a restart of the node. Signatures: elsewhere.

In memory, for as long as a request could still be in its window, and written to the store when the node stops in order.
After a crash the memory is gone, but then:
- a request created at or before the new start is refused as a matter of the clock (the device signs anew), and all that
  the process before had acted upon were created before it died - except those of a device whose clock runs ahead;
- these early ones were written to the store before they were acted upon, and are read back at the start.
"""

from ledger_node.services.errors import ServiceError
from ledger_node.services.store import Store
from scanner.verify.httpsig import WINDOW, Signed

CAPACITY = 200_000
"""More than 60 s either side of now at 1,600 requests a second; beyond it the node says that it is busy."""


class Nonces:
    """The nonces that were seen. Not for several threads at once, except `early` and `keep`, which only read."""

    def __init__(self, store: Store, started: int) -> None:
        self._store = store
        clean, kept = store.begin(started - WINDOW)
        self._floor = 0 if clean else started
        self._seen = {(keyid, nonce): created for keyid, nonce, created in kept}
        self._prune_at = started + WINDOW

    def __len__(self) -> int:
        return len(self._seen)

    def use(self, signed: Signed, now: float) -> None:
        """Spend a nonce. Raises ServiceError "clock" for a request from before the start, "replayed", or "busy"."""
        if signed.created <= self._floor:
            raise ServiceError("clock", "the node started after this request was signed: sign it again", 401)
        if now >= self._prune_at or len(self._seen) >= CAPACITY:
            self._prune(now)
        key = (signed.keyid, signed.nonce)
        if key in self._seen:
            raise ServiceError("replayed", "this nonce was used before: draw a new one for every request", 401)
        if len(self._seen) >= CAPACITY:
            raise ServiceError("busy", "too many requests within a minute: try again shortly", 503)
        self._seen[key] = signed.created

    @staticmethod
    def early(signed: Signed, now: float) -> bool:
        """Whether the request must be kept durably before it is acted upon: its sender's clock is ahead of ours."""
        return signed.created > int(now)

    def keep(self, signed: Signed) -> None:
        """Make the nonce of an early request durable. Blocks for one commit."""
        self._store.remember_nonce(signed.keyid, signed.nonce, signed.created)

    def close(self) -> None:
        """Keep what is in memory for the next start."""
        self._store.finish((keyid, nonce, created) for (keyid, nonce), created in self._seen.items())

    def _prune(self, now: float) -> None:
        oldest = now - WINDOW - 1
        self._seen = {key: created for key, created in self._seen.items() if created >= oldest}
        self._prune_at = int(now) + WINDOW // 4
