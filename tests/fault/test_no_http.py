"""Attack: a stranger speaks another language than HTTP to the node's port, as often as they like."""

import socket
import ssl

import pytest
from structlog.testing import capture_logs

from ledger_node.web.not_http import EVERY, NotHttp
from tests.fakes.running_node import staged


def answer_to(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        wire.sendall(sent)
        got = b""
        while piece := wire.recv(4_096):
            got += piece
        return got


def test_https_on_the_http_port_is_said_once_and_what_to_do(tmp_path, caplog):
    context = ssl.create_default_context()
    with staged(tmp_path, 1) as running, capture_logs() as said:
        with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", running.port), timeout=20) as wire:
            context.wrap_socket(wire, server_hostname="localhost")
        got = answer_to(running.port, b"\x00\x01 no http\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"not-http" in got
    assert b"Invalid HTTP" not in got
    (line,) = [one for one in said if one["event"] == "no http"]
    assert (line["address"], line["tls"], line["count"]) == ("127.0.0.1", True, 1)
    assert "https came" in line["problem"]
    assert "Invalid HTTP" not in caplog.text


def test_a_socket_that_no_library_is_there_for_is_no_line_of_a_library(tmp_path, caplog):
    asked = b"GET /healthz HTTP/1.1\r\nHost: n\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with staged(tmp_path, 1) as running, socket.create_connection(("127.0.0.1", running.port), timeout=20) as wire:
        wire.sendall(asked)
        assert wire.recv(4_096).startswith(b"HTTP/1.1 200")
    assert "WebSocket" not in caplog.text


def test_a_flood_is_one_line_a_minute_with_its_count():
    came, time = NotHttp(), 0.0
    with capture_logs() as said:
        for _ in range(1_000):
            came.came(b"\x16\x03", "192.0.2.1", lambda: time)
        time = EVERY
        came.came(b"SSH-2.0", "192.0.2.2", lambda: time)
    assert [(one["count"], one["tls"], one["address"]) for one in said] == [
        (1, True, "192.0.2.1"),
        (1_000, False, "192.0.2.2"),
    ]
