"""A holder's app: what somebody's phone sends to the ledger node over HTTP, with keys that only it has.

It knows the API and how to sign; what the ledger makes of it is the ledger's business.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests

from ledger_node.contract.bodies_market import ListResale, OfferTransfer, RejectTransfer
from ledger_node.contract.commitments import invitation
from tests.fakes.marketplace import consent
from tests.fakes.wallet import Wallet
from tests.show.cast import EVENT
from tests.show.people import Held
from tests.show.stage import ShowError

TIMEOUT_S = 30.0
AN_HOUR = 3600
_ENTRY = {"Content-Type": "application/cbor"}
Answer = dict[str, Any]


class RefusedError(Exception):
    """The node said no: its stable code, its sentence, and the one that the wallet's page has for it in Chinese."""

    def __init__(self, code: str, sentence: str, chinese: str = "") -> None:
        super().__init__(f"{code}: {sentence}")
        self.code, self.sentence, self.chinese = code, sentence, chinese


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose money: the provider's name for them in this event, in hex, and what it gave them to show that they pay."""

    party: str
    authorisation: str


class App:
    """Anybody's app, at the node `url`. Every method raises RefusedError when the node says no. A context manager."""

    def __init__(self, url: str) -> None:
        self._url, self._event = f"{url}/v1", f"{url}/v1/events/{EVENT}"
        self._session = requests.Session()
        self._words = f"{url}/wallet/words.json"

    def __enter__(self) -> "App":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    # With the link of a letter

    def open(self, page: str) -> None:
        """Look at the page that a letter's link leads to."""
        shown = self._send("GET", page)
        if not shown.ok or "<html" not in shown.text:
            raise ShowError(f"there is no page at {page}: {shown.status_code}")

    def look(self, token: str) -> Answer:
        """What the link is for, and what is asked."""
        return self._ask("GET", f"{self._url}/activation/{token}")

    def activate(self, token: str, answer: str, held: Sequence[Held]) -> Answer:
        """The answer, and a key for each ticket."""
        keys = [{"ticket": h.ticket, "holder_key": h.wallet.public.hex(), "proof": h.proof.hex()} for h in held]
        return self._json(f"{self._url}/activation/{token}", {"answer": answer, "keys": keys})

    # Buying from the house

    def keep(self, ticket: int) -> Answer:
        """Keep a seat for some minutes."""
        return self._json(f"{self._event}/holds", {"tickets": [ticket]})

    def pay(self, hold: str, payer: Payer, email: str) -> Answer:
        """Pay for the hold; the link goes to `email`."""
        paying = {"payer": payer.party, "authorisation": payer.authorisation, "email": email}
        return self._json(f"{self._event}/holds/{hold}/pay", paying)

    def deliver(self, body: bytes, headers: dict[str, str]) -> Answer:
        """The ticketing system's webhook."""
        return self._ask("POST", f"{self._event}/orders", body, {"Content-Type": "application/json", **headers})

    # Passing on

    def identify(self, held: Held, authorisation: str) -> None:
        """Let the wallet provider say who has the key: by a pseudonym that is good for this event."""
        given = consent(EVENT, held.wallet.key, authorisation)
        asked = {
            "key": held.wallet.public.hex(),
            "authorisation": authorisation,
            "proof": given.proof.hex(),
            "level": 2,
        }
        self._json(f"{self._event}/identities", {**asked, "tickets": [held.ticket]})

    def offer(self, held: Held, price: int, secret: bytes, email: str) -> Answer:
        """Offer the ticket to whoever has the secret; the node writes to `email`."""
        now = int(time.time())
        body = OfferTransfer(held.ticket, held.owner_seq, price, invitation(secret), now + AN_HOUR)
        entry = body.seal(EVENT, now, held.wallet.key)
        return self._json(f"{self._event}/transfers", {"entry": entry.hex(), "secret": secret.hex(), "email": email})

    def reject(self, ticket: int, deal: str, secret: str, wallet: Wallet) -> Answer:
        """No, thanks."""
        body = RejectTransfer(ticket, bytes.fromhex(deal), bytes.fromhex(secret))
        entry = body.seal(EVENT, int(time.time()), wallet.key)
        return self._entry(f"{self._event}/transfers/{deal}/reject", entry)

    def deal(self, kind: str, deal: str) -> Answer:
        """What is offered ("transfers") or listed ("listings")."""
        return self._ask("GET", f"{self._event}/{kind}/{deal}")

    def take(self, kind: str, deal: str, held: Held, payer: Payer, secret: str | None = None) -> Answer:
        """Have the price held, sign with the ticket's next key, and take it."""
        paying = {"payer": payer.party, "authorisation": payer.authorisation}
        asked = {"key": held.wallet.public.hex(), "secret": secret, **paying}
        ready = self._json(f"{self._event}/{kind}/{deal}/checkout", asked)
        if ready["owner_seq"] != held.owner_seq:
            raise ShowError(f"the node hands out owner {ready['owner_seq']} of ticket {held.ticket}")
        signature = held.wallet.key.sign(bytes.fromhex(ready["message"]))
        act = "accept" if kind == "transfers" else "buy"
        return self._entry(f"{self._event}/{kind}/{deal}/{act}", signature + bytes.fromhex(ready["payload"]))

    def put_up(self, held: Held, price: int) -> Answer:
        """List the ticket for anybody."""
        now = int(time.time())
        body = ListResale(held.ticket, held.owner_seq, price, now + AN_HOUR)
        return self._entry(f"{self._event}/listings", body.seal(EVENT, now, held.wallet.key))

    def _json(self, url: str, value: Any) -> Answer:
        return self._ask("POST", url, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _entry(self, url: str, raw: bytes) -> Answer:
        return self._ask("POST", url, raw, _ENTRY)

    def _ask(self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        answer = self._send(method, url, body, headers)
        if not answer.ok:
            no = answer.json()
            sentences = self._send("GET", self._words).json()["refusals"].get(no["code"], {})
            raise RefusedError(no["code"], no["detail"], sentences.get("zh", ""))
        found: Answer = answer.json()
        return found

    def _send(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        try:
            return self._session.request(method, url, data=body, headers=headers, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise ShowError(f"the ledger node gives no answer at {url}: {error}") from error
