"""A crowd that rushes a sale over HTTP: more people than seats, each with a wallet of their own, as many at a time as
there are connections. Every answer that nobody should get is an error of its own; what each of them has in the end is
told. The node and the provider are whatever listens at the two addresses.
"""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, TypeVar

PRICE = 88_000
POCKET = 2 * PRICE
_HEAD = "{} {} HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
_T = TypeVar("_T")
_R = TypeVar("_R")


class Line:
    """One connection, kept. Not for two threads."""

    def __init__(self, port: int) -> None:
        self._wire = socket.create_connection(("127.0.0.1", port))
        self._wire.settimeout(120)
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = self._wire.makefile("rb")

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON."""
        data = b"" if body is None else json.dumps(body).encode()
        self._wire.sendall(_HEAD.format(method, path, len(data)).encode() + data)
        status, length = int(self._read.readline().split()[1]), 0
        while (line := self._read.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, json.loads(self._read.read(length))

    def close(self) -> None:
        self._read.close()
        self._wire.close()


def side_by_side(port: int, lines: int, work: Callable[[Line, _T], _R], each: Iterable[_T]) -> list[_R]:
    """What `work` gives for each, over so many connections, in no order; the first error ends it."""
    left, got, lock = iter(each), [], threading.Lock()
    errors: list[BaseException] = []

    def run() -> None:
        with closing(Line(port)) as line:
            while not errors:
                with lock:
                    one = next(left, None)
                if one is None:
                    return
                try:
                    got.append(work(line, one))
                except BaseException as error:  # noqa: BLE001 - told below
                    errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(lines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return got


@dataclass
class Customer:
    """Somebody who wants one seat: their account, what the provider calls them, and their yes, good once."""

    number: int
    party: str = ""
    authorisation: str = ""
    ticket: int = 0
    heard: list[str] = field(default_factory=list)

    @property
    def account(self) -> str:
        return f"customer-{self.number}"


def open_accounts(port: int, customers: list[Customer], event: str) -> None:
    """With the provider, by its desk; and everybody agrees to pay once."""

    def one(line: Line, customer: Customer) -> None:
        def do(what: str, **given: Any) -> Any:
            status, said = line.ask("POST", f"/sandbox/{what}", {"account": customer.account, **given})
            assert status == 200, said
            return said

        do("accounts", deposit=POCKET)
        customer.party = do("parties", event=event)["party"]
        customer.authorisation = do("permissions", event=event, purpose="pay", most=PRICE)["authorisation"]

    side_by_side(port, 4, one, customers)


@dataclass
class Rush:
    """What came of it. `each` is what was answered how often."""

    seconds: float
    each: Counter[str]


def rush(
    port: int, customers: list[Customer], event: str, seats: int, lines: int, again: frozenset[str] = frozenset()
) -> Rush:
    """Everybody tries until they have a seat or are told that there are none. What is answered with a code of `again`
    they send once more.
    """
    base, order, chances = f"/v1/events/{event}", Random(5), count()
    coming = list(customers)
    order.shuffle(coming)
    began = time.monotonic()

    def one(line: Line, customer: Customer) -> None:
        _Visit(line, base, seats, customer, Random(next(chances)), again).buy()

    side_by_side(port, lines, one, coming)
    each = Counter(what for customer in customers for what in customer.heard)
    return Rush(time.monotonic() - began, each)


@dataclass
class _Visit:
    line: Line
    base: str
    seats: int
    customer: Customer
    chance: Random
    again: frozenset[str] = frozenset()

    def buy(self) -> None:
        for wish in self._wishes():
            status, said = self._say("POST", "/holds", {"tickets": [wish]})
            if status == 201 and self.chance.random() < 0.02:
                # A change of mind: another seat, after all.
                assert self._say("POST", f"/holds/{said['hold']}/release", {})[0] == 200
            elif status == 201:
                return self._pay(said["hold"])
            elif said["code"] == "sold-out":
                return None
            elif said["code"] == "none-free":
                time.sleep(0.2)
            else:
                assert said["code"] == "seat-taken", said
        return None

    def _pay(self, hold: str) -> None:
        who = {"payer": self.customer.party, "authorisation": self.customer.authorisation, "eticket": False}
        # Some press the button twice.
        for _ in range(2 if self.chance.random() < 0.02 else 1):
            status, said = self._say("POST", f"/holds/{hold}/pay", who)
            assert status == 200, said
            (ticket,) = said["tickets"]
            assert self.customer.ticket in {0, ticket}, "one hold sold two seats"
            self.customer.ticket = ticket

    def _wishes(self) -> Iterator[int]:
        """Any seat at first; when that is taken, one that the seat plan shows as free somewhere."""
        yield self.chance.randint(1, self.seats)
        while True:
            first = self.chance.randint(1, self.seats)
            status, plan = self._say("GET", f"/seats?from={first}&count=40")
            assert status == 200, plan
            free = [seat["ticket"] for seat in plan if seat["free"]]
            yield self.chance.choice(free) if free else first

    def _say(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        what = path.rpartition("/")[2].partition("?")[0]
        while True:
            status, said = self.line.ask(method, self.base + path, body)
            self.customer.heard.append(said["code"] if status >= 400 else f"{what} {status}")
            if status < 400 or said["code"] not in self.again:
                return status, said
            time.sleep(0.02)
