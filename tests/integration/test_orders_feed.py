"""A feed as long as a season, through the command line and a node that is being served: in bounded memory, with word of
how far it is, while others are served; doubles and bad rows are named by their lines; and again it changes nothing.
"""

import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from ledger_node.contract.entries import NewTicket
from ledger_node.contract.facts import Books
from ledger_node.services import orders
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import EventOrder, create_event
from tests.fakes.running_node import open_home, process

EVENT = "harbour-season"
FACE = 88_000
LOT = 50_000
HEAD = "number,event,tickets,eticket,price_cents,phone,email"
MB = 1 << 20
A_ROW = 400
"""Bytes of memory that a row may cost: two digests and their places in two tables, so that doubles are told."""


def stage(home: Path, count: int) -> None:
    with open_home(home) as node:
        doors = node.seconds + 10**6
        create_event(node, EventOrder(EVENT, "A season", doors, doors + 5_400, count))
        for start in range(1, count + 1, LOT):
            some = (NewTicket(n, n, 0, 1, FACE) for n in range(start, min(start + LOT, count + 1)))
            node.commit(list(node.operator.issue(EVENT, some, node.seconds)))


def write(path: Path, count: int) -> Path:
    """`count` orders of a ticket each, every fourth as an e-ticket; then the first once more, and one of no ticket."""
    with path.open("w", encoding="utf-8-sig", newline="\r\n") as file:
        print(HEAD, file=file)
        for n in range(1, count + 1):
            print(row(n), file=file)
        print(row(1), file=file)
        print(f"U-0,{EVENT},{count + 1},no,{FACE},,", file=file)
    return path


def row(n: int) -> str:
    reached = f"+8529{n:07},buyer-{n}@example.com" if n % 4 == 0 else ","
    return f"U-{n},{EVENT},{n},{'yes' if n % 4 == 0 else 'no'},{FACE},{reached}"


def peak(pid: int) -> int:
    """The most memory that a process has had (proc(5))."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def give(home: Path, path: Path, *options: str) -> tuple[int, dict[str, int], str]:
    """Status, what was told in the end, and what was told on the way."""
    command = [sys.executable, "-m", "ledger_node.cli", "--home", str(home), "orders", "import", EVENT, str(path)]
    made = subprocess.run([*command, *options], capture_output=True, text=True, timeout=7_200, check=False)
    return made.returncode, json.loads(made.stdout) if made.stdout else {}, made.stderr


@contextmanager
def asking(url: str) -> Iterator[list[float]]:
    """Somebody else asks all the while; how long they waited each time."""
    over, waited = threading.Event(), []

    def ask() -> None:
        while not over.wait(0.2):
            began = time.monotonic()
            assert requests.get(f"{url}/v1/events/{EVENT}/tickets/1", timeout=60).status_code == 200
            waited.append(time.monotonic() - began)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield waited
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "count", [3_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(7_200)])]
)
def test_a_long_feed_is_taken_in_with_bounded_memory_while_others_are_served(tmp_path: Path, count: int) -> None:
    home = tmp_path / "home"
    stage(home, count)
    path = write(tmp_path / "orders.csv", count)
    with process(home) as (running, port):
        before, began = peak(running.pid), time.monotonic()
        with asking(f"http://127.0.0.1:{port}") as waited:
            status, told, on_the_way = give(home, path)
        seconds, grown = time.monotonic() - began, peak(running.pid) - before
        print(
            f"{count} orders in {seconds:.0f} s, {count / seconds:.0f}/s; {grown / MB:.0f} MB; {path.stat().st_size} B"
        )
        print(f"others waited {max(waited, default=0):.2f} s at most, {len(waited)} asked; {on_the_way[-200:]}")
        assert (status, told["sold"], told["known"], told["bad"]) == (1, count, 1, 1)
        assert [(one["line"], "no ticket" in one["reason"]) for one in told["faults"]] == [(count + 3, True)]
        assert waited
        assert grown < 64 * MB + count * A_ROW
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 1_000 * MB + count * A_ROW
        if seconds > 60:
            assert " of " in on_the_way, "nobody was told how far it is"
        again = write(tmp_path / "again.csv", min(count, 2_000))
        assert give(home, again)[1]["known"] == min(count, 2_000) + 1
        running.terminate()
        running.wait(60)
    with open_home(home) as node, node.view() as view:
        books = view.find(Books, EVENT, "books")
        assert books is not None
        assert (books.orders, books.outside) == (count, count * FACE)


def test_more_than_can_be_kept_all_or_nothing_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    home, most = tmp_path / "home", orders.MOST_WHOLE
    stage(home, 5)
    path = tmp_path / "orders.csv"
    with path.open("w") as file:
        print(HEAD, file=file)
        file.writelines(f"U-{n},{EVENT},1,no,{FACE},,\n" for n in range(most + 1))
    with open_home(home) as node:
        size = node.ledger.size
        with pytest.raises(ServiceError, match="split the file") as refused:
            orders.import_orders(node, EVENT, path, whole=True)
        assert refused.value.code == "too-many"
        assert f"{most:,}" in refused.value.sentence
        assert node.ledger.size == size
