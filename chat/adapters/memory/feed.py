"""RoomFeed in memory, one for each simulated gateway. `sever` and `heal` are the network cable.

Invariant: what is published while a feed is severed never reaches it, and `heal` shows that as a Gap, not as silence.
Publishing is sync: an entry is in every backlog before the step that stored it ends.
"""

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

from chat.adapters.backlog import BACKLOG_ITEMS_MAX, Backlog
from chat.adapters.memory.reach import Reach
from chat.errors import Unavailable
from chat.events import Entry
from chat.ports import FeedItem, Gap, Whisper


class Feeds(list["MemoryFeed"]):
    """All feeds of one engine that are open."""

    def publish(self, item: Entry | Whisper) -> None:
        for feed in self:
            feed.receive(item)


class MemoryFeed:
    def __init__(
        self,
        reach: Reach,
        feeds: Feeds,
        *,
        backlog_items_max: int = BACKLOG_ITEMS_MAX,
        follow_within_s: float = 5.0,
    ) -> None:
        self._reach = reach
        self._feeds = feeds
        self._rooms: set[str] = set()
        self._backlog = Backlog(backlog_items_max)
        self._follow_within_s = follow_within_s
        self._why_severed: str | None = None
        self._healed = asyncio.Event()
        self._gaps = 0
        feeds.append(self)
        if reach.away is not None:
            self.sever("the engine is away")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self in self._feeds:
            self._feeds.remove(self)

    def sever(self, why: str = "the connection was cut") -> None:
        """What is published from now on is lost to this feed, until `heal`, which shows the loss as a Gap."""
        if self._why_severed is None:
            self._why_severed = why
            self._healed = asyncio.Event()

    def heal(self) -> None:
        if self._why_severed is not None:
            self._gaps += 1
            self._backlog.offer(Gap(self._why_severed))
            self._why_severed = None
            self._healed.set()

    def receive(self, item: Entry | Whisper) -> None:
        if self._why_severed is None and item.room in self._rooms:
            self._backlog.offer(item)

    async def follow(self, room: str) -> None:
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(self._follow_within_s):
                while self._why_severed is not None:
                    await self._healed.wait()
        except TimeoutError:
            raise Unavailable(self._why_severed) from None
        self._rooms.add(room)

    async def unfollow(self, room: str) -> None:
        self._rooms.discard(room)
        await asyncio.sleep(0)

    async def whisper(self, room: str, payload: bytes) -> None:
        await self._reach.step()
        if self._why_severed is not None:
            raise Unavailable(self._why_severed)
        self._feeds.publish(Whisper(room, payload))

    def items(self) -> AsyncGenerator[FeedItem, None]:
        return self._backlog.items()

    def statistics(self) -> dict[str, int]:
        return {
            "followed": len(self._rooms),
            "backlog": len(self._backlog),
            "dropped": self._backlog.dropped,
            "gaps": self._gaps,
        }
