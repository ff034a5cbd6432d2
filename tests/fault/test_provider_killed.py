"""Many at once at the wallet provider, and it is killed again and again: every cent stays in one place, and it is the
place that the receipts say.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from ledger_node.adapters.exchange import HttpError
from ledger_node.adapters.provider import Declined
from ledger_node.adapters.provider_orders import Release
from ledger_node.contract.provider import Money
from tests.fakes.running_provider import (
    EVENT,
    Bench,
    bench,
    capture,
    client_of,
    free_port,
    provider_process,
    served_provider,
)

BUYERS, EACH = 6, 1_000
T = TypeVar("T")


def patiently(act: Callable[[], T]) -> T:
    """For the desk, which knows no references; what it does may be done twice."""
    while True:
        try:
            return act()
        except HttpError:
            time.sleep(0.02)


def trade(there: Bench, number: int, enough: Callable[[int], bool], rng: Random) -> int:
    """A buyer holds, then pays or lets go, until it is `enough` turns; how much they paid by their receipts."""
    client = client_of(there.url, there.key, tries=500, sleep=lambda _: time.sleep(0.02))
    name = f"buyer{number}"
    me, seller = patiently(lambda: there.desk.party(name)), patiently(lambda: there.desk.party("seller"))
    spent = turn = 0
    while not enough(turn):
        turn += 1
        reference, amount = f"{name}-{turn}", rng.randrange(1, 100)
        order = patiently(lambda: there.desk.hold(name, reference, amount, payer=me))  # noqa: B023 - done with at once
        if isinstance(client.do(order), Declined):
            assert amount > EACH - spent, "the only reason to decline"
        elif rng.random() < 0.6:
            assert isinstance(client.do(capture(f"{reference}-c", reference, (seller, amount))), Money)
            spent += amount
        else:
            assert isinstance(client.do(Release(f"{reference}-r", EVENT, reference)), Money)
    client.close()
    return spent


def everybody_trades(there: Bench, enough: Callable[[int], bool], seed: int) -> list[int]:
    spent: dict[int, int] = {}

    def run(number: int) -> None:
        spent[number] = trade(there, number, enough, Random(seed * 100 + number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(BUYERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [spent[number] for number in range(BUYERS)]


def opened(there: Bench) -> None:
    for number in range(BUYERS):
        there.desk.account(f"buyer{number}", EACH)
    there.desk.account("seller")


def accounted(there: Bench, spent: list[int]) -> None:
    """Every cent is where the receipts say."""
    left = {f"buyer{number}": EACH - gone for number, gone in enumerate(spent)}
    assert there.desk.do("accounts") == {**left, "seller": sum(spent)}
    everything = BUYERS * EACH
    assert there.desk.do("books") == {"paid_in": everything, "held": 0, "accounts": everything, "balanced": True}


def test_with_many_at_once_no_cent_is_made_or_lost(tmp_path: Path) -> None:
    with served_provider(tmp_path) as server, bench(server.url) as there:
        opened(there)
        there.desk.do("faults", faults="lost/7,twice/5")
        accounted(there, everybody_trades(there, lambda turn: turn == 12, 1))


@contextlib.contextmanager
def killing(home: Path, port: int, rng: Random) -> Iterator[list[float]]:
    """The provider, killed and started anew until the block ends; when it was killed."""
    over = threading.Event()
    killed: list[float] = []

    def run() -> None:
        while not over.is_set():
            with provider_process(home, port) as (running, _):
                over.wait(rng.uniform(0.05, 0.3))
                os.kill(running.pid, signal.SIGKILL)
                killed.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def test_killed_again_and_again_no_cent_is_made_or_lost(tmp_path: Path) -> None:
    port = free_port()
    with provider_process(tmp_path, port) as (_, about), bench(about["url"]) as there:
        opened(there)
        key = there.key
    with killing(tmp_path, port, Random(7)) as killed, patient_bench(about["url"]) as there:
        before = len(killed)
        spent = everybody_trades(there, lambda _: len(killed) >= before + 3, 2)
    with provider_process(tmp_path, port) as (_, about), bench(about["url"]) as there:
        assert there.key == key
        accounted(there, spent)


@contextlib.contextmanager
def patient_bench(url: str) -> Iterator[Bench]:
    with contextlib.ExitStack() as stack:
        yield patiently(lambda: stack.enter_context(bench(url)))


@pytest.mark.parametrize("one", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_it_is_asked_to(tmp_path: Path, one: signal.Signals) -> None:
    with provider_process(tmp_path, 0, "--faults", "slow/1") as (running, about), bench(about["url"]) as there:
        there.desk.account("buyer", 5)
        running.send_signal(one)
        assert running.wait(10) == 0
