"""No time that people read is in the zone of the machine or of the browser that shows it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = [*ROOT.glob("scanner/**/*.py"), *ROOT.glob("ledger-node/ledger_node/**/*.py")]
PAGES = [*ROOT.glob("scanner/**/*.js"), *ROOT.glob("ledger-node/ledger_node/**/*.js")]
OF_THE_MACHINE = re.compile(r"astimezone\(\)|localtime\(|fromtimestamp\([^,()]*\)|datetime\.now\(\)|\bctime\(")
OF_THE_BROWSER = re.compile(r"toLocale(Time|Date)?String\(|\.getHours\(")


def test_no_source_takes_the_machines_zone() -> None:
    assert SOURCES
    found = [(path.name, one) for path in SOURCES for one in OF_THE_MACHINE.findall(path.read_text())]
    assert found == []


def test_no_page_takes_the_browsers_zone() -> None:
    assert PAGES
    for path in PAGES:
        text = path.read_text()
        assert not OF_THE_BROWSER.search(text), path
        assert text.count("Intl.DateTimeFormat(") == len(re.findall(r"Intl\.DateTimeFormat\([^;]*timeZone", text)), path
