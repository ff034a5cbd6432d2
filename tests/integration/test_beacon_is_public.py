"""Why the venue's beacon is not called a defence: who reads the public log has every value, those of later included."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from ledger_node.services.events import change_event
from scanner.verify.manifest import Beacon
from tests.fakes.running_node import EVENT, open_home, serving, stage

ROOT = Path(__file__).parents[2]


def test_a_stranger_reads_tomorrows_value_from_the_log(tmp_path: Path) -> None:
    tomorrow = b"sixteen bytes it"
    with open_home(tmp_path) as node:
        stage(node, 1)
        beacon = Beacon(7, tomorrow, node.seconds + 86_400, node.seconds + 90_000)
        change_event(node, EVENT, lambda manifest: replace(manifest, beacons=(beacon,)))
        with serving(node) as running:
            bundle = requests.get(f"{running.url}/tile/entries/000.p/{node.ledger.size}", timeout=20)
    assert bundle.status_code == 200
    assert tomorrow in bundle.content


@pytest.mark.parametrize("page", ["threat-model.md", "holders.md", "gate-code.md"])
def test_where_the_manuals_speak_of_beacons_they_say_that_it_is_none(page: str) -> None:
    paragraphs = [line for line in (ROOT / "docs" / page).read_text().splitlines() if "venue's beacon" in line]
    assert paragraphs
    assert all("no defence" in line for line in paragraphs)
