"""A person who writes a wrong address, or has no network, is told what to write or to look at.

Real connections over loopback, by each way in which gates, auditors and nodes ask: no library's own text is left.
"""

import errno
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ledger_node.adapters.remote_log import RemoteLogError, http_source
from ledger_node.adapters.witness_client import WitnessError, ask_witness
from scanner.errors import SyncError
from scanner.sync.line import Ask, Limits, Line
from scanner.verify.plain_faults import in_plain_words
from tests.fakes.certificate import localhost

LIBRARIES = (
    "_ssl.c",
    "SSLError",
    "Max retries",
    "HTTPConnectionPool",
    "Errno",
    "urlopen",
    "BadStatusLine",
    "Remote end",
)


def gate_asks(url: str) -> str:
    line = Line(url, 5.0)
    with pytest.raises(SyncError) as caught, line.open(Ask("GET", "/v1/time", {}), Limits(5.0, 5.0, 1000)):
        pass
    line.close()
    return str(caught.value)


def auditor_asks(url: str) -> str:
    with pytest.raises(RemoteLogError) as caught:
        http_source(url)("checkpoint")
    return str(caught.value)


def node_asks(url: str) -> str:
    with pytest.raises(WitnessError) as caught:
        ask_witness(url, b"old 0\n", timeout=5.0)
    return str(caught.value)


ASKING = [gate_asks, auditor_asks, node_asks]


@contextmanager
def answering(greet: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on loopback that does `greet` with each connection and closes it; gives its host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        connection.settimeout(5.0)
                        greet(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def http(connection: socket.socket) -> None:
    """As a web server does with bytes that are no request."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def tls(connection: socket.socket) -> None:
    with localhost().server_side().wrap_socket(connection, server_side=True) as wrapped:
        wrapped.recv(4096)


def ssh(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    connection.recv(4096)


def mute(connection: socket.socket) -> None:
    connection.recv(4096)


@pytest.mark.parametrize("ask", ASKING)
@pytest.mark.parametrize(
    ("greet", "scheme", "said"),
    [
        (http, "https", "does not speak https: write http://"),
        (ssh, "https", "does not speak https: write http://"),
        (tls, "http", "speaks https[:,] write https://"),
        (ssh, "http", "another service answers at .*: check the port"),
        (mute, "http", "without an answer: if it speaks https, write https://.*; else check the port"),
        (tls, "https", "signed by none that this machine trusts: name the certificate file"),
    ],
)
def test_what_speaks_at_the_port_is_told_apart(
    ask: Callable[[str], str], greet: Callable[[socket.socket], None], scheme: str, said: str
) -> None:
    with answering(greet) as host:
        sentence = ask(f"{scheme}://{host}")
    assert host in sentence
    assert re.search(said, sentence), sentence
    assert not [text for text in LIBRARIES if text in sentence]


@pytest.mark.parametrize("ask", ASKING)
@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.0.0.1:1", "nothing listens there; check that it runs, and the port"),
        ("node.invalid:8440", "cannot be resolved"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_not_there_is_said(ask: Callable[[str], str], host: str, said: str, scheme: str) -> None:
    sentence = ask(f"{scheme}://{host}")
    assert said in sentence
    assert not [text for text in LIBRARIES if text in sentence]


def portal(connection: socket.socket) -> None:
    """The page of a Wi-Fi that wants a login first."""
    connection.recv(4096)
    page = b"<!DOCTYPE html><title>Welcome</title>"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(page)
    connection.sendall(head + page)


def test_a_captive_portal_is_no_log_and_no_witness() -> None:
    """What a gate makes of one is in tests/unit/sync."""
    with answering(portal) as host:
        assert "is a web page, not a log (a captive portal" in auditor_asks(f"http://{host}")
        assert "a web page, not a witness" in ask_witness(f"http://{host}", b"old 0\n", timeout=5.0).reason


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (10, "has expired: check this machine's clock"),
        (9, "is not valid yet: check"),
        (62, "for another name"),
        (7, "no!"),
    ],
)
def test_a_certificate_says_what_is_wrong_with_it(code: int, said: str) -> None:
    fault = ssl.SSLCertVerificationError(1, "certificate verify failed")
    fault.verify_code, fault.verify_message = code, "no!"
    assert said in str(in_plain_words("node:443", OSError(fault), https=True))


def test_no_way_is_told_from_nothing_there() -> None:
    sentence = in_plain_words("10.8.0.10:8440", OSError(errno.EHOSTUNREACH, "No route to host"), https=False)
    assert "there is no way to it; check cable, Wi-Fi" in str(sentence)


def test_a_host_that_has_answered_is_not_doubted() -> None:
    """A node that is started anew breaks its connections off; it speaks what it spoke before."""
    assert in_plain_words("node:8440", ConnectionResetError(104, "reset"), https=False, known_host=True) is None
