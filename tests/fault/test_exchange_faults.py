"""An outside organisation's server at its worst: every exchange ends in time, in an answer or in one sentence."""

import socket
import threading
from collections.abc import Iterator

import pytest

from ledger_node.adapters.exchange import Answer, BadAddressError, HttpDoor, HttpError, Limits
from tests.fakes import outside
from tests.fakes.certificate import localhost
from tests.fakes.outside import Asked, Fault, Outside, Reply

QUICK = Limits(connect=1.0, within=0.4, most=10_000)


def echo(asked: Asked) -> Reply:
    return 200, {"X-Method": asked.method}, asked.path.encode() + b" " + asked.body


@pytest.fixture
def there() -> Iterator[Outside]:
    with Outside(echo) as server:
        yield server


@pytest.fixture
def door(there: Outside) -> Iterator[HttpDoor]:
    made = HttpDoor(there.url + "/api/", QUICK)
    yield made
    made.close()


def test_an_answer_is_read_whole_whatever_its_status(there: Outside, door: HttpDoor) -> None:
    there.answer = lambda asked: (418, {"X-A": "b"}, asked.body)
    answer = door.ask("POST", "/x?y=1", {"X-Our": "own"}, b"body")
    assert (answer.status, answer.headers["x-a"], answer.body) == (418, "b", b"body")
    assert there.asked[0].path == "/api/x?y=1"
    assert there.asked[0].headers["X-Our"] == "own"


def test_connections_are_kept_and_shared_by_threads(there: Outside, door: HttpDoor) -> None:
    for _ in range(20):
        door.ask("GET", "/a", {})
    assert there.connections == 1
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda n=n: answers.append(door.ask("GET", f"/{n}", {}).body)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [f"/api/{n} ".encode() for n in range(8)]
    assert there.connections <= 8


@pytest.mark.parametrize("fault", outside.NO_GOOD_ANSWER)
def test_no_good_answer_is_one_sentence_and_the_next_request_goes_well(
    there: Outside, door: HttpDoor, fault: Fault
) -> None:
    door.ask("GET", "/first", {})
    there.faults.append(fault)
    with pytest.raises(HttpError) as caught:
        door.ask("POST", "/x", {}, b"canary-in-request")
    assert caught.value.sent, "it may have been carried out"
    assert "canary" not in str(caught.value)
    assert str(caught.value).startswith("127.0.0.1 ")
    assert door.ask("GET", "/next", {}).body == b"/api/next "
    assert len(there.asked) == 3, "nothing was sent twice by itself"


@pytest.mark.parametrize("size", [10, 9_000])
def test_a_second_answer_on_the_line_is_never_taken_for_the_next_one(there: Outside, door: HttpDoor, size: int) -> None:
    there.repeats = 2
    there.answer = lambda asked: (200, {}, asked.body * size)
    for letter in b"abcdefgh":
        assert door.ask("POST", "/x", {}, bytes([letter])).body == bytes([letter]) * size


@pytest.mark.parametrize("fault", [outside.redirect, outside.bad_gateway, outside.maintenance_page])
def test_an_answer_that_helps_nobody_is_given_as_it_is(there: Outside, door: HttpDoor, fault: Fault) -> None:
    there.faults.append(fault)
    assert isinstance(door.ask("GET", "/x", {}), Answer)
    assert len(there.asked) == 1


def test_nobody_at_home_is_known_to_have_read_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(HttpError, match="cannot be reached") as caught:
        HttpDoor(f"http://127.0.0.1:{port}", QUICK).ask("POST", "/x", {})
    assert not caught.value.sent


def test_tls_is_checked_against_the_name_and_the_trusted_certificates() -> None:
    with Outside(echo, localhost()) as there:
        door = HttpDoor(there.url, QUICK, localhost().ca)
        assert door.ask("GET", "/x", {}).body == b"/x "
        door.close()
        with pytest.raises(HttpError, match="cannot be reached") as caught:
            HttpDoor(there.url, QUICK).ask("POST", "/secret", {})
        assert not caught.value.sent
        assert len(there.asked) == 1


@pytest.mark.parametrize(
    "address",
    [
        "", "provider", "ftp://provider.example", "http://provider.example", "http://10.0.0.1/", "https://",
        "https://user:secret@provider.example", "https://provider.example/?key=1", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_an_address_that_would_send_in_the_clear_or_nowhere_is_refused(address: str) -> None:
    with pytest.raises(BadAddressError):
        HttpDoor(address)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8", "http://localhost/x", "http://[::1]:9", "https://provider.example"]
)
def test_this_machine_and_https_are_good(address: str) -> None:
    HttpDoor(address).close()


def test_a_header_cannot_be_smuggled_in(there: Outside, door: HttpDoor) -> None:
    for path, headers in [("/x", {"A": "b\r\nC: d"}), ("/x\r\nC: d", {})]:
        with pytest.raises(HttpError):
            door.ask("GET", path, headers)
    assert there.asked == []
