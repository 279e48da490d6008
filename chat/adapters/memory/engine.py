"""What one Redis is to a deployment: hand it to as many gateways and workers as the test has.

Invariant: all ports share one clock and one reach, so a test takes the engine away from everybody in one call, and
every feed learns of it. To lose everything is another thing than to be away: rooms made afterwards are other lives.
"""

import secrets
from collections.abc import Callable

from chat.adapters.backlog import BACKLOG_ITEMS_MAX
from chat.adapters.memory.feed import Feeds, MemoryFeed
from chat.adapters.memory.hooks import MemoryHooks
from chat.adapters.memory.invites import MemoryInvites
from chat.adapters.memory.jobs import MemoryJobs
from chat.adapters.memory.log import MemoryLog
from chat.adapters.memory.presence import MemoryPresence
from chat.adapters.memory.reach import Reach, wall_clock_ms
from chat.adapters.memory.room import StoredRoom
from chat.adapters.memory.translations import MemoryTranslationCache
from chat.ports import JOB_IDLE_MS


def random_epoch() -> str:
    return secrets.token_hex(8)


class MemoryEngine:
    def __init__(
        self,
        *,
        now_ms: Callable[[], int] = wall_clock_ms,
        new_epoch: Callable[[], str] = random_epoch,
        job_idle_ms: int = JOB_IDLE_MS,
        backlog_items_max: int = BACKLOG_ITEMS_MAX,
    ) -> None:
        self._reach = reach = Reach(now_ms)
        self._backlog_items_max = backlog_items_max
        self.feeds = Feeds()
        self.jobs = MemoryJobs(reach, idle_ms=job_idle_ms)
        self.parked = MemoryJobs(reach, idle_ms=job_idle_ms)
        self.presence = MemoryPresence(reach)
        self.log = MemoryLog(reach, self.feeds, self.jobs, self.presence, new_epoch=new_epoch)
        self.invites = MemoryInvites(reach)
        self.hooks = MemoryHooks(reach, self.log)
        self.translations = MemoryTranslationCache(reach)

    @property
    def rooms(self) -> dict[str, StoredRoom]:
        return self.log.stored

    def new_feed(self) -> MemoryFeed:
        return MemoryFeed(self._reach, self.feeds, backlog_items_max=self._backlog_items_max)

    def go_away(self, why: str = "the engine is away") -> None:
        """From now on every command raises Unavailable and every feed is severed, until `come_back`."""
        self._reach.away = why
        for feed in self.feeds:
            feed.sever(why)

    def come_back(self) -> None:
        self._reach.away = None
        for feed in self.feeds:
            feed.heal()

    def lose_everything(self) -> None:
        """The disk burned: rooms made from now on are other lives, with other epochs."""
        self.log.forget_all()
        self.presence.forget_all()
        self.jobs.forget_all()
        self.parked.forget_all()
        self.invites.forget_all()
        self.hooks.forget_all()

    async def ping(self) -> None:
        """Raises Unavailable while the engine is away."""
        await self._reach.step()

    def statistics(self) -> dict[str, int]:
        return {
            "rooms": len(self.rooms),
            "entries": sum(len(room.seqs) for room in self.rooms.values()),
            "feeds": len(self.feeds),
        }
