"""The archiver's process leaves a sweep, which may take minutes, where it is."""

import asyncio
from collections.abc import Mapping

from chat.adapters.memory import MemoryEngine
from gateway.archiver import Report, run


class Busy:
    """There is more to move than anybody waits for."""

    def __init__(self) -> None:
        self.sweeping = asyncio.Event()

    async def sweep(self) -> None:
        self.sweeping.set()
        await asyncio.Event().wait()

    async def drop_old(self) -> None:
        raise AssertionError("the sweep does not end in this story")

    def statistics(self) -> Mapping[str, int]:
        return {}

    def behind(self) -> int:
        return 0


async def test_who_is_told_to_stop_does_not_sweep_to_the_end() -> None:
    busy, stopping = Busy(), asyncio.Event()
    report = Report(busy, MemoryEngine().presence, name="a", now_s=lambda: 0.0)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run(busy, stopping, report))
        await busy.sweeping.wait()
        stopping.set()
        await running
