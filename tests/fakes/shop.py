"""A browser's side of the market: a marketplace that is served, and requests to it over real HTTP."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.fakes.marketplace import EVENT, Clock, Marketplace, Person, marketplace
from tests.fakes.running_node import serving

CBOR = {"Content-Type": "application/cbor"}


class Shop:
    """Asks for one event. `another` is a session of its own, for threads."""

    def __init__(self, market: Marketplace, url: str) -> None:
        self.market, self.base = market, f"{url}/v1/events/{EVENT}"
        self.url = url
        self.session = requests.Session()
        self.another = requests.Session

    def post(self, path: str, value=None, raw: bytes | None = None, **headers: str) -> requests.Response:
        if raw is not None:
            return self.session.post(self.base + path, data=raw, headers=CBOR | headers, timeout=20)
        return self.session.post(self.base + path, json=value, headers=headers, timeout=20)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.base + path, timeout=20)

    def settled(self, condition) -> None:
        """Wait for what the node does in the background."""
        until = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.01)


@contextmanager
def open_shop(home: Path, clock: Clock, count: int = 20) -> Iterator[Shop]:
    """The shop of the marketplace in `home`; doors in thirty days."""
    with marketplace(home, count, clock, int(clock.now) + 30 * 86_400) as market, serving(market.node) as node:
        made = Shop(market, node.url)
        try:
            yield made
        finally:
            made.session.close()


def paying(who: Person, **more: object) -> dict[str, object]:
    """What a buyer sends to pay."""
    return {"payer": who.party.hex(), "authorisation": who.agree(), **more}
