"""Asks a witness for a cosignature (ours or anybody's), or for its statement of a log's state: one HTTP exchange each.
What is asked and answered is for others.
"""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass

from ledger_node.adapters.remote_log import cannot_ask

TIMEOUT = 10.0
STATE_TIMEOUT = 30.0
_MOST_BYTES = 1 << 16
_MOST_STATE = 1 << 20


class WitnessError(Exception):
    """The witness did not answer, or not what the protocol knows; the text says what to look at."""


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What came back, whatever the status."""

    status: int
    body: bytes

    @property
    def reason(self) -> str:
        """The first line of a refusal, for people."""
        if self.body.lstrip()[:1] == b"<":
            return "a web page, not a witness (a captive portal, or a proxy before it?)"
        return self.body.decode(errors="replace").strip().partition("\n")[0][:300] or "no reason given"


def ask_witness(url: str, body: bytes, timeout: float = TIMEOUT) -> WitnessAnswer:
    """POST `body` to the witness's add-checkpoint. Raises WitnessError when nobody answers."""
    address = f"{url.rstrip('/')}/add-checkpoint"
    post = urllib.request.Request(address, body, {"Content-Type": "text/plain"})  # noqa: S310 - http or https, see caller
    return _ask(post, timeout, _MOST_BYTES)


def ask_state(url: str, log: str, size: int, timeout: float = STATE_TIMEOUT) -> WitnessAnswer:
    """GET the witness's statement of the state of `log` (a short name) at this size, which it may take long to make.
    Raises WitnessError when nobody answers.
    """
    address = f"{url.rstrip('/')}/logs/{log}/state?size={size}"
    return _ask(urllib.request.Request(address), timeout, _MOST_STATE)  # noqa: S310 - as above


def ask_checkpoint(url: str, log: str, timeout: float = TIMEOUT) -> WitnessAnswer:
    """GET the newest checkpoint of `log` (a short name) that the witness signed. Raises WitnessError as above."""
    address = f"{url.rstrip('/')}/logs/{log}/checkpoint"
    return _ask(urllib.request.Request(address), timeout, _MOST_BYTES)  # noqa: S310 - as above


def _ask(request: urllib.request.Request, timeout: float, most: int) -> WitnessAnswer:
    address = request.full_url
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - as above
            return WitnessAnswer(answer.status, answer.read(most))
    except urllib.error.HTTPError as error:
        with error:
            return WitnessAnswer(error.code, _rest(error))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WitnessError(cannot_ask(address, error)) from error


def _rest(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException):
        return b""
