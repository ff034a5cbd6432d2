"""A letter that was lost: a new link to the same person by the same way, or from the help desk's hand."""

import json

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import cli
from ledger_node.services import activation, links, sale, sponsors
from ledger_node.services.activation import Ask
from ledger_node.services.errors import ServiceError
from ledger_node.services.sale import Buyer
from ledger_node.services.sponsors import Guest
from ledger_node.services.tending import tend
from ledger_node.services.trail import CONSOLE, Actor
from tests.fakes.marketplace import EVENT
from tests.fakes.running_node import serving

BY = Actor(CONSOLE)


def bought(market, **contact):
    kept = sale.keep(market.node, EVENT, [1])
    number = sale.pay(market.node, EVENT, kept.token, Buyer(market.person("ben").payer(), **contact)).number
    tend(market.node)
    (link,) = market.node.activations.of_event(EVENT)
    return link.link, number


@pytest.mark.parametrize(
    ("contact", "to"),
    [({"email": "ben@example.com"}, (None, "ben@example.com")), ({"phone": "91234567"}, ("+85291234567", None))],
)
def test_new_link_goes_where_the_old_one_went(market, contact, to):
    link, number = bought(market, **contact)
    made = links.renew(market.node, link, BY)
    tend(market.node)
    (_, _, first), (where, template, second) = [one for one in market.letters.sent if "link" in one[2]]
    assert (where, template) == (to, "activation")
    assert second["link"].endswith(made.token)
    assert first["link"] != second["link"]
    ben = market.person("ben")
    with pytest.raises(ServiceError):
        activation.look(market.node, first["link"].partition("#")[2])
    places = activation.look(market.node, made.token).places
    assert [place.ticket for place in places] == [1]
    assert "answer" not in json.dumps(second)
    assert number not in json.dumps(second)
    assert ben.key(1, 0).public.hex() not in json.dumps(second)


def test_guests_letter_says_whose_guest_they_are(market):
    sponsors.add(market.node, EVENT, "bank")
    sponsors.allot(market.node, EVENT, "bank", [5])
    sponsors.invite(market.node, EVENT, "bank", [Guest("91230001", "guest@example.com")])
    (link,) = market.node.activations.of_event(EVENT)
    links.renew(market.node, link.link, BY)
    tend(market.node)
    assert [(one[1], one[2]["sponsor"]) for one in market.letters.sent] == [("invitation", "bank")] * 2


def test_person_whom_nobody_can_write_to_keeps_the_link_that_they_have(market):
    person = market.node.vault.add({"name": "Ada"}, market.node.seconds)
    made = activation.prepare(market.node, Ask(EVENT, (7,), "HK-1", person, "?", "x"))
    with pytest.raises(ServiceError) as refused:
        links.renew(market.node, made.link, BY)
    assert refused.value.code == "no-contact"
    assert activation.look(market.node, made.token)


def test_help_desk_may_have_it_printed_and_then_nobody_is_written_to(market):
    link, _ = bought(market, email="ben@example.com")
    home = str(market.node.home)
    with serving(market.node):
        printed = CliRunner().invoke(cli, ["--home", home, "activations", "renew", link, "--print"])
        assert "https://tickets.example/activate" in printed.stdout
        (newer,) = [one.link for one in market.node.activations.of_event(EVENT) if one.state == "open"]
        sent = CliRunner().invoke(cli, ["--home", home, "activations", "renew", newer])
        assert (sent.exit_code, "https://" in sent.stdout) == (0, False), sent.output
    tend(market.node)
    assert sum("link" in one[2] for one in market.letters.sent) == 2, "the first one, and the one that was not printed"
