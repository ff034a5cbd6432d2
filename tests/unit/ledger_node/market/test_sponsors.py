"""A sponsor's allotment, its audience, and the recall of what nobody claimed."""

import pytest

from ledger_node.services import activation, policies, sponsors
from ledger_node.services.activation import Key
from ledger_node.services.errors import ServiceError
from ledger_node.services.sponsors import Guest
from ledger_node.services.tending import tend
from scanner.verify.gatecode import event_hash, possession_message
from tests.fakes.marketplace import EVENT

BANK = "harbour-bank"


@pytest.fixture
def allotted(market):
    sponsors.add(market.node, EVENT, BANK)
    sponsors.allot(market.node, EVENT, BANK, sponsors.free_tickets(market.node, EVENT, 4))
    return market


def test_guest_claims_with_the_link_and_the_address(allotted):
    (ticket,) = sponsors.invite(allotted.node, EVENT, BANK, [Guest(email="gail@example.com")])
    tend(allotted.node)
    ((contact, template, values),) = allotted.letters.sent
    assert (contact[1], template, values["sponsor"]) == ("gail@example.com", "invitation", BANK)
    gail = allotted.person("gail")
    key = gail.key(ticket, 0)
    proof = key.sign(possession_message(event_hash(EVENT), ticket, 0, key.public))
    allotted.activate(values["link"], "Gail@example.com", [Key(ticket, key.public, proof)])
    assert allotted.owner(ticket) == key.public
    assert sponsors.standing(allotted.node, EVENT, BANK).claimed == (ticket,)


def test_audience_given_again_invites_nobody_twice(allotted):
    guests = [Guest(email="gail@example.com"), Guest(phone="91234567")]
    assert len(sponsors.invite(allotted.node, EVENT, BANK, guests[:1])) == 1
    assert len(sponsors.invite(allotted.node, EVENT, BANK, guests)) == 1
    tend(allotted.node)
    assert len(allotted.letters.sent) == 2
    assert len(sponsors.standing(allotted.node, EVENT, BANK).unclaimed) == 2


def test_more_guests_than_tickets_invites_nobody(allotted):
    guests = [Guest(email=f"g{number}@example.com") for number in range(5)]
    with pytest.raises(ServiceError) as refused:
        sponsors.invite(allotted.node, EVENT, BANK, guests)
    assert refused.value.code == "not-enough"
    assert allotted.node.vault.persons() == []


def test_recalled_ticket_can_be_given_to_somebody_else_and_the_first_link_is_dead(allotted):
    sponsors.invite(allotted.node, EVENT, BANK, [Guest(email="gail@example.com")])
    tend(allotted.node)
    link = allotted.letters.sent[0][2]["link"]
    assert sponsors.recall(allotted.node, EVENT, BANK) == [1]
    with pytest.raises(ServiceError) as dead:
        activation.look(allotted.node, link.partition("#")[2])
    assert dead.value.code == "link-not-good"
    assert sponsors.invite(allotted.node, EVENT, BANK, [Guest(email="hal@example.com")]) == [1]


def test_claimed_ticket_cannot_be_recalled(allotted):
    (ticket,) = sponsors.invite(allotted.node, EVENT, BANK, [Guest(email="gail@example.com")])
    allotted.person("gail").hold_ticket(ticket)
    assert sponsors.recall(allotted.node, EVENT, BANK) == []
    with pytest.raises(ServiceError) as refused:
        sponsors.recall(allotted.node, EVENT, BANK, [ticket])
    assert refused.value.code == "not-allotted"


def test_house_takes_back_what_nobody_claimed(allotted):
    sponsors.invite(allotted.node, EVENT, BANK, [Guest(email="gail@example.com")])
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
        sponsors.invite(allotted.node, EVENT, BANK, [Guest(email="gail@example.com")])
    sponsors.add(allotted.node, EVENT, BANK)
    assert sponsors.invite(allotted.node, EVENT, BANK, [Guest(email="gail@example.com")]) == [1]


def test_audience_of_a_file(tmp_path):
    path = tmp_path / "guests.csv"
    path.write_text("email,question,answer\ngail@example.com,Your firm?,Acme\n,,\n", encoding="utf-8-sig")
    with pytest.raises(ServiceError) as refused:
        sponsors.read_guests(path)
    assert "line 3" in refused.value.sentence
    path.write_text("email,question,answer\ngail@example.com,Your firm?,Acme\ngail@example.com,,\n")
    assert len(sponsors.read_guests(path)) == 1
    path.write_text("name\nGail\n")
    with pytest.raises(ServiceError) as header:
        sponsors.read_guests(path)
    assert header.value.code == "bad-header"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "big5hkscs"])
@pytest.mark.parametrize(("delimiter", "ending"), [(",", "\n"), (";", "\r\n"), ("\t", "\r\n")])
def test_audience_as_a_spreadsheet_saves_it(tmp_path, encoding, delimiter, ending):
    path = tmp_path / "guests.csv"
    asked = ["91230001", "", "閣下的公司名稱？", "海港銀行㗎"]
    rows = [["phone", "email", "question", "answer"], asked, ["", "gail@example.com", "", ""]]
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
