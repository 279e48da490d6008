"""Feed items on their way to the one consumer of a feed.

Invariant: at most `items_max` wait. One more, and everything that waits is dropped and replaced with a single Gap: the
consumer fills the hole from the log, which has all of it, so dropping the newest instead would save nothing and hide
the loss. Never a wait for room: a feed that stops reading its socket is cut off by the engine.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from chat.ports import FeedItem, Gap

BACKLOG_ITEMS_MAX = 10_000
"""About 5 MB of ordinary messages: a second of a very busy process, or a consumer that hangs."""


class Backlog:
    def __init__(self, items_max: int = BACKLOG_ITEMS_MAX) -> None:
        if items_max < 2:
            raise ValueError("a backlog needs room for a Gap and an item")
        self._items: deque[FeedItem] = deque()
        self._items_max = items_max
        self._waiter: asyncio.Future[None] | None = None
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: FeedItem) -> None:
        if len(self._items) >= self._items_max:
            self.dropped += len(self._items) + 1
            self._items.clear()
            item = Gap("the consumer was too slow, its backlog was dropped")
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def items(self) -> AsyncGenerator[FeedItem, None]:
        while True:
            while self._items:
                yield self._items.popleft()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
