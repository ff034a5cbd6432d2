"""The public front's parts: what it takes a request for, what it keeps, and whom it lets wait."""

import asyncio

import pytest
from structlog.testing import capture_logs

from ledger_node.services.errors import ServiceError
from ledger_node.web.authorisation import Proof
from ledger_node.web.authorisation_matrix import ROWS, at_gates_port
from ledger_node.web.bodies import Bodies
from ledger_node.web.busy_log import EVERY, BusyLog
from ledger_node.web.front_kinds import Kind, Kinds
from ledger_node.web.places import Places
from ledger_node.web.shelf import Answer, Shelf


def filled(path: str) -> str:
    """A path that a pattern fits."""
    return "/".join("x" if "{" in part else part for part in path.split("/"))


def test_no_callers_own_answer_is_shared_or_kept() -> None:
    kinds = Kinds()
    for (method, path), row in ROWS.items():
        kind = kinds.of(method, filled(path))
        if row.proof is not Proof.NONE or method != "GET":
            assert kind not in {Kind.SHARED, Kind.FILE}, (method, path)
    assert kinds.of("GET", "/v1/time") is Kind.OWN
    assert kinds.of("GET", "/v1/events/x/live") is Kind.OWN
    assert kinds.of("GET", "/no/such/path") is Kind.OWN


def test_what_devices_sign_has_places_of_its_own_and_is_at_the_gates_port() -> None:
    kinds = Kinds()
    for (method, path), row in ROWS.items():
        if row.proof is Proof.SIGNATURE:
            assert kinds.of(method, filled(path)) is Kind.DEVICE
            assert at_gates_port(method, path)


def test_pages_and_tiles_are_asked_for_once() -> None:
    kinds = Kinds()
    assert kinds.of("GET", "/wallet/vendor/any.js") is Kind.FILE
    assert kinds.of("GET", "/openapi.json") is Kind.FILE
    assert kinds.of("GET", "/tile/0/x001/000") is Kind.SHARED
    assert kinds.of("GET", "/v1/events/x/tickets/1") is Kind.SHARED


def test_the_shelf_has_an_end_and_what_was_not_asked_for_for_longest_goes_first() -> None:
    shelf = Shelf(2_020)
    for name in (b"a", b"b"):
        shelf.keep(name, Answer(200, [], b"12345"))
    assert shelf.find(b"a")
    shelf.keep(b"c", Answer(200, [], b"12345"))
    assert shelf.find(b"b") is None
    assert shelf.find(b"a")
    shelf.keep(b"large", Answer(200, [], bytes(2_000)))
    assert shelf.find(b"large") is None


def test_the_shelf_counts_what_answers_are_kept_under() -> None:
    """Attack: a small answer under a new long question, again and again."""
    shelf = Shelf(100_000)
    for number in range(100):
        shelf.keep(b"/tile/0/000?%d" % number + b"a" * 30_000, Answer(200, [], b"x"))
    assert sum(shelf.find(b"/tile/0/000?%d" % number + b"a" * 30_000) is not None for number in range(100)) <= 3


def test_only_what_the_ledger_calls_immutable_is_kept_for_good() -> None:
    forever = (b"cache-control", b"public, max-age=31536000, immutable")
    assert Answer(200, [forever], b"").immutable
    assert not Answer(404, [forever], b"").immutable
    assert not Answer(200, [(b"cache-control", b"no-cache")], b"").immutable


def test_beyond_a_bounded_queue_one_is_told_to_come_back() -> None:
    async def work() -> None:
        places, over = Places(1, 1, 20.0), asyncio.Event()

        async def take() -> None:
            async with places.place():
                await over.wait()

        first, second = asyncio.create_task(take()), asyncio.create_task(take())
        await asyncio.sleep(0)
        with pytest.raises(ServiceError, match="try again"):
            await take()
        over.set()
        await asyncio.gather(first, second)
        async with places.place() as place:
            place.leave()
            async with places.place():
                pass

    asyncio.run(work())


def test_one_that_waits_too_long_is_told_so_and_takes_no_place() -> None:
    async def work() -> None:
        places = Places(1, 5, 0.01)
        async with places.place():
            with pytest.raises(ServiceError, match="try again"):
                async with places.place():
                    pass
        async with places.place():
            pass

    asyncio.run(work())


def test_bodies_are_bounded_together_by_what_has_come_and_not_by_what_was_announced() -> None:
    scope = {"type": "http", "method": "POST", "headers": [(b"content-length", b"8")]}

    async def work() -> None:
        bodies, over = Bodies(10), asyncio.Event()

        async def stalled() -> dict[str, object]:
            await over.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def sent() -> dict[str, object]:
            return {"type": "http.request", "body": bytes(8), "more_body": False}

        async def announce() -> None:
            async with bodies.read(scope, stalled, 8):
                pass

        slow = [asyncio.create_task(announce()) for _ in range(5)]
        await asyncio.sleep(0)
        async with bodies.read(scope, sent, 8) as body:
            assert body == bytes(8)
            with pytest.raises(ServiceError, match="too much"):
                async with bodies.read(scope, sent, 8):
                    pass
        async with bodies.read(scope, sent, 8) as body:
            assert body == bytes(8)
        over.set()
        await asyncio.gather(*slow)

    asyncio.run(work())


def test_a_crowd_that_is_turned_away_is_one_line_a_minute_with_its_count() -> None:
    said_by, busy = BusyLog(), ServiceError("busy", "too many", 503)
    with capture_logs() as said:
        for _ in range(1_000):
            said_by.refused(busy, 0.0)
        said_by.refused(ServiceError("not-http", "no", 400), EVERY)
        said_by.refused(busy, EVERY)
    assert [one["count"] for one in said] == [1, 1_000]
