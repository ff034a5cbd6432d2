"""A ledger node on 127.0.0.1 that speaks the API with real signatures, and misbehaves when it is told to.

`trouble(word, fault, ...)` puts faults in line for the next requests whose path has `word` in it; each fault is a
function of the exchange and decides what is sent. What was asked stays in `asked`.
"""

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import cbor2

from scanner.verify.enrolment import open_code
from scanner.verify.entry import canonical
from scanner.verify.httpsig import Refused, digest_field, sign_response, verify_request

JSON, PROBLEM, OCTETS = "application/json", "application/problem+json", "application/octet-stream"


class Exchange:
    """One request, and what would be answered to it if nothing went wrong."""

    def __init__(self, node, handler, body):
        self.node, self.handler, self.body = node, handler, body
        self.method, self.target = handler.command, handler.path
        self.path = urlsplit(self.target).path
        self.query = {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}
        self.headers = dict(handler.headers.items())

    def number(self, name):
        return int(self.query.get(name, "0"))

    def answer(self):
        """Act upon the request; (status, headers, body), signed."""
        status, kind, body = self.node.act(self)
        return self.signed(status, kind, body)

    def signed(self, status, kind, body, key=None):
        key = key or self.node.ledger.key
        asked = self.headers.get("Signature")
        headers = {"Content-Type": kind, "Content-Digest": digest_field(hashlib.sha256(body).digest())}
        return status, sign_response(status, headers, body, key, key.public.hex(), self.node.now(), asked), body

    def send(self, status, headers, body, *, announced=None):
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(body) if announced is None else announced))
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def hang_up(self):
        self.handler.close_connection = True


class FakeNode:
    """The server. Use as a context manager; every socket and thread ends with it."""

    def __init__(self, ledger, now=time.time):
        self.ledger = ledger
        self.now = now
        self.asked = []
        self.codes = {}  # by their secret: the key that used it, None while nobody has
        self.revoked = set()
        self.grown = threading.Condition()
        self.closing = threading.Event()
        self.last = {}
        self.page = 1000
        self.more = {}  # stands in every good answer
        self._nonces = set()
        self._faults = defaultdict(deque)
        self._standing = {}
        self._heard = threading.Condition()
        self._wires = set()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closing.set()
        with self.grown:
            self.grown.notify_all()
        self._server.shutdown()
        for wire in list(self._wires):
            with contextlib.suppress(OSError):
                wire.shutdown(2)
        self._server.server_close()
        self._thread.join()

    def trouble(self, word, *faults):
        self._faults[word].extend(faults)

    def always(self, word, fault):
        """From now on every such request; None ends it."""
        self._standing[word] = fault

    def change(self, ticket, **changes):
        with self.grown:
            self.ledger.change(ticket, **changes)
            self.grown.notify_all()

    def revoke(self, device):
        """What an operator does: the log says it, and the node acts on it."""
        with self.grown:
            self.ledger.revoke(device)
            self.revoked.add(device)
            self.grown.notify_all()

    def count(self, word):
        return sum(word in path for _, path in self.asked)

    def wait_until_asked(self, word, times, patience=10.0):
        """Block until `times` requests with `word` in their path were heard."""
        with self._heard:
            assert self._heard.wait_for(lambda: self.count(word) >= times, patience), self.asked

    # What the API does

    def act(self, exchange):
        refused = self._admit(exchange)
        if refused:
            return refused
        name = exchange.path.rpartition("/")[2]
        with self.grown:
            return getattr(self, f"_{name}")(exchange)

    def problem(self, status, code, detail, **more):
        value = {"title": code, "status": status, "code": code, "detail": detail, "time_ms": self._ms(), **more}
        return status, PROBLEM, json.dumps(value).encode()

    def _ms(self):
        return int(self.now() * 1000)

    def _admit(self, exchange):
        signed = verify_request(
            exchange.method, exchange.target, exchange.headers, exchange.body, bytes.fromhex, self.now()
        )
        if exchange.path == "/v1/time":
            return None
        if isinstance(signed, Refused):
            return self.problem(401, signed.reason, signed.detail)
        if signed.nonce in self._nonces:
            return self.problem(401, "replayed", "this nonce was used before")
        self._nonces.add(signed.nonce)
        if exchange.path == "/v1/enrol":
            return None
        device = self.ledger.devices.get(bytes.fromhex(signed.keyid))
        if device is None:
            return self.problem(401, "unknown-key", "no device with this key is enrolled")
        if device in self.revoked and not exchange.path.endswith(("/admissions", "/revocation")):
            return self.problem(403, "revoked", "this device was revoked: it must wipe what it holds", wipe=True)
        return None

    def _json(self, **value):
        return 200, JSON, json.dumps({**value, "time_ms": self._ms(), **self.more}).encode()

    def _time(self, _):
        return self._json()

    def _enrol(self, exchange):
        order = json.loads(exchange.body)
        code = open_code(order["code"], bytes.fromhex(order["public_key"]), self.ledger.key)
        if self.codes.get(code.secret, "unknown") not in {None, order["public_key"]}:
            return self.problem(403, "code-refused", "this code is not good")
        self.codes[code.secret] = order["public_key"]
        device = f"A1-{order['public_key'][:8]}"
        self.ledger.devices[bytes.fromhex(order["public_key"])] = device
        return self._json(
            device=device,
            event=self.ledger.event,
            gate="A1",
            node_key=self.ledger.key.public.hex(),
            log=self.ledger.vkey.encode(),
            origin=self.ledger.origin,
        )

    def _newer(self, _):
        return self._json(size=self.ledger.size, news=False)

    def _claims(self, exchange):
        receipt = self.ledger.take(exchange.body)
        self.grown.notify_all()
        return self._json(**receipt)

    def _admissions(self, exchange):
        verified = exchange.number("from")
        receipts = [(raw, self.ledger.take(raw)) for raw in cbor2.loads(exchange.body)["records"]]
        self.grown.notify_all()
        if verified > self.ledger.size:
            return self._behind(verified)
        for _, receipt in receipts:
            if receipt["position"] is not None:
                receipt["inclusion"] = [part.hex() for part in self.ledger.log.inclusion(receipt["position"])]
        made = [receipt for _, receipt in receipts]
        return self._json(
            receipts=made,
            checkpoint=self.ledger.checkpoint(),
            log_keys=self.ledger.log_keys,
            consistency=self.ledger.consistency(verified),
        )

    def _changes(self, exchange):
        start, verified = exchange.number("from"), exchange.number("verified")
        until = time.monotonic() + exchange.number("wait")
        while self.ledger.size <= start == max(start, verified) and not self.closing.is_set():
            if not self.grown.wait(until - time.monotonic()):
                break
        if max(start, verified) > self.ledger.size:
            return self._behind(max(start, verified))
        to = min(self.ledger.size, start + self.page)
        rows, manifest = self.ledger.changed_since(start, to)
        return self._json(
            **{"from": start},
            event=self.ledger.event,
            to=to,
            checkpoint=self.ledger.checkpoint(),
            log_keys=self.ledger.log_keys,
            consistency=self.ledger.consistency(verified),
            rows=[base64.b64encode(changed.pack()).decode() for changed in rows],
            manifest=canonical(manifest.to_map()).hex() if manifest else None,
            wipe=False,
        )

    def _revocation(self, exchange):
        position = next((at for at, step in enumerate(self.ledger.steps) if b"device.revoke" in step.raw), None)
        if position is None:
            return self.problem(404, "not-revoked", "go on")
        return self._json(
            entry=self.ledger.steps[position].raw.hex(),
            position=position,
            inclusion=[part.hex() for part in self.ledger.log.inclusion(position)],
            checkpoint=self.ledger.checkpoint(),
            log_keys=self.ledger.log_keys,
            consistency=self.ledger.consistency(exchange.number("from")),
        )

    def _behind(self, seen):
        return self.problem(409, "log-behind", f"you have seen size {seen}, this ledger has {self.ledger.size}")

    def _snapshot(self, _):
        return 200, OCTETS, self.ledger.snapshot()

    # How it is served

    def _fault(self, path):
        queued = [faults for word, faults in self._faults.items() if word in path and faults]
        standing = [fault for word, fault in self._standing.items() if word in path]
        return queued[0].popleft() if queued else next(iter(standing), None)

    def _handler(self):
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                node._wires.add(self.connection)

            def finish(self):
                node._wires.discard(self.connection)
                with contextlib.suppress(OSError):
                    super().finish()

            def do_GET(self):
                node._serve(self)

            def do_POST(self):
                node._serve(self)

            def log_message(self, *_):
                pass

        return Handler

    def _serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        exchange = Exchange(self, handler, body)
        with self._heard:
            self.asked.append((exchange.method, exchange.target))
            self._heard.notify_all()
        fault = self._fault(exchange.target)
        if fault:
            fault(exchange)
            return
        answer = exchange.answer()
        self.last[exchange.path] = answer
        exchange.send(*answer)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 50

    def handle_error(self, *_):
        """A gate that hangs up in the middle is nothing to report."""
