"""The page's server over real sockets."""

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from scanner.errors import GateError
from scanner.kiosk.server import Kiosk
from scanner.ports import GateStatus, Screen
from scanner.verify.reasons import Reason
from tests.fakes.clockwork import wait_until

READY = GateStatus("A1", state="ready", clock_trusted=True)


@pytest.fixture
def kiosk() -> Iterator[Kiosk]:
    served = Kiosk(0)
    served.start()
    yield served
    served.close()


def get(kiosk: Kiosk, path: str, host: str = "127.0.0.1") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", kiosk.port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


class Stream:
    """A reader of /events."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", kiosk.port, timeout=10)
        self._connection.request("GET", "/events")
        self.answer = self._connection.getresponse()

    def next(self) -> dict[str, Any]:
        while True:
            line = self.answer.readline()
            if not line:
                raise EOFError
            if line.startswith(b"data: "):
                view: dict[str, Any] = json.loads(line[6:])
                return view

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


@pytest.fixture
def stream(kiosk: Kiosk) -> Iterator[Stream]:
    reader = Stream(kiosk)
    yield reader
    reader.close()


def test_it_is_a_screen(kiosk: Kiosk) -> None:
    port: Screen = kiosk
    port.publish(READY)


@pytest.mark.parametrize("path", ["/", "/kiosk.css", "/kiosk.js"])
def test_page_forbids_everything_that_is_not_its_own(kiosk: Kiosk, path: str) -> None:
    status, headers, body = get(kiosk, path)
    assert status == 200
    assert body
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_name_that_was_pointed_here_by_another_site_is_refused(kiosk: Kiosk) -> None:
    assert get(kiosk, "/", host="evil.example")[0] == 400
    assert get(kiosk, "/", host=f"localhost:{kiosk.port}")[0] == 200


@pytest.mark.parametrize("path", ["/../server.py", "/static/index.html", "/docs", "/%2e%2e/server.py"])
def test_nothing_else_is_served(kiosk: Kiosk, path: str) -> None:
    assert get(kiosk, path)[0] == 404


def test_page_that_comes_late_gets_the_newest_status_at_once(kiosk: Kiosk) -> None:
    for scan in range(5):
        kiosk.publish(replace(READY, admitted=scan))
    reader = Stream(kiosk)
    wait_until(lambda: reader.next()["admitted"] == 4, "the newest")
    reader.close()


def test_status_that_was_published_before_the_start_is_shown() -> None:
    early = Kiosk(0)
    early.publish(replace(READY, gate="early"))
    early.start()
    reader = Stream(early)
    assert reader.next()["gate"] == "early"
    reader.close()
    early.close()


def test_each_status_reaches_an_open_page(kiosk: Kiosk, stream: Stream) -> None:
    for scan in range(20):
        kiosk.publish(replace(READY, state="refused", reason=Reason.FORGED, scan=scan))
        view = stream.next()
        assert view["reason"] == "forged"
        assert view["moment"] == f"refused {scan} "


def test_same_status_is_sent_again_as_a_sign_of_life(kiosk: Kiosk, stream: Stream) -> None:
    kiosk.publish(READY)
    first = stream.next()
    kiosk.publish(READY)
    assert stream.next() == first


def test_kiosk_alone_sends_no_sign_of_life(kiosk: Kiosk, stream: Stream) -> None:
    kiosk.publish(READY)
    stream.next()
    stream.answer.fp.raw._sock.settimeout(1.5)  # type: ignore[union-attr]
    with pytest.raises(TimeoutError):
        stream.next()


def test_close_ends_open_pages_and_may_be_repeated() -> None:
    served = Kiosk(0)
    served.start()
    served.publish(READY)
    reader = Stream(served)
    reader.next()
    served.close()
    with pytest.raises((EOFError, ConnectionError, http.client.HTTPException)):
        reader.next()
    reader.close()
    served.close()
    served.publish(READY)


def test_port_in_use_is_told_with_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(GateError, match=f"port {port}"):
            Kiosk(port).start()


def test_screens_that_are_left_open_cannot_use_up_the_gate(kiosk: Kiosk) -> None:
    kiosk.publish(READY)
    readers = [Stream(kiosk) for _ in range(8)]
    for reader in readers:
        reader.next()
    assert get(kiosk, "/events")[0] == 503
    for reader in readers:
        reader.close()
