"""Attack: one anonymous request of a few KB, or one message of a stolen gate, that keeps a node or a gate from work.

What the reader must not begin is in tests/unit/verify/test_cbor.py; here, that every door goes through it.
"""

from collections.abc import Iterator

import pytest
import requests

from scanner.sync.peer_message import Message
from scanner.verify.entry import Malformed, canonical
from scanner.verify.record import MOST_RECORD
from tests.fakes.gate_client import GateClient
from tests.fakes.running_node import EVENT, Running, staged
from tests.unit.verify.test_cbor import FULL, KEY, MAIL, REGEX, listed

CBOR = {"Content-Type": "application/cbor"}
BOMB = bytes(64) + KEY + REGEX
NOWHERE = "0" * 64
DOORS = ["transfers/{}/accept", "transfers/{}/reject", "transfers/{}/cancel", "listings/{}/buy", "listings/{}/unlist"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with staged(tmp_path_factory.mktemp("node"), 3) as run:
        yield run


@pytest.mark.parametrize("door", [*DOORS, "listings"])
def test_a_strangers_entry_is_small_and_has_no_tags(running: Running, door: str) -> None:
    def post(body: bytes) -> requests.Response:
        return requests.post(f"{running.url}/v1/events/{EVENT}/{door.format(NOWHERE)}", body, headers=CBOR, timeout=20)

    said = post(BOMB)
    assert (said.status_code, said.json()["code"]) == (400, "not-an-entry")
    for body in (bytes(64) + listed(FULL, b"\xa0"), bytes(64) + KEY + MAIL):
        assert post(body).status_code == 413


def test_an_enrolled_gates_claim_and_upload_are_read_the_same_way(running: Running) -> None:
    gate = GateClient(running.url, running.node.keys.node.public, EVENT)
    assert gate.enrol(running.code("R1")).status == 200
    assert gate.claim(BOMB).status == 422
    assert gate.claim(bytes(MOST_RECORD + 1)).status == 413
    receipts = gate.upload([BOMB, bytes(64) + listed(1_000, b"\xa0")]).json["receipts"]
    assert [one["verdict"] for one in receipts] == ["rejected", "rejected"]
    assert gate.ask("POST", f"/v1/events/{EVENT}/admissions", KEY + REGEX, "application/cbor").status == 400
    gate.close()


@pytest.mark.parametrize("size", [MOST_RECORD + 1, 65_000])
def test_a_record_that_another_gate_tells_is_small(size: int) -> None:
    said = {"event": EVENT, "to": "x", "have": 0, "newest": 1, "settled": 0, "position": 0, "pending": 0}
    assert isinstance(Message.parse(Message(**said, records=(bytes(MOST_RECORD),)).pack()), Message)
    packed = Message.model_construct(**said, records=(canonical({"a": bytes(size)}),)).pack()
    assert isinstance(Message.parse(packed), Malformed)
