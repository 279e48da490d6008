"""The pace of a worker's writes, in virtual time."""

import asyncio

from tests.support.virtual_time import run
from translator.pace import EVERY_S, Pace


def test_who_comes_meanwhile_goes_with_the_first() -> None:
    async def story() -> None:
        loop, pace = asyncio.get_running_loop(), Pace()
        began_s = loop.time()

        async def write(after_s: float) -> float:
            await asyncio.sleep(after_s)
            await pace.turn()
            return round(loop.time() - began_s, 6)

        times = await asyncio.gather(*(write(share * EVERY_S) for share in (0.0, 0.5, 0.9, 1.5)))
        assert times == [EVERY_S, EVERY_S, EVERY_S, round(2.5 * EVERY_S, 6)]

    run(story())


def test_who_gave_up_keeps_nobody_waiting() -> None:
    async def story() -> None:
        pace = Pace()
        async with asyncio.TaskGroup() as tasks:
            first, second = tasks.create_task(pace.turn()), tasks.create_task(pace.turn())
            await asyncio.sleep(0)
            first.cancel()
        assert first.cancelled()
        assert not second.cancelled()

    run(story())
