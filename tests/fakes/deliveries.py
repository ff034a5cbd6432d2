"""The ticketing system's side of a webhook: the headers that sign a delivery (Standard Webhooks 1.0), made from the
specification and not from the code that checks them.
"""

import base64
import hashlib
import hmac


def signed(body: bytes, secret: bytes, at: float, ident: str = "m1") -> dict[str, str]:
    """The headers for `body`, sent at unix second `at` under the secret that both sides keep."""
    stamp = str(int(at))
    digest = hmac.digest(secret, f"{ident}.{stamp}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": signature}
