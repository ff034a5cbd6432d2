"""Captures and letters wait while people pay, but not for ever."""

import threading
from types import SimpleNamespace

import pytest

from ledger_node.services import tending
from ledger_node.services.market_book import MarketBook


@pytest.fixture
def rounds(monkeypatch):
    """A semaphore that each round releases."""
    done = threading.Semaphore(0)
    monkeypatch.setattr(tending, "tend", lambda _: done.release())
    monkeypatch.setattr(tending, "EVERY", 60)
    monkeypatch.setattr(tending, "GATHER", 0.01)
    return done


@pytest.fixture
def book(tmp_path):
    made = MarketBook(tmp_path / "market.sqlite3")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def tender(book, rounds):
    made = tending.Tender(SimpleNamespace(market=book))
    made.start()
    assert rounds.acquire(timeout=10)
    yield
    made.close()


def test_a_round_waits_until_no_one_pays(book, rounds):
    with book.buyer():
        with book.buyer():
            book.work.set()
        assert not rounds.acquire(timeout=0.3)
    assert rounds.acquire(timeout=10)


def test_a_rush_without_end_puts_a_round_off_for_a_while_only(book, rounds, monkeypatch):
    monkeypatch.setattr(tending, "LONGEST", 0.05)
    with book.buyer():
        book.work.set()
        assert rounds.acquire(timeout=10)
