"""RoomFeed: what is published to followed rooms, in order, and a Gap for every loss."""

import asyncio
from collections.abc import Sequence

from chat.events import Entry
from chat.ports import Gap, Whisper
from tests.contracts.conftest import BACKLOG_ITEMS_MAX, Ports, take, take_gaps


def seqs(items: Sequence[object]) -> list[int]:
    return [item.seq for item in items if isinstance(item, Entry)]


async def test_what_is_appended_after_follow_arrives_as_it_stands_in_the_log(ports: Ports) -> None:
    await ports.create()
    async with ports.new_feed() as feed:
        await feed.follow("r")
        await ports.post("一", audience="zh")
        [arrived] = await take(feed, 1)
        assert arrived == await ports.log.read_at("r", 2)


async def test_a_room_may_be_followed_before_it_exists(ports: Ports) -> None:
    async with ports.new_feed() as feed:
        await feed.follow("r")
        await ports.create()
        assert seqs(await take(feed, 1)) == [1]


async def test_the_feed_has_the_order_of_the_log(ports: Ports) -> None:
    await ports.create()
    async with ports.new_feed() as feed:
        await feed.follow("r")
        await asyncio.gather(*(ports.post(f"m{n}") for n in range(40)))
        assert seqs(await take(feed, 40)) == list(range(2, 42))


async def test_a_duplicate_and_a_refusal_publish_nothing(ports: Ports) -> None:
    await ports.create()
    async with ports.new_feed() as feed:
        await feed.follow("r")
        for _ in range(3):
            await ports.post("m", once="k")
        await ports.post("n")
        assert seqs(await take(feed, 2)) == [2, 3]


async def test_only_followed_rooms_arrive_and_unfollowed_ones_no_more(ports: Ports) -> None:
    for room in ("a", "b"):
        await ports.create(room)
    async with ports.new_feed() as feed:
        await feed.follow("a")
        await feed.follow("b")
        await feed.unfollow("a")
        await ports.post("unheard", room="a")
        await ports.post("heard", room="b")
        [item] = await take(feed, 1)
        assert isinstance(item, Entry)
        assert item.room == "b"
        await feed.follow("a")
        await ports.post("again", room="a")
        [item] = await take(feed, 1)
        assert isinstance(item, Entry)
        assert (item.room, item.seq) == ("a", 3)


async def test_follow_holds_however_it_was_raced_with_unfollow(ports: Ports) -> None:
    """Follow, unfollow and follow again leave two subscriptions under way; only the second one counts."""
    await ports.create()
    async with ports.new_feed() as feed:
        first = asyncio.ensure_future(feed.follow("r"))
        await asyncio.sleep(0)
        await feed.unfollow("r")
        await feed.follow("r")
        await asyncio.gather(first, return_exceptions=True)
        await feed.follow("r")
        await ports.post("m")
        assert seqs(await take(feed, 1)) == [2]


async def test_every_feed_hears_everything(ports: Ports) -> None:
    await ports.create()
    async with ports.new_feed() as one, ports.new_feed() as two:
        await asyncio.gather(one.follow("r"), two.follow("r"), one.follow("r"))
        await ports.post("m")
        assert await take(one, 1) == await take(two, 1)


async def test_a_whisper_reaches_followers_and_is_not_stored(ports: Ports) -> None:
    await ports.create()
    async with ports.new_feed() as speaker, ports.new_feed() as listener:
        await asyncio.gather(speaker.follow("r"), listener.follow("r"))
        payload = b"\x00ann: \xe4\xb8\xad~\n"
        await speaker.whisper("r", payload)
        assert await take(listener, 1) == [Whisper("r", payload)]
        assert len(await ports.log.read_after("r", 0, 10)) == 1


async def test_a_lost_connection_shows_as_one_gap_and_then_the_feed_goes_on(ports: Ports) -> None:
    for room in ("a", "b"):
        await ports.create(room)
    async with ports.new_feed() as feed:
        await feed.follow("a")
        await feed.follow("b")
        await ports.post("before", room="a")
        assert seqs(await take(feed, 1)) == [2]
        await ports.sever_feeds()
        await take_gaps(feed, "a", "b")
        await ports.post("after", room="a")
        assert seqs(await take(feed, 1)) == [3]
        await ports.post("after", room="b")
        assert seqs(await take(feed, 1)) == [2]


async def test_nothing_published_after_the_gap_is_lost(ports: Ports) -> None:
    """The gap says that subscriptions are in force again: log up to then, feed from then on, is everything."""
    await ports.create()
    async with ports.new_feed() as feed:
        await feed.follow("r")
        for turn in range(5):
            writing = asyncio.gather(*(ports.post(f"{turn}-{n}") for n in range(10)))
            await ports.sever_feeds()
            seen: set[int] = set()
            while not isinstance((await take(feed, 1))[0], Gap):
                pass
            seen |= {entry.seq for entry in await ports.log.read_after("r", 0, 1000)}
            await writing
            last = await ports.post(f"{turn}-last")
            while last.position.seq not in seen:
                seen |= set(seqs(await take(feed, 1)))
            assert seen == set(range(1, last.position.seq + 1))


async def test_a_consumer_that_is_behind_gets_one_gap_for_its_backlog(ports: Ports) -> None:
    await ports.create()
    async with ports.new_feed() as feed, ports.new_feed() as witness:
        await feed.follow("r")
        await witness.follow("r")
        for n in range(BACKLOG_ITEMS_MAX + 10):
            await ports.post(f"m{n}")
            await take(witness, 1)
        await witness.unfollow("r")
        await feed.follow("other")  # answered after everything published before it
        assert len(await ports.log.read_after("r", 0, 1000)) == BACKLOG_ITEMS_MAX + 11
        items = await take(feed, 10)
        assert isinstance(items[0], Gap)
        assert not any(isinstance(item, Gap) for item in items[1:])
        assert seqs(items[1:]) == list(range(BACKLOG_ITEMS_MAX + 3, BACKLOG_ITEMS_MAX + 12))
        assert feed.statistics()["dropped"] == BACKLOG_ITEMS_MAX + 1
