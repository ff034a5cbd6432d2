"""What strangers, and one holder, can make the node do: letters, log entries, holds, guesses, stretched answers. Each
is bounded, and who is right beside them, behind the same address, is served.
"""

import hashlib
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
import requests
from structlog.testing import capture_logs

from ledger_node.services import activation, policies, sale, tally, transfers
from ledger_node.services.activation import Ask
from ledger_node.services.devices import make_code
from scanner.verify.enrolment import EnrolmentCode, fingerprint
from scanner.verify.entry import open_entry
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.keys import SigningKey
from tests.fakes.gate_client import GateClient
from tests.fakes.marketplace import EVENT, FACE, POLICY, Clock
from tests.fakes.shop import open_shop, paying

HALL = {"X-Forwarded-For": "198.51.100.7"}
FREE = {"tier": 1, "category": 0, "price": 0, "opens": 0, "closes": 2**33}
OUTSIDE = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture
def clock():
    return Clock(int(time.time()))


@pytest.fixture
def shop(tmp_path, clock):
    with open_shop(tmp_path, clock, 60) as made:
        yield made


def told(answers):
    return Counter((one.status_code, one.json().get("code", "")) for one in answers)


def link(shop, ticket, answer="right"):
    node = shop.market.node
    person = node.vault.add({"email": "x@example.com"}, node.seconds)
    return activation.prepare(node, Ask(EVENT, (ticket,), f"HK-{ticket}", person, "?", answer))


def keys(shop, ticket):
    key = shop.market.person(f"holder of {ticket}").key(ticket, 0)
    proof = key.sign(possession_message(event_hash(EVENT), ticket, 0, key.public))
    return [{"ticket": ticket, "holder_key": key.public.hex(), "proof": proof.hex()}]


def activate(shop, token, answer, given, **headers):
    bearer = {"Authorization": f"Bearer {token}"}
    body = {"answer": answer, "keys": given}
    with closing(shop.another()) as session:
        return session.post(f"{shop.url}/v1/activation", json=body, headers=bearer | headers, timeout=60)


def test_two_hundred_letters_from_one_ticket(shop):
    """One holder offers, takes back and offers again, each time to another number: letters and log entries end."""
    ada, ben = shop.market.person("ada"), shop.market.person("ben")
    for who, ticket in ((ada, 1), (ben, 2)):
        who.hold_ticket(ticket)
    size = shop.market.node.ledger.size
    answers = [offer(shop, ada, 1, number, f"+8529{number:07d}") for number in range(12)]
    assert told(answers) == {(201, ""): 5, (429, "too-many-letters"): 7}
    assert 0 < int(answers[-1].headers["retry-after"]) <= 86_400
    answers = [offer(shop, ada, 1, number) for number in range(100, 130)]
    assert told(answers) == {(201, ""): 15, (429, "too-many-offers"): 15}
    assert told([shop.post("/listings", raw=ada.listing(1))]) == {(429, "too-many-offers"): 1}
    assert shop.market.node.ledger.size - size == 2 * 20
    assert offer(shop, ben, 2, 7, "+85290000000").status_code == 201, "who did nothing is not refused"
    shop.settled(lambda: len(shop.market.letters.sent) == 6)


def test_a_restart_gives_no_new_letters_and_no_new_holds(tmp_path, clock):
    with open_shop(tmp_path, clock) as shop:
        ada = shop.market.person("ada")
        ada.hold_ticket(1)
        assert told(offer(shop, ada, 1, number, "91234567") for number in range(6))[429, "too-many-letters"] == 1
        sale.open_sale(shop.market.node, EVENT, 8, 300, holds=2)
        held = [shop.post("/holds", {"tickets": [seat]}, **HALL) for seat in (10, 11, 12)]
        assert [one.status_code for one in held] == [201, 201, 429]
    with open_shop(tmp_path, clock) as shop:
        assert offer(shop, shop.market.person("ada"), 1, 9, "91234567").status_code == 429
        assert told([shop.post("/holds", {"tickets": [13]}, **HALL)]) == {(429, "too-many-holds"): 1}
        assert shop.post(f"/holds/{held[0].json()['hold']}/release", {}, **HALL).status_code == 200
        assert shop.post("/holds", {"tickets": [13]}, **HALL).status_code == 201
        clock.now += 86_400
        assert offer(shop, shop.market.person("ada"), 1, 9, "91234567").status_code == 201


def test_many_tickets_do_not_write_to_one_person_without_end(shop):
    """Also under other spellings of the same number, and +tags of the same mailbox."""
    spellings = ["91234567", "+85291234567", "9123 4567", "(852) 9123-4567", "００852 91234567"]
    for ticket in range(1, 16):
        shop.market.person("ada").hold_ticket(ticket)
    ada = shop.market.person("ada")
    answers = [offer(shop, ada, ticket, ticket, spellings[ticket % 5]) for ticket in range(1, 13)]
    assert told(answers) == {(201, ""): 10, (429, "too-many-letters"): 2}
    assert offer(shop, ada, 13, 13, "91234568").status_code == 201, "another person"
    assert offer(shop, ada, 14, 14).status_code == 201, "without a letter"


def test_offers_that_strangers_send_use_up_nothing_of_the_holders(shop):
    ada, eve = shop.market.person("ada"), shop.market.person("eve")
    ada.hold_ticket(1)
    size, counted = shop.market.node.ledger.size, len(shop.market.node.tally)
    forged = [
        *(offer(shop, eve, 1, number, "91234567") for number in range(25)),
        *(offer(shop, ada, 1, number, "91234567", spoil=True) for number in range(25)),
    ]
    assert {one.status_code for one in forged} == {422}
    assert shop.market.node.ledger.size == size
    assert len(shop.market.node.tally) == counted
    assert offer(shop, ada, 1, 1, "91234567").status_code == 201


def test_offers_that_strangers_have_under_way_use_up_nothing_either(shop, monkeypatch):
    """Twenty forged ones of one ticket wait for the ledger in the moment in which its holder offers it."""
    ada, eve = shop.market.person("ada"), shop.market.person("eve")
    ada.hold_ticket(1)
    waiting, go, real = threading.Semaphore(0), threading.Event(), transfers.log_act

    def slow(node, raw):
        if open_entry(raw).actor == eve.key(1, 0).public:
            waiting.release()
            assert go.wait(20)
        return real(node, raw)

    monkeypatch.setattr(transfers, "log_act", slow)
    entries = [{"entry": eve.offer(1, life=2_000 + number).hex()} for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        forged = [pool.submit(requests.post, f"{shop.base}/transfers", json=one, timeout=30) for one in entries]
        assert all(waiting.acquire(timeout=20) for _ in forged)
        assert offer(shop, ada, 1, 1).status_code == 201
        go.set()
        assert {one.result().status_code for one in forged} == {422}


def test_one_mailbox_under_many_tags_is_one_recipient(shop, monkeypatch):
    lower(monkeypatch, "letter of an offer", "recipient", 2)
    ada = shop.market.person("ada")
    for ticket in (1, 2, 3):
        ada.hold_ticket(ticket)
    tags = ["a.wong@example.com", "A.Wong+1@example.com", "a.wong+2@EXAMPLE.com"]
    assert [offer(shop, ada, n, n, email=mail).status_code for n, mail in enumerate(tags, 1)] == [201, 201, 429]


def test_one_person_is_attested_so_often_and_no_more(shop, monkeypatch):
    """Each attestation of a new key is an entry; the provider vouches for as many as its customer asks for."""
    lower(monkeypatch, "identity", "person", 3)
    ada, ben = shop.market.person("ada"), shop.market.person("ben")

    def attest(who, number):
        key = who.key(number, 0)
        given = who.consent(key)
        body = {"key": key.public.hex(), "authorisation": given.authorisation, "proof": given.proof.hex(), "level": 0}
        return shop.post("/identities", body)

    size = shop.market.node.ledger.size
    assert told(attest(ada, number) for number in range(5)) == {(200, ""): 3, (429, "too-many-identities"): 2}
    assert shop.market.node.ledger.size - size == 3
    assert attest(ben, 1).status_code == 200


def test_a_link_that_is_not_good_does_not_wait_for_answers_that_are_stretched(shop, monkeypatch):
    """Four at a time are worked on: a queue of good links must not hold up, nor be held up by, those that are none."""
    inside, go, real = threading.Semaphore(0), threading.Event(), activation.stretch

    def slow(answer, salt):
        inside.release()
        assert go.wait(20)
        return real(answer, salt)

    good = [link(shop, ticket) for ticket in range(5, 10)]
    monkeypatch.setattr(activation, "stretch", slow)
    with ThreadPoolExecutor(5) as pool:
        given = zip(good, [keys(shop, ticket) for ticket in range(5, 10)], strict=True)
        under_way = [pool.submit(activate, shop, one.token, "right", key, **HALL) for one, key in given]
        assert all(inside.acquire(timeout=20) for _ in range(4))
        assert activate(shop, "0" * 22, "x", keys(shop, 5), **HALL).status_code == 404
        assert not inside.acquire(blocking=False), "the fifth waits"
        go.set()
        assert {one.result().status_code for one in under_way} == {200}


def test_the_same_offer_sent_again_counts_once(shop):
    ada = shop.market.person("ada")
    ada.hold_ticket(1)
    counted = len(shop.market.node.tally)
    body = {"entry": ada.offer(1).hex(), "secret": (b"s" * 32).hex(), "phone": "91234567"}
    assert {shop.post("/transfers", body).status_code for _ in range(40)} == {201}
    assert len(shop.market.node.tally) - counted == 1 + 3, "an offer; a letter by ticket, event and recipient"


def test_a_burst_of_unknown_links_stretches_nothing_and_stops_no_holder_in_the_hall(shop, monkeypatch):
    """300 at once and their neighbours, all behind the hall's address."""
    stretched = []
    real = activation.stretch
    monkeypatch.setattr(activation, "stretch", lambda *given: (stretched.append(1), real(*given))[1])
    good = [link(shop, ticket) for ticket in (5, 6)]
    expired = activation.prepare(
        shop.market.node, Ask(EVENT, (7,), "HK-7", shop.market.node.vault.add({}, 0), "?", "right"), -1
    )
    stretched.clear()
    tokens = [f"{number:022d}" for number in range(150)] + [expired.token] * 50
    with capture_logs() as logs, ThreadPoolExecutor(50) as pool:
        wrong = pool.map(lambda token: activate(shop, token, "x", keys(shop, 7), **HALL), tokens)
        right = [
            pool.submit(activate, shop, one.token, "right", keys(shop, 5 + n), **HALL) for n, one in enumerate(good)
        ]
        assert told(wrong) == {(404, "link-not-good"): 30, (429, "too-many-tries"): 170}
        assert [one.result().status_code for one in right] == [200, 200]
    assert len(stretched) == 2, "only for the links that are good"
    limits = [(line["act"], line["who"]) for line in logs if line["event"] == "limit reached"]
    assert limits == [("wrong link", "198.51.100.7")]
    used = activate(shop, good[0].token, "right", keys(shop, 6), **OUTSIDE)
    assert (used.status_code, len(stretched)) == (404, 2), "nor for one that has done its work"


def test_wrong_answers_lock_their_own_link_and_no_other_behind_that_address(shop):
    """A whole hall mistypes: fifty people, one address, none of them refused for the others."""
    mine = link(shop, 50)
    others = [link(shop, ticket) for ticket in range(8, 20)]
    with ThreadPoolExecutor(12) as pool:
        wrong = pool.map(
            lambda one: [activate(shop, one[1].token, "no", keys(shop, 8 + one[0]), **HALL) for _ in range(6)],
            enumerate(others),
        )
        assert told(answer for answers in wrong for answer in answers) == {
            (403, "wrong-answer"): 4 * 12,
            (423, "link-locked"): 2 * 12,
        }
    assert activate(shop, mine.token, "right", keys(shop, 50), **HALL).status_code == 200


def test_twenty_wrong_codes_do_not_shut_enrolment_for_the_gate_beside_them(shop):
    node = shop.market.node

    def enrol(code):
        with closing(GateClient(shop.url, node.keys.node.public, EVENT)) as gate:
            answer = gate.enrol(code)
            return answer.status, answer.json.get("code")

    def wrong(number):
        return EnrolmentCode(number.to_bytes(5, "big"), fingerprint(node.keys.node.public)).text()

    with capture_logs() as logs:
        got = Counter(enrol(wrong(number)) for number in range(25))
    assert got == {(403, "code-refused"): 20, (429, "too-many-guesses"): 5}
    assert [line["act"] for line in logs if line["event"] == "limit reached"] == ["wrong enrolment code"]
    assert enrol(make_code(node, EVENT, "R1").text())[0] == 200


def test_holds_made_and_let_go_fill_the_log_to_a_bound_only(shop, monkeypatch):
    """The hall's address holds and lets go without end; who pays there does not count, and others are not refused."""
    sale.open_sale(shop.market.node, EVENT, 8, 300, holds=1_000)
    lower(monkeypatch, "hold", "address", 30)
    ben = shop.market.person("ben")
    paid = shop.post("/holds", {"tickets": [40]}, **HALL).json()["hold"]
    assert shop.post(f"/holds/{paid}/pay", paying(ben, eticket=False), **HALL).status_code == 200
    size, answers = shop.market.node.ledger.size, []
    for _ in range(45):
        answers.append(shop.post("/holds", {"tickets": [41]}, **HALL))
        if answers[-1].status_code == 201:
            shop.post(f"/holds/{answers[-1].json()['hold']}/release", {}, **HALL)
    assert told(answers) == {(201, ""): 30, (429, "too-many-holds"): 15}
    shop.settled(lambda: not shop.market.books().held)
    assert shop.market.node.ledger.size - size <= 2 * 30 + 1, "holds, releases, and the capture of what was paid"
    assert shop.post("/holds", {"tickets": [42]}, **OUTSIDE).status_code == 201


def test_seats_that_cost_nothing_are_not_all_taken_from_one_address(shop, monkeypatch):
    """Paying takes a hold off the count; where nothing is paid, it does not."""
    policies.set_policy(shop.market.node, EVENT, POLICY | {"handling_fee": 0, "tiers": [FREE]})
    lower(monkeypatch, "hold", "address", 3)
    taken = []
    for seat in range(1, 6):
        held = shop.post("/holds", {"tickets": [seat], "tier": 1}, **HALL)
        if held.status_code == 201:
            taken.append(shop.post(f"/holds/{held.json()['hold']}/pay", {"eticket": False, "tier": 1}, **HALL))
    assert [one.status_code for one in taken] == [200] * 3
    assert shop.post("/holds", {"tickets": [9], "tier": 1}, **OUTSIDE).status_code == 201


def test_orders_do_not_write_to_one_person_without_end(shop, monkeypatch):
    lower(monkeypatch, "letter of an order", "recipient", 2)
    ben = shop.market.person("ben")

    def buy(seat, phone):
        held = shop.post("/holds", {"tickets": [seat]}).json()["hold"]
        return shop.post(f"/holds/{held}/pay", paying(ben, phone=phone))

    assert told(buy(seat, "91234567") for seat in (1, 2, 3)) == {(200, ""): 2, (429, "too-many-letters"): 1}
    assert buy(4, "91234568").status_code == 200
    assert shop.market.provider.held() <= 3 * (FACE + POLICY["handling_fee"]), "refused before its money was held"


def test_payments_that_the_wallet_declines_are_asked_for_so_often_and_no_more(shop):
    ada, ben = shop.market.person("ada"), shop.market.person("ben")
    ada.hold_ticket(1)
    deal = shop.post("/listings", raw=ada.listing(1)).json()["deal"]
    asked = len(shop.market.provider.asked)

    def checkout(number, **headers):
        key = SigningKey(hashlib.sha256(b"%d" % number).digest()).public.hex()
        body = {"key": key, "payer": ben.party.hex(), "authorisation": f"none-{number}"}
        return shop.post(f"/listings/{deal}/checkout", body, **headers)

    assert told(checkout(number, **HALL) for number in range(15)) == {
        (402, "payment-declined"): 10,
        (429, "too-many-payments"): 5,
    }
    assert len(shop.market.provider.asked) - asked == 10
    good = {"key": ben.key(1, 1).public.hex(), **paying(ben)}
    assert shop.post(f"/listings/{deal}/checkout", good, **OUTSIDE).status_code == 200


def lower(monkeypatch, act, by, most):
    """The table with a smaller number in one place, so that a test is short."""
    table = [replace(one, most=most) if (one.act, one.by) == (act, by) else one for one in tally.ALLOWANCES]
    monkeypatch.setattr(tally, "ALLOWANCES", tuple(table))


def offer(shop, who, ticket, number, phone=None, *, email=None, spoil=False):
    """An offer to somebody new; taken back at once, so that the next one can be made."""
    secret = hashlib.sha256(b"%d" % number).digest()
    raw = who.offer(ticket, secret=secret, life=3_000 + number)
    if spoil:
        raw = bytes([raw[0] ^ 1]) + raw[1:]
    to = {"secret": secret.hex(), "phone": phone, "email": email} if phone or email else {}
    answer = shop.post("/transfers", {"entry": raw.hex(), **to})
    if answer.status_code == 201:
        deal = bytes.fromhex(answer.json()["deal"])
        back = shop.post(f"/transfers/{deal.hex()}/cancel", raw=who.cancel(ticket, 0, deal))
        assert back.status_code == 200, back.text
    return answer
