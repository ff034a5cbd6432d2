"""A person's record as a text to be handed to them, in Traditional Chinese and English. What is in it: services."""

from collections.abc import Iterator, Mapping
from typing import Any

_ABOUT = {"name": "姓名 Name", "phone": "電話 Phone", "email": "電郵 E-mail", "document": "證件 Document"}
_STATES = {
    "active": "有效",
    "blocked": "暫停",
    "cancelled": "已取消",
    "refunded": "已退款",
    "open": "可用",
    "claimed": "使用中",
    "used": "已使用",
    "revoked": "已撤銷",
    "waiting": "等候發送",
    "sent": "已發送",
    "dropped": "沒有發送",
    "not sold": "沒有售出",
}
_LETTERS = {"activation": "啟動電子門票 activation", "transfer_offer": "轉讓 transfer", "invitation": "邀請 invitation"}


def person_text(record: Mapping[str, Any]) -> str:
    """All of it, one fact a line."""
    return "\n".join(_lines(record)) + "\n"


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    yield "我們保存的關於您的資料 What we keep about you"
    yield f"自 Since: {record['kept_since']}"
    for name, title in _ABOUT.items():
        if name in record:
            yield f"{title}: {record[name]}"
    for event in record["events"]:
        yield ""
        starts = f" ({event['starts']})" if "starts" in event else ""
        yield f"活動 Event: {event.get('name', event['event'])}{starts}"
        for order in event["orders"]:
            yield from _order(order)
        for link in event["links"]:
            yield from _link(link)
        for letter in event["letters"]:
            kind = _LETTERS.get(letter["kind"], letter["kind"])
            yield f"  信件 Letter: {kind}, {_state(letter['state'])}, {letter['since']}"


def _order(order: Mapping[str, Any]) -> Iterator[str]:
    if "amount" not in order:
        yield f"  訂單 Order {order['number']}: {_state(order['state'])}"
        return
    fee = f", 手續費 fee {_money(order['fee'])}" if order["fee"] else ""
    yield f"  訂單 Order {order['number']}: {order['currency']} {_money(order['amount'])}{fee}"
    for ticket in order["tickets"]:
        seat = f"座位 seat {ticket['seat']}" if ticket["seat"] else "無座號 no seat number"
        yield f"    門票 Ticket {ticket['ticket']}, {seat}: {_state(ticket['state'])}"


def _link(link: Mapping[str, Any]) -> Iterator[str]:
    tickets = ", ".join(str(ticket) for ticket in link["tickets"])
    yield f"  啟動連結 Activation link, 門票 tickets {tickets}: {_state(link['state'])}, 至 until {link['until']}"
    if "question" in link:
        yield f"    問題 Question: {link['question']}"
        yield f"    答案 Answer: 只以不可還原的形式保存 {link['answer']}"


def _state(word: str) -> str:
    return f"{_STATES.get(word, '')} {word}".strip()


def _money(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"
