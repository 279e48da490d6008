"""Virtual time is trusted by every story, so it is tested like production code."""

import asyncio
import time
from collections.abc import Awaitable

import pytest

from tests.support.virtual_time import Deadlock, Spinning, TooLate, Unseen, now_ms, run


def test_a_year_passes_in_no_time():
    async def story() -> int:
        await asyncio.sleep(365 * 86_400)
        return now_ms()

    began = time.perf_counter()
    assert run(story(), until_s=float("inf")) == 365 * 86_400_000
    assert time.perf_counter() - began < 1


def test_timers_fire_in_the_order_of_their_time_and_ties_in_the_order_of_setting():
    async def story() -> list[str]:
        fired: list[str] = []
        loop = asyncio.get_running_loop()
        loop.call_later(2, fired.append, "second")
        loop.call_later(1, fired.append, "first")
        loop.call_later(2, fired.append, "third")
        loop.call_later(1.5, fired.append, "cancelled").cancel()
        await asyncio.sleep(3)
        return fired

    assert run(story()) == ["first", "second", "third"]


def test_time_stands_still_while_anything_can_run():
    async def story() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert run(story()) == 0


def test_timeouts_and_task_groups_work_as_in_real_time():
    async def story() -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.sleep(7))
            tasks.create_task(asyncio.sleep(3))
        return now_ms()

    assert run(story()) == 12_000


def test_a_deadlock_fails_and_says_who_waits_where():
    async def wait_for_godot() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"at 2 s nothing can run and no timer is set; .*Event\.wait"):
        run(_after(2, wait_for_godot()))


def test_a_deadlock_is_found_although_another_task_is_done_for():
    async def story() -> None:
        lock = asyncio.Lock()
        await lock.acquire()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lock.acquire(), name="the second to ask")

    with pytest.raises(Deadlock, match="the second to ask"):
        run(story())


def test_a_story_that_spins_without_time_moving_fails():
    async def story() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Spinning):
        run(story())


def test_a_story_that_is_not_over_in_time_fails():
    async def story() -> None:
        while True:
            await asyncio.sleep(1)

    with pytest.raises(TooLate, match="still not over after 60 s"):
        run(story(), until_s=60)


def test_an_exception_that_nobody_awaits_fails_the_story():
    async def story() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await asyncio.sleep(1)

    with pytest.raises(Unseen, match="ZeroDivisionError"):
        run(story())


def test_a_failing_story_fails_with_its_own_exception_and_its_tasks_are_cancelled():
    ended: list[str] = []

    async def child() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append("child")

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(child())
            await asyncio.sleep(1)
            raise LookupError("mine")

    with pytest.raises(ExceptionGroup) as failed:
        run(story())
    assert failed.group_contains(LookupError, match="mine")
    assert ended == ["child"]


def test_threads_run_on_the_spot():
    async def story() -> tuple[int, float]:
        return await asyncio.to_thread(pow, 2, 10), asyncio.get_running_loop().time()

    assert run(story()) == (1024, 0)


async def _after(delay_s: float, then: Awaitable[None]) -> None:
    await asyncio.sleep(delay_s)
    await then
