"""The holder's wallet as a set of files: one page, its style, its script modules and a service worker, the same for
everybody. Tickets and keys are in the browser that has them, and never here.

/activate and /offer are what letters link to, /agreed is where a provider leads back to, and all give the same page;
what stands behind # reaches no server. The files
go out as they are; only the service worker is told which files there are, and gets a number for them all, so that a
browser takes a new version whole or not at all.
"""

import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ledger_node.contract.refusals import Refusal
from ledger_node.services.accounts.site import Site
from ledger_node.web.regulator_texts import TYPES
from ledger_node.web.routes import add_page

HOME = "/wallet/"
_LETTERS = ("/activate", "/offer", "/agreed")
_FOLDERS = (("wallet", HOME), ("vendor", f"{HOME}vendor/"))
_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
}
_WORKER = f"{HOME}sw.js"
_WORDS = f"{HOME}words.json"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Permissions-Policy": "screen-wake-lock=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_STRICT = {"Strict-Transport-Security": "max-age=31536000"}


def add_wallet_pages(app: FastAPI, site: Site) -> None:
    """The page at /wallet/, /activate and /offer, and its files. They are read once."""
    headers = {**_HEADERS, **(_STRICT if site.secure else {})}
    shelf = wallet_files()
    for path, body in {**shelf, **dict.fromkeys(_LETTERS, shelf[HOME])}.items():
        _add(app, path, body, {**headers, "Content-Type": _kind(path)})

    async def home(_request: Request) -> Response:
        return RedirectResponse(HOME, 308)

    add_page(app, HOME.rstrip("/"), home)


def wallet_files() -> dict[str, bytes]:
    """Every file of the wallet by its path; the page itself is at HOME."""
    shelf = {path: body for folder, at in _FOLDERS for path, body in _read(files("ledger_node.web"), folder, at)}
    shelf[HOME] = shelf.pop(f"{HOME}index.html")
    shelf[_WORDS] = _words()
    shelf[_WORKER] = _told(shelf[_WORKER], {path: body for path, body in shelf.items() if path != _WORKER})
    return shelf


def _read(package: Traversable, folder: str, at: str) -> list[tuple[str, bytes]]:
    found = [file for file in (package / "static" / folder).iterdir() if file.name.rpartition(".")[2] in _KINDS]
    return [(at + file.name, file.read_bytes()) for file in sorted(found, key=lambda file: file.name)]


def _words() -> bytes:
    """What the contract says no with, by code, and what entries are called, by type; in English and in Chinese."""
    refusals = {one.value: {"en": one.english, "zh": one.chinese} for one in Refusal}
    types = {name: {"en": said.en, "zh": said.zh} for name, said in TYPES.items()}
    return json.dumps({"refusals": refusals, "types": types}, ensure_ascii=False, separators=(",", ":")).encode()


def _told(worker: bytes, others: Mapping[str, bytes]) -> bytes:
    whole = hashlib.sha256(worker)
    for path in sorted(others):
        whole.update(path.encode() + b"\0" + hashlib.sha256(others[path]).digest())
    known = f"const VERSION = {json.dumps(whole.hexdigest()[:16])};\nconst FILES = {json.dumps(sorted(others))};\n"
    return known.encode() + worker


def _kind(path: str) -> str:
    return _KINDS.get(path.rpartition(".")[2], _KINDS["html"])


def _add(app: FastAPI, path: str, body: bytes, headers: dict[str, str]) -> None:
    async def page(_request: Request) -> Response:
        return Response(body, 200, headers)

    add_page(app, path, page)
