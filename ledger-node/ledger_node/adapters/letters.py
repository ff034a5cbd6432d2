"""What we write to people: activation link, receipt, transfer offer, sponsor's invitation, each in Traditional Chinese
and English, as an e-mail (plain text and HTML) and as an SMS. Texts only: nothing is sent, no address is known here.
No letter with a link says what the link's page asks for (docs/activation.md).

What goes in is other people's text (an event's name, a sponsor's), so it is held to one line, escaped in HTML, and a
link is refused unless it is https, or http to this machine itself.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ledger_node.adapters.exchange import is_this_machine
from ledger_node.names import name_fault

_MOST_NAME = 200
_MOST_LINK = 1_000


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in both languages. `sms` is one short text; Chinese stands first, as on everything in Hong Kong. `link`
    may be empty.
    """

    subject: str
    chinese: tuple[str, ...]
    english: tuple[str, ...]
    link: str
    button: str
    sms: str

    def plain(self) -> str:
        """The text part of an e-mail."""
        link = [self.link] if self.link else []
        return "\n\n".join([*self.chinese, *link, "—", *self.english, *link]) + "\n"

    def html(self) -> str:
        """The HTML part: no pictures, scripts or addresses of others, so that nothing is fetched when it is read."""
        link = html.escape(self.link)
        button = (
            f'<p><a href="{link}" style="display:inline-block;padding:12px 24px;background:#14532d;color:#fff;'
            f'text-decoration:none;border-radius:6px">{html.escape(self.button)}</a></p>'
        )
        bare = f'<p style="font-size:13px;word-break:break-all">{link}</p>'
        if not link:
            button = bare = ""
        return (
            f'<!DOCTYPE html><html lang="zh-HK"><head><meta charset="utf-8"><title>{html.escape(self.subject)}</title>'
            '</head><body style="font-family:sans-serif;max-width:36em;margin:2em auto;padding:0 1em;line-height:1.6">'
            f'{_paragraphs(self.chinese)}{button}<div lang="en">{_paragraphs(self.english)}</div>{bare}</body></html>\n'
        )


def activation(event: str, tickets: int, link: str, until: str) -> Letter:
    """To a buyer: here are your e-tickets. `until` is the link's end as people read it. Raises ValueError."""
    event, until, link = _line(event), _line(until), _link(link)
    many = "" if tickets == 1 else "s"
    return Letter(
        f"啟動您的電子門票 Activate your e-ticket{many}: {event}",
        (
            f"您購買的「{event}」電子門票（{tickets} 張）已備妥。",
            f"請於 {until} 前開啟以下連結並回答問題，門票便會存入您的手機。連結只可使用一次，請勿轉寄。",
        ),
        (
            f"Your {tickets} e-ticket{many} for {event} can be activated now.",
            f"Open the link before {until} and answer the question; the ticket{many} will then be on your phone.",
            "The link works once. Do not pass it on.",
        ),
        link,
        "啟動門票 Activate",
        f"「{event}」電子門票 {tickets} 張，{until} 前啟動 Activate e-ticket{many}: {link}",
    )


def receipt(event: str, tickets: int, number: str, amount: int) -> Letter:
    """To a buyer who paid here, with the order's number and without a link: the link's page asks for the number, so the
    two never stand in one letter. `amount` in cents. Raises ValueError.
    """
    event, number = _line(event), _line(number)
    many = "" if tickets == 1 else "s"
    return Letter(
        f"收據 Receipt: {event}",
        (
            f"您購買了「{event}」門票 {tickets} 張，共港幣 {dollars(amount)}。",
            f"訂單編號：{number}",
            "請保存此編號：電子門票的連結會另函送達，啟動門票時須輸入此編號。",
        ),
        (
            f"You bought {tickets} ticket{many} for {event}: HK${dollars(amount)} in all.",
            f"Order number: {number}",
            f"Keep it. The link to your e-ticket{many} comes in another message, and its page asks for this number.",
        ),
        "",
        "",
        f"「{event}」門票 {tickets} 張，訂單編號 Order number {number}。啟動門票時須輸入 Asked for when you activate.",
    )


def transfer_offer(event: str, price: int, link: str, until: str) -> Letter:
    """To whom a ticket is offered, at `price` cents. Raises ValueError."""
    event, until, link = _line(event), _line(until), _link(link)
    chinese, english = ("免費", "free of charge") if price == 0 else (f"港幣 {dollars(price)}", f"HK${dollars(price)}")
    return Letter(
        f"有人向您轉讓門票 A ticket is offered to you: {event}",
        (
            f"有人向您轉讓一張「{event}」門票，價格：{chinese}。",
            f"請於 {until} 前開啟以下連結接受或拒絕。若您不認識轉讓人，請不要理會。",
        ),
        (
            f"Somebody offers you a ticket for {event}, {english}.",
            f"Accept or reject it before {until}. If you do not expect this, ignore it.",
        ),
        link,
        "查看 View the offer",
        f"有人向您轉讓「{event}」門票（{chinese}），{until} 前回覆 Ticket offer: {link}",
    )


def invitation(event: str, sponsor: str, link: str, until: str) -> Letter:
    """To a sponsor's guest. Raises ValueError."""
    event, sponsor, until, link = _line(event), _line(sponsor), _line(until), _link(link)
    return Letter(
        f"{sponsor} 邀請您 invites you: {event}",
        (f"{sponsor} 誠邀您出席「{event}」。", f"請於 {until} 前開啟以下連結領取電子門票，逾期門票將收回。"),
        (
            f"{sponsor} invites you to {event}.",
            f"Claim your e-ticket before {until}; after that it goes to somebody else.",
        ),
        link,
        "領取門票 Claim",
        f"{sponsor} 邀請您出席「{event}」，{until} 前領取 Claim your ticket: {link}",
    )


def dollars(cents: int) -> str:
    """880.00; cents to the last one, without a float in between."""
    return f"{cents // 100:,}.{cents % 100:02d}"


def _paragraphs(lines: Sequence[str]) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _line(text: str) -> str:
    """Text that stays on its line and in its direction."""
    if name_fault(text) or len(text) > _MOST_NAME:
        raise ValueError(f"a name in a message is one line of 1 to {_MOST_NAME} characters without control characters")
    return text.strip()


def _link(link: str) -> str:
    parts = urlsplit(link)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname or ""))
    if not safe or not parts.hostname or len(link) > _MOST_LINK or not link.isascii() or not link.isprintable():
        raise ValueError("a link in a message is https, in printable ASCII")
    if any(character in link for character in ' <>"'):
        raise ValueError("a link in a message has no space, quote or angle bracket")
    return link
