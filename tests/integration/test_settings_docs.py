"""The manuals name settings that there are, with the defaults that they have, and ports that the programs listen on."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import GATES_PORT as GATES
from ledger_node.cli.main import PORT as NODE
from ledger_node.cli.sandbox import PORT as SANDBOX
from ledger_node.cli.witness import PORT as WITNESS
from scanner.cli.commands import cli
from scanner.cli.setting_words import WORDS, defaults, sample
from scanner.cli.settings import Settings, load

ROOT = Path(__file__).parents[2]
HARDWARE, OPERATIONS = ((ROOT / "docs" / name).read_text() for name in ("hardware.md", "operations.md"))
UNITS = ROOT / "systemd"


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table whose first line begins with `head`."""
    lines = text[text.index(head) :].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")]]


def test_the_command_prints_the_sample_and_the_sample_is_the_defaults() -> None:
    printed = CliRunner().invoke(cli, ["settings"])
    assert printed.output == sample() == (UNITS / "gate.toml").read_text()
    assert load(UNITS / "gate.toml") == Settings()


def test_words_are_about_settings_that_there_are() -> None:
    keys = defaults()
    assert set(WORDS) <= set(keys) | {key.rpartition(".")[0] for key in keys}


def test_help_says_where_the_settings_are() -> None:
    assert "gate-scanner settings" in CliRunner().invoke(cli, ["run", "--help"]).output


def test_the_wiring_table_is_the_wiring() -> None:
    told = {}
    for names, numbers, *_ in rows(HARDWARE, "| line under `[pins]` |"):
        told |= dict(zip(re.findall(r"`(\w+)`", names), map(int, numbers.split(", ")), strict=True))
    pins = {key.partition(".")[2]: value for key, value in defaults().items() if key.startswith("pins.")}
    assert told == {name: value for name, value in pins.items() if isinstance(value, int) and "_ms" not in name}


def test_the_wiring_example_can_be_used(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", HARDWARE, re.DOTALL)
    path = tmp_path / "gate.toml"
    path.write_text(example)
    assert load(path).pins.normally_closed == ("fire_release", "tamper")


@pytest.mark.parametrize("text", [HARDWARE, OPERATIONS], ids=["hardware", "operations"])
def test_times_in_the_text_are_the_defaults(text: str) -> None:
    """As in: 20 ms (`debounce_ms`)."""
    by_name = {key.rpartition(".")[2]: value for key, value in defaults().items()}
    for number, name in re.findall(r"([\d.]+) m?s\s+\(`(\w+)`\)", text):
        assert float(number) == by_name[name], name


@pytest.mark.parametrize("text", [HARDWARE, OPERATIONS], ids=["hardware", "operations"])
def test_settings_in_the_text_are_settings(text: str) -> None:
    keys = defaults()
    tables = {key.partition(".")[0] for key in keys}
    for table, name in re.findall(r"`\[(\w+)\] (\w+)`", text):
        assert f"{table}.{name}" in keys
    assert set(re.findall(r"`\[(\w+)\]`", text)) <= tables
    assert "mock_passage" not in text
    assert not re.search(r"`pins\.\w+`", text)


def test_the_hardware_watchdog_is_where_the_manual_says() -> None:
    assert "/etc/systemd/system.conf.d/ticketme-gate.conf" in HARDWARE
    assert "/etc/systemd/system.conf.d/ticketme-gate.conf" in (UNITS / "install.sh").read_text()
    assert "RuntimeWatchdogSec=10s" in (UNITS / "hardware-watchdog.conf").read_text()


def test_every_port_has_one_program_and_stands_in_the_manual() -> None:
    settings = Settings()
    used = [NODE, settings.kiosk.port, settings.peers.port, WITNESS, GATES, SANDBOX]
    assert [int(row[0]) for row in rows(OPERATIONS, "| port | listens |")] == used
    assert len(set(used)) == len(used)


@pytest.mark.parametrize(
    ("unit", "port"),
    [
        ("ledger-node.service", NODE),
        ("ledger-witness.service", WITNESS),
        ("gate-kiosk.service", Settings().kiosk.port),
    ],
)
def test_units_use_the_ports_of_the_programs(unit: str, port: int) -> None:
    (named,) = set(re.findall(r"(?:--port |127\.0\.0\.1:)(\d+)", (UNITS / unit).read_text()))
    assert int(named) == port
