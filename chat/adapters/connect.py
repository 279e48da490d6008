"""From settings to ports: the engine that a process works with, and whoever looks after it.

Invariant: an embedded engine that dies is back within about a second, as long as any process that uses it lives. Each
process watches: a command or a feed that failed starts a look, every `LOOK_S`, until the engine answers; while all is
well nobody polls. Starting is safe from anywhere, because `start_or_attach` takes turns.

With a URL the engine is somebody else's to keep alive, and this only connects: to one server, or to a cluster.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chat.adapters.archive_sql import SqlArchive
from chat.adapters.embedded import EngineFailed, attached
from chat.adapters.redis_address import CLUSTER_SCHEMES, ClusterAddress
from chat.adapters.redis_cluster import ClusterEngine
from chat.adapters.redis_cluster_feed import ClusterFeed
from chat.adapters.redis_commands import Commands
from chat.adapters.redis_engine import RedisEngine
from chat.adapters.redis_feed import RETRY_MAX_S, RedisFeed
from chat.adapters.redis_hooks import RedisHooks
from chat.adapters.redis_invites import RedisInvites
from chat.adapters.redis_jobs import RedisJobs
from chat.adapters.redis_log import RedisLog
from chat.adapters.redis_presence import RedisPresence
from chat.adapters.redis_topology import Topology
from chat.adapters.redis_translations import RedisTranslationCache
from chat.errors import Unavailable
from chat.ports import JOB_IDLE_MS

LOOK_S: Final = 0.3
FAILED_LOOK_S: Final = 3.0
"""Between starts of an engine that cannot start (a full disk): each try writes to its log."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectedEngine:
    """The ports of one process, on one engine."""

    url: str
    log: RedisLog
    presence: RedisPresence
    jobs: RedisJobs
    parked: RedisJobs
    """A second queue: jobs that overload skipped."""
    invites: RedisInvites
    hooks: RedisHooks
    translations: RedisTranslationCache
    redis: Commands
    archive: SqlArchive | None
    _new_feed: Callable[[], RedisFeed | ClusterFeed]
    _trouble: asyncio.Event
    _counts: dict[str, int] = field(default_factory=lambda: {"restarts": 0, "failed_restarts": 0})

    def new_feed(self) -> RedisFeed | ClusterFeed:
        """A RoomFeed to enter with `async with`, once in a process."""
        return self._new_feed()

    async def ping(self) -> None:
        """Raises Unavailable."""
        await self.redis.ping()

    def statistics(self) -> dict[str, int]:
        archive = self.archive.statistics() if self.archive else {}
        return {
            **self.redis.statistics(),
            **self.jobs.statistics(),
            **self._counts,
            **{f"archive_{name}": count for name, count in archive.items()},
        }


NO_ARCHIVE: Final = "none"


def archive_address(redis_url: str | None, data_dir: Path, archive_url: str | None) -> str | None:
    """Where older entries are: as it is set; else in a file beside the embedded engine. A Redis elsewhere is shared by
    machines that share no file, so there it is nowhere unless somebody says where."""
    if archive_url is not None:
        return None if archive_url == NO_ARCHIVE else archive_url
    return f"sqlite:///{data_dir.resolve() / 'archive.sqlite'}" if redis_url is None else None


@asynccontextmanager
async def connect_engine(
    redis_url: str | None,
    data_dir: Path,
    *,
    archive_url: str | None = None,
    prefix: str = "dqc:",
    job_idle_ms: int = JOB_IDLE_MS,
) -> AsyncIterator[ConnectedEngine]:
    """The engine at `redis_url`, or the embedded one of `data_dir`, started if need be and kept alive, with the archive
    at `archive_url` (see `archive_address`).

    It is left running at the end: other processes may use it. A Redis that is away does not keep a process from
    starting; its commands answer Unavailable until it is back. Raises EngineFailed, and ValueError for a bad URL.
    """
    address = archive_address(redis_url, data_dir, archive_url)
    async with AsyncExitStack() as stack:
        archive = None if address is None else await stack.enter_async_context(SqlArchive(address))
        yield await stack.enter_async_context(_connect(redis_url, data_dir, archive, prefix, job_idle_ms))


@asynccontextmanager
async def _connect(
    redis_url: str | None, data_dir: Path, archive: SqlArchive | None, prefix: str, job_idle_ms: int
) -> AsyncIterator[ConnectedEngine]:
    trouble = asyncio.Event()
    if redis_url is not None and redis_url.startswith(CLUSTER_SCHEMES):
        address = ClusterAddress.parse(redis_url)
        async with (
            Topology(address, prefix=prefix) as topology,
            ClusterEngine(address, topology, prefix=prefix, on_trouble=trouble.set) as cluster,
        ):
            yield _connected(
                redis_url, cluster, lambda: ClusterFeed(address, topology, prefix=prefix), archive, trouble, job_idle_ms
            )
        return
    url = redis_url or (await attached(data_dir)).url

    def new_feed() -> RedisFeed:
        retry_max_s = LOOK_S if url.startswith("unix:") else RETRY_MAX_S
        return RedisFeed(url, prefix=prefix, retry_max_s=retry_max_s, on_trouble=trouble.set)

    async with RedisEngine(url, prefix=prefix, on_trouble=trouble.set) as engine:
        connected = _connected(url, engine, new_feed, archive, trouble, job_idle_ms)
        if redis_url is not None:
            yield connected
            return
        failure: Exception | None = None
        async with asyncio.TaskGroup() as tasks:
            supervisor = tasks.create_task(_supervise(connected, data_dir), name="engine supervisor")
            try:
                yield connected
            except Exception as error:  # kept out of the group, which would wrap it
                failure = error
            finally:
                supervisor.cancel()
        if failure is not None:
            raise failure


def _connected(
    url: str,
    engine: Commands,
    new_feed: Callable[[], RedisFeed | ClusterFeed],
    archive: SqlArchive | None,
    trouble: asyncio.Event,
    idle_ms: int,
) -> ConnectedEngine:
    return ConnectedEngine(
        url=url,
        log=RedisLog(engine, archive=archive, sharded=isinstance(engine, ClusterEngine)),
        presence=RedisPresence(engine),
        jobs=RedisJobs(engine, idle_ms=idle_ms),
        parked=RedisJobs(engine, idle_ms=idle_ms, streams=engine.keys.parked),
        invites=RedisInvites(engine),
        hooks=RedisHooks(engine),
        translations=RedisTranslationCache(engine),
        redis=engine,
        archive=archive,
        _new_feed=new_feed,
        _trouble=trouble,
    )


async def _supervise(connected: ConnectedEngine, data_dir: Path) -> None:
    while True:
        await connected._trouble.wait()
        connected._trouble.clear()
        try:
            engine = await attached(data_dir)
        except EngineFailed as failed:
            connected._counts["failed_restarts"] += 1
            _log.error("the embedded engine is away: %s", failed)
            connected._trouble.set()
            await asyncio.sleep(FAILED_LOOK_S)
            continue
        if engine.started:
            connected._counts["restarts"] += 1
            _log.warning("the embedded engine had ended and was started again, pid %s", engine.pid)
        try:
            await connected.ping()
        except Unavailable:
            connected._trouble.set()
        await asyncio.sleep(LOOK_S)
