"""The box office: everything that an operator does at a ledger node in the show, with the node's own command line.

It works the same while the node is served and while it is down. What prepares the sale goes over the socket that
commands use, without starting a program for each. No rule of a ticket is known here.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger_node.cli.operator import operator
from ledger_node.services.errors import ServiceError
from tests.fakes.wallet import Wallet
from tests.show.cast import EVENT, NAME
from tests.show.stage import ShowError, tool

HALF_AN_HOUR, HOUR = 1800, 3600


class Office:
    """Commands for the node whose folder is `home`. Every method raises ShowError when the node refuses."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def create_event(self, seats: int, now: float) -> None:
        """A show whose doors open half an hour after `now`. Its gates admit from an hour before that, so that tickets
        can still change hands when it begins.
        """
        doors, starts = (datetime.fromtimestamp(now + shift, UTC).isoformat() for shift in (HALF_AN_HOUR, 2 * HOUR))
        times = ("--doors", doors, "--starts", starts, "--early-opens", str(HOUR))
        self._run("event", "create", EVENT, "--name", NAME, "--capacity", str(seats), *times)

    def import_tickets(self, csv: Path) -> int:
        """How many were imported."""
        return int(self._ask("tickets", "import", EVENT, csv)["imported"])

    def node_key(self) -> str:
        """The public key by which others know the node, in hex."""
        return str(self._ask("keys", "show")["node_key"])

    def set_policy(self, **changes: int | str) -> int:
        """The event's next policy; its version."""
        return int(self._do("policy-set", changes=changes)["version"])

    def add_provider(self, name: str, public_key: str) -> None:
        """A wallet provider whose receipts count from now on."""
        self._do("actors-add", actor=name, role="provider", public_key=public_key)

    def open_sale(self) -> None:
        """Sell what is unsold over the node's API."""
        self._do("sale-open", most=8, seconds=600)

    def import_orders(self, csv: Path) -> dict[str, Any]:
        """What became of the ticketing system's orders in a file."""
        return self._ask("orders", "import", EVENT, csv)

    def allot(self, sponsor: str, ticket: int) -> None:
        """A sponsor, and a ticket that they may give to a guest."""
        self._do("sponsors-add", sponsor=sponsor)
        self._do("sponsors-allot", sponsor=sponsor, tickets=[ticket])

    def invite(self, sponsor: str, email: str, question: str, answer: str) -> list[int]:
        """The ticket that the sponsor's guest gets, if they claim it and know the answer, which no letter says."""
        asked = ("sponsors", "invite", EVENT, sponsor, "--email", email, "--question", question)
        return list(json.loads(tool("ledger-node", "--home", self.home, *asked, given=answer))["tickets"])

    def enrolment_code(self, gate: str) -> str:
        """A one-time code for one device at `gate`."""
        return self._run("devices", "code", EVENT, gate).strip()

    def cancel(self, ticket: int) -> None:
        """The ticket is good no more."""
        self._run("tickets", "cancel", EVENT, str(ticket))

    def register(self, ticket: int, owner_seq: int, holder: Wallet) -> None:
        """The ticket is `holder`'s from now on: sold for the first time, or sold on."""
        proof = holder.proof(EVENT, ticket, owner_seq).hex()
        options = ("--owner-seq", str(owner_seq), "--holder-key", holder.public.hex(), "--proof", proof)
        self._run("tickets", "register", EVENT, str(ticket), *options)

    def certificate(self, ticket: int) -> tuple[str, str]:
        """The certificate for full codes and the ledger's signature on it, in hex."""
        shown = self._ask("tickets", "show", EVENT, str(ticket), "--certificate")
        return shown["certificate"], shown["ledger_signature"]

    def _do(self, operation: str, **values: Any) -> dict[str, Any]:
        try:
            with operator(self.home) as node:
                return dict(node.do(operation, event=EVENT, **values))
        except ServiceError as error:
            raise ShowError(f"{operation}: {error}") from error

    def _run(self, *arguments: str | Path) -> str:
        return tool("ledger-node", "--home", self.home, *arguments)

    def _ask(self, *arguments: str | Path) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._run(*arguments))
        return answer
