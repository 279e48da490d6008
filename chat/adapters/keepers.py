"""What runs for as long as a feed, an engine or a map of the cluster is open: tasks that keep a connection.

Invariant: after `close` none of them runs. One that fails ends whoever holds it, as an ExceptionGroup (a feed that died
unseen would be deaf, not away); an error of the block beside them goes its own way, not wrapped into a group of one.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Keepers:
    def __init__(self) -> None:
        self._tasks: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        return self._tasks is not None

    async def open(self) -> None:
        self._tasks = await asyncio.TaskGroup().__aenter__()

    def start(self, keeping: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Between `open` and `close`."""
        assert self._tasks is not None
        keeper = self._tasks.create_task(keeping, name=name)
        self._running.add(keeper)
        keeper.add_done_callback(self._running.discard)
        return keeper

    async def close(self, error: BaseException | None) -> None:
        """Cancel all and wait for their end. `error` is what the block ended with."""
        tasks, self._tasks = self._tasks, None
        assert tasks is not None
        for keeper in self._running:
            keeper.cancel()
        if isinstance(error, Exception):
            error = None
        await tasks.__aexit__(type(error) if error is not None else None, error, None)
