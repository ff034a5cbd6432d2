"""The market's commands, at a node that is being served and at one that is not."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import cli
from ledger_node.cli.outside import FILE, surroundings
from ledger_node.services.errors import ServiceError
from scanner.verify.keys import SigningKey
from tests.fakes.running_node import open_home, serving

EVENT = "harbour-nights"
ASKED = ("--question", "Your adviser?")
KEY = SigningKey(b"p" * 32).public.hex()
ROWS = "number,event,tickets,seats,eticket,price_cents,fee_cents,phone,email"


def run(home: Path, *words, status=0, given=None):
    result = CliRunner().invoke(cli, ["--home", str(home), *map(str, words)], input=given)
    assert result.exit_code == status, (words, result.output)
    return result.output


def say(home: Path, *words, status=0, given=None):
    output = run(home, *words, status=status, given=given)
    start = min((output.find(mark) for mark in "[{" if mark in output), default=0)
    return json.loads(output[start:])


@pytest.fixture(params=["alone", "served"])
def home(tmp_path, request):
    folder = tmp_path / "home"
    times = ("--doors", "2027-11-22T18:30", "--starts", "2027-11-22T20:15")
    run(folder, "event", "create", EVENT, "--name", "Harbour Nights", "--capacity", 100, *times)
    run(folder, "tickets", "issue", EVENT, "--count", 20, "--price", 88_000)
    if request.param == "alone":
        yield folder
        return
    with open_home(folder) as node, serving(node):
        yield folder


def feed(tmp_path, *rows):
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([ROWS, *rows]) + "\n", encoding="utf-8-sig")
    return path


def test_orders_are_imported_once_and_bad_rows_named(home, tmp_path):
    good = f"U-1,{EVENT},1 2,,no,176000,,,"
    taken = say(home, "orders", "import", EVENT, feed(tmp_path, good, f"U-2,{EVENT},99,,no,88000,,,"), status=1)
    assert (taken["sold"], taken["bad"], taken["faults"][0]["line"]) == (1, 1, 3)
    assert say(home, "orders", "import", EVENT, feed(tmp_path, good))["known"] == 1
    mixed = feed(tmp_path, f"U-3,{EVENT},3,,no,88000,,,", f"U-4,{EVENT},99,,no,88000,,,")
    assert "line 3" in run(home, "orders", "import", EVENT, mixed, "--all-or-nothing", status=1)
    assert say(home, "orders", "import", EVENT, feed(tmp_path, f"U-3,{EVENT},3,,no,88000,,,"))["sold"] == 1
    assert "cannot read" in run(home, "orders", "import", EVENT, tmp_path / "none.csv", status=1)


def test_policy_is_set_step_by_step(home):
    party = "ab" * 32
    made = say(home, "policy", "set", EVENT, "transfer_cap=80", "organiser_fee=500", f"organiser_party={party}")
    assert (made["version"], made["transfer_cap"], made["organiser_party"]) == (1, 80, party)
    made = say(home, "policy", "set", EVENT, 'rules={"transfer": "ticket.transfers < 2"}')
    assert (made["version"], made["transfer_cap"], made["engine"][:8]) == (2, 80, "cel-expr")
    assert [one["version"] for one in say(home, "policy", "show", EVENT)] == [0, 1, 2]
    assert "no transfer_kap" in run(home, "policy", "set", EVENT, "transfer_kap=1", status=1)
    assert "transfer_cap" in run(home, "policy", "set", EVENT, "transfer_cap=much", status=1)
    run(home, "policy", "set", EVENT, "nonsense", status=2)


def test_sponsors_from_allotment_to_recall(home, tmp_path):
    say(home, "sponsors", "add", EVENT, "bank")
    assert say(home, "sponsors", "allot", EVENT, "bank", "--count", 3)["tickets"] == [1, 2, 3]
    guests = tmp_path / "guests.csv"
    guests.write_text("email,phone\na@example.com,91230001\nb@example.com,91230002\n")
    assert say(home, "sponsors", "invite", EVENT, "bank", guests)["invited"] == 2
    assert say(home, "sponsors", "invite", EVENT, "bank", guests)["invited"] == 0
    assert say(home, "sponsors", "invite", EVENT, "bank", "--phone", "91234567", *ASKED, given="Wong")["tickets"] == [3]
    assert say(home, "sponsors", "recall", EVENT, "bank", 1)["tickets"] == [1]
    shown = say(home, "sponsors", "show", EVENT, "bank")
    assert (shown["free"], shown["unclaimed"], shown["claimed"]) == ([1], [2, 3], [])
    say(home, "sponsors", "reclaim", EVENT, 1, 2)
    say(home, "sponsors", "revoke", EVENT, "bank")
    assert "name a file" in run(home, "sponsors", "invite", EVENT, "bank", status=2)
    assert "--count" in run(home, "sponsors", "allot", EVENT, "bank", status=2)


def test_actors_sale_and_lists(home):
    say(home, "actors", "add", EVENT, "wallet", "provider", KEY)
    assert [one["actor"] for one in say(home, "actors", "list", EVENT, "--json")] == ["wallet"]
    say(home, "actors", "revoke", EVENT, "wallet")
    assert "organiser_party" in run(home, "sale", "open", EVENT, status=1)
    say(home, "policy", "set", EVENT, "organiser_party=" + "ab" * 32)
    assert say(home, "sale", "open", EVENT, "--most", 4)["seconds"] == 600
    assert say(home, "sale", "close", EVENT)["most"] == 0
    assert "no open offers" in run(home, "transfers", "list", EVENT)
    assert "nothing is listed" in run(home, "resale", "list", EVENT)
    assert "no such" in run(home, "transfers", "cancel", EVENT, "00" * 32, status=1)
    assert "no such" in run(home, "resale", "unlist", EVENT, "00" * 32, status=1)
    assert "no event" in run(home, "policy", "show", "none", status=1)


GOOD = f"""
[provider]
url = "http://127.0.0.1:8450"
name = "wallet"
public_key = "{KEY}"
[mail]
host = "127.0.0.1"
sender = "tickets@example.com"
security = "none"
[sms]
url = "http://127.0.0.1:8451"
authorization_file = "sms.secret"
[ticketing]
webhook_secret_files = ["feed.secrets"]
"""


def test_surroundings_are_read_with_secrets_from_files_of_their_own(tmp_path):
    (tmp_path / FILE).write_text(GOOD)
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    (keys / "sms.secret").write_text("Bearer x\n")
    (keys / "feed.secrets").write_text("whsec_" + "YWJj" * 8 + "\n")
    for secret in ("sms.secret", "feed.secrets"):
        (keys / secret).chmod(0o600)
    with open_home(tmp_path) as node, surroundings(node) as outside:
        assert (outside.provider_name, len(outside.feed_secrets)) == ("wallet", 1)
        assert outside.provider is not None
        assert outside.messenger is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[provider", "outside.toml"),
        ("[bank]\nx = 1", "the file has no setting bank"),
        ("[provider]\nurl = 'http://example.com'\nname = 'w'\npublic_key = ''", "not encrypted"),
        ("[provider]\nurl = 'https://example.com'\nname = 'w'\npublic_key = 'xy'", "hex"),
        ("[mail]\nhost = 'mail.example.com'\nsender = 'x'", "addresses"),
        ("[mail]\nhost = 'mail.example.com'\nsender = 'x@example.com'\nhots = 1", "has no setting hots"),
    ],
)
def test_settings_that_are_wrong_say_where(tmp_path, text, said):
    (tmp_path / FILE).write_text(text)
    with open_home(tmp_path) as node, pytest.raises(ServiceError) as refused, surroundings(node):
        pass
    assert said in str(refused.value)
