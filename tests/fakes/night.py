"""A night of sale: a ledger node and a wallet provider, each a program of its own, and what must be true when it is
over: every seat has one owner or none, every cent is somewhere, and the log says so to a stranger.
"""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.contract.entries import NewTicket
from ledger_node.contract.facts import Books, Payment, Title
from ledger_node.services import policies, sale
from ledger_node.services.events import EventOrder, create_event
from tests.fakes.marketplace import EVENT
from tests.fakes.running_node import open_home, process
from tests.fakes.running_provider import Desk, provider_process
from tests.fakes.rush import POCKET, PRICE


@contextmanager
def open_night(folder, seats):
    """A node and a provider, each a program of its own; the node's process, both ports, and the provider's desk."""
    with provider_process(folder / "provider") as (provider, about), closing(Desk(about["url"])) as desk:
        desk.do("accounts", account="house", merchant=True)
        with open_home(folder / "node") as node:
            desk.do("clients", public_key=node.keys.node.public.hex())
            create_event(
                node, EventOrder(EVENT, "Harbour Nights", node.seconds + 10**6, node.seconds + 10**6 + 1, seats)
            )
            node.commit(
                list(node.operator.issue(EVENT, (NewTicket(n, n, 0, 1, PRICE) for n in all_of(seats)), node.seconds))
            )
            key = bytes.fromhex(about["public_key"])
            node.commit([RegisterActor(about["provider"], "provider", key).seal(EVENT, node.seconds, node.keys.node)])
            policies.set_policy(node, EVENT, {"organiser_party": desk.party("house", EVENT).hex()})
            sale.open_sale(node, EVENT, 8, 3_600)
        known = {"url": about["url"], "name": about["provider"], "public_key": about["public_key"]}
        lines = ["[provider]", *(f"{name} = {json.dumps(value)}" for name, value in known.items())]
        (folder / "node" / "outside.toml").write_text("\n".join(lines))
        with process(folder / "node") as (running, port):
            yield running, port, int(about["url"].rpartition(":")[2]), desk
            for one in (running, provider):
                one.terminate()
                one.wait(60)


def all_of(seats):
    return range(1, seats + 1)


def in_the_till(desk, customers, sold):
    """Captures come after the buyers; then the price of every seat is the house's, and nothing is held."""
    began = time.monotonic()
    house = {"account": "house", "merchant": True}
    while desk.do("accounts", **house)["available"] < sold * PRICE:
        assert time.monotonic() - began < 1_200, "the captures do not come"
        time.sleep(0.1)
    print(f"captured {time.monotonic() - began:.1f} s after the last sale")
    paid_in = len(customers) * POCKET
    assert desk.do("books") == {"paid_in": paid_in, "held": 0, "accounts": paid_in, "balanced": True}


def audited(home, port):
    """By the command, as a stranger would who knows the log's key alone."""
    with sqlite3.connect(home / "ledger.sqlite3") as db:
        (size,) = db.execute("SELECT size FROM head").fetchone()
    db.close()
    command = [sys.executable, "-m", "ledger_node.cli", "--home", str(home), "audit", f"http://127.0.0.1:{port}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=1_800, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    report = json.loads(told.stdout)
    assert (report["good"], report["checked"]) == (True, report["size"])
    assert report["size"] >= size


def nothing_is_left(folder, customers, sold):
    """In neither database: everybody paid for what they have, each hold was captured or released."""
    (found,) = Path(folder / "provider").glob("*.sqlite3")
    with closing(sqlite3.connect(found)) as db:
        holds = dict(db.execute("SELECT state, sum(amount) FROM hold GROUP BY state"))
        captured = db.execute("SELECT coalesce(sum(amount), 0) FROM part").fetchone()[0]
        accounts = dict(db.execute("SELECT account, available FROM account"))
    assert {one.account: POCKET - PRICE * bool(one.ticket) for one in customers} | {"house": sold * PRICE} == accounts
    assert holds.keys() <= {"captured", "released"}
    assert holds["captured"] == captured == sold * PRICE
    with open_home(folder / "node") as node, node.view() as view:
        titles = [title for title in view.each(Title, EVENT) if title.place == "person"]
        assert sorted(title.ticket for title in titles) == sorted(one.ticket for one in customers if one.ticket)
        assert [title.paid for title in titles] == [PRICE] * sold
        assert list(view.each(Payment, EVENT)) == []
        books = view.find(Books, EVENT, "books")
        assert (books.orders, books.held, books.captured, books.organiser) == (sold, 0, sold * PRICE, sold * PRICE)
        assert node.market.unsettled() == []
