"""Wallet pages that are open in a queue: each listens for its ticket on one quiet stream (server-sent events).

A real `ledger-node serve`, and as many connections as a house has phones, in this process. What a page costs the node
in memory and, while nothing happens, in CPU; and how long after a gate's claim was answered the page hears of it.
"""

import asyncio
import resource
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.figures import Bench, Figure, Target, ms
from benchmarks.house import EVENT, Served, holder, open_home, serve, stage
from benchmarks.memory import family, rss
from benchmarks.timing import percentile

_SOON = Target(5_000.0, "at most 5 s")
_QUIET_S, _PATIENCE = 10.0, 60.0
_AT_ONCE = 200
Page = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def run(bench: Bench) -> list[Figure]:
    pages, claims = min(bench.pick(12_500, 60), _room()), bench.pick(200, 5)
    bench.tell(f"pages: {pages:,} of them listen")
    with bench.room() as home:
        with open_home(home) as node:
            stage(node, pages)
        with serve(home, 1) as served:
            return asyncio.run(_measured(served, pages, claims, bench.pick(int(_QUIET_S), 1)))


def _room() -> int:
    """How many pages the files that a process may have open are enough for: the public front takes two for each."""
    wanted = 2 * 12_500 + 2_000
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1_000) // 2


async def _measured(served: Served, pages: int, claims: int, quiet: int) -> list[Figure]:
    before = rss(served.pid)
    opened: list[Page] = []
    for first in range(1, pages + 1, _AT_ONCE):
        some = range(first, min(first + _AT_ONCE, pages + 1))
        opened += await asyncio.gather(*(_listen(served.port, ticket) for ticket in some))
    grown = rss(served.pid) - before
    busy = _cpu(served.pid)
    await asyncio.sleep(quiet)
    busy = _cpu(served.pid) - busy
    waits = [await _heard(served, ticket, opened[ticket - 1][0]) for ticket in range(1, claims + 1)]
    for _, writer in opened:
        writer.close()
    return [
        Figure(f"memory of the node for a page that listens, of {pages:,}", grown * 1_000_000 / pages, "bytes"),
        Figure(f"CPU of one core while {pages:,} pages listen and nothing happens", max(busy / quiet, 1e-4) * 100, "%"),
        Figure("a claim is answered to the page hears of it: p50", ms(percentile(waits, 50)), "ms", target=_SOON),
        Figure("a claim is answered to the page hears of it: p99", ms(percentile(waits, 99)), "ms", target=_SOON),
    ]


async def _listen(port: int, ticket: int) -> Page:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /v1/events/{EVENT}/live?tickets={ticket} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"retry:"), _PATIENCE)
    return reader, writer


async def _heard(served: Served, ticket: int, page: asyncio.StreamReader) -> float:
    """Seconds after its gate's claim was answered."""
    gate, code = served.gates[0], holder(ticket).compact(EVENT, ticket, 0, time.time()).raw
    answer = await asyncio.to_thread(lambda: gate.claim(gate.admission(ticket, code)))
    assert answer.json["verdict"] == "accepted", answer.json
    began = time.perf_counter()
    await asyncio.wait_for(page.readuntil(f"data: {ticket}\n".encode()), _PATIENCE)
    return time.perf_counter() - began


def _cpu(pid: int) -> float:
    """Seconds that the processes have computed for, by the kernel's clock ticks of 10 ms (proc(5): utime, stime)."""
    stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family(pid)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / 100
