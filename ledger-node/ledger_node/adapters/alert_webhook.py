"""Posts an alert to an address of the house's choice, signed after the Standard Webhooks specification (1.0).

Headers webhook-id, webhook-timestamp (unix seconds) and webhook-signature: "v1," and the base64 of HMAC-SHA256 over
id "." timestamp "." body, under a secret that both sides keep. The id stays the same when a delivery is tried again, so
a receiver can tell a repetition. When to try again is for the caller.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

from ledger_node.adapters.exchange import HttpDoor, HttpError, Limits

_LIMITS = Limits(connect=3.0, within=10.0, most=4_096)
_TAKEN = range(200, 300)


class AlertWebhook:
    """One address; `secret` is the key of it, `now` unix seconds. Raises BadAddressError for a bad address."""

    def __init__(self, url: str, secret: bytes, now: Callable[[], float], ca: str | None = None) -> None:
        self._door = HttpDoor(url, _LIMITS, ca)
        self._secret = secret
        self._now = now

    def post(self, ident: str, body: bytes) -> str:
        """Deliver; what went wrong, or ""."""
        headers = {**signed(ident, int(self._now()), body, self._secret), "Content-Type": "application/json"}
        try:
            answer = self._door.ask("POST", "", headers, body)
        except HttpError as error:
            return str(error)
        return "" if answer.status in _TAKEN else f"answered {answer.status}"

    def close(self) -> None:
        """Hang up."""
        self._door.close()


def signed(ident: str, timestamp: int, body: bytes, secret: bytes) -> Mapping[str, str]:
    """The three headers."""
    made = base64.b64encode(hmac.digest(secret, f"{ident}.{timestamp}.".encode() + body, hashlib.sha256)).decode()
    return {"webhook-id": ident, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{made}"}
