"""Histories, promises and alerts at the keyboard: the same answer whether or not the node is served."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import cli
from ledger_node.services.monitoring import Raised
from tests.fakes.running_node import EVENT, open_home, serving, stage


def run(home: Path, *words: str):
    return CliRunner().invoke(cli, ["--home", str(home), *words])


def told(home: Path, *words: str):
    done = run(home, *words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(params=["stopped", "served"])
def home(request, tmp_path):
    with open_home(tmp_path) as node:
        stage(node, 5)
        node.alerts.raise_alert(
            Raised("refusal-spike", EVENT, "gate R1", node.seconds, 3, {"refused": 12}), node.seconds
        )
        if request.param == "served":
            with serving(node):
                yield tmp_path
            return
    yield tmp_path


def test_a_tickets_history_with_its_proofs(home):
    history = told(home, "tickets", "history", EVENT, "3", "--proofs")
    (issued,) = history["entries"]
    assert (issued["type"], issued["facts"]["face_value"]) == ("ticket.issue", 88_000)
    assert issued["inclusion"]
    assert told(home, "tickets", "history", EVENT, "3", "--from", str(issued["position"] + 1))["entries"] == []


def test_the_promises_of_an_event_are_those_of_an_audit(home, tmp_path):
    numbers = told(home, "event", "assurance", EVENT)
    assert (numbers["holds"], numbers["capacity"]["issued"]) == (True, 5)
    told(home, "export", str(tmp_path / "copy"))
    audited = told(home, "audit", str(tmp_path / "copy"))["assurance"][EVENT]
    assert audited["capacity"].items() <= numbers["capacity"].items()


def test_alerts_are_listed_acknowledged_and_closed(home):
    listed = run(home, "alerts", "list").output
    assert "refusal-spike" in listed
    assert "gate R1" in listed
    (alert,) = told(home, "alerts", "list", "--json")
    assert told(home, "alerts", "ack", str(alert["id"]))["state"] == "acknowledged"
    assert told(home, "alerts", "close", str(alert["id"]))["state"] == "closed"
    assert run(home, "alerts", "list").output == "no alerts\n"
    assert len(told(home, "alerts", "list", "--all", "--json")) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("alerts", "ack", "99"), "no alert 99"),
        (("tickets", "history", EVENT, "999"), "no ticket 999"),
        (("event", "assurance", "nowhere"), "no event 'nowhere'"),
    ],
)
def test_what_is_not_there_is_one_clear_line(tmp_path, words, said):
    with open_home(tmp_path) as node:
        stage(node, 1)
    done = run(tmp_path, *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert said in done.stderr


def test_a_wrong_setting_stops_serve_with_every_fault_in_one_line(tmp_path):
    wrong = '[thresholds]\nrefused = -1\nwrong = 1\n[webhook]\nurl = "http://ops.example.hk"\nsecrets = 1\n'
    (tmp_path / "monitoring.toml").write_text(wrong)
    # A process of its own: `serve` sets up the log of the process that it runs in.
    command = [sys.executable, "-m", "ledger_node.cli", "--home", str(tmp_path), "serve", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "thresholds.refused" in done.stderr
    assert "thresholds.wrong is unknown" in done.stderr
    assert "webhook.url: 'http://ops.example.hk' is not encrypted" in done.stderr
    assert "webhook.secrets is unknown" in done.stderr
    assert "webhook.secret is needed" in done.stderr
