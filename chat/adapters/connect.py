"""From settings to ports: the engine that a process works with, and whoever looks after it.

Invariant: an embedded engine that dies is back within about a second, as long as any process that uses it lives. Each
process watches: a command or a feed that failed starts a look, every `LOOK_S`, until the engine answers; while all is
well nobody polls. Starting is safe from anywhere, because `start_or_attach` takes turns.

With a URL the engine is somebody else's to keep alive, and this only connects.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chat.adapters.embedded import EngineFailed, start_or_attach
from chat.adapters.redis_engine import RedisEngine
from chat.adapters.redis_feed import RETRY_MAX_S, RedisFeed
from chat.adapters.redis_invites import RedisInvites
from chat.adapters.redis_jobs import JOB_IDLE_MS, RedisJobs
from chat.adapters.redis_log import RedisLog
from chat.adapters.redis_presence import RedisPresence
from chat.adapters.redis_translations import RedisTranslationCache
from chat.errors import Unavailable

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
    invites: RedisInvites
    translations: RedisTranslationCache
    redis: RedisEngine
    _prefix: str
    _trouble: asyncio.Event
    _counts: dict[str, int] = field(default_factory=lambda: {"restarts": 0, "failed_restarts": 0})

    def new_feed(self) -> RedisFeed:
        """A RoomFeed to enter with `async with`, once in a process."""
        retry_max_s = LOOK_S if self.url.startswith("unix:") else RETRY_MAX_S
        return RedisFeed(self.url, prefix=self._prefix, retry_max_s=retry_max_s, on_trouble=self._trouble.set)

    async def ping(self) -> None:
        """Raises Unavailable."""
        await self.redis.ping()

    def statistics(self) -> dict[str, int]:
        return {**self.redis.statistics(), **self.jobs.statistics(), **self._counts}


@asynccontextmanager
async def connect_engine(
    redis_url: str | None, data_dir: Path, *, prefix: str = "dqc:", job_idle_ms: int = JOB_IDLE_MS
) -> AsyncIterator[ConnectedEngine]:
    """The engine at `redis_url`, or the embedded one of `data_dir`, started if need be and kept alive.

    It is left running at the end: other processes may use it. A Redis that is away does not keep a process from
    starting; its commands answer Unavailable until it is back. Raises EngineFailed, and ValueError for a bad URL.
    """
    url = redis_url or (await asyncio.to_thread(start_or_attach, data_dir)).url
    trouble = asyncio.Event()
    async with RedisEngine(url, prefix=prefix, on_trouble=trouble.set) as engine:
        connected = ConnectedEngine(
            url=url,
            log=RedisLog(engine),
            presence=RedisPresence(engine),
            jobs=RedisJobs(engine, idle_ms=job_idle_ms),
            invites=RedisInvites(engine),
            translations=RedisTranslationCache(engine),
            redis=engine,
            _prefix=prefix,
            _trouble=trouble,
        )
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


async def _supervise(connected: ConnectedEngine, data_dir: Path) -> None:
    while True:
        await connected._trouble.wait()
        connected._trouble.clear()
        try:
            attached = await asyncio.to_thread(start_or_attach, data_dir)
        except EngineFailed as failed:
            connected._counts["failed_restarts"] += 1
            _log.error("the embedded engine is away: %s", failed)
            connected._trouble.set()
            await asyncio.sleep(FAILED_LOOK_S)
            continue
        if attached.started:
            connected._counts["restarts"] += 1
            _log.warning("the embedded engine had ended and was started again, pid %s", attached.pid)
        try:
            await connected.ping()
        except Unavailable:
            connected._trouble.set()
        await asyncio.sleep(LOOK_S)
