"""Activation links: for the right person, once, five tries, and whatever dies in between, one key a ticket."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from ledger_node.adapters.delivery import DeliveryError
from ledger_node.contract.entries import NewTicket
from ledger_node.services import activation, personal, tickets
from ledger_node.services.activation import Ask, Key, Made
from ledger_node.services.errors import ServiceError
from tests.fakes.running_node import EVENT, stage
from tests.fakes.staffed_node import BY, NOW, open_office
from tests.fakes.wallet import Wallet

PERSON = {"name": "Canary Chan 陳金絲雀", "phone": "+85291234567", "email": "canary@example.hk", "document": "Z9876543"}
ANSWER = "Z987 6543"


@dataclass
class Recorder:
    """A messenger that keeps what it was given, by the message's key, and can lose an answer."""

    lose: int = 0
    taken: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def way(self, contact, _template):
        return "email" if contact.email else "phone"

    def send(self, contact, template, values, key=None):
        assert contact.phone or contact.email
        self.taken[key] = (contact.email, {"template": template, **values})
        if self.lose:
            self.lose -= 1
            raise DeliveryError("the answer was lost")


@dataclass
class Desk:
    """A show with tickets that nobody holds yet, and a buyer."""

    office: object
    person: str
    rng: Random = field(default_factory=lambda: Random(3))

    @property
    def node(self):
        return self.office.node

    def link(self, *numbers: int, life: int = activation.LIFE) -> Made:
        ask = Ask(EVENT, numbers or (101,), "HK-0001", self.person, "身份證號碼? Identity card?", ANSWER)
        return activation.prepare(self.node, ask, life)

    def keys(self, made: Made) -> list[Key]:
        opened = activation.look(self.node, made.token)
        return [self.key(place.ticket, place.owner_seq) for place in opened.places]

    def key(self, ticket: int, owner_seq: int = 0) -> Key:
        wallet = Wallet.new(self.rng)
        return Key(ticket, wallet.public, wallet.proof(EVENT, ticket, owner_seq))


@pytest.fixture
def desk(tmp_path: Path):
    with open_office(tmp_path) as office:
        stage(office.node, 5)
        rows = [tickets_row(index) for index in range(101, 111)]
        office.node.commit(list(office.node.operator.issue(EVENT, rows, office.node.seconds)))
        yield Desk(office, office.node.vault.add(PERSON, int(NOW)))


def tickets_row(index: int):
    return NewTicket(index, index, 1, 1, 88_000)


def refused(call, *args) -> str:
    with pytest.raises(ServiceError) as caught:
        call(*args)
    return caught.value.code


def test_link_and_answer_put_the_holders_keys_on_all_tickets_of_the_order(desk) -> None:
    made = desk.link(103, 101)
    opened = activation.look(desk.node, made.token)
    assert ([place.ticket for place in opened.places], opened.tries_left) == ([101, 103], 5)
    keys = desk.keys(made)
    held = activation.activate(desk.node, made.token, "ｚ９８７-6543 ", keys)
    assert {one.row.ticket: one.row.holder_key for one in held} == {key.ticket: key.holder_key for key in keys}
    assert refused(activation.look, desk.node, made.token) == "link-not-good"
    assert not [name for name in desk.node.vault.read(desk.person) if ":" in name], "question and answer are dropped"


def test_a_lost_answer_may_be_asked_for_again_with_the_same_keys_only(desk) -> None:
    made = desk.link(101, 102)
    keys = desk.keys(made)
    first = activation.activate(desk.node, made.token, ANSWER, keys)
    size = desk.node.ledger.size
    assert activation.activate(desk.node, made.token, "whatever", keys) == first
    assert desk.node.ledger.size == size
    other = [desk.key(101), desk.key(102)]
    assert refused(activation.activate, desk.node, made.token, ANSWER, other) == "link-not-good"


def test_five_wrong_answers_lock_the_link_and_the_help_desk_opens_it(desk) -> None:
    made = desk.link()
    keys = desk.keys(made)
    for left in (4, 3, 2, 1):
        assert refused(activation.activate, desk.node, made.token, "Z1", keys) == "wrong-answer"
        assert activation.look(desk.node, made.token).tries_left == left
    assert refused(activation.activate, desk.node, made.token, "Z1", keys) == "link-locked"
    assert refused(activation.activate, desk.node, made.token, ANSWER, keys) == "link-locked"
    assert refused(activation.look, desk.node, made.token) == "link-locked"
    activation.unlock(desk.node, made.link, BY)
    activation.activate(desk.node, made.token, ANSWER, keys)
    assert desk.office.acts() == ["activation.locked", "activation.unlock"]


def test_a_wallets_mistake_costs_no_try(desk) -> None:
    made = desk.link(101, 102)
    good = desk.keys(made)
    stranger = desk.key(103)
    forged = Key(102, good[1].holder_key, bytes(64))
    twice = Key(102, good[0].holder_key, good[0].proof)
    small_order = Key(102, bytes([1] + [0] * 31), bytes(64))
    for keys, code in (
        ([good[0]], "bad-keys"),
        ([good[0], stranger], "bad-keys"),
        ([good[0], good[0]], "bad-keys"),
        ([good[0], twice], "bad-keys"),
        ([good[0], forged], "bad-proof"),
        ([good[0], small_order], "bad-proof"),
    ):
        assert refused(activation.activate, desk.node, made.token, ANSWER, keys) == code
    assert activation.look(desk.node, made.token).tries_left == 5


def test_unknown_expired_used_replaced_and_revoked_links_cannot_be_told_apart(desk) -> None:
    expired, replaced, revoked, used = desk.link(101, life=5), desk.link(102), desk.link(103), desk.link(104)
    key = desk.key(102)
    desk.office.clock.pass_time(6)
    desk.link(102)
    activation.revoke(desk.node, revoked.link, BY)
    activation.activate(desk.node, used.token, ANSWER, desk.keys(used))
    said = set()
    for token in (expired.token, replaced.token, revoked.token, used.token, "A" * 22, "", "x" * 4_000):
        for call, more in ((activation.look, ()), (activation.activate, (ANSWER, [key]))):
            with pytest.raises(ServiceError) as caught:
                call(desk.node, token, *more)
            said.add((caught.value.code, caught.value.sentence, caught.value.status))
    assert len(said) == 1


def test_a_link_for_the_owner_before_does_not_serve_the_owner_now(desk) -> None:
    made = desk.link(101)
    late = desk.key(101)
    new = desk.key(101)
    tickets.register_key(desk.node, EVENT, 101, 0, new.holder_key, new.proof)
    assert refused(activation.activate, desk.node, made.token, ANSWER, [late]) == "wrong-owner-seq"
    assert tickets.read_ticket(desk.node, EVENT, 101).row.holder_key == new.holder_key


def test_one_ticket_that_cannot_be_activated_keeps_the_others_from_it_and_the_link_open(desk) -> None:
    made = desk.link(101, 102)
    keys = desk.keys(made)
    tickets.set_state(desk.node, EVENT, [102], "blocked", "test")
    assert refused(activation.activate, desk.node, made.token, ANSWER, keys) == "ticket-not-active"
    assert tickets.read_ticket(desk.node, EVENT, 101).row.holder_key == bytes(32)
    tickets.set_state(desk.node, EVENT, [102], "active", "test")
    again = desk.keys(made)
    assert len(activation.activate(desk.node, made.token, ANSWER, again)) == 2


@pytest.mark.parametrize("registered", [False, True])
def test_a_death_after_the_claim_lets_the_same_key_go_on_and_no_other(desk, registered: bool) -> None:
    made = desk.link(101)
    (key,) = desk.keys(made)
    assert desk.node.activations.claim(made.link, {101: key.holder_key})
    if registered:
        tickets.register_key(desk.node, EVENT, 101, 0, key.holder_key, key.proof)
    assert refused(activation.activate, desk.node, made.token, ANSWER, [desk.key(101)]) == "link-not-good"
    (ticket,) = activation.activate(desk.node, made.token, ANSWER, [key])
    assert (ticket.row.holder_key, ticket.row.owner_seq) == (key.holder_key, 0)


def test_a_lost_phone_gets_the_next_owner_seq(desk) -> None:
    first = desk.link(101)
    activation.activate(desk.node, first.token, ANSWER, desk.keys(first))
    second = desk.link(101)
    (ticket,) = activation.activate(desk.node, second.token, ANSWER, desk.keys(second))
    assert ticket.row.owner_seq == 1


def test_a_renewed_link_asks_the_same_and_the_old_one_is_dead(desk) -> None:
    old = desk.link(101, 102, life=5)
    for _ in range(5):
        refused(activation.activate, desk.node, old.token, "no", [desk.key(101), desk.key(102)])
    desk.office.clock.pass_time(10)
    new = activation.renew(desk.node, old.link, BY)
    assert refused(activation.look, desk.node, old.token) == "link-not-good"
    assert refused(activation.renew, desk.node, old.link, BY) == "link-replaced"
    assert len(activation.activate(desk.node, new.token, ANSWER, desk.keys(new))) == 2
    assert refused(activation.renew, desk.node, new.link, BY) == "link-used"


def test_commitments_are_one_for_each_ticket_and_tell_nothing_of_the_answer(desk) -> None:
    one, two = desk.link(101, 102), desk.link(101, 102)
    assert [ticket for ticket, _ in one.commitments] == [101, 102]
    hashes = [digest for made in (one, two) for _, digest in made.commitments]
    assert len(set(hashes)) == 4
    assert {len(digest) for digest in hashes} == {32}


def test_the_message_goes_to_the_person_with_the_link_and_may_be_sent_again(desk) -> None:
    made, recorder = desk.link(101, 102), Recorder(lose=1)
    with pytest.raises(DeliveryError):
        activation.send(desk.node, recorder, made, "https://tickets.example.hk")
    activation.send(desk.node, recorder, made, "https://tickets.example.hk")
    ((address, values),) = recorder.taken.values()
    assert address == PERSON["email"]
    assert values["link"] == f"https://tickets.example.hk/activate#{made.token}"
    assert (values["event"], values["tickets"], len(values["until"])) == ("Harbour Nights", "2", 16)


def test_a_forgotten_persons_link_is_good_for_nothing(desk) -> None:
    made = desk.link()
    personal.forget(desk.node, desk.person, BY)
    assert refused(activation.look, desk.node, made.token) == "link-not-good"
    assert refused(activation.activate, desk.node, made.token, ANSWER, [desk.key(101)]) == "link-not-good"


def test_no_try_is_given_back_to_a_link_that_has_none_left_to_give(desk) -> None:
    made = desk.link(101)
    activation.activate(desk.node, made.token, ANSWER, desk.keys(made))
    assert refused(activation.unlock, desk.node, made.link, BY) == "link-used"
    gone = desk.link(102)
    activation.revoke(desk.node, gone.link, BY)
    assert refused(activation.unlock, desk.node, gone.link, BY) == "link-used"


def test_nobody_is_asked_for_a_ticket_that_is_not_there(desk) -> None:
    assert refused(desk.link, 999) == "unknown-ticket"
    assert refused(desk.link, 101, 101) == "bad-tickets"


def test_expiry_forgets_whose_events_are_over_and_says_how_many_in_the_trail(desk) -> None:
    desk.link()
    gone = desk.node.vault.add(PERSON, int(NOW))
    later = int(NOW) + 400 * 86_400
    assert personal.expire(desk.node, int(NOW) + 1, BY) == 1, "the one who is tied to no event"
    with pytest.raises(ServiceError):
        desk.node.vault.read(gone)
    assert personal.export(desk.node, desk.person, BY)["events"][0]["event"] == EVENT
    assert personal.expire(desk.node, later, BY) == 1
    assert desk.node.vault.persons() == []
    assert refused(personal.forget, desk.node, desk.person, BY) == "unknown-person"
    assert desk.office.acts() == ["person.expire", "person.export", "person.expire", "person.forget"]


def test_no_canary_is_in_any_file_of_the_node(desk, tmp_path: Path) -> None:
    made, recorder = desk.link(101, 102), Recorder()
    activation.send(desk.node, recorder, made, "https://tickets.example.hk")
    activation.activate(desk.node, made.token, ANSWER, desk.keys(made))
    locked = desk.link(103)
    for _ in range(5):
        refused(activation.activate, desk.node, locked.token, "Canary", [desk.key(103)])
    activation.unlock(desk.node, locked.link, BY)
    personal.export(desk.node, desk.person, BY)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert EVENT.encode() in written
    for canary in (*PERSON.values(), ANSWER, "Identity card", "Canary", made.token, locked.token):
        assert canary.encode() not in written
