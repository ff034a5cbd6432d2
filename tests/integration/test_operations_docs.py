"""The manuals of venue IT and ops say what the programs do: settings, log lines, commands and one-liners."""

import ast
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from ledger_node.cli.main import cli as node_cli
from scanner.cli.commands import cli as gate_cli
from scanner.cli.settings import Settings, load

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "systemd" / "gate.toml"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
OPS_LOG = (ROOT / "docs" / "ops-log.md").read_text()
MANUALS = {"operations.md": OPERATIONS, "ops-log.md": OPS_LOG} | {
    name: (ROOT / "docs" / name).read_text() for name in ("monitoring.md", "regulator.md")
}
LOGS = {"log", "_log"}
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}

needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")


def blocks(text: str, language: str) -> list[str]:
    return [
        re.sub(r"^   ", "", found, flags=re.MULTILINE)
        for found in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    ]


def shell_lines(text: str) -> list[str]:
    joined = "".join(blocks(text, "sh")).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip()]


def keys_of(settings: object) -> dict[str, Any]:
    """What the file may say, from the dataclasses themselves."""
    named = {item.name: getattr(settings, item.name) for item in fields(settings)}  # type: ignore[arg-type]
    return {name: keys_of(value) if is_dataclass(value) else value for name, value in named.items()}


def test_the_sample_says_every_setting_with_its_default() -> None:
    assert load(SAMPLE) == Settings()
    said = tomllib.loads(SAMPLE.read_text())
    as_tuples = json.loads(json.dumps(keys_of(Settings())))
    assert said == as_tuples


def test_the_manual_shows_the_sample() -> None:
    assert SAMPLE.read_text() in blocks(OPERATIONS, "toml")


def logged() -> Iterator[tuple[str, set[str], str]]:
    """Every line that gate and node can log: its event, its fields, and where it is made."""
    for folder in (ROOT / "scanner", ROOT / "ledger-node" / "ledger_node"):
        for path in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                    made_by = node.func.value
                    if isinstance(made_by, ast.Name) and made_by.id in LOGS:
                        (event,) = node.args
                        names = {keyword.arg or "" for keyword in node.keywords} - {"exc_info", "event"}
                        yield ast.literal_eval(event), names, f"{path.name}:{node.lineno}"


def test_every_log_line_is_explained_with_its_fields() -> None:
    rows = [row for row in OPS_LOG.splitlines() if row.startswith("|")]
    missing = []
    for event, names, where in logged():
        rows_of_it = [row for row in rows if f"`{event}`" in row.split("|")[1]]
        known = set(re.findall(r"`(\w+)`", "".join(rows if event == "scan" else rows_of_it)))
        if not rows_of_it or names - known:
            missing.append(f"{where}: {event}: {sorted(names - known) or 'no row'}")
    assert missing == []


def commands(program: str, group: click.Group) -> list[tuple[str, str]]:
    found = []
    for name, text in MANUALS.items():
        for line in [*shell_lines(text), *re.findall(rf"`((?:sudo )?{program} [^`]+)`", text)]:
            for part in re.split(r"&&|;|\||\$\(", line.partition("  #")[0]):
                match = re.match(rf"\s*(?:sudo )?{program} ([a-z-]+.*)", part)
                if match:
                    found.append((name, match[1]))
    assert found, group.name
    return found


@pytest.mark.parametrize(("program", "group"), [("gate-scanner", gate_cli), ("ledger-node", node_cli)])
def test_commands_in_the_manuals_exist(program: str, group: click.Group) -> None:
    for manual, text in commands(program, group):
        command: click.Command = group
        words = text.split()
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert command is not group, f"{manual}: {program} {text}"
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        used = {word for word in words if word.startswith("--")}
        assert used <= options, f"{manual}: {program} {text}"


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """A program's --help and those of all its commands."""
    context = click.Context(command, info_name=name)
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            assert below is not None
            yield from helps(below, f"{name} {word}")


def test_no_command_that_is_shown_names_a_day_that_passes() -> None:
    """What is copied from --help or from a manual makes a show to come. `--at` asks about a moment of one's choice."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = [*helps(node_cli, "ledger-node"), *helps(gate_cli, "gate-scanner")]
    shown += [(page.name, line) for page in pages for line in shell_lines(page.read_text())]
    days = re.compile(r"\b20\d\d-\d\d-\d\d|(?<!--at )\b1[789]\d{8}\b")
    assert [(where, match[0]) for where, text in shown for match in days.finditer(text)] == []


SCAN = {
    "gate": "R1", "verdict": "admit", "reason": "ok", "ticket": 4711, "owner_seq": 0, "counter": 1, "detail": {},
    "marks": [], "ms": 7.5, "pulse": True, "view_size": 12502, "online": True, "event": "scan", "level": "info",
    "timestamp": "2026-11-22T10:41:00Z",
}  # fmt: skip
LINES = [
    "Started gate-scanner.service - TicketME Gate.",
    json.dumps(SCAN),
    json.dumps(
        SCAN | {"verdict": "refuse", "reason": "already-used", "pulse": False, "detail": {"gate": "R2", "at": 1}}
    ),
    json.dumps(
        {
            "online": False,
            "error": "no route",
            "alarm": "",
            "queue": 3,
            "view_size": 9,
            "event": "sync",
            "timestamp": "t",
        }
    ),
    json.dumps({"counter": 5, "ticket": 7, "was": "alone", "event": "settled after a restart", "timestamp": "t"}),
]
EXPORT = [
    json.dumps(
        {
            "type": "incident",
            "at": 1,
            "body": {"kind": "pulse-in-doubt", "counter": 6, "detail": {"of": 5, "ticket": 7}},
        }
    ),
    json.dumps({"raw": "00"}),
]
EXPECTED = {
    '"sync"': "t\tfalse\t3\t9\tno route",
    "4711": "2026-11-22T10:41:00Z\tadmit\tok\t{}\n2026-11-22T10:41:00Z\trefuse\talready-used\t"
    '{"""gate""":"""R2""","""at""":1}'.replace('"""', '"'),
    "[.verdict, .reason]": "admit\tok\nrefuse\talready-used",
    "median_ms": '{\n  "admissions": 1,\n  "median_ms": 7.5,\n  "worst_ms": 7.5\n}',
    '"settled after a restart"': "t\t7\talone",
    "pulse-in-doubt": "6\t7",
}


@needs_jq
@pytest.mark.parametrize("sign", EXPECTED)
def test_one_liners_find_what_they_promise(sign: str) -> None:
    """The jq of the manual, on lines as the gate writes them; a line of systemd in between must not stop it."""
    line = next(line for line in shell_lines(OPS_LOG) if sign in line and "jq" in line)
    match = re.search(r"jq (-\w+) '(.*?)'", line)
    assert match, line
    given = EXPORT if "journal export" in line else LINES
    done = subprocess.run(
        ["jq", match[1], match[2]], input="\n".join(given), capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.strip() == EXPECTED[sign]


def test_every_one_liner_is_tested() -> None:
    lines = [line for line in shell_lines(OPS_LOG) if " jq " in line]
    assert len(lines) == len(EXPECTED)
    assert all(any(sign in line for sign in EXPECTED) for line in lines)


def test_a_scan_in_these_tests_has_the_fields_of_a_real_one() -> None:
    (names,) = [names for event, names, _ in logged() if event == "scan"]
    assert set(SCAN) - {"event", "level", "timestamp"} == names


@pytest.mark.parametrize("name", [*MANUALS, "threat-model.md", "hardware.md"])
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / "docs" / name).read_text()
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
