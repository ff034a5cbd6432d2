"""Turns of the public on a real loop: in order, given back, and never kept by one that is stuck."""

import asyncio
from collections.abc import Awaitable, Callable

from ledger_node.web.share import AT_ONCE
from ledger_node.web.turns import MINE, Turns, give_back


def on_a_loop(work: Callable[[Turns], Awaitable[None]]) -> None:
    async def run() -> None:
        await asyncio.wait_for(work(Turns()), 20)

    asyncio.run(run())


def test_while_a_gate_claims_they_come_one_after_the_other_in_their_order() -> None:
    async def work(turns: Turns) -> None:
        turns.claimed()
        came: list[int] = []

        async def one(number: int) -> None:
            turn = await turns.begin(20.0)
            came.append(number)
            turn.end()

        await asyncio.gather(*(one(number) for number in range(10)))
        assert came == list(range(10))

    on_a_loop(work)


def test_one_that_is_stuck_does_not_keep_the_others_out() -> None:
    async def work(turns: Turns) -> None:
        turns.claimed()
        await turns.begin(0.01)
        (await turns.begin(20.0)).end()

    on_a_loop(work)


def test_one_that_waits_for_others_gives_its_turn_back() -> None:
    async def work(turns: Turns) -> None:
        mine = [await turns.begin(20.0) for _ in range(AT_ONCE)]
        next_one = asyncio.create_task(turns.begin(20.0))
        await asyncio.sleep(0)
        assert not next_one.done()
        MINE.set(mine[0])
        give_back()
        give_back()
        (await next_one).end()
        for turn in mine:
            turn.end()

    on_a_loop(work)


def test_one_that_went_away_before_its_turn_takes_none() -> None:
    async def work(turns: Turns) -> None:
        mine = [await turns.begin(20.0) for _ in range(AT_ONCE)]
        gone, here = asyncio.create_task(turns.begin(20.0)), asyncio.create_task(turns.begin(20.0))
        await asyncio.sleep(0)
        gone.cancel()
        mine[0].end()
        (await here).end()
        for turn in mine:
            turn.end()

    on_a_loop(work)
