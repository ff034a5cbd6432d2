"""The first act: how tickets find their holders in the weeks before the show, at the served node, over its API.

Six people buy, activate, pass on, refuse, sell and are invited. Whatever does not go as the script says ends the show
(ShowError). What the node tells of its log is kept in `told`, to be held against the log afterwards.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger_node.adapters.exchange import HttpError
from ledger_node.adapters.letters import dollars
from tests.fakes.deliveries import signed
from tests.fakes.running_provider import DeskError
from tests.show.app import App, RefusedError
from tests.show.cast import FACE_VALUE, NAME
from tests.show.office import HOUR, Office
from tests.show.outside import ORGANISER, PROVIDER, SERVICE, Outside, link, order_file
from tests.show.people import ADVISER, CHAN, CHOW, HO, LAM, LEE, WONG, Company, Held, Person
from tests.show.stage import ShowError
from tests.show.table import Stage

SPONSOR, NUMBER = "harbour-bank", "URB-1122-0417"
TOO_MUCH, RESALE = 96_800, 79_999
RULES = {"transfer_cap": 100, "resale_cap": 100, "organiser_fee": 500, "service_fee": 125, "handling_fee": 1_500}
SPONSORS_SHARE = 500
OFFICE, FEED = "box office", "ticketing system"


@dataclass
class Told:
    """What the node told while the act was played: types of entries by their positions, and to whom offers went."""

    entries: dict[int, str] = field(default_factory=dict)
    offered: dict[str, Person] = field(default_factory=dict)


class Weeks:
    """See the module. `folder` is for the ticketing system's file; everything is told on `stage`, on one thread."""

    def __init__(self, folder: Path, office: Office, outside: Outside, company: Company, stage: Stage) -> None:
        self.told = Told()
        self._folder, self._office, self._outside = folder, office, outside
        self._who, self._stage = company, stage
        self._letters: dict[Person, int] = {}

    def play(self, url: str) -> None:
        """At the node at `url`. Raises ShowError."""
        with App(url) as app, ThreadPoolExecutor() as pool:
            try:
                self._rules()
                invited = pool.submit(self._office.invite, SPONSOR, LAM.email, *ADVISER)
                self._order(app)
                self._direct_sale(app)
                self._transfer(app)
                self._resale(app)
                self._guest(app, invited)
                self._freeze(app)
                balanced = self._outside.balanced()
            except RefusedError as no:
                raise ShowError(f"the node refused what it should not: {no}") from no
            except (DeskError, HttpError) as error:
                raise ShowError(f"the wallet provider's desk: {error}") from error
        if not balanced:
            raise ShowError("the wallet provider's books do not balance")

    # Scenes

    def _rules(self) -> None:
        office, outside = self._office, self._outside
        parties = {"organiser_party": outside.party(ORGANISER), "service_party": outside.party(SERVICE)}
        with self._stage.bar("the organiser's rules, a wallet provider, a sponsor", None):
            office.set_policy(**RULES, **parties, sponsor_share=SPONSORS_SHARE)
            office.add_provider(PROVIDER, outside.provider_key)
            office.open_sale()
            office.allot(SPONSOR, self._who.lam.ticket)
        self._say(OFFICE, "at most face value; of a resale 5 % go to the organiser")

    def _order(self, app: App) -> None:
        mine = [self._who.chan, self._who.chan_before]
        tickets, fee = [held.ticket for held in mine], RULES["handling_fee"] * len(mine)
        self._say(CHAN, f"orders tickets {tickets[0]} and {tickets[1]}, as e-tickets: {cents(2 * FACE_VALUE + fee)}")
        file = self._folder / "orders.csv"
        body = order_file(file, NUMBER, CHAN, tickets, 2 * FACE_VALUE, fee)
        self._want(self._office.import_orders(file), sold=1, known=0, bad=0)
        again = app.deliver(body, signed(body, self._outside.secret, time.time()))
        self._want(again, sold=0, known=1, bad=0)
        self._say(FEED, "its order file is taken; the same order by webhook is known")
        token, asked = self._open_letter(app, CHAN)
        no = refused("wrong-answer", lambda: app.activate(token, "URB-0000-0000", mine))
        self._say(CHAN, f"“{asked['question']}” … a wrong answer", no)
        self._activate(app, token, NUMBER, mine)

    def _direct_sale(self, app: App) -> None:
        held = self._who.wong_before
        kept = app.keep(held.ticket)
        sold = app.pay(kept["hold"], self._outside.agrees(WONG), WONG.email)
        self._want(sold, tickets=[held.ticket], amount=FACE_VALUE + RULES["handling_fee"])
        self._say(WONG, f"keeps the seat of ticket {held.ticket}, pays {cents(sold['amount'])}", entry=("sale", sold))
        token, _ = self._open_letter(app, WONG)
        self._activate(app, token, sold["number"], [held])

    def _transfer(self, app: App) -> None:
        mine, lee = self._who.chan_before, self._who.lee
        self._identify(app, mine)
        deal = self._offer(app, mine, 0, CHOW)
        secret = self._open_offer(app, CHOW, deal)
        said = app.reject(mine.ticket, deal, secret, self._who.lee.wallet)
        self._say(CHOW, "opens the letter: no, thanks", entry=("transfer.reject", said))
        no = refused("above-cap", lambda: app.offer(mine, TOO_MUCH, os.urandom(32), LEE.email))
        self._say(CHAN, f"offers it to {LEE.en} for {cents(TOO_MUCH)}: 10 % too much", no)
        deal = self._offer(app, mine, FACE_VALUE, LEE)
        secret = self._open_offer(app, LEE, deal)
        said = self._take(app, "transfers", deal, lee, secret)
        self._say(LEE, f"pays {cents(FACE_VALUE)}, accepts with a key of her own", entry=("transfer.accept", said))

    def _resale(self, app: App) -> None:
        mine, ho, outside = self._who.wong_before, self._who.ho, self._outside
        self._identify(app, mine)
        listed = app.put_up(mine, RESALE)
        self._say(WONG, f"lists ticket {mine.ticket} for {cents(RESALE)}", entry=("resale.list", listed))
        shares = app.deal("listings", listed["deal"])
        before = outside.balances()
        said = self._take(app, "listings", listed["deal"], ho)
        self._say(HO, f"buys it for {cents(RESALE)}", entry=("resale.buy", said))
        after = outside.balances()
        parts = {WONG.account: shares["seller"], ORGANISER: shares["organiser"], SERVICE: shares["fees"]}
        moved = {account: after[account] - before[account] for account in after if after[account] != before[account]}
        if moved != {**parts, HO.account: -RESALE} or sum(parts.values()) != RESALE:
            raise ShowError(f"the resale was settled as {moved}, and the listing said {parts}")
        names = ("to the seller", "organiser", "service")
        split = " + ".join(f"{dollars(part)} {name}" for part, name in zip(parts.values(), names, strict=True))
        self._stage.aside(f"{cents(RESALE)} = {split}", "green")

    def _guest(self, app: App, invited: "Future[list[int]]") -> None:
        held = self._who.lam
        if invited.result() != [held.ticket]:
            raise ShowError(f"the sponsor's guest was given {invited.result()}, not ticket {held.ticket}")
        self._say(SPONSOR, f"has been allotted ticket {held.ticket}, and invites a guest")
        token, _ = self._open_letter(app, LAM)
        self._activate(app, token, ADVISER[1], [held])

    def _freeze(self, app: App) -> None:
        version = self._office.set_policy(freezes=2 * HOUR)
        self._say(OFFICE, f"policy {version}: from now on no ticket changes hands")
        no = refused("frozen", lambda: app.offer(self._who.lee, 0, os.urandom(32), CHOW.email))
        self._say(LEE, "would pass it on after all", no)

    # Their parts

    def _open_letter(self, app: App, person: Person) -> tuple[str, dict[str, Any]]:
        """The token of the link in the person's next letter, and what its page asks."""
        token = self._next_letter(app, person)
        return token, app.look(token)

    def _activate(self, app: App, token: str, answer: str, held: Sequence[Held]) -> None:
        given = app.activate(token, answer, held)["tickets"]
        if [one["holder_key"] for one in given] != [one.wallet.public.hex() for one in held]:
            raise ShowError(f"{held[0].person.en} activated with other keys than their own")
        keys = "the key" if len(held) == 1 else f"{len(held)} keys"
        self._say(held[0].person, f"the right answer; {keys} registered, by proof of possession")

    def _identify(self, app: App, held: Held) -> None:
        """Who is to be paid must be known to the wallet provider; the ledger gets a pseudonym."""
        app.identify(held, self._outside.identifies(held.person))

    def _offer(self, app: App, held: Held, price: int, to: Person) -> str:
        said = app.offer(held, price, os.urandom(32), to.email)
        deal = str(said["deal"])
        self.told.offered[deal] = to
        terms = f"for {cents(price)}" if price else "free of charge"
        self._say(held.person, f"offers ticket {held.ticket} to {to.en} {terms}", entry=("transfer.offer", said))
        return deal

    def _open_offer(self, app: App, person: Person, deal: str) -> str:
        """The secret in the person's next letter, which must be about this deal."""
        _, said, secret = self._next_letter(app, person).rsplit("/", 2)
        if said != deal or app.deal("transfers", said)["deal"] != deal:
            raise ShowError(f"the letter to {person.en} is about another offer")
        return secret

    def _take(self, app: App, kind: str, deal: str, held: Held, secret: str | None = None) -> dict[str, Any]:
        return app.take(kind, deal, held, self._outside.agrees(held.person), secret)

    def _next_letter(self, app: App, person: Person) -> str:
        """Open the link in the person's next letter; what stands behind its #, which no server is told."""
        number = self._letters[person] = self._letters.get(person, 0) + 1
        letter = self._outside.letter(person, number)
        self._stage.aside(f"✉ {letter['Subject'].removesuffix(f': {NAME}')}", "cyan")
        page, _, secret = link(letter).partition("#")
        app.open(page)
        return secret

    def _say(
        self,
        who: Person | str,
        sentence: str,
        no: RefusedError | None = None,
        entry: tuple[str, dict[str, Any]] | None = None,
    ) -> None:
        position = None
        if entry is not None:
            position = int(entry[1]["position"])
            self.told.entries[position] = entry[0]
        self._stage.tell(who.name if isinstance(who, Person) else who, sentence, position)
        if no is not None:
            self._stage.aside(f"✗ {no.code}: {no.sentence}", "bold red")
            if no.chinese:
                self._stage.aside(f"  {no.chinese}", "bold red")

    def _want(self, said: dict[str, Any], **wanted: object) -> None:
        if unlike := {name: said[name] for name in wanted if said[name] != wanted[name]}:
            raise ShowError(f"the node says {unlike}, and not {wanted}")


def refused(code: str, act: Callable[[], object]) -> RefusedError:
    """What the node says when it refuses this, as it must, with this code. Raises ShowError if it does not."""
    try:
        act()
    except RefusedError as no:
        if no.code == code:
            return no
        raise ShowError(f"this must be refused as {code}, and was as {no}") from no
    raise ShowError(f"the node did what it must refuse as {code}")


def cents(amount: int) -> str:
    """As people write it."""
    return f"HK${dollars(amount)}"
