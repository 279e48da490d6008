"""The relay and the holes of its feed: what a Gap names is read from the log, and nothing else is."""

import asyncio
from collections.abc import AsyncGenerator

from chat.adapters.memory import MemoryEngine
from chat.events import Posted, RoomCreated
from chat.ports import FeedItem, Gap, Member
from gateway.hub import Hub, Timers
from gateway.relay import Relay


class DeafFeed:
    """Hears nothing of what is published; says what the test says."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[FeedItem] = asyncio.Queue()

    async def follow(self, room: str) -> None: ...

    async def unfollow(self, room: str) -> None: ...

    async def whisper(self, room: str, payload: bytes) -> None: ...

    async def items(self) -> AsyncGenerator[FeedItem, None]:
        while True:
            yield await self.told.get()


async def seqs_after(gap: Gap) -> dict[str, int]:
    """Rooms a and b stand at 1; each gets a second entry that the feed does not hear, and then comes the gap."""
    engine, feed, loop = MemoryEngine(), DeafFeed(), asyncio.get_running_loop()
    hub = Hub(Timers(loop.call_soon, loop.call_later, loop.time))
    relay = Relay(
        engine.log,
        feed,
        hub,
        on_people=lambda room: None,
        on_left=lambda entry, left: None,
        on_new_life=lambda room: None,
        on_reply=lambda payload: None,
        own_name="~test",
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(relay.run())
        for room in ("a", "b"):
            created = RoomCreated(by="ann", name="Ann", title=room)
            await engine.log.create(room, room, created, Member("ann", "Ann", "owner"), once="create")
            await relay.follow(room)
            await engine.log.append(room, Posted(author="ann", name="Ann", text="unheard"), once="m")
        feed.told.put_nowait(gap)
        async with asyncio.timeout(5):
            await relay.wait_at("a", 2)
        await asyncio.sleep(0)  # what is to be read for b would have been read beside it
        positions = {room: relay.position(room) for room in ("a", "b")}
        running.cancel()
    return {room: position.seq for room, position in positions.items() if position is not None}


async def test_a_gap_of_the_whole_feed_is_filled_in_all_rooms() -> None:
    assert await seqs_after(Gap("all was away")) == {"a": 2, "b": 2}


async def test_a_gap_of_one_engine_is_filled_in_its_rooms_only() -> None:
    assert await seqs_after(Gap("one of three was away", frozenset({"a", "elsewhere"}))) == {"a": 2, "b": 1}
