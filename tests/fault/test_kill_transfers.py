"""kill -9 of the node anywhere in a transfer, with a real provider in another process that loses answers: money and
ticket have moved together or not at all.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from ledger_node.contract.facts import Books, Payment, Title
from ledger_node.services.outside import Outside
from ledger_node.services.tending import tend
from tests.fakes.killable_market import FORTUNE, PRICE, SELLER, buyer_key, stage
from tests.fakes.running_node import open_home
from tests.fakes.running_provider import EVENT, Desk, client_of, provider_process

EACH = 40
"""Tickets for one run: more than are sold before it is killed."""


@contextmanager
def forker(home: Path, url: str, key: bytes) -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-m", "tests.fakes.killable_market", str(home), url, key.hex()]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def kill_once(process: subprocess.Popen[str], ticket: int, after: float) -> set[int]:
    """Let it sell from `ticket` on, and kill it; the tickets whose buyers were told that they have them."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{ticket}\n")
    process.stdin.flush()
    sold: set[int] = set()
    pid = 0
    for words in _lines(process.stdout):
        if words[0] == "pid":
            pid = int(words[1])
        elif words[0] == "sold":
            sold.add(int(words[1]))
        elif words[0] == "selling":
            time.sleep(after)
            os.kill(pid, signal.SIGKILL)
        elif words[0] == "dead":
            return sold
    raise AssertionError("the market ended by itself")


def _lines(stream: IO[str]) -> Iterator[list[str]]:
    for line in stream:
        yield line.split()


def check(home: Path, url: str, key: bytes, told: set[int], count: int) -> int:
    """After everything is settled: who has what, who has paid what; how many tickets have moved."""
    desk = Desk(url)
    desk.do("faults", faults="")
    with open_home(home, lambda: time.time() + 700) as node, closing(client_of(url, key)) as client:
        node.outside = Outside(client, "sandbox")
        tend(node)
        tend(node)
        with node.view() as view:
            owners = {ticket.row.ticket: ticket.row.holder_key for ticket in view.tickets(EVENT)}
            books = view.find(Books, EVENT, "books")
            assert list(view.each(Payment, EVENT)) == []
            assert all(title.payment == "" for title in view.each(Title, EVENT))
        assert node.market.unsettled() == []
    moved = {ticket for ticket, owner in owners.items() if owner != SELLER.public}
    assert all(owners[ticket] == buyer_key(ticket).public for ticket in moved)
    assert told <= moved, "a buyer was told of a ticket that they have not"
    assert len(owners) == count
    paid = len(moved) * PRICE
    assert (books.captured, books.sellers, books.held) == (paid, paid, 0)
    accounts, provider = desk.do("accounts"), desk.do("books")
    assert (accounts["seller"], accounts["buyer"]) == (paid, FORTUNE - paid)
    assert (provider["balanced"], provider["held"]) == (True, 0)
    desk.close()
    return len(moved)


def rounds(tmp_path: Path, kills: int) -> None:
    home, count, chance = tmp_path / "node", kills * EACH, random.Random(kills)
    with provider_process(tmp_path / "provider") as (_, about):
        url, key = about["url"], bytes.fromhex(about["public_key"])
        stage(home, url, key, count)
        desk = Desk(url)
        desk.do("faults", faults="lost/7")
        desk.close()
        told: set[int] = set()
        with forker(home, url, key) as process:
            for turn in range(kills):
                told |= kill_once(process, 1 + turn * EACH, chance.uniform(0, 0.25))
        assert check(home, url, key, told, count) >= len(told) > 0


def test_killed_anywhere_in_a_transfer(tmp_path: Path) -> None:
    rounds(tmp_path, 16)


@pytest.mark.soak
@pytest.mark.timeout(1_200)
def test_killed_anywhere_in_a_transfer_three_hundred_times(tmp_path: Path) -> None:
    rounds(tmp_path, 300)
