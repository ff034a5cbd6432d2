"""How often somebody may be wrong, by network address: so many times in a period, then they wait. In memory, bounded.

An IPv6 address counts with its whole /64, which is what one customer has. Only what was wrong is counted, so a mobile
network behind one address goes on working while nobody guesses there.
"""

from collections import OrderedDict, deque
from ipaddress import ip_address, ip_network

from starlette.requests import Request

from ledger_node.services.errors import ServiceError

MOST = 30
PERIOD = 600.0
CAPACITY = 20_000
_UNKNOWN = "unknown"


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
        times = self._wrong.get(_group(address))
        if times is not None and len(times) == self._most and now - times[0] < self._period:
            raise ServiceError("too-many-tries", "too many wrong tries from this network: wait ten minutes", 429)

    def wrong(self, address: str, now: float) -> None:
        """Count one."""
        group = _group(address)
        self._wrong.setdefault(group, deque(maxlen=self._most)).append(now)
        self._wrong.move_to_end(group)
        if len(self._wrong) > self._capacity:
            self._wrong.popitem(last=False)


def address_of(request: Request) -> str:
    """Where the request comes from; behind a proxy on this machine, what the proxy says last (X-Forwarded-For)."""
    peer = request.client.host if request.client else _UNKNOWN
    forwarded = request.headers.getlist("x-forwarded-for")
    if not forwarded or not _local(peer):
        return peer
    last = forwarded[-1].rpartition(",")[2].strip()
    try:
        return str(ip_address(last))
    except ValueError:
        return peer


def _local(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False


def _group(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return _UNKNOWN
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
