"""Reads another organisation's log over HTTP at its C2SP tile paths. Believes nothing of what it reads: the audit does
the checking. No writing, no signatures, no retries.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from scanner.verify.plain_faults import causes, in_plain_words

MOST_BYTES = 32 << 20
"""A full entry bundle is at most 256 x 65,537 bytes; more is not a tile."""
TIMEOUT = 30.0


def cannot_ask(address: str, error: Exception) -> str:
    """Why `address` gave no answer, in words that say what to do."""
    parts = urlsplit(address)
    words = in_plain_words(parts.netloc, error, https=parts.scheme == "https")
    if words:
        return words
    silent = any(isinstance(cause, TimeoutError) for cause in causes(error))
    why = "it was silent for too long" if silent else str(error)
    return f"{address} does not answer ({why}): check that it runs, and the network"


class RemoteLogError(Exception):
    """The log cannot be read; the text says why and what to do."""


def http_source(url: str) -> Callable[[str], bytes | None]:
    """A function that gives the bytes at a path below `url`, None for 404. It raises RemoteLogError."""
    if not url.startswith(("http://", "https://")):
        raise RemoteLogError(f"{url} is not the address of a log (http:// or https://)")

    def read(path: str) -> bytes | None:
        address = f"{url.rstrip('/')}/{path}"
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:  # noqa: S310 - the scheme is checked above
                if answer.headers.get_content_type() == "text/html":
                    raise RemoteLogError(
                        f"{answer.url} is a web page, not a log (a captive portal, or a proxy before it?)"
                    )
                data: bytes = answer.read(MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.HTTPStatus.NOT_FOUND:
                    return None
            raise RemoteLogError(f"{address} answers {error.code}: is it a log?") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RemoteLogError(cannot_ask(address, error)) from error
        if len(data) > MOST_BYTES:
            raise RemoteLogError(f"{address} is longer than any tile")
        return data

    return read
