"""The box office: everything that an operator does at a ledger node in the show, with the node's own command line.

It works the same while the node is served and while it is down. No rule of a ticket is known here.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fakes.wallet import Wallet
from tests.show.cast import EVENT, NAME
from tests.show.stage import tool

HALF_AN_HOUR = 1800


class Office:
    """Commands for the node whose folder is `home`. Every method raises ShowError when the node refuses."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def create_event(self, seats: int, now: float) -> None:
        """A show whose doors opened half an hour before `now`."""
        doors, starts = (datetime.fromtimestamp(now + shift, UTC).isoformat() for shift in (-HALF_AN_HOUR, 4500))
        capacity = ("--capacity", str(seats))
        self._run("event", "create", EVENT, "--name", NAME, "--doors", doors, "--starts", starts, *capacity)

    def import_tickets(self, csv: Path) -> int:
        """How many were imported."""
        return int(self._ask("tickets", "import", EVENT, csv)["imported"])

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

    def _run(self, *arguments: str | Path) -> str:
        return tool("ledger-node", "--home", self.home, *arguments)

    def _ask(self, *arguments: str | Path) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._run(*arguments))
        return answer
