"""The page where the provider's customers say yes: what a real provider has in its own app. Here nobody signs in: who
is at the page picks an account, because money is pretended and the server listens on this machine only.

  GET  /sandbox/consent?event=E&purpose=pay&most=CENTS&also=identify&back=URL
  POST the same, and account=NAME as a form

`purpose` is pay or identify, `most` and `also=identify` are only for pay. A yes leads to back#PURPOSE/CODE, to both by
back#pay=CODE&identify=CODE, or shows what to copy if there is no `back`. A payment code is PARTY.AUTHORISATION, an
identity code the authorisation; both together are copied with a space between them.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from ledger_node.contract.shape import MOST_CENTS
from ledger_node.sandbox.bank import RefusedError
from ledger_node.sandbox.provider import PURPOSES, Provider

PATH = "/sandbox/consent"
_MOST_TEXT = 200
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = """<!DOCTYPE html><html lang="zh-HK"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="dark light"><title>{name}</title><h1>{name}</h1>{content}</html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A status, headers and a body."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> tuple[int, Mapping[str, str], bytes]:
        """As it is sent."""
        return self.status, {**_HEADERS, **self.headers}, self.body.encode()


@dataclass(frozen=True, slots=True)
class _Asked:
    event: str
    purpose: str
    most: int
    back: str
    also: bool

    @property
    def purposes(self) -> tuple[str, ...]:
        return (self.purpose, "identify") if self.also else (self.purpose,)


def consent(provider: Provider, query: str, form: str | None) -> Page:
    """The page, or what follows the yes that a form says."""
    asked = _read(dict(parse_qsl(query)))
    if isinstance(asked, str):
        return _page(provider, 400, f"<p>{html.escape(asked)}</p>")
    account = dict(parse_qsl(form or "")).get("account", "")
    if form is None or not account:
        return _page(provider, 200, _question(provider, asked))
    try:
        given = {purpose: _code(provider, account, asked, purpose) for purpose in asked.purposes}
    except RefusedError as refused:
        return _page(provider, 404, f"<p>{html.escape(str(refused))}</p>")
    if asked.back:
        said = urlencode(given) if asked.also else f"{asked.purpose}/{given[asked.purpose]}"
        return Page(303, "", {"Location": f"{asked.back}#{said}"})
    shown = html.escape(" ".join(given.values()))
    return _page(provider, 200, f"<p>請複製此碼 Copy this code</p><p><code>{shown}</code></p>")


def _code(provider: Provider, account: str, asked: _Asked, purpose: str) -> str:
    code = provider.permit(account, asked.event, purpose, asked.most)
    return f"{provider.party(account, asked.event).hex()}.{code}" if purpose == "pay" else code


def _read(given: Mapping[str, str]) -> _Asked | str:
    event, purpose, most, back = (given.get(name, "") for name in ("event", "purpose", "most", "back"))
    if not 0 < len(event) <= _MOST_TEXT or purpose not in PURPOSES:
        return f"event and purpose ({' or '.join(PURPOSES)}) are needed"
    if most and not (most.isascii() and most.isdecimal() and len(most) < 17 and int(most) <= MOST_CENTS):
        return "most is an amount in cents"
    parts = urlsplit(back)
    if back and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or not back.isascii()):
        return "back is the address of a page"
    also = given.get("also", "")
    if also and (also, purpose) != ("identify", "pay"):
        return "also is identify, beside a payment"
    return _Asked(event, purpose, int(most) if most else MOST_CENTS, back, bool(also))


def _question(provider: Provider, asked: _Asked) -> str:
    what = "核實身份 Say who you are"
    if asked.purpose == "pay":
        what = f"付款最多 Pay at most {asked.most // 100:,}.{asked.most % 100:02d}"
    if asked.also:
        what += "<br>核實身份 Say who you are"
    accounts = "".join(
        f'<p><button name="account" value="{html.escape(name)}">{html.escape(name)}</button> {cents // 100:,}.'
        f"{cents % 100:02d}</p>"
        for name, cents in sorted(provider.accounts().items())
        if not name.startswith("*")
    )
    shown = {"event": asked.event, "purpose": asked.purpose, "most": str(asked.most), "back": asked.back}
    shown |= {"also": "identify"} if asked.also else {}
    action = html.escape(f"{PATH}?{urlencode(shown)}")
    said = f"<p>{html.escape(asked.event)}</p><p><strong>{what}</strong></p>"
    return f'{said}<form method="post" action="{action}">{accounts or "<p>No account yet.</p>"}</form>'


def _page(provider: Provider, status: int, content: str) -> Page:
    return Page(status, _PAGE.format(name=html.escape(provider.bank.name), content=content))
