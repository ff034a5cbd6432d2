"""An open wallet page hears that its ticket has changed, and only that."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import requests

from ledger_node.services.tickets import set_state
from tests.fakes.clockwork import wait_until
from tests.fakes.marketplace import EVENT, Clock, marketplace
from tests.fakes.running_node import Running, serving


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with marketplace(tmp_path / "home", 20, Clock()) as market, serving(market.node) as served:
        yield served


@contextmanager
def page(running: Running, tickets: str, **more: str) -> Iterator[Iterator[str]]:
    """The lines that a page gets from now on."""
    query = {"tickets": tickets, **more}
    url = f"{running.url}/v1/events/{EVENT}/live"
    with closing(requests.get(url, params=query, stream=True, timeout=20)) as answer:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/event-stream"
        lines = (line for line in answer.iter_lines(chunk_size=1, decode_unicode=True) if line)
        assert next(lines).startswith("retry: ")
        yield lines


def test_a_page_hears_of_its_own_tickets(running: Running) -> None:
    with page(running, "3,5") as one, page(running, "4") as other:
        set_state(running.node, EVENT, [4, 5], "cancelled", "test")
        assert [next(one), next(one)] == ["event: ticket", "data: 5"]
        assert [next(other), next(other)] == ["event: ticket", "data: 4"]
        set_state(running.node, EVENT, [3], "cancelled", "test")
        assert [next(one), next(one)] == ["event: ticket", "data: 3"]


def test_pages_that_come_later_hear_too(running: Running) -> None:
    for ticket in (6, 7):
        with page(running, str(ticket)) as lines:
            set_state(running.node, EVENT, [ticket], "cancelled", "test")
            assert [next(lines), next(lines)] == ["event: ticket", f"data: {ticket}"]


def test_a_stream_ends_when_it_was_asked_to(running: Running) -> None:
    with page(running, "1", wait="0") as lines:
        assert list(lines) == []


def test_a_node_that_stops_lets_its_pages_go(tmp_path: Path) -> None:
    with ExitStack() as stack:
        market = stack.enter_context(marketplace(tmp_path / "home", 20, Clock()))
        with serving(market.node) as served:
            lines = stack.enter_context(page(served, "1"))
        assert list(lines) == []


@pytest.mark.parametrize(
    ("event", "query", "status", "code"),
    [
        (EVENT, {}, 400, "bad-tickets"),
        (EVENT, {"tickets": "1,"}, 400, "bad-tickets"),
        (EVENT, {"tickets": "-1"}, 400, "bad-tickets"),
        (EVENT, {"tickets": ",".join(map(str, range(21)))}, 400, "bad-tickets"),
        (EVENT, {"tickets": "1", "wait": "soon"}, 400, "bad-wait"),
        ("no-such-show", {"tickets": "1"}, 404, "unknown-event"),
    ],
)
def test_bad_questions_are_answered(
    running: Running, event: str, query: dict[str, str], status: int, code: str
) -> None:
    answer = requests.get(f"{running.url}/v1/events/{event}/live", params=query, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_gates_are_served_when_as_many_pages_listen_as_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger_node.web.live.most_connections", lambda: 4)
    with marketplace(tmp_path / "home", 20, Clock()) as market, serving(market.node) as running:
        url = f"{running.url}/v1/events/{EVENT}/live?tickets=1&wait=0"
        with page(running, "1"), page(running, "1"), page(running, "1"):
            answer = requests.get(url, timeout=20)
            assert (answer.status_code, answer.json()["code"]) == (503, "busy")
            assert requests.get(f"{running.url}/healthz", timeout=20).status_code == 200
        wait_until(lambda: requests.get(url, timeout=20).status_code == 200, "pages that are gone make room")
