"""The whole API, fuzzed from its own description: whatever anybody sends, the answer is a problem with a reason, and
never the node's own fault. As a stranger, and as somebody who may: an enrolled device's signatures, an operator's
session, the ticketing system's secret.
"""

import random
from collections import defaultdict
from collections.abc import Iterator

import pytest
import requests

from tests.fakes.api_fuzzer import BAD, GOOD, Fuzzer, Sent
from tests.fakes.api_house import House, open_house

EXAMPLES = 6
NEVER_IN = {
    "POST /v1/enrol",
    "POST /v1/accounts/join/begin",
    "POST /v1/accounts/join/finish",
    "POST /v1/accounts/login/code",
    "POST /v1/accounts/login/finish",
    "POST /v1/accounts/passkeys/finish",
}
"""Chance makes no codes, tokens and passkeys."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("fuzzed")) as made:
        yield made


def wrong(sent: Sent) -> bool:
    """A fault, or a refusal that does not say why."""
    if sent.status < 400 or sent.operation.startswith("HEAD"):
        return sent.status >= 500
    return sent.status >= 500 or sent.kind != "application/problem+json" or b'"detail":"' not in sent.answer


@pytest.mark.parametrize("mode", [GOOD, BAD])
def test_nothing_that_a_stranger_sends_is_a_fault_of_the_node(house: House, mode) -> None:
    start = random.randrange(2**32)
    print(f"seed {start}")
    fuzzer = Fuzzer(house.url, house.things, house.anybody)
    sent = list(fuzzer.run(mode, EXAMPLES, start))
    assert len(sent) > len(fuzzer.operations)
    assert [str(one) for one in sent if wrong(one)] == []
    assert requests.get(f"{house.url}/healthz", timeout=20).json()["status"] == "ok"


@pytest.mark.parametrize("mode", [GOOD, BAD])
def test_nothing_that_an_insider_sends_is_a_fault_of_the_node(house: House, mode) -> None:
    start = random.randrange(2**32)
    print(f"seed {start}")
    fuzzer = Fuzzer(house.url, house.things, house.insider, house.sign_in)
    sent = list(fuzzer.run(mode, EXAMPLES, start))
    assert [str(one) for one in sent if wrong(one)] == []
    statuses = defaultdict(set)
    for one in sent:
        statuses[one.operation].add(one.status)
    kept_out = {operation for operation, seen in statuses.items() if seen <= {401, 403, 429}}
    assert kept_out <= NEVER_IN
    if mode is GOOD:
        done = {operation for operation, seen in statuses.items() if seen & {200, 201}}
        assert len(done) > len(statuses) / 3, sorted(done)
