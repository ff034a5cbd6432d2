"""The whole API, fuzzed from its own description: whatever anybody sends, the answer is a problem with a reason, and
never the node's own fault. As a stranger, and as somebody who may: an enrolled device's signatures, an operator's
session, the ticketing system's secret.
"""

import contextlib
import random
import socket
from collections import defaultdict
from collections.abc import Iterator

import pytest
import requests

from tests.fakes.api_fuzzer import BAD, GOOD, Fuzzer, Sent
from tests.fakes.api_house import House, open_house

EXAMPLES = [6, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)])]
BENT = [600, pytest.param(20_000, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)])]
PAGES = ("/account", "/account/login", "/account/join", "/regulator", "/regulator/events/{event}?ticket=1", "/wallet/")
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


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("mode", [GOOD, BAD])
def test_nothing_that_a_stranger_sends_is_a_fault_of_the_node(house: House, mode, examples: int) -> None:
    start = random.randrange(2**32)
    print(f"seed {start}")
    fuzzer = Fuzzer(house.url, house.things, house.anybody)
    sent = list(fuzzer.run(mode, examples, start))
    assert len(sent) > len(fuzzer.operations)
    assert [str(one) for one in sent if wrong(one)] == []
    assert requests.get(f"{house.url}/healthz", timeout=20).json()["status"] == "ok"


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("mode", [GOOD, BAD])
def test_nothing_that_an_insider_sends_is_a_fault_of_the_node(house: House, mode, examples: int) -> None:
    start = random.randrange(2**32)
    print(f"seed {start}")
    fuzzer = Fuzzer(house.url, house.things, house.insider, house.sign_in)
    sent = list(fuzzer.run(mode, examples, start))
    assert [str(one) for one in sent if wrong(one)] == []
    statuses = defaultdict(set)
    for one in sent:
        statuses[one.operation].add(one.status)
    kept_out = {operation for operation, seen in statuses.items() if seen <= {401, 403, 429}}
    assert kept_out <= NEVER_IN
    if mode is GOOD:
        done = {operation for operation, seen in statuses.items() if seen & {200, 201}}
        assert len(done) > len(statuses) / 3, sorted(done)


def plain_requests(house: House) -> list[bytes]:
    """A good request of an insider to each path and page, as bytes."""
    described = requests.get(f"{house.url}/openapi.json", timeout=20).json()["paths"]
    named = defaultdict(lambda: "1", {name: str(values[0]) for name, values in house.things.named.items()})
    asked = [(method, path) for path, operations in described.items() for method in operations]
    made = []
    for method, path in [*asked, *(("get", page) for page in PAGES)]:
        body = b"{}" if method in {"post", "put"} else None
        good = requests.Request(method.upper(), house.url + path.format_map(named), data=body).prepare()
        if body:
            good.headers["Content-Type"] = "application/json"
        house.insider(good)
        lines = [f"{good.method} {good.path_url} HTTP/1.1", "Host: node"]
        lines += [f"{name}: {value}" for name, value in good.headers.items()]
        made.append("\r\n".join([*lines, "", ""]).encode() + (body or b""))
    return made


ODD = (b"\r\n", b"\0", b"%", b"%ff", b"%00", b"..", b"\x80", b" ", b":", b"9" * 30)


def bent(raw: bytes, chance: random.Random) -> bytes:
    """The same with some bytes changed, lost, doubled or made up."""
    made = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(made))
        match chance.randrange(5):
            case 0:
                made[at] ^= 1 << chance.randrange(8)
            case 1:
                del made[at : at + chance.randrange(1, 9)]
            case 2:
                made[at:at] = made[at : at + chance.randrange(1, 40)]
            case 3:
                made[at:at] = chance.randbytes(chance.randrange(1, 5))
            case _:
                made[at:at] = chance.choice(ODD)
        made = made or bytearray(b"\r")
    return bytes(made)


def status_of(port: int, raw: bytes) -> int:
    """Of the first answer; 0 if there is none soon, because the request has no end."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.3) as wire, contextlib.suppress(OSError):
        wire.sendall(raw)
        first = wire.makefile("rb").readline().split()
        return int(first[1]) if len(first) > 1 else 0
    return 0


@pytest.mark.parametrize("count", BENT)
def test_no_bytes_at_all_are_a_fault_of_the_node(house: House, count: int) -> None:
    start = random.randrange(2**32)
    print(f"seed {start}")
    chance, port, seen = random.Random(start), int(house.url.rpartition(":")[2]), defaultdict(int)
    for good in plain_requests(house):
        assert status_of(port, good) < 500, good
    for turn in range(count):
        if turn % 50 == 0:
            house.sign_in()
            good = plain_requests(house)
        raw = bent(chance.choice(good), chance)
        status = status_of(port, raw)
        seen[status] += 1
        assert status < 500, (status, raw)
    assert len(seen) > 4, dict(seen)
    assert requests.get(f"{house.url}/healthz", timeout=20).json()["status"] == "ok"
