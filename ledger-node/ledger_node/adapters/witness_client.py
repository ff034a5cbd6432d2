"""Asks a witness, ours or anybody's, for a cosignature: C2SP tlog-witness over HTTP. Checks and retries nothing."""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass

from ledger_node.log.witness_protocol import AddCheckpoint, read_size

TIMEOUT = 10.0
_MOST_BYTES = 1 << 16


class WitnessError(Exception):
    """The witness did not answer, or not what the protocol knows; the text says what to look at."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Signature lines, of which none was checked."""

    text: str


@dataclass(frozen=True, slots=True)
class OtherSize:
    """The witness's newest signed size is this one, and not what we thought."""

    size: int


def ask_witness(url: str, request: AddCheckpoint, timeout: float = TIMEOUT) -> Lines | OtherSize:
    """One request. Raises WitnessError."""
    address = f"{url.rstrip('/')}/add-checkpoint"
    post = urllib.request.Request(address, request.encode(), {"Content-Type": "text/plain"})  # noqa: S310 - see config
    try:
        with urllib.request.urlopen(post, timeout=timeout) as answer:  # noqa: S310 - the scheme is checked in witness_of
            return Lines(answer.read(_MOST_BYTES).decode())
    except urllib.error.HTTPError as error:
        with error:
            return _refused(address, error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WitnessError(f"{address} does not answer ({error})") from error


def _refused(address: str, error: urllib.error.HTTPError) -> OtherSize:
    try:
        body = error.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException):
        body = b""
    size = read_size(body) if error.code == http.HTTPStatus.CONFLICT else None
    if size is not None:
        return OtherSize(size)
    reason = body.decode(errors="replace").strip().partition("\n")[0][:300]
    raise WitnessError(f"{address} answers {error.code}: {reason or 'no reason given'}") from error
