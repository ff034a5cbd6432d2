"""Nonces: a signed request is acted upon once, in a run, across an orderly restart and across a crash."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_node.services import nonces
from ledger_node.services.errors import ServiceError
from ledger_node.services.nonces import Nonces
from ledger_node.services.store import Store
from scanner.verify.httpsig import WINDOW, Signed

NOW = 1_900_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "node.sqlite3")
    yield made
    made.close()


def signed(nonce: str, created: int = NOW + 1, keyid: str = "k") -> Signed:
    return Signed(keyid, nonce, created, bytes(32))


def refusal(seen: Nonces, request: Signed, now: float = NOW + 1) -> str:
    with pytest.raises(ServiceError) as caught:
        seen.use(request, now)
    return caught.value.code


def test_a_nonce_is_good_once_for_each_key(store: Store) -> None:
    seen = Nonces(store, NOW)
    seen.use(signed("a"), NOW + 1)
    assert refusal(seen, signed("a")) == "replayed"
    seen.use(signed("a", keyid="other"), NOW + 1)


def test_the_first_start_refuses_nobody(store: Store) -> None:
    Nonces(store, NOW).use(signed("a", created=NOW - 30), NOW)


def test_an_orderly_restart_forgets_nothing_and_refuses_nobody(store: Store) -> None:
    before = Nonces(store, NOW)
    before.use(signed("a"), NOW + 1)
    before.close()
    after = Nonces(store, NOW + 2)
    assert refusal(after, signed("a")) == "replayed"
    after.use(signed("b", created=NOW - 20), NOW + 2)


def test_after_a_crash_a_request_from_before_it_must_be_signed_again(store: Store) -> None:
    Nonces(store, NOW).use(signed("a", created=NOW), NOW)
    after = Nonces(store, NOW + 1)
    assert refusal(after, signed("a", created=NOW)) == "clock"
    after.use(signed("b", created=NOW + 2), NOW + 2)


def test_a_request_of_a_fast_clock_is_not_acted_upon_again_after_a_crash(store: Store) -> None:
    before, early = Nonces(store, NOW), signed("a", created=NOW + 50)
    before.use(early, NOW)
    assert before.early(early, NOW)
    before.keep(early)
    assert refusal(Nonces(store, NOW + 1), early) == "replayed"


def test_a_request_that_is_not_early_needs_no_disk() -> None:
    assert not Nonces.early(signed("a", created=NOW), NOW + 0.5)


def test_old_nonces_are_forgotten_and_memory_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces, "CAPACITY", 3)
    seen = Nonces(store, NOW)
    for nonce in "abc":
        seen.use(signed(nonce), NOW + 1)
    assert refusal(seen, signed("d")) == "busy"
    later = NOW + 2 * WINDOW + 5
    seen.use(signed("d", created=later), later)
    assert len(seen) == 1
