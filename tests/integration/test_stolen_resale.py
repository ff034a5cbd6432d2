"""Attack: Mallory has the wallet provider attest Ada's key as hers, and is paid when Ada resells her ticket.

Ada's public key is in the log for everybody. Over HTTP, with a real node; the provider is the tests' strict one.
"""

import time
from pathlib import Path

import requests

from ledger_node.services import tickets
from scanner.verify.entry import Entry, open_entry
from scanner.verify.gatecode import event_hash, possession_message
from tests.fakes.clockwork import wait_until
from tests.fakes.marketplace import EVENT, FACE, consent, marketplace
from tests.fakes.running_node import serving

CBOR = {"Content-Type": "application/cbor"}
TICKET = 5


def key_in_the_log(url: str, size: int) -> bytes:
    bundle, at = requests.get(f"{url}/tile/entries/000.p/{size}", timeout=10).content, 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        entry, at = open_entry(bundle[at + 2 : end]), end
        if isinstance(entry, Entry) and entry.type == "key.register" and entry.body["ticket"] == TICKET:
            return entry.body["holder_key"]
    raise AssertionError("nobody holds the ticket")


def test_whoever_reads_a_key_in_the_log_is_not_paid_for_its_holders_resale(tmp_path: Path) -> None:
    doors = int(time.time()) + 30 * 86_400
    with marketplace(tmp_path, 20, clock=time.time, doors=doors) as market, serving(market.node) as run:
        base = f"{run.url}/v1/events/{EVENT}"
        ada, mallory, ben = (market.person(name) for name in ("ada", "mallory", "ben"))
        key = ada.key(TICKET, 0)
        proof = key.sign(possession_message(event_hash(EVENT), TICKET, 0, key.public))
        tickets.register_key(market.node, EVENT, TICKET, 0, key.public, proof)
        found = key_in_the_log(run.url, market.node.ledger.size)
        assert found == key.public

        def identify(given: str, signed: bytes) -> requests.Response:
            asked = {"key": found.hex(), "authorisation": given, "level": 0, "tickets": [TICKET]}
            asked |= {"proof": signed.hex()} if signed else {}
            return requests.post(f"{base}/identities", json=asked, timeout=20)

        hers = consent(EVENT, mallory.key(TICKET, 0), "x")
        tries = [identify(mallory.agree(), signed) for signed in (b"", hers.proof, proof)]
        assert [(one.status_code, one.json()["code"]) for one in tries] == [
            (422, "proof-needed"), (422, "bad-proof"), (422, "bad-proof"),
        ]  # fmt: skip
        given = ada.consent(key)
        assert identify(given.authorisation, given.proof).status_code == 200
        assert identify(mallory.agree(), given.proof).json()["code"] == "bad-proof", "a proof seen before"
        assert market.title(TICKET).pseudonym == ada.party

        before = {one.name: one.balance() for one in (ada, mallory)}
        listed = requests.post(f"{base}/listings", data=ada.listing(TICKET), headers=CBOR, timeout=20)
        deal, bens = listed.json()["deal"], ben.key(TICKET, 1)
        payer = ben.payer()
        asked = {"key": bens.public.hex(), "payer": payer.party.hex(), "authorisation": payer.authorisation}
        ready = requests.post(f"{base}/listings/{deal}/checkout", json=asked, timeout=20).json()
        bought = bens.sign(bytes.fromhex(ready["message"])) + bytes.fromhex(ready["payload"])
        assert requests.post(f"{base}/listings/{deal}/buy", data=bought, headers=CBOR, timeout=20).status_code == 200
        wait_until(lambda: ada.balance() > before["ada"], "the seller is paid")
        assert (ada.balance() - before["ada"] > FACE * 9 // 10, mallory.balance()) == (True, before["mallory"])
