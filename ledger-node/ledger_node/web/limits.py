"""How often somebody may be wrong, by network address: so many times in a period, then they wait. In memory, bounded.

An IPv6 address counts with its whole /64, which is what one customer has. Only what was wrong is counted, so a mobile
network behind one address goes on working while nobody guesses there.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.requests import Request

from ledger_node.services.errors import ServiceError

MOST = 30
PERIOD = 600.0
CAPACITY = 20_000
_UNKNOWN = "unknown"
Networks = tuple[IPv4Network | IPv6Network, ...]


class Limits:
    """The wrong tries of one kind. One event loop."""

    def __init__(self, most: int = MOST, period: float = PERIOD, capacity: int = CAPACITY) -> None:
        self._most = most
        self._period = period
        self._capacity = capacity
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._wrong)

    def check(self, address: str, now: float) -> None:
        """Raises ServiceError "too-many-tries" while the limit is reached."""
        times = self._wrong.get(group_of(address))
        if times is not None and len(times) == self._most and now - times[0] < self._period:
            raise ServiceError("too-many-tries", "too many wrong tries from this network: wait ten minutes", 429)

    def wrong(self, address: str, now: float) -> None:
        """Count one."""
        group = group_of(address)
        self._wrong.setdefault(group, deque(maxlen=self._most)).append(now)
        self._wrong.move_to_end(group)
        if len(self._wrong) > self._capacity:
            self._wrong.popitem(last=False)


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
    """What counts as one: an IPv6 address with its /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return _UNKNOWN
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


@lru_cache(CAPACITY)
def _believed(address: str, proxies: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return parsed.is_loopback or any(parsed in network for network in proxies)
