"""What the decisions and the holders' page name is there, and is called as the programs call it."""

import re
from pathlib import Path

import pytest

from ledger_node.services import activation_links

TOP = Path(__file__).parent.parent.parent
_PATH = re.compile(r"`([\w.-]+/[\w./-]*)`")


@pytest.mark.parametrize("decision", sorted((TOP / "docs" / "adr").glob("*.md")), ids=lambda path: path.stem[:4])
def test_every_folder_and_file_that_a_decision_names_is_there(decision: Path) -> None:
    """A path, that is what begins with a folder of this project."""
    named = [name for name in _PATH.findall(decision.read_text()) if (TOP / name.split("/")[0]).is_dir()]
    assert [name for name in named if not (TOP / name).exists()] == []


def test_the_states_of_a_link_are_called_as_the_list_calls_them() -> None:
    page = (TOP / "docs" / "holders.md").read_text()
    named = re.search(r"`ledger-node activations list EVENT`: state (\w+) or (\w+) ", page)
    assert named
    assert set(named.groups()) == {activation_links.USED, activation_links.REVOKED}
