"""The gate of hellos and resumes: each bound at max - 1, max and max + 1, the order, and who gives up."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from chat.errors import Unavailable
from gateway.gate import RETRY_MS, RETRY_SPREAD_MS, Gate
from tests.support.virtual_time import run


class Hall:
    """Clients at one gate, by name."""

    def __init__(self, tasks: asyncio.TaskGroup, *, under_way_max: int, waiting_max: int) -> None:
        self.gate = Gate(lambda: 0.5, under_way_max=under_way_max, waiting_max=waiting_max)
        self.inside: list[str] = []
        self._tasks = tasks
        self._done: dict[str, asyncio.Event] = {}

    async def come(self, name: str, *, let_in: bool = False) -> asyncio.Task[None]:
        self._done[name] = asyncio.Event()
        task = self._tasks.create_task(self._pass(name, let_in))
        await asyncio.sleep(0.001)
        return task

    def say_go(self, name: str) -> None:
        self._done[name].set()

    async def go(self, name: str) -> None:
        self.say_go(name)
        await asyncio.sleep(0.001)

    async def _pass(self, name: str, let_in: bool) -> None:
        async with self.gate.passing(let_in=let_in):
            self.inside.append(name)
            try:
                await self._done[name].wait()
            finally:
                self.inside.remove(name)

    @property
    def counted(self) -> tuple[int, int, int]:
        under_way, waiting, refused = self.gate.statistics().values()
        return under_way, waiting, refused


def test_so_many_pass_so_many_wait_in_their_order_and_the_next_is_refused() -> None:
    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            hall = Hall(tasks, under_way_max=2, waiting_max=2)
            counts = []
            for name in "abcd":
                await hall.come(name)
                counts.append(hall.counted)
            assert counts == [(1, 0, 0), (2, 0, 0), (2, 1, 0), (2, 2, 0)]
            with pytest.raises(Unavailable) as refused:
                async with hall.gate.passing():
                    pass
            assert refused.value.retry_after_ms == RETRY_MS + RETRY_SPREAD_MS // 2
            assert hall.counted == (2, 2, 1)
            await hall.go("b")
            assert hall.inside == ["a", "c"]
            for name in "acd":
                await hall.go(name)
        assert hall.counted == (0, 0, 1)

    run(story(), until_s=10)


def test_who_was_let_in_before_goes_first_and_is_never_refused() -> None:
    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            hall = Hall(tasks, under_way_max=1, waiting_max=1)
            await hall.come("a")
            await hall.come("new")
            await hall.come("begun", let_in=True)
            assert hall.counted == (1, 2, 0)
            await hall.go("a")
            assert hall.inside == ["begun"]
            await hall.go("begun")
            await hall.go("new")

    run(story(), until_s=10)


def test_who_gives_up_waiting_takes_no_place_with_them() -> None:
    """Also not one that was given to them in the same tick."""

    async def story() -> None:
        async with AsyncExitStack() as stack:
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            hall = Hall(tasks, under_way_max=1, waiting_max=5)
            first = await hall.come("a")
            gives_up, given, last = [await hall.come(name) for name in ("b", "c", "d")]
            gives_up.cancel()
            await asyncio.sleep(0.001)
            assert hall.counted == (1, 2, 0)
            hall.say_go("a")
            await asyncio.sleep(0)
            assert (first.done(), hall.inside) == (True, [])
            given.cancel()  # its turn has come, it has not run yet
            await asyncio.sleep(0.001)
            assert hall.inside == ["d"]
            await hall.go("d")
            await last
            assert hall.counted == (0, 0, 0)

    run(story(), until_s=10)
