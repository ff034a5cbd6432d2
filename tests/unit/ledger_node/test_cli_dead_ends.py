"""What the program answers where it does not go on: it names the fault in plain words, and the way on."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ledger_node.cli.groups import first_sentence
from ledger_node.cli.main import cli
from ledger_node.contract import expressions
from tests.fakes.running_node import EVENT

CREATE = ("event", "create", EVENT, "--name", "海港之夜", "--doors", "2099-11-22T18:30", "--starts",
          "2099-11-22T12:00Z", "--capacity", "50")  # fmt: skip
READS = [
    ("event", "list"),
    ("vault", "find", "phone", "91234567"),
    ("accounts", "list"),
    ("alerts", "list"),
    ("keys", "end-overlap"),
    ("tickets", "show", EVENT, "1"),
    ("policy", "set", EVENT, "transfer_cap=50"),
    ("restore", "status"),
    ("export", "copy"),
]


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home), *words])


@pytest.fixture
def show(tmp_path: Path) -> Path:
    """A home with an event of ten tickets, none of them sold."""
    for words in (CREATE, ("tickets", "issue", EVENT, "--count", "10")):
        done = run(tmp_path, *words)
        assert done.exit_code == 0, done.output
    return tmp_path


@pytest.mark.parametrize("words", READS)
def test_a_mistyped_folder_is_said_and_no_node_is_made_there(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Attack: nothing is found, because another folder was asked; it said so as if there were nothing."""
    home = tmp_path / "typo"
    done = run(home, *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"there is no node in {home}" in done.stderr
    assert "`ledger-node event create`" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [CREATE, ("keys",), ("accounts", "invite", "ops", "Duty manager")])
def test_what_makes_a_node_makes_one(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(tmp_path / "new", *words).exit_code == 0
    assert run(tmp_path / "new", "event", "list").exit_code == 0


KEY = "00" * 31 + "01"
SAID = [
    ((*CREATE, "--step", "20"), "stays as it was made; use another id"),
    (("tickets", "refund", EVENT, "1"), "ticket 1: nobody has bought it; `tickets cancel` ends it"),
    (("tickets", "refund", EVENT, "1", "1"), "ticket 1 is named twice"),
    (("refunds", "make", EVENT, "2", "2"), "ticket 2 is named twice"),
    (("tickets", "reinstate", EVENT, "1"), "ticket 1 is active already"),
    (("sponsors", "add", EVENT, "a b"), "'a b' is no id"),
    (("actors", "add", EVENT, "a b", "organiser", KEY), "'a b' is no id"),
    (("actors", "add", EVENT, "lcsd", "organiser", "zz"), "the organisation's Ed25519 public key: 64 hex digits"),
    (("transfers", "cancel", EVENT, "zz"), "deal is an id of `transfers list --json`: 64 hex digits"),
    (("resale", "unlist", EVENT, "zz"), "deal is an id of `resale list --json`"),
    (
        ("tickets", "register", EVENT, "1", "--owner-seq", "0", "--holder-key", "zz", "--proof", "00"),
        "holder key is an",
    ),
    (("sponsors", "reclaim", EVENT, "hb", "1"), "'hb' is no ticket's number"),
    (("tickets", "block", EVENT, "A12"), "'A12' is no ticket's number"),
    (("policy", "set", EVENT, 'rules={"transfer": "ticket.transfers <"}'), "it ends too early, at column 19"),
    (("serve", "--port", "0", "--host", "nohost.invalid"), "'nohost.invalid' is no address of this machine"),
    (("serve", "--port", "0", "--host", "192.0.2.1"), "this machine has no such address"),
]


@pytest.mark.parametrize(("words", "said"), SAID)
def test_a_refusal_names_what_is_wrong_in_plain_words(show: Path, words: tuple[str, ...], said: str) -> None:
    done = run(show, *words)
    assert done.exit_code in {1, 2}
    assert said in " ".join(done.stderr.split())
    for of_a_library in ("fromhex", "INVALID_ARGUMENT", "integer range", "of the wrong kind or out of range"):
        assert of_a_library not in done.stderr


def test_a_ticket_that_is_blocked_again_is_said_to_be_blocked(show: Path) -> None:
    assert run(show, "tickets", "block", EVENT, "3").exit_code == 0
    assert "ticket 3 is blocked already" in run(show, "tickets", "block", EVENT, "3").stderr
    assert run(show, "tickets", "cancel", EVENT, "3").exit_code == 0
    assert "ticket 3 is cancelled and not to be blocked" in run(show, "tickets", "block", EVENT, "3").stderr


def test_a_refund_of_an_event_that_is_not_on_says_so(show: Path) -> None:
    assert EVENT not in run(show, "refunds", "make", EVENT, "4").stderr
    assert run(show, "event", "cancel", EVENT, "--reason", "typhoon", "--yes").exit_code == 0
    assert f"{EVENT} was cancelled: nothing of it is sold" in run(show, "refunds", "make", EVENT, "4").stderr


def test_after_the_last_index_the_way_on_is_named(show: Path) -> None:
    assert run(show, "tickets", "issue", EVENT, "--first", "4294967295", "--count", "1").exit_code == 0
    done = run(show, "tickets", "issue", EVENT, "--count", "1")
    assert (done.exit_code, "--first" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("ticket.transfers < 2)", "column 21: ')' does not belong there"),
        ("now < 1 &&\n", "line 2, column 1"),
        ("foo < 2", "it speaks of foo, which is no fact: there are now, event.doors"),
        ('now < "a"', "column 5"),
        ("", "it ends too early"),
        ("now < 'a", "column"),
    ],
)
def test_a_rule_that_cannot_be_read_is_said_with_its_place(rule: str, said: str) -> None:
    told = expressions.fault(rule)
    assert told is not None
    assert said in told, told
    assert "expecting" not in told


def test_every_list_of_commands_tells_each_in_a_whole_sentence() -> None:
    """click cut them in the middle of a sentence, or at the first dot: "Create EVENT (letters, digits, ."."""
    waiting: list[tuple[click.Group, tuple[str, ...]]] = [(cli, ())]
    for group, path in waiting:
        helped = " ".join(CliRunner().invoke(cli, [*path, "--help"]).output.split())
        for name, command in group.commands.items():
            said = first_sentence(command)
            assert said.endswith("."), (path, name)
            assert said.count("(") == said.count(")"), (path, name)
            assert f"{name} {said}" in helped, (path, name)
            if isinstance(command, click.Group):
                waiting.append((command, (*path, name)))
    assert len(waiting) > 10
