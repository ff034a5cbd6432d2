"""Each page's commands in an order in which a person gives them, and what no scratch machine can run.

A command is written exactly as its page prints it; a test fails for one that is on the page and not here, or the other
way round. `fill` puts real values in the place of the page's examples: a code, a key, a device, a date.
"""

from tests.documented.gate_stories import GATE
from tests.documented.node_stories import NODE
from tests.documented.steps import DEMO, Elsewhere, Run, Step

README: list[Step] = [
    Elsewhere("make demo", "a minute and a half of its own", DEMO),
    Elsewhere("make test", "all tests", ".ci/run"),
    Elsewhere("make demo CAMERA=0", "a webcam", DEMO),
    Elsewhere("make demo FOLDER=/a/folder", "a minute and a half of its own", DEMO),
    Run("gate-scanner --help", "enrol"),
    Run("ledger-node --help", "event create"),
]
STORIES: dict[str, list[Step]] = {"README.md": README, **GATE, **NODE}
