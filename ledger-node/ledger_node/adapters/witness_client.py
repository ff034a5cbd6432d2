"""Asks a witness, ours or anybody's, for a cosignature: one HTTP exchange. What is asked and answered is for others."""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass

TIMEOUT = 10.0
_MOST_BYTES = 1 << 16


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
        return self.body.decode(errors="replace").strip().partition("\n")[0][:300] or "no reason given"


def ask_witness(url: str, body: bytes, timeout: float = TIMEOUT) -> WitnessAnswer:
    """POST `body` to the witness's add-checkpoint. Raises WitnessError when nobody answers."""
    address = f"{url.rstrip('/')}/add-checkpoint"
    post = urllib.request.Request(address, body, {"Content-Type": "text/plain"})  # noqa: S310 - http or https, see caller
    try:
        with urllib.request.urlopen(post, timeout=timeout) as answer:  # noqa: S310 - as above
            return WitnessAnswer(answer.status, answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return WitnessAnswer(error.code, _rest(error))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WitnessError(f"{address} does not answer ({error})") from error


def _rest(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException):
        return b""
