"""The archiver's process: sweep after sweep until it is told to stop.

Invariant: whatever is away, it says so once, waits and goes on; nothing is lost by it being away but room in the
engine. It may be killed at any time, and there may be several (see `redis_archiver`).
"""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

import structlog

from chat.errors import Unavailable

SWEEP_S: Final = 1.0
DROP_OLD_EVERY_S: Final = 60.0
AWAY_S: Final = 5.0

log = structlog.get_logger("archiver")


class Archiver(Protocol):
    async def sweep(self) -> None: ...

    async def drop_old(self) -> None: ...

    def statistics(self) -> Mapping[str, int]: ...


async def run(archiver: Archiver, stopping: asyncio.Event) -> None:
    """Returns soon after `stopping` is set."""
    loop = asyncio.get_running_loop()
    drop_at_s, told = loop.time(), False
    before = archiver.statistics()
    log.info("ready")
    while not stopping.is_set():
        pause_s = SWEEP_S
        try:
            await archiver.sweep()
            if loop.time() >= drop_at_s:
                await archiver.drop_old()
                drop_at_s = loop.time() + DROP_OLD_EVERY_S
                if (now := archiver.statistics()) != before:
                    log.info("moved", **{name: now[name] - before[name] for name in now})
                    before = now
            told = False
        except Unavailable as away:
            pause_s = AWAY_S
            if not told:
                log.warning("waiting", why=away.words)
                told = True
        try:
            async with asyncio.timeout(pause_s):
                await stopping.wait()
        except TimeoutError:
            pass
