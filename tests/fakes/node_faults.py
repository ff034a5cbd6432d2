"""What can go wrong between a gate and its node, each as a fault for `FakeNode.trouble`."""

import json
import socket
import struct

from tests.fakes.fake_ledger import key
from tests.fakes.node_server import JSON

PORTAL = b"<html><body>Welcome to Venue Wi-Fi. Please accept the terms.</body></html>"


def lose_answer(exchange):
    """The node acts, durably, and the answer never arrives."""
    exchange.answer()
    exchange.hang_up()


def captive_portal(exchange):
    exchange.send(200, {"Content-Type": "text/html; charset=utf-8"}, PORTAL)


def redirect(exchange):
    exchange.send(302, {"Location": "http://portal.example/login"}, b"")


def proxy_error(exchange):
    exchange.send(502, {"Content-Type": "text/plain"}, b"bad gateway")


def server_error(exchange):
    exchange.send(*exchange.signed(*exchange.node.problem(500, "fault", "something broke")))


def busy(exchange):
    exchange.send(*exchange.signed(*exchange.node.problem(503, "busy", "try again shortly")))


def bad_request(exchange):
    exchange.send(*exchange.signed(*exchange.node.problem(400, "not-a-batch", "this cannot be read")))


def hang(exchange):
    """Nothing, until the node ends."""
    exchange.node.closing.wait()
    exchange.hang_up()


def drip(exchange):
    """A good answer at one byte each tenth of the silence that a gate allows."""
    status, headers, body = exchange.answer()
    exchange.send(status, headers, b"", announced=len(body))
    _slowly(exchange, body)


def drip_head(exchange):
    _slowly(exchange, b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 10_000)


def _slowly(exchange, data):
    for byte in data:
        exchange.handler.wfile.write(bytes([byte]))
        if exchange.node.closing.wait(0.03):
            break
    exchange.hang_up()


def truncate(exchange):
    """Half of the body, though all of it was announced; then the end."""
    status, headers, body = exchange.answer()
    exchange.send(status, headers, body[: len(body) // 2], announced=len(body))
    exchange.hang_up()


def cut_short(exchange):
    """Half of the body, announced as all."""
    status, headers, body = exchange.answer()
    exchange.send(status, headers, body[: len(body) // 2])


def reset(exchange):
    """The connection is reset in the middle of the body."""
    status, headers, body = exchange.answer()
    exchange.send(status, headers, body[: len(body) // 2], announced=len(body))
    exchange.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.handler.connection.close()
    exchange.hang_up()


def oversize(exchange):
    exchange.send(*exchange.signed(200, JSON, b" " * (9 << 20)))


def wrong_type(exchange):
    _, _, body = exchange.answer()
    exchange.send(*exchange.signed(200, "text/plain", body))


def flip_bit(exchange):
    status, headers, body = exchange.answer()
    middle = len(body) // 2
    exchange.send(status, headers, body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])


def other_node(exchange):
    """The right answer, signed by somebody else's node."""
    status, kind, body = exchange.node.act(exchange)
    exchange.send(*exchange.signed(status, kind, body, key("impostor")))


def replay(exchange):
    """A good answer of this very node to an earlier request for the same thing."""
    exchange.send(*exchange.node.last[exchange.path])


def reverse_receipts(exchange):
    """Every receipt is good, and none stands where its record was sent."""
    _, kind, body = exchange.node.act(exchange)
    value = json.loads(body)
    value["receipts"].reverse()
    exchange.send(*exchange.signed(200, kind, json.dumps(value).encode()))


def edit(**changes):
    """An answer whose fields are changed by functions of their value, and signed: the node itself lies."""

    def fault(exchange):
        status, kind, body = exchange.node.act(exchange)
        value = json.loads(body)
        for name, change in changes.items():
            value[name] = change(value[name])
        exchange.send(*exchange.signed(status, kind, json.dumps(value).encode()))

    return fault


def serve_bytes(data, kind):
    """These bytes, signed, as the answer."""
    return lambda exchange: exchange.send(*exchange.signed(200, kind, data))
