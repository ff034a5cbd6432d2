"""Alerts on a real node: raised once, kept over a restart, delivered until they arrive, and naming nobody."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from ledger_node.adapters.alert_webhook import AlertWebhook
from ledger_node.adapters.webhook import open_webhook, read_secret
from ledger_node.services.alert_delivery import Deliverer
from ledger_node.services.alert_settings import read_settings
from ledger_node.services.errors import ServiceError
from ledger_node.services.monitor import Monitor
from ledger_node.services.monitoring import Raised, Thresholds
from ledger_node.services.operations import perform
from ledger_node.services.store import Report
from tests.fakes.box_office import DOORS, EVENT, code, gates, key, opening
from tests.fakes.clockwork import HandClock
from tests.fakes.life_story import open_ruled, put, tell
from tests.fakes.market import FACE, LATER, Person, order
from tests.fakes.outside import Outside

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
RAISED = Raised("refusal-spike", EVENT, "gate A1", DOORS, 40, {"refused": 12, "shown": 13})


@pytest.fixture
def clock():
    return HandClock(float(LATER))


@pytest.fixture
def node(tmp_path, clock):
    with open_ruled(tmp_path, clock) as node:
        yield node


def watch(node, **limits):
    monitor = Monitor(node, Thresholds(**limits), node.alerts)
    while monitor.step():
        pass
    return monitor


def subjects(node, closed=False):
    return sorted((alert.rule, alert.subject) for alert in node.alerts.list_alerts(closed=closed))


def spike(node, count=12, start=4):
    gate = gates()[2]
    put(node, *(gate.refuse(code(index, 0)) for index in range(start, start + count)))


def test_the_cloned_key_of_the_story_is_raised_once_however_often_one_looks(node):
    story = tell(node)
    watch(node)
    watch(node)
    (alert,) = node.alerts.list_alerts()
    assert (alert.rule, alert.subject, alert.state, alert.count) == ("double-entry", "ticket 1", "open", 1)
    assert alert.position == story.at["reported"]


def test_a_refusal_spike_out_of_the_records_of_a_real_gate(node):
    tell(node)
    spike(node)
    watch(node)
    assert ("refusal-spike", "gate B1") in subjects(node)


def test_a_tout_out_of_the_attestations_of_a_real_provider(node):
    tell(node)
    tout = Person("tout")
    for index in range(5, 13):
        put(node, order(index, number=index), tout.activate(index), tout.identify(index))
    watch(node)
    (rule, subject), *_ = [one for one in subjects(node) if one[0] == "many-tickets"]
    assert rule
    assert tout.pseudonym.hex() not in subject


def test_a_tout_who_takes_their_time_out_of_the_ledgers_own_holdings(node, clock):
    tell(node)
    tout = Person("tout")
    for index in range(5, 13):
        assert [one for one in subjects(node) if one[0] == "many-tickets"] == []
        clock.now += 100
        now = int(clock.now)
        put(node, order(index, number=index, at=now), tout.activate(index, at=now), tout.identify(index, at=now))
        watch(node, tickets_within=60)
    (alert,) = [one for one in node.alerts.list_alerts() if one.rule == "many-tickets"]
    assert alert.detail == {"tickets": 1, "held": 8}


def test_a_seller_at_the_cap_out_of_real_listings(node):
    tell(node)
    seller = Person("seller")
    for index in range(5, 9):
        put(node, order(index, number=index), seller.activate(index), seller.identify(index))
        put(node, seller.sell(index, price=FACE - (index == 8)))
    watch(node)
    assert [one for one in subjects(node) if one[0] == "price-at-cap"] == []
    put(node, order(9, number=9), seller.activate(9), seller.identify(9), seller.sell(9, price=FACE))
    watch(node)
    assert len([one for one in subjects(node) if one[0] == "price-at-cap"]) == 1


def test_a_gate_whose_clock_is_off_out_of_the_codes_it_was_shown(node):
    tell(node)
    gate = gates()[2]
    put(node, *(gate.refuse(code(index, 0, step=DOORS // 10 + 9)) for index in range(2, 18)))
    watch(node, refused=99)
    (alert,) = [one for one in node.alerts.list_alerts() if one.rule == "clock-skew"]
    assert (alert.subject, alert.detail["gate"]) == ("device gate-b1", "B1")
    assert -95 <= alert.detail["seconds"] <= -70


def test_the_story_of_a_normal_evening_raises_only_what_happened(node):
    tell(node)
    watch(node)
    assert subjects(node) == [("double-entry", "ticket 1")]


def test_nothing_is_forgotten_when_the_node_dies_between_two_refusals(tmp_path, clock):
    with open_ruled(tmp_path, clock) as node:
        tell(node)
        gate = gates()[2]
        put(node, *(gate.refuse(code(index, 0)) for index in range(4, 10)))
        watch(node)
        assert ("refusal-spike", "gate B1") not in subjects(node)
    with open_ruled(tmp_path, clock) as node:
        put(node, *(gate.refuse(code(index, 0)) for index in range(10, 16)))
        watch(node)
        assert ("refusal-spike", "gate B1") in subjects(node)
        assert node.alerts.followed() == node.ledger.size


def test_a_step_that_could_not_be_kept_is_done_again_and_counts_once(node, monkeypatch):
    tell(node)
    spike(node)
    monitor = Monitor(node, Thresholds(), node.alerts)

    def full(*_):
        raise ServiceError("disk", "full", 503)

    with monkeypatch.context() as patch:
        patch.setattr(node.alerts, "follow", full)
        with pytest.raises(ServiceError):
            monitor.step()
    assert subjects(node) == []
    monitor.step()
    (alert,) = [one for one in node.alerts.list_alerts() if one.rule == "refusal-spike"]
    assert alert.count == 1


def test_an_alert_that_is_looked_after_counts_on_and_a_closed_one_comes_anew(node):
    first = node.alerts.raise_alert(RAISED, LATER)
    assert node.alerts.raise_alert(replace(RAISED, at=DOORS + 9), LATER + 9) is None
    perform(node, "alerts-ack", {"id": first.id})
    assert node.alerts.raise_alert(RAISED, LATER) is None
    known = node.alerts.get(first.id)
    assert (known.state, known.count, known.first_seen, known.last_seen) == ("acknowledged", 3, DOORS, DOORS + 9)
    perform(node, "alerts-close", {"id": first.id})
    again = node.alerts.raise_alert(RAISED, LATER)
    assert again.id != first.id
    assert [one["id"] for one in perform(node, "alerts-list", {})] == [again.id]
    assert len(perform(node, "alerts-list", {"closed": True})) == 2
    assert [act.what for act in node.trail.acts()] == ["alert.acknowledge", "alert.close"]


@pytest.mark.parametrize("operation", ["alerts-ack", "alerts-close"])
def test_an_alert_that_is_not_there_or_closed_is_a_clear_answer(node, operation):
    with pytest.raises(ServiceError, match="no alert 7"):
        perform(node, operation, {"id": 7})
    alert = node.alerts.raise_alert(RAISED, LATER)
    node.alerts.close_one(alert.id, LATER)
    with pytest.raises(ServiceError, match="closed"):
        perform(node, operation, {"id": alert.id})


def test_an_alert_of_which_nothing_is_heard_closes_by_itself(node, clock):
    tell(node)
    monitor = watch(node)
    clock.pass_time(86_400)
    monitor.look()
    assert subjects(node) == [("double-entry", "ticket 1")]
    clock.pass_time(1)
    monitor.look()
    assert subjects(node) == []


def test_a_gate_that_is_silent_when_doors_are_open_and_its_return(node, clock):
    tell(node)
    monitor = watch(node)
    clock.now = float(DOORS + 600)
    node.store.report(Report("gate-a1", DOORS + 590, node.ledger.size, 0))
    node.store.report(Report("gate-a2", DOORS + 300, node.ledger.size, 0))
    monitor.look()
    clock.pass_time(60)
    node.store.report(Report("gate-a1", DOORS + 655, node.ledger.size, 0))
    monitor.look()
    (alert,) = [one for one in node.alerts.list_alerts() if one.rule == "gate-behind"]
    assert alert.subject == "gate A2"
    node.store.report(Report("gate-a2", DOORS + 659, node.ledger.size, 0))
    monitor.look()
    assert node.alerts.get(alert.id).state == "closed"


def test_a_clock_that_jumped_and_is_back(node):
    monitor = watch(node)
    node.jump = lambda: 3600.0
    monitor.look()
    assert subjects(node) == [("clock-jumped", "clock")]
    node.jump = lambda: 0.0
    monitor.look()
    assert subjects(node) == []


def test_a_log_whose_writer_waits_for_its_disk_and_goes_on(node, clock, tmp_path):
    monitor = watch(node)
    monitor.look()
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monitor.look()
        clock.pass_time(15)
        monitor.look()
        assert subjects(node) == [("log-stalled", "log")]
        other.execute("ROLLBACK")
    put(node, opening(0)[0])
    monitor.look()
    assert subjects(node) == []


def test_an_alert_tells_nobodys_pseudonym_and_no_key(node, capsys):
    tell(node)
    people = [Person(f"p{n}") for n in range(3)]
    for n, person in enumerate(people):
        for index in range(5 + n, 17 if n == 2 else 6 + n):
            put(node, order(index, number=(n, index)), person.activate(index), person.identify(index))
    watch(node)
    shown = json.dumps([alert.to_map() for alert in node.alerts.list_alerts()]) + capsys.readouterr().out
    told = [owner.public.hex() for person in people for owner in person.keys.values()]
    told += [person.pseudonym.hex() for person in people]
    assert "many-tickets" in shown
    assert [one for one in told if one[:16] in shown] == []
    assert key("node").public.hex() not in shown


def deliverer(node, clock, outside, secret=SECRET):
    webhook = AlertWebhook(f"{outside.url}/hook", read_secret(secret), clock)
    return Deliverer(node.alerts, webhook, "log", clock, lambda: 1.0), webhook


def test_a_webhook_hears_once_signed_and_can_check_it(node, clock):
    with Outside(lambda _asked: (204, {}, b"")) as outside:
        sender, webhook = deliverer(node, clock, outside)
        node.alerts.raise_alert(RAISED, LATER)
        assert sender.step()
        assert not sender.step()
        webhook.close()
    (asked,) = outside.asked
    body = json.loads(asked.body)
    assert (body["type"], body["alert"]["rule"], body["alert"]["subject"]) == (
        "alert.opened", "refusal-spike", "gate A1"
    )  # fmt: skip
    # A reader of signed webhooks that expects orders: what it refuses is the body, so the signature was good.
    good = open_webhook(asked.headers, asked.body, [read_secret(SECRET)], clock())
    forged = open_webhook(asked.headers, asked.body + b" ", [read_secret(SECRET)], clock())
    assert (good.orders[0].reason != "", forged.reason) == (True, "forged")


def test_a_webhook_that_fails_is_tried_again_later_under_the_same_id(node, clock):
    answers = [500, 503, 200]
    with Outside(lambda _asked: (answers.pop(0), {}, b"")) as outside:
        sender, webhook = deliverer(node, clock, outside)
        node.alerts.raise_alert(RAISED, LATER)
        assert not sender.step()
        assert not sender.step()
        assert len(outside.asked) == 1, "not before its pause is over"
        clock.pass_time(4)
        assert not sender.step()
        clock.pass_time(4)
        assert not sender.step(), "pauses double"
        clock.pass_time(4)
        assert sender.step()
        webhook.close()
    assert len({asked.headers["webhook-id"] for asked in outside.asked}) == 1
    assert node.alerts.due(2**40) is None


def test_what_a_webhook_is_owed_outlives_the_node(tmp_path, clock):
    with open_ruled(tmp_path, clock) as node:
        node.alerts.owed = True
        node.alerts.raise_alert(RAISED, LATER)
    with open_ruled(tmp_path, clock) as node, Outside(lambda _asked: (200, {}, b"")) as outside:
        sender, webhook = deliverer(node, clock, outside)
        assert sender.step()
        webhook.close()
    assert len(outside.asked) == 1


def test_a_node_without_a_webhook_owes_nothing(node):
    node.alerts.raise_alert(RAISED, LATER)
    assert node.alerts.due(2**40) is None


def test_an_end_is_told_too(node, clock):
    with Outside(lambda _asked: (200, {}, b"")) as outside:
        sender, webhook = deliverer(node, clock, outside)
        alert = node.alerts.raise_alert(RAISED, LATER)
        node.alerts.close_one(alert.id, LATER)
        assert sender.step()
        assert sender.step()
        webhook.close()
    assert [json.loads(asked.body)["type"] for asked in outside.asked] == ["alert.opened", "alert.closed"]


def settings(home, text, secret=SECRET, mode=0o600):
    (home / "keys").mkdir(exist_ok=True)
    (home / "keys" / "alerts.secret").write_text(secret)
    (home / "keys" / "alerts.secret").chmod(mode)
    (home / "monitoring.toml").write_text(text)
    return read_settings(home)


WEBHOOK = '[webhook]\nurl = "https://ops.example.hk/alerts"\nsecret = "alerts.secret"\n'


def test_settings_without_a_file_are_the_defaults(tmp_path):
    assert read_settings(tmp_path).thresholds == Thresholds()
    assert read_settings(tmp_path).webhook is None


def test_settings_are_read(tmp_path):
    read = settings(tmp_path, f"[thresholds]\nrefused = 20\n{WEBHOOK}")
    assert read.thresholds == Thresholds(refused=20)
    assert (read.webhook.url, read.webhook.secret) == ("https://ops.example.hk/alerts", read_secret(SECRET))


def test_all_faults_of_the_settings_are_told_at_once(tmp_path):
    wrong = (
        '[thresholds]\nrefused = 0\nhands = "3"\nskew = true\nnonsense = 1\nrefused_percent = 101\ntickets = 251\n'
        f"[extra]\n{WEBHOOK}more = 1\n"
    )
    with pytest.raises(ServiceError) as error:
        settings(tmp_path, wrong)
    said = str(error.value)
    for name in (
        "refused is",
        "hands",
        "skew",
        "nonsense",
        "refused_percent",
        "tickets is at most",
        "[extra]",
        "webhook",
    ):
        assert name in said


@pytest.mark.parametrize(
    ("secret", "mode", "todo"),
    [("password", 0o600, "whsec_"), (SECRET, 0o644, "chmod 600"), (None, 0o600, "To put it there")],
)
def test_without_a_good_secret_nothing_is_posted_and_it_is_said_why(tmp_path, secret, mode, todo):
    made = settings(tmp_path, f"[thresholds]\nrefused = 20\n{WEBHOOK}", secret or SECRET, mode)
    if secret is None:
        (tmp_path / "keys" / "alerts.secret").unlink()
        made = read_settings(tmp_path)
    assert (made.webhook, made.thresholds.refused) == (None, 20)
    assert todo in made.left_out
    assert "[webhook]" in made.left_out


def test_a_file_from_an_editor_of_windows_is_read(tmp_path):
    (tmp_path / "monitoring.toml").write_bytes(b"\xef\xbb\xbf[thresholds]\r\n")
    assert read_settings(tmp_path).thresholds == Thresholds()
