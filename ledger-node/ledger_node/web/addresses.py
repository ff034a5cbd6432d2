"""Network addresses: where a request comes from, and what of an address counts as one."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import Request

from ledger_node.services.errors import ServiceError

_REMEMBERED = 20_000
_UNKNOWN = "unknown"
Networks = tuple[IPv4Network | IPv6Network, ...]


def address_of(request: Request) -> str:
    """Where the request comes from: the peer, or what a proxy that is believed says last (X-Forwarded-For).

    Believed are this machine and the networks in the application's `state.proxies`. What stands further to the left in
    the header anybody may have written, unless a proxy that is believed has put it there.
    """
    address = request.client.host if request.client else _UNKNOWN
    proxies: Networks = getattr(request.app.state, "proxies", ()) if "app" in request.scope else ()
    said = [part.strip() for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
    while said and _believed(address, proxies):
        try:
            address = str(ip_address(said.pop()))
        except ValueError:
            break
    return address


def stranger(request: Request) -> str | None:
    """The same; None for a request of this machine itself, that no proxy has handed on."""
    peer = request.client.host if request.client else _UNKNOWN
    return None if _believed(peer, ()) and "x-forwarded-for" not in request.headers else address_of(request)


def networks(texts: Iterable[str]) -> Networks:
    """Networks as operators write them, 10.1.2.3 or 10.1.0.0/16. Raises ServiceError "bad-network"."""
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise ServiceError("bad-network", f"{error}: give an address or a network like 10.1.0.0/16") from error


def group_of(address: str) -> str:
    """What counts as one: an IPv6 address with its /64, which is what one customer has; an IPv4 address, also one that
    is written as IPv6 (::ffff:192.0.2.1), by itself.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return _UNKNOWN
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
    return str(parsed)


@lru_cache(_REMEMBERED)
def _believed(address: str, proxies: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return parsed.is_loopback or any(parsed in network for network in proxies)
