"""`python -m benchmarks.strangers PORT TICKETS CLIENTS`: ask a node's public port for all that it can answer, until
standard input ends; then say how many answers came, of which status, in how many seconds.
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from itertools import count, islice

from benchmarks.load import drive, request
from tests.fakes.running_node import EVENT

_LOT = 200
_TICKET = f"/v1/events/{EVENT}/tickets/{{0}}"
_PAGES = (_TICKET, f"{_TICKET}/history", f"{_TICKET}?n={{1}}", f"/v1/events/{EVENT}/seats?n={{1}}")
"""No two questions are the same, which one answer would do for. The seats are the longest answer."""


def main() -> None:
    """Until standard input ends."""
    port, tickets, clients = map(int, sys.argv[1:])
    # They stand for people elsewhere: what they compute is not to be taken from the node.
    os.nice(19)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    asked, got, began = count(), Counter[int](), time.perf_counter()
    while not over.is_set():
        paths = [_PAGES[n % len(_PAGES)].format(1 + n % tickets, n) for n in islice(asked, _LOT)]
        done = drive(port, [request("GET", path, {}) for path in paths], clients)
        if not got:
            print(json.dumps({"asking": True}), flush=True)
        got.update(answer.status for answer in done.answers)
    print(json.dumps({"answered": got[200], "statuses": got, "seconds": time.perf_counter() - began}), flush=True)


main()
