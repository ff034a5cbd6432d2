"""A ledger node that somebody kills in the middle of transfers: `python -m tests.fakes.killable_market FOLDER URL KEY`.

The wallet provider is another process, at URL. Each line on stdin, a ticket's number, forks one node over FOLDER, which
first settles what the last one left, and then sells one ticket after the other from this one on. Prints "pid N" before,
"selling" when the first sale begins, "sold N" when the buyer was told so, and "dead" after.
"""

import hashlib
import os
import sys
import time
from contextlib import closing
from pathlib import Path

from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.contract.bodies_market import OfferTransfer
from ledger_node.contract.commitments import invitation
from ledger_node.contract.entries import NewTicket
from ledger_node.services import identities, policies, transfers
from ledger_node.services.dealing import Newcomer
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.outside import Outside
from ledger_node.services.purchases import Payer
from ledger_node.services.tending import tend
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.keys import SigningKey
from tests.fakes.marketplace import consent
from tests.fakes.running_node import open_home
from tests.fakes.running_provider import EVENT, NODE, Desk, client_of

PRICE = 88_000
SECRET = b"s" * 32
SELLER = SigningKey(hashlib.sha256(b"the seller of everything").digest())
FORTUNE = 10**12


def buyer_key(ticket: int) -> SigningKey:
    return SigningKey(hashlib.sha256(f"buyer of {ticket}".encode()).digest())


def stage(home: Path, url: str, key: bytes, count: int) -> None:
    """All tickets are the seller's, who is known to the provider, as is the buyer."""
    desk = Desk(url)
    desk.do("clients", public_key=NODE.public.hex())
    desk.account("seller")
    desk.account("buyer", deposit=FORTUNE)
    start = int(time.time())
    with open_home(home) as node, closing(client_of(url, key)) as client:
        create_event(node, EventOrder(EVENT, "Harbour Nights", start + 10**6, start + 10**6 + 5_400, count))
        rows = [NewTicket(index, index, 0, 1, PRICE, SELLER.public, _proof(index)) for index in range(1, count + 1)]
        node.commit(list(node.operator.issue(EVENT, rows, node.seconds)))
        node.commit([RegisterActor("sandbox", "provider", key).seal(EVENT, node.seconds, node.keys.node)])
        policies.set_policy(node, EVENT, {"transfer_cap": 100})
        node.outside = Outside(client, "sandbox")
        said = desk.yes("seller", "identify")
        identities.identify(node, EVENT, SELLER.public, 2, consent(EVENT, SELLER, said), tuple(range(1, count + 1)))
    desk.close()


def sell(node, desk: Desk, ticket: int) -> None:
    """One transfer, from the offer to the capture."""
    now = node.seconds
    raw = OfferTransfer(ticket, 0, PRICE, invitation(SECRET), now + 3_000).seal(EVENT, now, SELLER)
    deal = transfers.offer(node, EVENT, raw).deal
    newcomer = Newcomer(buyer_key(ticket).public, Payer(desk.party("buyer"), desk.yes("buyer")))
    ready = transfers.checkout(node, EVENT, deal, SECRET, newcomer)
    signed = ready.draft.sealed(buyer_key(ticket).sign(ready.draft.message))
    transfers.accept(node, EVENT, deal, signed)
    say(f"sold {ticket}")
    tend(node)


def run(home: Path, url: str, key: bytes, ticket: int) -> None:
    """Sell until killed; never returns."""
    desk = Desk(url)
    with open_home(home) as node:
        node.outside = Outside(client_of(url, key), "sandbox")
        tend(node)
        say("selling")
        while True:
            sell(node, desk, ticket)
            ticket += 1


def say(line: str) -> None:
    """One write, so that a kill never cuts a line of somebody else's."""
    os.write(1, f"{line}\n".encode())


def main() -> None:
    """Fork one node a line."""
    home, url, key = Path(sys.argv[1]), sys.argv[2], bytes.fromhex(sys.argv[3])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                run(home, url, key, int(line))
            finally:
                os._exit(1)
        say(f"pid {child}")
        os.waitpid(child, 0)
        say("dead")


def _proof(ticket: int) -> bytes:
    return SELLER.sign(possession_message(event_hash(EVENT), ticket, 0, SELLER.public))


if __name__ == "__main__":
    main()
