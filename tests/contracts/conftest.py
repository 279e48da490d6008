"""The ports under contract: in memory, on a real embedded Valkey, and on a real cluster of three primaries with a
replica each. All keep real time, with short bounds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chat.adapters.connect import NO_ARCHIVE, connect_engine
from chat.adapters.embedded import EmbeddedEngine
from chat.adapters.memory import MemoryEngine, MemoryFeed
from chat.adapters.redis_address import ClusterAddress
from chat.adapters.redis_archiver import Keeping, RedisArchiver
from chat.adapters.redis_cluster_feed import ClusterFeed
from chat.adapters.redis_feed import RedisFeed
from chat.adapters.redis_topology import Topology
from chat.events import Event, Posted, RoomCreated
from chat.ports import Appended, FeedItem, Gap, Hooks, Invites, Member, Presence, RoomFeed, RoomLog, TranslationJobs
from loadtest.cluster import Cluster
from tests.support.engine import cluster, embedded_engine, random_prefix

__all__ = ["cluster", "embedded_engine"]

JOB_IDLE_MS = 150
BACKLOG_ITEMS_MAX = 50
WAIT_S = 10.0


@dataclass(frozen=True)
class Ports:
    log: RoomLog
    presence: Presence
    jobs: TranslationJobs
    invites: Invites
    new_feed: Callable[[], AbstractAsyncContextManager[RedisFeed | MemoryFeed | ClusterFeed]]
    sever_feeds: Callable[[], Awaitable[object]]
    """The network fails for a moment: all feeds lose their connection and get a new one."""
    hooks: Hooks

    async def create(self, room: str = "r", once: str = "create") -> Appended:
        owner = Member("ann", "Ann", "owner")
        event = RoomCreated(by="ann", name="Ann", title="大厅")
        return await self.log.create(room, "大厅", event, owner, once=once)

    async def post(self, text: str, room: str = "r", **more: Any) -> Appended:
        more.setdefault("once", f"post-{text}")
        return await self.log.append(room, posted(text), **more)


def posted(text: str) -> Event:
    return Posted(author="ann", name="Ann", text=text)


async def take(feed: RoomFeed, count: int) -> list[FeedItem]:
    """The next `count` items of a feed."""
    taken: list[FeedItem] = []
    async with asyncio.timeout(WAIT_S), aclosing(feed.items()) as items:
        async for item in items:
            taken.append(item)
            if len(taken) == count:
                break
    return taken


async def take_gaps(feed: RoomFeed, *rooms: str) -> None:
    """One Gap after the other until each of these rooms has had exactly one: rooms on one engine share it."""
    left = set(rooms)
    while left:
        [gap] = await take(feed, 1)
        assert isinstance(gap, Gap)
        assert gap.why
        concerned = {room for room in rooms if gap.concerns(room)}
        assert concerned <= left
        assert concerned
        left -= concerned


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # the engine's conditions wake nobody
            await asyncio.sleep(0.005)


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis", marks=pytest.mark.engine),
        pytest.param("archived", marks=pytest.mark.engine),
        pytest.param("cluster", marks=[pytest.mark.engine, pytest.mark.xdist_group("cluster")]),
    ]
)
async def ports(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ports]:
    match request.param:
        case "memory":
            opening = memory_ports()
        case "redis":
            opening = redis_ports(request.getfixturevalue("embedded_engine"))
        case "archived":
            opening = redis_ports(request.getfixturevalue("embedded_engine"), file_in(tmp_path))
        case _:
            opening = cluster_ports(request.getfixturevalue("cluster"))
    async with opening as opened:
        yield opened


@asynccontextmanager
async def memory_ports() -> AsyncIterator[Ports]:
    engine = MemoryEngine(job_idle_ms=JOB_IDLE_MS, backlog_items_max=BACKLOG_ITEMS_MAX)

    async def sever() -> None:
        for feed in engine.feeds:
            feed.sever()
        await asyncio.sleep(0)
        for feed in engine.feeds:
            feed.heal()

    yield Ports(engine.log, engine.presence, engine.jobs, engine.invites, engine.new_feed, sever, engine.hooks)


class MovedLog:
    """A log of which nothing stays in the engine: whatever was appended has moved into the archive before the next
    call. What readers see must not differ."""

    def __init__(self, log: RoomLog, archiver: RedisArchiver) -> None:
        self._log = log
        self._archiver = archiver

    async def create(self, room: str, *arguments: Any, **more: Any) -> Appended:
        return await self._moved(room, await self._log.create(room, *arguments, **more))

    async def append(self, room: str, *arguments: Any, **more: Any) -> Appended:
        return await self._moved(room, await self._log.append(room, *arguments, **more))

    async def _moved(self, room: str, appended: Appended) -> Appended:
        await self._archiver.move(room, appended.position.seq)
        return appended

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def file_in(directory: Path) -> str:
    """The address of an archive in that directory."""
    return f"sqlite:///{directory / 'archive.sqlite'}"


@asynccontextmanager
async def redis_ports(embedded: EmbeddedEngine, archive_url: str = NO_ARCHIVE) -> AsyncIterator[Ports]:
    prefix = random_prefix()
    async with connect_engine(
        embedded.url, embedded.data_dir, archive_url=archive_url, prefix=prefix, job_idle_ms=JOB_IDLE_MS
    ) as engine:

        def new_feed() -> RedisFeed:
            return RedisFeed(embedded.url, prefix=prefix, backlog_items_max=BACKLOG_ITEMS_MAX, retry_max_s=0.1)

        def sever() -> Awaitable[object]:
            return engine.redis.call("CLIENT", "KILL", "TYPE", "pubsub")

        log: Any = engine.log
        if engine.archive is not None:
            log = MovedLog(log, RedisArchiver(engine.redis, engine.archive, Keeping(0), now_ms=lambda: 0))
        yield Ports(log, engine.presence, engine.jobs, engine.invites, new_feed, sever, engine.hooks)


@asynccontextmanager
async def cluster_ports(running: Cluster) -> AsyncIterator[Ports]:
    prefix = random_prefix()
    address = ClusterAddress.parse(running.url)
    async with (
        connect_engine(running.url, running.nodes[0].directory, prefix=prefix, job_idle_ms=JOB_IDLE_MS) as engine,
        Topology(address, prefix=prefix) as topology,
    ):

        def new_feed() -> ClusterFeed:
            return ClusterFeed(address, topology, prefix=prefix, backlog_items_max=BACKLOG_ITEMS_MAX)

        async def sever() -> None:
            for node in running.nodes:
                node.ask("CLIENT", "KILL", "TYPE", "pubsub")

        yield Ports(engine.log, engine.presence, engine.jobs, engine.invites, new_feed, sever, engine.hooks)
