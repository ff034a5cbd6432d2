"""The pages of accounts: signing in, accepting an invitation, one's own account. Traditional Chinese and English.

Server-rendered, with one script and one style sheet of this origin and nothing from anywhere else; the pages carry no
data, which the script gets from the API with the session's cookie.
"""

from importlib.resources import files

import jinja2
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from ledger_node.services.accounts.site import Site
from ledger_node.web.page_texts import PROBLEMS, TEXTS
from ledger_node.web.routes import add_page

_PAGES = {"/account": "account.html", "/account/login": "login.html", "/account/join": "join.html"}
_FILES = {
    "/account/account.js": ("account.js", "text/javascript; charset=utf-8"),
    "/account/account.css": ("account.css", "text/css; charset=utf-8"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_STRICT = {"Strict-Transport-Security": "max-age=31536000"}


def add_pages(app: FastAPI, site: Site) -> None:
    """The pages and their two files. They are made once."""
    headers = {**_HEADERS, **(_STRICT if site.secure else {})}
    shelf = jinja2.PackageLoader("ledger_node.web", "templates")
    environment = jinja2.Environment(loader=shelf, autoescape=True, undefined=jinja2.StrictUndefined)
    for path, name in _PAGES.items():
        text = environment.get_template(name).render(t=TEXTS, problems=PROBLEMS)
        _add(app, path, text.encode(), {**headers, "Content-Type": "text/html; charset=utf-8"})
    for path, (name, kind) in _FILES.items():
        _add(app, path, (files("ledger_node.web") / "static" / name).read_bytes(), {**headers, "Content-Type": kind})


def _add(app: FastAPI, path: str, body: bytes, headers: dict[str, str]) -> None:
    async def page(_request: Request) -> Response:
        return Response(body, 200, headers)

    add_page(app, path, page)
