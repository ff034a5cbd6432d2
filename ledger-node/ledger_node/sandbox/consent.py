"""The page where the provider's customers say yes: what a real provider has in its own app. Here nobody signs in: who
is at the page picks an account, because money is pretended and the server listens on this machine only.

  GET  /sandbox/consent?event=E&purpose=pay&most=CENTS&back=URL     purpose pay or identify; most only for pay
  POST the same, and account=NAME as a form

A yes leads to back#PURPOSE/CODE, or shows the code to be copied if there is no `back`. A payment code is
PARTY.AUTHORISATION, an identity code the authorisation.
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


def consent(provider: Provider, query: str, form: str | None) -> Page:
    """The page, or what follows the yes that a form says."""
    asked = _read(dict(parse_qsl(query)))
    if isinstance(asked, str):
        return _page(provider, 400, f"<p>{html.escape(asked)}</p>")
    account = dict(parse_qsl(form or "")).get("account", "")
    if form is None or not account:
        return _page(provider, 200, _question(provider, asked))
    try:
        code = provider.permit(account, asked.event, asked.purpose, asked.most)
        party = provider.party(account, asked.event).hex()
    except RefusedError as refused:
        return _page(provider, 404, f"<p>{html.escape(str(refused))}</p>")
    given = f"{party}.{code}" if asked.purpose == "pay" else code
    if asked.back:
        return Page(303, "", {"Location": f"{asked.back}#{asked.purpose}/{given}"})
    return _page(provider, 200, f"<p>請複製此碼 Copy this code</p><p><code>{html.escape(given)}</code></p>")


def _read(given: Mapping[str, str]) -> _Asked | str:
    event, purpose, most, back = (given.get(name, "") for name in ("event", "purpose", "most", "back"))
    if not 0 < len(event) <= _MOST_TEXT or purpose not in PURPOSES:
        return f"event and purpose ({' or '.join(PURPOSES)}) are needed"
    if most and not (most.isascii() and most.isdecimal() and len(most) < 17 and int(most) <= MOST_CENTS):
        return "most is an amount in cents"
    parts = urlsplit(back)
    if back and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or not back.isascii()):
        return "back is the address of a page"
    return _Asked(event, purpose, int(most) if most else MOST_CENTS, back)


def _question(provider: Provider, asked: _Asked) -> str:
    what = "核實身分 Say who you are"
    if asked.purpose == "pay":
        what = f"付款最多 Pay at most {asked.most // 100:,}.{asked.most % 100:02d}"
    accounts = "".join(
        f'<p><button name="account" value="{html.escape(name)}">{html.escape(name)}</button> {cents // 100:,}.'
        f"{cents % 100:02d}</p>"
        for name, cents in sorted(provider.accounts().items())
        if not name.startswith("*")
    )
    shown = {"event": asked.event, "purpose": asked.purpose, "most": str(asked.most), "back": asked.back}
    action = html.escape(f"{PATH}?{urlencode(shown)}")
    said = f"<p>{html.escape(asked.event)}</p><p><strong>{what}</strong></p>"
    return f'{said}<form method="post" action="{action}">{accounts or "<p>No account yet.</p>"}</form>'


def _page(provider: Provider, status: int, content: str) -> Page:
    return Page(status, _PAGE.format(name=html.escape(provider.bank.name), content=content))
