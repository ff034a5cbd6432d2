"""Codes to hold up to a real camera: named tickets, drawn anew at each look, as a web page of this machine and as text.

The page is for the one who tries the gate out; it is not the wallet, and whoever opens it can use its tickets.
"""

import html
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import segno

CODES = "/code/"
QUIET = 4


@dataclass(frozen=True, slots=True)
class Card:
    """One ticket: what it is, which lamp it should give, and the text of its code at a unix second."""

    name: str
    title: str
    lamp: str
    text: Callable[[float], str]


class CardPage:
    """Serves the cards until `close`. `host` is 127.0.0.1 unless a phone in the same network is to open the page."""

    def __init__(self, cards: list[Card], host: str = "127.0.0.1", clock: Callable[[], float] = time.time) -> None:
        known = {card.name: card for card in cards}

        class Handler(_Handler):
            cards, now = known, staticmethod(clock)

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, name="cards", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self._server.server_address[0]!s}:{self._server.server_port}/"

    def close(self) -> None:
        """No more page."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    cards: Mapping[str, Card]
    now: Callable[[], float]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        card = self.cards.get(path.removeprefix(CODES).removesuffix(".svg"))
        if path == "/":
            self._answer("text/html; charset=utf-8", page(list(self.cards.values())).encode())
        elif path.startswith(CODES) and card is not None:
            self._answer("image/svg+xml", svg(card.text(self.now())))
        else:
            self.send_error(HTTPStatus.NOT_FOUND, "there is no such card")

    def log_message(self, *_: Any) -> None:
        """The terminal belongs to the gate."""

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def svg(text: str) -> bytes:
    """The QR (ISO/IEC 18004, level M) as a picture."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", scale=8, border=QUIET, dark="#000", light="#fff")
    return out.getvalue()


def terminal(text: str) -> list[str]:
    """The same as lines of half blocks, dark on light: print them black on white."""
    modules = [[bool(cell) for cell in row] for row in segno.make(text, error="m", micro=False).matrix_iter(border=2)]
    if len(modules) % 2:
        modules.append([False] * len(modules[0]))
    blocks = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    pairs = zip(modules[::2], modules[1::2], strict=True)
    return ["".join(blocks[pair] for pair in zip(upper, lower, strict=True)) for upper, lower in pairs]


def page(cards: list[Card]) -> str:
    """All cards, each picture asked for anew every two seconds."""
    drawn = "\n".join(
        f"<figure><img src='{CODES}{card.name}.svg' alt='{html.escape(card.title)}'>"
        f"<figcaption><b>{html.escape(card.title)}</b><br><i class='{card.lamp}'>{card.lamp}</i></figcaption></figure>"
        for card in cards
    )
    return _PAGE.replace("CARDS", drawn)


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Codes to hold up</title>
<style>
body { font: 16px/1.4 system-ui, sans-serif; margin: 1.5rem; background: #f3f4f6; color: #111 }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.5rem }
figure { margin: 0; padding: 1rem; background: #fff; border-radius: 1rem; text-align: center }
img { width: 100%; max-width: 22rem }
i { font-style: normal; padding: 0 .6em; border-radius: 1em; color: #fff }
.green { background: #15803d } .amber { background: #b45309 } .red { background: #b91c1c }
</style>
<h1>Codes to hold up to the camera</h1>
<p>Each is signed anew every ten seconds. Below it stands the lamp that the gate should show the first time.</p>
<main>
CARDS
</main>
<script>
setInterval(() => document.querySelectorAll("img").forEach(i => i.src = i.src.split("?")[0] + "?" + Date.now()), 2000)
</script></html>
"""
