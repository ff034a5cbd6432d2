"""The sandbox provider's own parts: faults that can be switched, acts that share a transaction, pseudonyms apart."""

import sqlite3
import threading
from pathlib import Path
from random import Random

import pytest

from ledger_node.sandbox.bank import Bank
from ledger_node.sandbox.faults import Faults, read_faults
from ledger_node.sandbox.orders import SHAPES, order_fault
from ledger_node.sandbox.schema import open_database, secret
from ledger_node.sandbox.writer import Writer
from scanner.verify.keys import SigningKey

PARTY = "07" * 32
GOOD = {
    "reference": "r",
    "event": "e",
    "amount": 5,
    "currency": "HKD",
    "authorisation": "a",
    "until": 9,
    "payer": PARTY,
    "of": "h",
    "shares": [{"party": PARTY, "amount": 5}],
    "key": SigningKey(bytes(32)).public.hex(),
    "level": 1,
}


BAD = ("", None, True, -1, 2**70, [], {}, "\ud800", "é" * 200, 1.5, [[]], [{"party": PARTY}], [7], "x" * 200)


def test_a_fault_comes_every_so_often_and_can_be_switched() -> None:
    faults = Faults(read_faults("slow, lost/3"))
    assert [sorted(faults.take()) for _ in range(4)] == [["slow"], ["slow"], ["lost", "slow"], ["slow"]]
    faults.change({"refuse": 2})
    assert [sorted(faults.take()) for _ in range(2)] == [[], ["refuse"]]
    faults.change({})
    assert faults.take() == frozenset()


@pytest.mark.parametrize("text", ["fire", "lost/0", "lost/-1", "lost/x", "lost/1/2", "/3", "lost/9999999"])
def test_a_fault_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="slow, lost, refuse, twice"):
        read_faults(text)


@pytest.mark.parametrize("kind", SHAPES)
def test_an_order_is_read_strictly(kind: str) -> None:
    good = {name: GOOD[name] for name in SHAPES[kind]}
    assert order_fault(kind, good) is None
    assert order_fault(kind, {**good, "more": 1})
    for name in good:
        assert order_fault(kind, {key: value for key, value in good.items() if key != name})
        wrong = [bad for bad in BAD if not order_fault(kind, {**good, name: bad})]
        assert wrong == [], name


def test_shares_that_are_more_than_all_money_are_refused() -> None:
    shares = [{"party": f"{number:02x}" * 32, "amount": 2**53} for number in range(3)]
    assert order_fault("capture", {"reference": "r", "event": "e", "of": "h", "shares": shares})


def test_pseudonyms_of_two_events_or_providers_have_nothing_in_common() -> None:
    key = SigningKey(bytes(32))
    ours, theirs = (Bank("p", key, bytes([number]) * 32) for number in (1, 2))
    names = {
        bank.pseudonym(account, event)
        for bank in (ours, theirs)
        for account, event in [("a", "e"), ("a", "f"), ("b", "e"), ("ea", ""), ("", "ea"), ("a", "ee")]
    }
    assert len(names) == 12, "not even by moving letters from one name to the other"
    assert ours.pseudonym("a", "e") == ours.pseudonym("a", "e")


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    return open_database(tmp_path / "home" / "provider.sqlite3")


def test_only_the_owner_reads_the_secrets_and_they_stay(database: sqlite3.Connection, tmp_path: Path) -> None:
    draw = Random(1).randbytes
    first = secret(database, "k", draw)
    assert secret(database, "k", draw) == first
    assert (tmp_path / "home" / "provider.sqlite3").stat().st_mode & 0o077 == 0
    database.close()


def test_an_act_that_fails_changes_nothing_and_hinders_nobody(database: sqlite3.Connection) -> None:
    writer = Writer(database)
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(10)

    def add(db: sqlite3.Connection, name: str, *, fails: bool) -> str:
        db.execute("INSERT INTO account (account, merchant, level) VALUES (?, 0, 0)", (name,))
        if fails:
            raise LookupError(name)
        return name

    outcomes: dict[str, object] = {}

    def ask(name: str, *, fails: bool) -> None:
        try:
            outcomes[name] = writer.do(lambda db: add(db, name, fails=fails))
        except LookupError as error:
            outcomes[name] = error

    threads = [threading.Thread(target=writer.do, args=(slow,))]
    threads += [threading.Thread(target=ask, args=(f"n{n}",), kwargs={"fails": n % 2 == 0}) for n in range(6)]
    threads[0].start()
    begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join()
    kept = writer.do(lambda db: {name for (name,) in db.execute("SELECT account FROM account")})
    writer.close()
    assert kept == {"n1", "n3", "n5"}
    assert {name for name, outcome in outcomes.items() if isinstance(outcome, LookupError)} == {"n0", "n2", "n4"}
