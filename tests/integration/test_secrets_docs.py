"""A node's secrets are where the manuals put them: their words are followed, and the node works with what is there."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from ledger_node.adapters.webhook import read_secret
from ledger_node.services.accounts.site import set_site
from tests.fakes.deliveries import signed
from tests.fakes.running_node import EVENT, open_home, process, stage

DOCS = Path(__file__).parents[2] / "docs"
NODE = Path(sys.executable).parent / "ledger-node"


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """A user's home folder, with a node's home where the node makes it by itself."""
    home = tmp_path / ".local/share/ledger-node"
    home.mkdir(parents=True)
    with open_home(home) as node:
        stage(node, 2)
        set_site(node, "https://tickets.example")
    return tmp_path


def follow(manual: str, marker: str, person: Path) -> None:
    """What a shell does with the manual's block that names `marker`."""
    (block,) = [one for one in re.findall(r"```sh\n(.*?)```", (DOCS / manual).read_text(), re.DOTALL) if marker in one]
    surroundings = {**os.environ, "HOME": str(person), "PATH": f"{NODE.parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-eu", "-c", block], env=surroundings, check=True, timeout=60)


def test_a_feed_signed_with_the_manuals_secret_is_taken(person: Path) -> None:
    home = person / ".local/share/ledger-node"
    follow("adapters.md", "keys/ticketing.whsec", person)
    (home / "outside.toml").write_text('[ticketing]\nwebhook_secret_files = ["ticketing.whsec"]\n')
    secret = read_secret((home / "keys/ticketing.whsec").read_text())
    order = {"number": "U-1", "event": EVENT, "tickets": [1], "eticket": False, "price_cents": 88_000}
    body = json.dumps(order).encode()
    headers = {"Content-Type": "application/json", **signed(body, secret, time.time())}
    with process(home) as (_, port):
        url = f"http://127.0.0.1:{port}/v1/events/{EVENT}/orders"
        answer = requests.post(url, body, headers=headers, timeout=30)
    # The tickets of this stage have their holders' keys: what counts is that the signature is good.
    assert answer.status_code not in {401, 501}, answer.text


def test_the_alerts_secret_of_the_manual_is_found(person: Path) -> None:
    home = person / ".local/share/ledger-node"
    follow("monitoring.md", "keys/alerts.secret", person)
    (home / "monitoring.toml").write_text('[webhook]\nurl = "http://127.0.0.1:9/"\nsecret = "alerts.secret"\n')
    assert "secret is missing" not in log_of(home)


def test_serve_says_which_secret_is_missing_and_serves_the_rest(person: Path) -> None:
    home = person / ".local/share/ledger-node"
    (home / "outside.toml").write_text(
        '[ticketing]\nwebhook_secret_files = ["ticketing.whsec"]\n'
        '[mail]\nhost = "smtp.example.com"\nsender = "a@example.com"\nuser = "u"\npassword_file = "smtp.password"\n'
    )
    (home / "monitoring.toml").write_text('[webhook]\nurl = "http://127.0.0.1:9/"\nsecret = "alerts.secret"\n')
    said = log_of(home)
    for name in ("ticketing.whsec", "smtp.password", "alerts.secret"):
        assert str(home / "keys" / name) in said


def log_of(home: Path) -> str:
    """What a served node has said by the time that it answers."""
    command = [sys.executable, "-m", "ledger_node.cli", "--home", str(home), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            lines.append(line)
            if '"serving"' in line:
                port = json.loads(line)["port"]
                assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30).status_code == 200
                running.terminate()
        return "".join(lines)
