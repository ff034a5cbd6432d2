"""The disk fills up in the middle of a sale, again and again, between any two writes: buyers are told to come back, and
when there is room each has paid once for the one seat that is theirs.
"""

import random
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.marketplace import EVENT
from tests.fakes.night import audited, in_the_till, nothing_is_left, open_night
from tests.fakes.rush import Customer, open_accounts, rush

BUYERS, SEATS, LINES = 60, 120, 8
"""More seats than buyers: one whose hold was logged and not answered is nobody's for an hour."""


@contextmanager
def filling(pid: int, seed: int) -> Iterator[list[int]]:
    """No file of the process can grow, now and then for some hundredths of a second; how often, in a list."""
    chance, over, times = random.Random(seed), threading.Event(), []
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)

    def fill() -> None:
        while not over.wait(chance.uniform(0.005, 0.08)):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
            times.append(1)
            over.wait(chance.uniform(0.005, 0.06))
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))


def test_a_disk_that_fills_up_in_the_middle_of_a_sale(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    customers = [Customer(number) for number in range(BUYERS)]
    with open_night(tmp_path, SEATS) as (node, port, providers, desk):
        open_accounts(providers, customers, EVENT)
        with filling(node.pid, seed) as times:
            done = rush(port, customers, EVENT, SEATS, LINES, again=frozenset({"disk"}))
        print(f"the disk was full {len(times)} times; {dict(done.each)}")
        assert done.each["disk"] > 0, "the disk was never full when somebody asked"
        in_the_till(desk, customers, BUYERS)
        audited(tmp_path / "node", port)
    assert len({customer.ticket for customer in customers} - {0}) == BUYERS
    nothing_is_left(tmp_path, customers, BUYERS)
