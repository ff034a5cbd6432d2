"""Why a web address could not be asked, in words that say what to do: for gates, auditors, witnesses, nodes.

Pure: looks at the faults that a library raised, the outermost first, and touches nothing. What speaks at a port is told
apart by what TLS or HTTP stumbled over: https asked of a port for http, http of one for https, another service at all.
"""

import errno
import http.client
import ssl
from collections.abc import Iterable, Iterator

# What OpenSSL calls an answer that is not TLS; the words changed between its releases.
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
)
# X509_V_ERR_...: of a certificate that is out of its time, that nobody known has signed, that is for another name.
_EXPIRED, _NOT_YET, _UNKNOWN, _OTHER_NAME = {10}, {9}, {2, 18, 19, 20, 21}, {62, 63, 64}
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}
_ALERT = ("\x15\x03", "\x16\x03")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it hides, outermost first; libraries hide some in `reason` and some in their arguments."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((item for item in inner if isinstance(item, BaseException) and id(item) not in seen), None)


def in_plain_words(host: str, error: BaseException, *, https: bool, known_host: bool = False) -> str | None:
    """One sentence about `host` (name and port, as it was written), or None for a fault that is not known here.

    `known_host`: it has answered before, so that what it speaks is not in doubt.
    """
    found = list(causes(error))
    doubts = () if known_host else (_tls, _another_service)
    for known in (_name, _certificate, *doubts, _away):
        words: str | None = known(host, found, https)
        if words:
            return words
    return None


def _name(host: str, found: Iterable[BaseException], _https: bool) -> str | None:  # noqa: FBT001 - one of five alike
    if any(type(cause).__name__ in {"gaierror", "NameResolutionError"} for cause in found):
        return f"the name {host} cannot be resolved: check the network and the address"
    return None


def _certificate(host: str, found: Iterable[BaseException], _https: bool) -> str | None:  # noqa: FBT001
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            code = cause.verify_code
            if code in _EXPIRED | _NOT_YET:
                when = "has expired" if code in _EXPIRED else "is not valid yet"
                return f"the TLS certificate of {host} {when}: check this machine's clock, then the certificate"
            if code in _UNKNOWN:
                return (
                    f"the TLS certificate of {host} is signed by none that this machine trusts: name the certificate "
                    "file of its issuer (`ca`), if it is the right machine"
                )
            if code in _OTHER_NAME:
                return f"the TLS certificate of {host} is for another name: write the address as its operator gave it"
            return f"the TLS certificate of {host} is not good: {cause.verify_message}"
    return None


def _tls(host: str, found: Iterable[BaseException], https: bool) -> str | None:  # noqa: FBT001
    for cause in found:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLCertVerificationError):
            said = str(cause)
            if any(word in said for word in _NOT_TLS) or isinstance(cause, ssl.SSLEOFError):
                return f"{host} does not speak https: write http://{host}, or the address of the proxy that speaks it"
            return f"{host} and this machine cannot agree on TLS ({cause.reason or said})"
    if https and any(isinstance(cause, ConnectionResetError) for cause in found):
        return (
            f"{host} broke the connection off before TLS was agreed on: does it speak https? else write http://{host}"
        )
    return None


def _another_service(host: str, found: Iterable[BaseException], https: bool) -> str | None:  # noqa: FBT001
    for cause in found:
        if isinstance(cause, ConnectionResetError):
            hint = "is the port right?" if https else f"if it speaks https, write https://{host}; else check the port"
            return f"{host} broke the connection off without an answer: {hint}"
        if isinstance(cause, http.client.BadStatusLine):
            line = str(cause)
            if line.startswith(_ALERT):
                return f"{host} speaks https: write https://{host}"
            return f"another service answers at {host}, not a web server ({line.strip()[:40]!r}): check the port"
    return None


def _away(host: str, found: Iterable[BaseException], _https: bool) -> str | None:  # noqa: FBT001
    for cause in found:
        if isinstance(cause, ConnectionRefusedError):
            return f"{host} cannot be reached: nothing listens there; check that it runs, and the port"
        if isinstance(cause, OSError) and cause.errno in _NO_WAY:
            return f"{host} cannot be reached: there is no way to it; check cable, Wi-Fi and the address"
    return None
