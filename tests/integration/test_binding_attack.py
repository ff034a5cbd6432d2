"""Attack: an answer to a revoked gate, passed off as the answer to another gate's question.

A thief on the path holds the key of a revoked gate and sees the requests of the others. The node once verified one
`Signature` line and bound its answer to another: then "you were revoked, wipe" was a good answer to every gate.
"""

import http.client
from collections.abc import Iterator
from contextlib import closing

import pytest

from ledger_node.services.devices import revoke
from scanner.verify.httpsig import Refused, verify_response
from tests.fakes.gate_client import GateClient
from tests.fakes.running_node import EVENT, Running, staged

PATH = f"/v1/events/{EVENT}/changes?from=1&verified=1&wait=0&queue=0&cosigned=0"
Line = tuple[str, str]
OTHER_TAG = 'gate=("@method");created=1;keyid="x";tag="y"'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with staged(tmp_path_factory.mktemp("node"), 3) as run:
        yield run


@pytest.fixture(scope="module")
def gates(running: Running) -> Iterator[tuple[GateClient, GateClient]]:
    """The victim, and the stolen gate, which is revoked."""
    made = tuple(GateClient(running.url, running.node.keys.node.public, EVENT) for _ in range(2))
    for name, gate in zip(("R1", "R2"), made, strict=True):
        assert gate.enrol(running.code(name)).status == 200
    revoke(running.node, EVENT, made[1].device, "stolen")
    yield made[0], made[1]
    for gate in made:
        gate.close()


def lines(victim: dict[str, str], thief: dict[str, str], way: str) -> list[Line]:
    """What the thief sends: the victim's signature beside its own."""
    own_input = "rogue" + thief["Signature-Input"].removeprefix("gate")
    own = "rogue" + thief["Signature"].removeprefix("gate")
    theirs = victim["Signature"]
    ways = {
        "two lines": [
            ("Signature-Input", OTHER_TAG),
            ("Signature-Input", own_input),
            ("Signature", theirs),
            ("Signature", own),
        ],
        "two labels": [("Signature-Input", f"{OTHER_TAG}, {own_input}"), ("Signature", f"{theirs}, {own}")],
        "two signatures, one input": [("Signature-Input", own_input), ("Signature", theirs), ("Signature", own)],
        "the same label twice": [
            ("Signature-Input", thief["Signature-Input"]),
            ("Signature", theirs),
            ("Signature", thief["Signature"]),
        ],
        "the same label twice in a line": [
            ("Signature-Input", thief["Signature-Input"]),
            ("Signature", f"{theirs}, {thief['Signature']}"),
        ],
        "another label": [("Signature-Input", own_input), ("Signature", own)],
    }
    return [("Content-Digest", thief["Content-Digest"]), *ways[way]]


@pytest.mark.parametrize(
    "way",
    [
        "two lines",
        "two labels",
        "two signatures, one input",
        "the same label twice",
        "the same label twice in a line",
        "another label",
    ],
)
def test_no_answer_to_a_revoked_key_is_an_answer_to_another_gate(
    running: Running, gates: tuple[GateClient, GateClient], way: str
) -> None:
    victim, thief = gates
    asked, own = victim.sign("GET", PATH), thief.sign("GET", PATH)
    with closing(http.client.HTTPConnection("127.0.0.1", running.port)) as wire:
        wire.putrequest("GET", PATH)
        for name, value in lines(asked, own, way):
            wire.putheader(name, value)
        wire.endheaders()
        answer = wire.getresponse()
        body = answer.read()
    assert (answer.status, b'"code":"malformed"' in body) == (401, True), "refused before any key is looked up"
    heard = verify_response(answer.status, dict(answer.getheaders()), body, victim.node_key, asked["Signature"])
    assert isinstance(heard, Refused), "the victim does not take it for an answer to its own question"


def test_the_thief_hears_of_its_own_revocation(gates: tuple[GateClient, GateClient]) -> None:
    """The attack's answer exists: only whose question it answers cannot be changed."""
    assert gates[1].ask("GET", PATH).json["code"] == "revoked"
