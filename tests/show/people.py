"""Six people whom the show follows by name, and the tickets that pass through their hands.

Their names and addresses exist here and in the letters that they get. No ledger, no gate and no log ever learns one;
`named_in` looks whether that is so.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.fakes.wallet import Wallet
from tests.show.cast import EVENT, Cast


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an address and an account at the wallet provider."""

    zh: str
    en: str
    email: str

    @property
    def name(self) -> str:
        """In both languages."""
        return f"{self.zh} {self.en}"

    @property
    def account(self) -> str:
        """What the wallet provider calls them."""
        return self.email.partition("@")[0]


CHAN = Person("陳大文", "Chan Tai-man", "chan.taiman@example.com")
CHOW = Person("周子晴", "Chow Tsz-ching", "chow.tszching@example.com")
LEE = Person("李美玲", "Lee Mei-ling", "lee.meiling@example.com")
WONG = Person("黃志強", "Wong Chi-keung", "wong.chikeung@example.com")
HO = Person("何嘉欣", "Ho Ka-yan", "ho.kayan@example.com")
LAM = Person("林詠詩", "Lam Wing-sze", "lam.wingsze@example.com")
ADVISER = ("您的客戶經理？ Who is your adviser at the bank?", "Cheung Ka-yan")
"""What the sponsor asks its guest, and the answer."""
PEOPLE = (CHAN, CHOW, LEE, WONG, HO, LAM)


@dataclass(frozen=True, slots=True)
class Held:
    """A ticket while it is somebody's: which of its owners they are, and the key that they have for it."""

    person: Person
    ticket: int
    owner_seq: int
    wallet: Wallet

    @property
    def proof(self) -> bytes:
        """That they possess the key (proof of possession)."""
        return self.wallet.proof(EVENT, self.ticket, self.owner_seq)

    def code(self, at: float) -> str:
        """What their phone shows at unix second `at`."""
        return self.wallet.compact(EVENT, self.ticket, self.owner_seq, at).text()


@dataclass(frozen=True, slots=True)
class Company:
    """Who holds what in the end, and before that. Chan and Lee belong to the red gates, the others to the blue ones."""

    chan: Held
    chan_before: Held
    lee: Held
    wong_before: Held
    ho: Held
    lam: Held

    @staticmethod
    def of(cast: Cast) -> "Company":
        def held(person: Person, ticket: int, owner_seq: int = 0) -> Held:
            return Held(person, ticket, owner_seq, cast.stranger())

        own, passed_on, resold, given = cast.unsold(0), cast.unsold(1), cast.unsold_blue(0), cast.unsold_blue(1)
        return Company(
            chan=held(CHAN, own),
            chan_before=held(CHAN, passed_on),
            lee=held(LEE, passed_on, 1),
            wong_before=held(WONG, resold),
            ho=held(HO, resold, 1),
            lam=held(LAM, given),
        )

    def all(self) -> tuple[Held, ...]:
        """Every ticket in every pair of hands, in the order of the story."""
        return (self.chan, self.chan_before, self.lee, self.wong_before, self.ho, self.lam)


def named_in(texts: Iterable[bytes]) -> list[str]:
    """Names and addresses of the people that stand in these bytes."""
    whole = b"\0".join(texts)
    said = [word for person in PEOPLE for word in (person.zh, person.en, person.email, person.account)]
    return [word for word in said if word.encode() in whole]
