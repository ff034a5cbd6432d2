"""The organisations around the ledger node in the show: a wallet provider (the sandbox, a program of its own), a mail
server in this process that keeps what it gets, and the ticketing system's secret. Writes them into outside.toml.
"""

import base64
import json
import os
import queue
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path

from tests.fakes.post_office import PostOffice, open_office
from tests.fakes.running_provider import Desk
from tests.show.app import Payer
from tests.show.cast import EVENT
from tests.show.people import PEOPLE, Person
from tests.show.stage import BIN, Line, Program, ShowError

PROVIDER, ORGANISER, SERVICE = "wallet", "organiser", "ticketing-service"
DEPOSIT = 1_000_000
PATIENCE_S, GLANCE_S = 30.0, 0.02
_SECRET_FILE = "ticketing.whsec"
_LINK = re.compile(r"\S+#\S+")
_SETTINGS = """\
[provider]
url = "{url}"
name = "{name}"
public_key = "{key}"
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "tickets@box.example"
name = "TicketME 票務"
[ticketing]
webhook_secret_files = ["{secret}"]
"""


class Outside:
    """Open until `stack` closes, but for the provider's program, which whoever has it stops. Raises ShowError."""

    def __init__(self, folder: Path, stack: ExitStack, hear: Callable[[Line], None]) -> None:
        said: queue.SimpleQueue[Line] = queue.SimpleQueue()

        def listen(line: Line) -> None:
            said.put(line)
            hear(line)

        command = (BIN / "ledger-node", "provider-sandbox", "--home", folder, "--port", "0", "--name", PROVIDER)
        self.secret = os.urandom(32)
        self.post = PostOffice()
        self.provider_key = self._url = ""
        self._said, self._stack = said, stack
        self._port = stack.enter_context(open_office(self.post))
        self.program = Program(PROVIDER, command, listen)

    def open_accounts(self, node_key: str) -> None:
        """When the provider serves: the node may ask it, and everybody has an account and money there."""
        try:
            about = self._said.get(timeout=PATIENCE_S).fields
        except queue.Empty:
            raise ShowError("the wallet provider does not start") from None
        if "url" not in about:
            raise ShowError(f"the wallet provider says: {self.program.tail()}")
        self.provider_key, self._url = about["public_key"], about["url"]
        self.desk = Desk(self._url)
        self._stack.callback(self.desk.close)
        self.desk.do("clients", public_key=node_key)
        for house in (ORGANISER, SERVICE):
            self.desk.do("accounts", account=house, merchant=True)
        for person in PEOPLE:
            self.desk.do("accounts", account=person.account, deposit=DEPOSIT)

    def write_settings(self, home: Path) -> None:
        """The node's outside.toml, and the secret where the node's keys are."""
        (home / "keys").mkdir(mode=0o700, exist_ok=True)
        secret = home / "keys" / _SECRET_FILE
        secret.touch(mode=0o600)
        secret.write_text(f"whsec_{base64.b64encode(self.secret).decode()}\n")
        settings = _SETTINGS.format(
            url=self._url, name=PROVIDER, key=self.provider_key, port=self._port, secret=_SECRET_FILE
        )
        (home / "outside.toml").write_text(settings, encoding="utf-8")

    # Money

    def party(self, account: str) -> str:
        """What the provider calls an account in this event, in hex."""
        return self.desk.party(account, EVENT).hex()

    def agrees(self, person: Person) -> Payer:
        """The person says in the provider's app that they pay."""
        return Payer(self.party(person.account), self.desk.yes(person.account, "pay", EVENT))

    def identifies(self, person: Person) -> str:
        """The person says in the provider's app that it may say who they are; what they are given to show."""
        return self.desk.yes(person.account, "identify", EVENT)

    def balances(self) -> dict[str, int]:
        """Cents by account, once no payment is under way any more."""
        self._wait("the wallet provider has taken what it held", lambda: not self.desk.do("books")["held"])
        found: dict[str, int] = self.desk.do("accounts")
        return found

    def balanced(self) -> bool:
        """Whether the provider's journal and accounts agree on where all money is."""
        return bool(self.desk.do("books")["balanced"])

    # Letters

    def letter(self, person: Person, number: int = 1) -> EmailMessage:
        """The person's `number`-th letter with a link, as it came over SMTP; receipts have none."""

        def theirs() -> list[EmailMessage]:
            return [one for one in self.post.letters if one["To"] == person.email and _found(one)]

        self._wait(f"a letter to {person.en}", lambda: len(theirs()) >= number)
        return theirs()[number - 1]

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > until:
                raise ShowError(f"waited {PATIENCE_S:.0f} s in vain: {what}")
            time.sleep(GLANCE_S)


def _found(letter: EmailMessage) -> re.Match[str] | None:
    body = letter.get_body(("plain",))
    return _LINK.search(body.get_content()) if body else None


def link(letter: EmailMessage) -> str:
    """The link in the letter."""
    found = _found(letter)
    if found is None:
        raise ShowError(f"there is no link in the letter: {letter['Subject']}")
    return found[0]


def order_file(path: Path, number: str, person: Person, tickets: list[int], price: int, fee: int) -> bytes:
    """Write the ticketing system's file with one order, as spreadsheets save it; the same order as a webhook's body."""
    columns = "number,event,tickets,eticket,price_cents,fee_cents,email"
    row = f"{number},{EVENT},{' '.join(map(str, tickets))},yes,{price},{fee},{person.email}"
    path.write_text(f"{columns}\r\n{row}\r\n", encoding="utf-8-sig", newline="")
    order = {"number": number, "event": EVENT, "tickets": tickets, "eticket": True, "email": person.email}
    return json.dumps({**order, "price_cents": price, "fee_cents": fee}).encode()
