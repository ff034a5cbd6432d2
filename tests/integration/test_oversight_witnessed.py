"""What the public asks is answered as another organisation has signed it: a ticket's history and an event's promises
under the newest cosigned checkpoint, checked by a verifier that is not ours.
"""

import json
import os
import time
from contextlib import contextmanager

import pytest
import requests
from click.testing import CliRunner
from tlog_scales import signing, tlog

from ledger_node.adapters.remote_log import http_source
from ledger_node.cli.main import cli
from ledger_node.services.audit import audit
from ledger_node.services.cosigning import WitnessAddress
from ledger_node.services.node import open_node
from ledger_node.services.watch import WatchedLog
from ledger_node.services.witness import Witness
from ledger_node.web import oversight_models as models
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey
from tests.fakes.box_office import EVENT, code, gates, key
from tests.fakes.clockwork import HandClock, wait_until
from tests.fakes.life_story import KEYS, put, tell
from tests.fakes.market import LATER
from tests.fakes.running_node import serving
from tests.fakes.running_provider import free_port
from tests.fakes.running_witness import serving_witness

NAME = "wallet.example/w1"
VKEY = VerifierKey(NAME, key("w").public, COSIGNATURE)
HISTORY = f"/v1/events/{EVENT}/tickets/0/history"
PROMISES = f"/v1/events/{EVENT}/assurance"


@contextmanager
def witness(folder, running, port):
    watched = WatchedLog(VerifierKey.parse(running.node.ledger.vkey), http_source(running.url))
    made = Witness(folder / "witness", NAME, key("w"), [watched], lambda: int(time.time()))
    with serving_witness(made, port=port) as served:
        yield served


@contextmanager
def open_evening(folder):
    """A served node with a whole evening on its ledger, which asks one witness, at a port that is told."""
    port = free_port()
    address = WitnessAddress(f"http://127.0.0.1:{port}", VKEY)
    with open_node(folder / "node", KEYS, HandClock(float(LATER)), os.urandom, [address]) as node:
        tell(node)
        with serving(node) as running:
            yield running, port


def ask(running, path):
    answer = requests.get(running.url + path, timeout=20)
    return answer.status_code, answer.json()


def independently(note, log):
    """The checkpoint, when both the log and the witness have signed it by the other verifier's word."""
    checkpoint = tlog.Checkpoint.from_text(note)
    keys = [signing.Vkey.from_string(one) for one in (log, VKEY.encode())]
    good = signing.VkeySet(*keys).verify(checkpoint.signatures, checkpoint)
    assert {one.serialize() for one, _ in good} == {log, VKEY.encode()}
    return checkpoint


def test_a_history_is_proven_under_a_checkpoint_that_a_witness_signed(tmp_path):
    with open_evening(tmp_path) as (running, port), witness(tmp_path, running, port):
        size = running.node.ledger.size
        wait_until(lambda: ask(running, f"{HISTORY}?cosigned=1")[1].get("size") == size, "the witness signs")
        _, told = ask(running, f"{HISTORY}?proofs=1&cosigned=1")
        models.HistoryFacts.model_validate(told)
        checkpoint = independently(told["checkpoint"], running.node.ledger.vkey)
        assert checkpoint.size == told["size"] == size
        assert len(told["entries"]) > 5
        for step in told["entries"]:
            proof = tlog.InclusionProof(step["position"], size, [bytes.fromhex(one) for one in step["inclusion"]])
            proof.check(bytes.fromhex(step["leaf_hash"]), checkpoint.root_hash)
            with pytest.raises(tlog.InclusionProofInvalid):
                proof.check(bytes(32), checkpoint.root_hash)


def test_promises_are_those_of_the_size_that_a_witness_signed(tmp_path):
    with open_evening(tmp_path) as (running, port), witness(tmp_path, running, port):
        size = running.node.ledger.size
        wait_until(lambda: ask(running, f"{PROMISES}?cosigned=1")[1].get("size") == size, "the witness signs")
        _, told = ask(running, f"{PROMISES}?cosigned=1")
        models.AssuranceFacts.model_validate(told)
        checkpoint = independently(told.pop("checkpoint"), running.node.ledger.vkey)
        audited = audit(http_source(running.url), running.node.ledger.vkey)
        assert (checkpoint.size, checkpoint.root_hash) == (audited.size, audited.root)
        numbers = json.loads(json.dumps(audited.assurance[EVENT].to_map()))
        assert told == {"event": EVENT, "size": size, **numbers}


def test_what_the_witness_has_not_seen_is_not_shown_as_if_it_had(tmp_path):
    """It is away while the log goes on: both answers stay at what it signed; without the wish they go on."""
    with open_evening(tmp_path) as (running, port):
        with witness(tmp_path, running, port):
            size = running.node.ledger.size
            wait_until(lambda: ask(running, f"{HISTORY}?cosigned=1")[1].get("size") == size, "the witness signs")
            before = ask(running, f"{HISTORY}?cosigned=1"), ask(running, f"{PROMISES}?cosigned=1")
        put(running.node, gates()[2].refuse(code(0, 0)))
        assert (ask(running, f"{HISTORY}?cosigned=1"), ask(running, f"{PROMISES}?cosigned=1")) == before
        assert ask(running, HISTORY)[1]["size"] == ask(running, PROMISES)[1]["size"] == size + 1
        assert len(ask(running, HISTORY)[1]["entries"]) == len(before[0][1]["entries"]) + 1
        with witness(tmp_path, running, port):
            grown = size + 1
            wait_until(lambda: ask(running, f"{PROMISES}?cosigned=1")[1].get("size") == grown, "it comes back", 40)


def test_more_witnesses_than_there_are_or_none_yet_is_a_clear_answer(tmp_path):
    with open_evening(tmp_path) as (running, _):
        for path in (HISTORY, PROMISES):
            told = [ask(running, f"{path}?cosigned={many}") for many in ("2", "1", "x")]
            assert [(status, answer["code"]) for status, answer in told] == [
                (409, "not-cosigned"),
                (503, "not-cosigned"),
                (400, "bad-query"),
            ]


def test_the_command_line_asks_for_it_too(tmp_path):
    with open_evening(tmp_path) as (running, port):
        home = ["--home", str(tmp_path / "node")]
        with witness(tmp_path, running, port):
            size = running.node.ledger.size
            wait_until(lambda: ask(running, f"{HISTORY}?cosigned=1")[1].get("size") == size, "the witness signs")
            shown = CliRunner().invoke(cli, [*home, "tickets", "history", EVENT, "0", "--cosigned", "1"])
            assert independently(json.loads(shown.stdout)["checkpoint"], running.node.ledger.vkey).size == size
            shown = CliRunner().invoke(cli, [*home, "event", "assurance", EVENT, "--cosigned", "1"])
            assert independently(json.loads(shown.stdout)["checkpoint"], running.node.ledger.vkey).size == size
        shown = CliRunner().invoke(cli, [*home, "event", "assurance", EVENT, "--cosigned", "2"])
        assert (shown.exit_code, "asks 1 witnesses" in shown.output) == (1, True)
