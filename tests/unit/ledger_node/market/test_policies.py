"""Attack: an urgent change of an event's policy does nothing for weeks, because another one is planned.

It was answered as done, and counted from the planned one's time on. Time stands still unless a test moves it.
"""

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import cli
from ledger_node.contract.policy import TicketPolicy
from ledger_node.services import policies
from ledger_node.services.audit import audit
from ledger_node.services.errors import ServiceError
from ledger_node.services.export import export
from ledger_node.services.operations import perform
from tests.fakes.marketplace import EVENT, START

DAY = 86_400
PLANNED = START + 20 * DAY
CREATE = ("event", "create", "show", "--name", "Show", "--doors", "2027-02-01T18:30", "--starts", "2027-02-01T20:00",
          "--capacity", "9")  # fmt: skip
URGENT = {"freezes": 7_200}


def change(market, changes, effective=None):
    return perform(market.node, "policy-set", {"event": EVENT, "changes": changes, "effective": effective})


def counted(market, *names):
    """What counts now."""
    with market.node.view() as view:
        made = policies.policy_now(view, EVENT, market.node.seconds)
    return tuple(getattr(made, name) for name in names)


def test_an_urgent_change_counts_now_and_the_planned_one_at_its_time(market):
    planned = change(market, {"transfer_cap": 50}, PLANNED)
    assert (planned["in_force"], planned["effective"]) == (False, PLANNED)
    urgent = change(market, URGENT)
    assert (urgent["in_force"], urgent["effective"], urgent["transfer_cap"]) == (True, START, 100)
    assert "2027-02-04 16:00 (Asia/Hong_Kong)" in urgent["note"]
    assert counted(market, "freezes", "transfer_cap") == (7_200, 100)
    market.clock.now = PLANNED - 1
    assert counted(market, "freezes", "transfer_cap") == (7_200, 100)
    market.clock.now = PLANNED
    assert counted(market, "freezes", "transfer_cap") == (7_200, 50)


def test_what_was_planned_of_the_same_limit_stays_planned(market):
    change(market, {"transfer_cap": 50}, PLANNED)
    change(market, {"transfer_cap": 50, "resale_cap": 60}, PLANNED + DAY)
    change(market, {"transfer_cap": 80, "resale_cap": 90})
    seen = []
    for now in (START, PLANNED, PLANNED + DAY):
        market.clock.now = now
        seen.append(counted(market, "transfer_cap", "resale_cap"))
    assert seen == [(80, 90), (50, 90), (50, 60)]


def test_what_is_planned_can_be_taken_back(market):
    change(market, {"transfer_cap": 50}, PLANNED)
    change(market, {"transfer_cap": 100}, PLANNED)
    market.clock.now = PLANNED
    assert counted(market, "transfer_cap") == (100,)


def test_a_change_between_now_and_a_planned_one_is_planned_too(market):
    change(market, {"transfer_cap": 50}, PLANNED)
    assert change(market, URGENT, PLANNED - DAY)["in_force"] is False
    listed = perform(market.node, "policy-show", {"event": EVENT})
    assert [one["overtaken"] for one in listed] == [False, False, True, False, False]


def test_auditors_count_as_the_node_does(market, tmp_path):
    change(market, {"capacity": 50}, PLANNED)
    change(market, URGENT)
    export(market.node.ledger, tmp_path)
    report = audit(tmp_path, market.node.ledger.vkey)
    assert report.good, report


def test_a_time_that_is_over_is_told_as_people_read_it(market):
    with pytest.raises(ServiceError, match=r"2027-01-15 15:59 \(Asia/Hong_Kong\) is over: leave --effective out"):
        change(market, URGENT, START - 60)


def test_a_planned_change_that_the_urgent_one_contradicts_is_named(market):
    size = market.node.ledger.size
    change(market, {"service_fee": 5_000}, PLANNED)
    with pytest.raises(ServiceError, match="with what is planned for 2027-02-04 16:00"):
        change(market, {"organiser_fee": 6_000})
    assert market.node.ledger.size == size + 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["transfer_cap=50", "transfer_cap=60"], "transfer_cap is said twice"),
        (['rules={"sale": "true", "sale": "false"}'], "'sale' is said twice in rules"),
        (["engine=foo"], "engine is no choice"),
        (["transfer_kap=50"], "a policy has no transfer_kap"),
    ],
)
def test_what_cannot_be_set_or_contradicts_itself_is_said_and_nothing_is_logged(tmp_path, words, said):
    home = str(tmp_path / "home")
    made = CliRunner().invoke(cli, ["--home", home, *CREATE])
    assert made.exit_code == 0, made.output
    done = CliRunner().invoke(cli, ["--home", home, "policy", "set", "show", *words])
    assert done.exit_code in {1, 2}
    assert said in done.stderr
    shown = CliRunner().invoke(cli, ["--home", home, "policy", "show", "show"])
    assert '"version": 1' not in shown.stdout


def test_help_names_every_limit_that_can_be_set():
    helped = CliRunner().invoke(cli, ["policy", "set", "--help"]).output
    assert [name for name in TicketPolicy().to_map() if name != "engine" and name not in helped] == []
