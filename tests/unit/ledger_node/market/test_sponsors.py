"""A sponsor's allotment, its audience, and the recall of what nobody claimed."""

from dataclasses import replace

import pytest

from ledger_node.services import activation, policies, sponsors
from ledger_node.services.activation import Key
from ledger_node.services.errors import ServiceError
from ledger_node.services.operations import perform
from ledger_node.services.sponsors import Guest
from ledger_node.services.tending import tend
from scanner.verify.gatecode import event_hash, possession_message
from tests.fakes.marketplace import EVENT

BANK = "harbour-bank"
GAIL = Guest("91230001", "gail@example.com")


@pytest.fixture
def allotted(market):
    sponsors.add(market.node, EVENT, BANK)
    sponsors.allot(market.node, EVENT, BANK, sponsors.free_tickets(market.node, EVENT, 4))
    return market


def test_guest_claims_with_the_link_and_the_address_that_it_did_not_go_to(allotted):
    (ticket,) = sponsors.invite(allotted.node, EVENT, BANK, [GAIL])
    tend(allotted.node)
    ((contact, template, values),) = allotted.letters.sent
    assert (contact, template, values["sponsor"]) == ((None, "gail@example.com"), "invitation", BANK)
    gail = allotted.person("gail")
    key = gail.key(ticket, 0)
    proof = key.sign(possession_message(event_hash(EVENT), ticket, 0, key.public))
    with pytest.raises(ServiceError) as refused:
        allotted.activate(values["link"], "Gail@example.com", [Key(ticket, key.public, proof)])
    assert refused.value.code == "wrong-answer"
    allotted.activate(values["link"], "9123 0001", [Key(ticket, key.public, proof)])
    assert allotted.owner(ticket) == key.public
    assert sponsors.standing(allotted.node, EVENT, BANK).claimed == (ticket,)


def test_audience_given_again_invites_nobody_twice(allotted):
    guests = [GAIL, Guest(phone="91234567", question="Your adviser?", answer="Wong")]
    assert len(sponsors.invite(allotted.node, EVENT, BANK, guests[:1])) == 1
    assert len(sponsors.invite(allotted.node, EVENT, BANK, guests)) == 1
    tend(allotted.node)
    assert len(allotted.letters.sent) == 2
    assert len(sponsors.standing(allotted.node, EVENT, BANK).unclaimed) == 2


def test_more_guests_than_tickets_invites_nobody(allotted):
    guests = [Guest(f"9123000{number}", f"g{number}@example.com") for number in range(5)]
    with pytest.raises(ServiceError) as refused:
        sponsors.invite(allotted.node, EVENT, BANK, guests)
    assert refused.value.code == "not-enough"
    assert allotted.node.vault.persons() == []


def test_recalled_ticket_can_be_given_to_somebody_else_and_the_first_link_is_dead(allotted):
    sponsors.invite(allotted.node, EVENT, BANK, [GAIL])
    tend(allotted.node)
    link = allotted.letters.sent[0][2]["link"]
    assert sponsors.recall(allotted.node, EVENT, BANK) == [1]
    with pytest.raises(ServiceError) as dead:
        activation.look(allotted.node, link.partition("#")[2])
    assert dead.value.code == "link-not-good"
    assert sponsors.invite(allotted.node, EVENT, BANK, [Guest("91230002", "hal@example.com")]) == [1]


def test_claimed_ticket_cannot_be_recalled(allotted):
    (ticket,) = sponsors.invite(allotted.node, EVENT, BANK, [GAIL])
    allotted.person("gail").hold_ticket(ticket)
    assert sponsors.recall(allotted.node, EVENT, BANK) == []
    with pytest.raises(ServiceError) as refused:
        sponsors.recall(allotted.node, EVENT, BANK, [ticket])
    assert refused.value.code == "not-allotted"


def test_house_takes_back_what_nobody_claimed(allotted):
    sponsors.invite(allotted.node, EVENT, BANK, [GAIL])
    sponsors.reclaim(allotted.node, EVENT, [1, 2, 3, 4])
    assert sponsors.standing(allotted.node, EVENT, BANK).free == ()
    assert sponsors.free_tickets(allotted.node, EVENT, 20) == list(range(1, 21))


def test_share_of_the_sponsors_is_kept(market):
    policies.set_policy(market.node, EVENT, {"sponsor_share": 300})
    sponsors.add(market.node, EVENT, BANK)
    with pytest.raises(ServiceError) as refused:
        sponsors.allot(market.node, EVENT, BANK, [1, 2, 3, 4])
    assert refused.value.code == "over-share"
    sponsors.allot(market.node, EVENT, BANK, [1, 2, 3])


def test_sponsor_who_was_ended_may_come_back_with_another_key(allotted):
    sponsors.end(allotted.node, EVENT, BANK, "contract over")
    with pytest.raises(ServiceError):
        sponsors.invite(allotted.node, EVENT, BANK, [GAIL])
    sponsors.add(allotted.node, EVENT, BANK)
    assert sponsors.invite(allotted.node, EVENT, BANK, [GAIL]) == [1]


def test_audience_of_a_file(tmp_path):
    path = tmp_path / "guests.csv"
    path.write_text("email,question,answer\ngail@example.com,Your firm?,Acme\n,,\n", encoding="utf-8-sig")
    with pytest.raises(ServiceError) as refused:
        sponsors.read_guests(path)
    assert "line 3" in refused.value.sentence
    path.write_text("email,question,answer\ngail@example.com,Your firm?,Acme\ngail@example.com,Your firm?,Other\n")
    assert len(sponsors.read_guests(path)) == 1
    path.write_text("name\nGail\n")
    with pytest.raises(ServiceError) as header:
        sponsors.read_guests(path)
    assert header.value.code == "bad-header"


@pytest.mark.parametrize("guest", [Guest(email="gail@example.com"), Guest(phone="91230001"), Guest("", "g@h.hk", "?")])
def test_guest_who_could_only_be_asked_what_the_letter_says_is_not_invited(allotted, guest):
    """The default question was the address that the letter with the link had gone to."""
    with pytest.raises(ServiceError) as refused:
        sponsors.invite(allotted.node, EVENT, BANK, [GAIL, guest])
    assert (refused.value.code, "guest 2" in refused.value.sentence) == ("no-question", True)
    assert allotted.node.vault.persons() == []


@pytest.mark.parametrize("answer", ["Gail", "9123-0001", "+852 91230001", "GAIL@example.com", "harbour nights", "Bank"])
def test_an_answer_that_the_letter_says_is_not_taken(allotted, answer):
    with pytest.raises(ServiceError) as refused:
        sponsors.invite(allotted.node, EVENT, BANK, [replace(GAIL, question="?", answer=answer)])
    assert refused.value.code == "answer-in-letter"
    assert allotted.node.vault.persons() == []


def test_guests_are_known_again_by_either_address(allotted):
    sponsors.invite(allotted.node, EVENT, BANK, [GAIL])
    asked = {"question": "Your adviser?", "answer": "Wong"}
    again = [Guest(phone="+852 9123 0001", **asked), Guest(email="GAIL@example.com", **asked)]
    assert sponsors.invite(allotted.node, EVENT, BANK, again) == []
    (person,) = allotted.node.vault.find("phone", "91230001")
    assert allotted.node.vault.contact(person).phone is None, "nothing is sent there"


def test_audience_without_questions_of_its_own_is_asked_the_sponsors(tmp_path):
    path = tmp_path / "guests.csv"
    path.write_text("email,question,answer\ngail@example.com,,\nhal@example.com,Your firm?,Acme\n")
    gail, hal = sponsors.read_guests(path, "Your adviser?", "Wong")
    assert (gail.question, gail.answer, hal.answer) == ("Your adviser?", "Wong", "Acme")
    with pytest.raises(ServiceError, match=r"line 2.*question"):
        sponsors.read_guests(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "big5hkscs"])
@pytest.mark.parametrize(("delimiter", "ending"), [(",", "\n"), (";", "\r\n"), ("\t", "\r\n")])
def test_audience_as_a_spreadsheet_saves_it(tmp_path, encoding, delimiter, ending):
    path = tmp_path / "guests.csv"
    asked = ["91230001", "", "閣下的公司名稱？", "海港銀行㗎"]
    rows = [["phone", "email", "question", "answer"], asked, ["91230002", "gail@example.com", "", ""]]
    path.write_bytes(ending.join([*(delimiter.join(row) for row in rows), ""]).encode(encoding))
    first, second = sponsors.read_guests(path)
    assert (first.phone, first.question, first.answer) == ("91230001", "閣下的公司名稱？", "海港銀行㗎")
    assert second.email == "gail@example.com"


@pytest.mark.parametrize(
    "data", ["email\ngail@example.com\n".encode("utf-16"), b"email\n\xff\xff\xff\n", b"", b"email\n" * 3_000_000]
)
def test_an_audience_that_is_no_text_invites_nobody_and_says_why(tmp_path, data):
    path = tmp_path / "guests.csv"
    path.write_bytes(data)
    with pytest.raises(ServiceError) as refused:
        sponsors.read_guests(path)
    assert refused.value.code in {"no-file", "bad-header"}


def test_unknown_sponsor_is_told_so(market):
    with pytest.raises(ServiceError) as refused:
        sponsors.standing(market.node, EVENT, "nobody")
    assert (refused.value.code, refused.value.status) == ("unknown-actor", 404)


def test_ending_one_that_is_not_there_names_those_that_are(allotted):
    node = allotted.node
    for operation, values, name in (
        ("actors-revoke", {"actor": "nobody"}, "wallet"),
        ("sponsors-revoke", {"sponsor": "nobody"}, BANK),
        ("sponsors-revoke", {"sponsor": "wallet"}, BANK),
    ):
        with pytest.raises(ServiceError, match=f"it has .*: see `ledger-node actors list {EVENT}`") as refused:
            perform(node, operation, {"event": EVENT, "reason": "x", **values})
        assert (refused.value.code, name in str(refused.value)) == ("unknown-actor", True), str(refused.value)
    perform(node, "sponsors-revoke", {"event": EVENT, "sponsor": BANK, "reason": "x"})
    with pytest.raises(ServiceError, match="was revoked before"):
        perform(node, "sponsors-revoke", {"event": EVENT, "sponsor": BANK, "reason": "x"})
