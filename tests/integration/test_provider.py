"""The wallet provider's port, between a real client and the sandbox provider as a real server: money moves once, and
only as receipts say.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger_node.adapters.provider import Declined, ProviderError
from ledger_node.adapters.provider_orders import Capture, Refund, Release
from ledger_node.contract.provider import Attestation, Money, Share, open_receipt, signed_by
from ledger_node.sandbox.server import SandboxServer
from scanner.verify.keys import SigningKey
from tests.fakes.running_provider import (
    EVENT,
    HOLDER,
    Bench,
    DeskError,
    bench,
    capture,
    client_of,
    served_provider,
)


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(tmp_path: Path, clock: Clock) -> Iterator[SandboxServer]:
    with served_provider(tmp_path, clock) as running:
        yield running


@pytest.fixture
def there(server: SandboxServer) -> Iterator[Bench]:
    with bench(server.url) as made:
        yield made


def held(there: Bench, reference: str = "h1", amount: int = 90_000) -> Money:
    outcome = there.client.do(there.desk.hold("buyer", reference, amount))
    assert isinstance(outcome, Money)
    return outcome


@pytest.fixture
def parties(there: Bench) -> dict[str, bytes]:
    return {
        "buyer": there.desk.account("buyer", 100_000),
        "seller": there.desk.account("seller"),
        "organiser": there.desk.account("organiser", merchant=True),
    }


def test_a_hold_is_captured_to_the_cent_and_everything_is_signed(there: Bench, parties: dict[str, bytes]) -> None:
    hold = held(there)
    assert there.desk.do("accounts") == {"buyer": 10_000, "seller": 0, "organiser": 0}
    shares = ((parties["seller"], 85_500), (parties["organiser"], 4_500))
    taken = there.client.do(capture("c1", "h1", *shares))
    assert isinstance(taken, Money)
    assert (taken.kind, taken.of, taken.amount, taken.payer) == ("capture", "h1", 90_000, parties["buyer"])
    assert there.desk.do("accounts") == {"buyer": 10_000, "seller": 85_500, "organiser": 4_500}
    for receipt in (hold, taken):
        assert open_receipt(receipt.raw) == receipt
        assert signed_by(receipt, there.key)
    assert there.desk.do("books") == {"paid_in": 100_000, "held": 0, "accounts": 100_000, "balanced": True}


def test_a_released_hold_is_the_payers_again(there: Bench, parties: dict[str, bytes]) -> None:
    held(there)
    freed = there.client.do(Release("r1", EVENT, "h1"))
    assert isinstance(freed, Money)
    assert (freed.of, freed.amount) == ("h1", 90_000)
    assert there.desk.do("accounts")["buyer"] == 100_000
    assert there.client.do(capture("c1", "h1", (parties["seller"], 90_000))) == Declined(
        "hold-released", "the hold is released"
    )


def test_a_hold_ends_by_itself_and_is_then_only_released(there: Bench, parties: dict[str, bytes], clock: Clock) -> None:
    hold = held(there)
    clock.ahead = hold.until - clock() + 1
    later = client_of(there.url, there.key)
    later._now = clock
    assert later.do(capture("c1", "h1", (parties["seller"], 90_000))).__class__ is Declined
    assert there.desk.do("accounts")["buyer"] == 100_000
    freed = later.do(Release("r1", EVENT, "h1"))
    assert isinstance(freed, Money)
    assert there.desk.do("books")["balanced"]
    later.close()


@pytest.mark.usefixtures("parties")
def test_a_reference_counts_once(there: Bench) -> None:
    order = there.desk.hold("buyer", "h1", 40_000)
    first = there.client.do(order)
    assert there.client.do(order) == first == there.client.status(order)
    assert there.desk.do("accounts")["buyer"] == 60_000
    with pytest.raises(ProviderError, match="reference-used"):
        there.client.do(replace(order, amount=1))
    assert there.client.status(replace(order, reference="never")) is None


@pytest.mark.usefixtures("parties")
def test_a_refusal_is_final_for_its_reference(there: Bench) -> None:
    order = there.desk.hold("buyer", "h1", 100_001)
    refused = there.client.do(order)
    assert isinstance(refused, Declined)
    assert refused.code == "insufficient-funds"
    there.desk.do("accounts", account="buyer", deposit=1)
    assert there.client.do(order) == refused == there.client.status(order)
    assert isinstance(there.client.do(replace(order, reference="h1-2")), Money), "what was refused used up no consent"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (Capture("x", EVENT, "none", (Share(bytes(32), 1),)), "unknown-hold"),
        (Capture("x", "another", "h1", (Share(bytes(32), 90_000),)), "unknown-hold"),
        (Capture("x", EVENT, "h1", (Share(bytes(32), 90_000),)), "unknown-party"),
        (Capture("x", EVENT, "h1", (Share(bytes(32), 89_999),)), "wrong-amount"),
        (Release("x", EVENT, "none"), "unknown-hold"),
        (Refund("x", EVENT, "h1", (Share(bytes(32), 1),)), "unknown-capture"),
    ],
)
@pytest.mark.usefixtures("parties")
def test_what_makes_no_sense_is_declined_and_moves_nothing(there: Bench, order: Any, code: str) -> None:
    held(there)
    outcome = there.client.do(order)
    assert isinstance(outcome, Declined)
    assert outcome.code == code
    assert there.desk.do("accounts") == {"buyer": 10_000, "seller": 0, "organiser": 0}
    assert there.desk.do("books")["balanced"]


@pytest.mark.usefixtures("parties")
def test_nobody_pays_without_having_said_yes_to_it(there: Bench) -> None:
    desk, do = there.desk, there.client.do
    used = desk.hold("buyer", "h1", 1)
    do(used)
    bad = {
        "used": replace(used, reference="h2"),
        "more": desk.hold("buyer", "h3", 501, authorisation=desk.yes("buyer", most=500)),
        "event": desk.hold("buyer", "h4", 1, authorisation=desk.yes("buyer", event="another")),
        "purpose": desk.hold("buyer", "h5", 1, authorisation=desk.yes("buyer", "identify")),
        "made up": desk.hold("buyer", "h6", 1, authorisation="pay-0000"),
        "another's": desk.hold("seller", "h7", 1, authorisation=desk.yes("buyer")),
    }
    codes = {name: do(order) for name, order in bad.items()}
    assert {name: code.code for name, code in codes.items() if isinstance(code, Declined)} == {
        **dict.fromkeys(bad, "bad-authorisation"),
        "another's": "other-payer",
    }
    assert desk.do("accounts")["buyer"] == 99_999


def test_a_refund_takes_from_a_person_only_what_they_got(there: Bench, parties: dict[str, bytes]) -> None:
    desk, do = there.desk, there.client.do
    desk.do("accounts", account="organiser", deposit=200_000, merchant=True)
    desk.do("accounts", account="seller", deposit=50_000)
    held(there)
    do(capture("c1", "h1", (parties["seller"], 85_500), (parties["organiser"], 4_500)))

    def refund(reference: str, *shares: tuple[bytes, int]) -> Money | Declined:
        return do(Refund(reference, EVENT, "c1", tuple(Share(*share) for share in shares)))

    assert isinstance(refund("r1", (parties["seller"], 500)), Money)
    assert refund("r2", (parties["seller"], 85_001)) == Declined(
        "over-refund", "a person gives back at most what they got in this capture"
    )
    assert isinstance(refund("r3", (parties["organiser"], 89_500)), Money), "an organisation may give for the seller"
    assert isinstance(refund("r4", (parties["organiser"], 1)), Declined), "but no more than was paid"
    assert desk.do("accounts") == {"buyer": 100_000, "seller": 135_000, "organiser": 115_000}
    assert desk.do("books")["balanced"]


def test_an_attestation_binds_a_key_to_a_pseudonym_of_the_event(there: Bench) -> None:
    desk = there.desk
    desk.account("chan", level=2)
    first = there.client.attest(desk.attest("chan", "a1"))
    other = SigningKey(bytes(32)).public
    second = there.client.attest(desk.attest("chan", "a2", level=1, key=other))
    assert isinstance(first, Attestation)
    assert isinstance(second, Attestation)
    assert (first.key, second.key) == (HOLDER.public, other)
    assert first.subject == second.subject == desk.party("chan"), "one person, one pseudonym"
    assert first.subject != desk.party("chan", "another-event"), "that no other event knows"
    assert signed_by(first, there.key)
    assert there.client.attest(desk.attest("chan", "a3", level=3)) == Declined(
        "level-too-low", "this person is known to level 2, not 3"
    )


@pytest.mark.usefixtures("parties")
def test_a_stranger_gets_no_answer(there: Bench, server: SandboxServer) -> None:
    order = there.desk.hold("buyer", "h1", 1)
    stranger = client_of(server.url, there.key)
    stranger._key = SigningKey(bytes(32))
    with pytest.raises(ProviderError, match="401 unknown-key"):
        stranger.do(order)
    stranger.close()
    assert there.client.status(order) is None


@pytest.mark.usefixtures("parties")
def test_an_impostor_in_the_providers_place_is_not_believed(there: Bench) -> None:
    wrong = client_of(there.url, SigningKey(bytes(32)).public)
    with pytest.raises(ProviderError, match="did not sign"):
        wrong.do(there.desk.hold("buyer", "h1", 1))
    wrong.close()


@pytest.mark.parametrize(
    ("what", "given"),
    [
        ("accounts", {"account": ""}),
        ("accounts", {"account": "*held"}),
        ("accounts", {"account": "a", "deposit": -1}),
        ("accounts", {"account": "a", "deposit": True}),
        ("permissions", {"account": "nobody", "event": "e", "purpose": "pay"}),
        ("permissions", {"account": "nobody", "event": "e", "purpose": "steal"}),
        ("parties", {"account": "nobody", "event": "e"}),
        ("clients", {"public_key": "00" * 32}),
        ("faults", {"faults": "fire"}),
        ("faults", {"faults": "lost/0"}),
        ("nothing", {"a": 1}),
    ],
)
def test_the_desk_says_what_it_cannot_do(there: Bench, what: str, given: dict[str, Any]) -> None:
    with pytest.raises(DeskError, match=r"^4\d\d "):
        there.desk.do(what, **given)


def test_what_is_known_survives_a_restart(tmp_path: Path) -> None:
    with served_provider(tmp_path / "p") as server, bench(server.url) as there:
        there.desk.account("buyer", 500)
        order = there.desk.hold("buyer", "h1", 200)
        before, key, party = there.client.do(order), there.key, there.desk.party("buyer")
    with served_provider(tmp_path / "p") as server, bench(server.url) as there:
        assert (there.key, there.desk.party("buyer")) == (key, party)
        assert there.client.status(order) == before
        assert there.desk.do("books") == {"paid_in": 500, "held": 200, "accounts": 300, "balanced": True}
