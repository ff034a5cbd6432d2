"""A lost phone: its person gets their tickets on another one, and nobody gets what was passed on."""

from random import Random

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import cli
from ledger_node.contract.entries import NewTicket
from ledger_node.services import activation
from ledger_node.services.activation import Ask, Key
from ledger_node.services.errors import ServiceError
from ledger_node.services.lost_phones import replace_phone
from ledger_node.services.tickets import register_key, set_state
from tests.fakes.running_node import EVENT, serving, stage
from tests.fakes.staffed_node import BY, NOW, open_office
from tests.fakes.wallet import Wallet

ASKED = "Mother's maiden name? 母親姓氏?"


@pytest.fixture
def node(tmp_path):
    with open_office(tmp_path) as office:
        stage(office.node, 1)
        rows = [NewTicket(index, index, 1, 1, 88_000) for index in (101, 102, 103)]
        office.node.commit(list(office.node.operator.issue(EVENT, rows, office.node.seconds)))
        yield office.node


def used(node, *tickets):
    """A link whose tickets are on a phone; its id."""
    person = node.vault.add({"email": "canary@example.hk"}, int(NOW))
    made = activation.prepare(node, Ask(EVENT, tickets, "HK-1", person, "Order?", "HK-1"))
    activation.activate(node, made.token, "HK-1", keys(node, made.token))
    return made.link


def keys(node, token, seed=1):
    rng = Random(seed)
    places = activation.look(node, token).places
    wallets = [(place, Wallet.new(rng)) for place in places]
    return [Key(at.ticket, one.public, one.proof(EVENT, at.ticket, at.owner_seq)) for at, one in wallets]


def refused(node, link):
    with pytest.raises(ServiceError) as caught:
        replace_phone(node, link, ASKED, "Lee", BY)
    return caught.value.code


def test_new_phone_has_the_tickets_and_the_lost_one_has_not(node) -> None:
    link = used(node, 101, 102)
    made = replace_phone(node, link, ASKED, "Lee", BY)
    opened = activation.look(node, made.token)
    assert (opened.question, [place.owner_seq for place in opened.places]) == (ASKED, [1, 1])
    held = activation.activate(node, made.token, "lee", keys(node, made.token, seed=2))
    assert [ticket.row.owner_seq for ticket in held] == [1, 1]
    assert [act.what for act in node.trail.acts()] == ["activation.replace"]
    assert replace_phone(node, made.link, ASKED, "Lee", BY).link != made.link, "the next phone may be lost, too"
    assert refused(node, link) == "passed-on", "the first link's keys are gone"


def test_what_was_passed_on_or_ended_is_left_out(node) -> None:
    link, other = used(node, 101, 102, 103), Wallet.new(Random(9))
    register_key(node, EVENT, 101, 1, other.public, other.proof(EVENT, 101, 1))
    set_state(node, EVENT, [102], "cancelled", "test")
    made = replace_phone(node, link, ASKED, "Lee", BY)
    assert [place.ticket for place in activation.look(node, made.token).places] == [103]


def test_a_link_that_was_not_used_is_renewed_instead(node) -> None:
    person = node.vault.add({"email": "canary@example.hk"}, int(NOW))
    made = activation.prepare(node, Ask(EVENT, (101,), "HK-1", person, "Order?", "HK-1"))
    assert refused(node, made.link) == "link-not-used"
    assert refused(node, "none") == "unknown-link"


def test_help_desk_does_it_at_the_command_line(node) -> None:
    link = used(node, 101)
    given = ["--home", str(node.home), "activations", "replace", link, "--question", ASKED]
    with serving(node):
        done = CliRunner().invoke(cli, given, input="Lee\n")
        assert done.exit_code == 0, done.output
        assert "hand it to its person" in done.stderr
        token = done.stdout.strip().rpartition("#")[2]
        assert activation.look(node, token).question == ASKED
