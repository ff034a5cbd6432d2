"""Work that costs much: so many at a time, a bounded number inside, and of one network only a part of that."""

import asyncio

import pytest

from ledger_node.services.errors import ServiceError
from ledger_node.web.hands import Lane


def test_so_many_at_a_time_and_a_bounded_number_inside() -> None:
    async def play() -> None:
        lane, go, busy = Lane(at_a_time=2, most=4, most_of_one=3), asyncio.Event(), []

        async def work(who: str) -> None:
            async with lane.turn(who):
                busy.append(who)
                await go.wait()

        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(work("hall"))
            await asyncio.sleep(0)
            assert busy == ["hall", "hall"]
            with pytest.raises(ServiceError) as refused:
                await work("hall")
            assert (refused.value.code, refused.value.status) == ("busy", 503)
            group.create_task(work("outside"))
            await asyncio.sleep(0)
            with pytest.raises(ServiceError):
                await work("elsewhere")
            go.set()
        assert busy == ["hall", "hall", "hall", "outside"]
        assert not lane._inside
        await work("hall")

    asyncio.run(play())
