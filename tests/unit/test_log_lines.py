"""What people and gates send cannot become a line of its own in a log."""

import json
import subprocess
import sys

import pytest

EVIL = 'a"}\n{"event": "made up", "level": "critical"}\r\x1b[31m\u2028'


@pytest.mark.parametrize("program", ["scanner.cli.logs", "ledger_node.cli.logs"])
def test_whatever_is_logged_is_one_line_of_json_with_its_time_in_utc(program: str) -> None:
    script = (
        f"import logging, structlog; from {program} import configure; configure(pretty=False); evil = {EVIL!r};"
        "structlog.get_logger().warning('seen', name=evil); logging.getLogger('library').warning('%s', evil)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    lines = [json.loads(line) for line in (done.stdout + done.stderr).split("\n") if line]
    assert [line["event"] for line in lines] == ["seen", EVIL]
    assert lines[0]["name"] == EVIL
    assert all(line["timestamp"].endswith("Z") for line in lines)
