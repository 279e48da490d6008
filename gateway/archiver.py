"""The archiver's process: sweep after sweep until it is told to stop.

Invariant: whatever is away, it says so once, waits and goes on; nothing is lost by it being away but room in the
engine. It may be killed at any time, and there may be several (see `redis_archiver`): so a sweep, which may take
minutes, is left where it is when the process is told to stop. Its figures are reported under a
lease, for gateways to print: an archiver listens on no port.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog

from chat.errors import Unavailable
from chat.ports import ARCHIVERS, Presence, Roster

SWEEP_S: Final = 1.0
REPORT_S: Final = 5.0
REPORT_LASTS_MS: Final = 20_000
DROP_OLD_EVERY_S: Final = 60.0
AWAY_S: Final = 5.0

log = structlog.get_logger("archiver")


class Archiver(Protocol):
    async def sweep(self) -> None: ...

    async def drop_old(self) -> None: ...

    def statistics(self) -> Mapping[str, int]: ...

    def behind(self) -> int: ...


class Report:
    """What is told of one archiver."""

    def __init__(self, archiver: Archiver, presence: Presence, *, name: str, now_s: Callable[[], float]) -> None:
        """`name`: of this process, no other has it."""
        self._archiver = archiver
        self._presence = presence
        self._name = name
        self._now_s = now_s
        self._failed_at_s = 0

    def failed(self) -> None:
        """The engine or the archive was away just now."""
        self._failed_at_s = int(self._now_s())

    def figures(self) -> dict[str, int]:
        counted = {f"{name}_total": count for name, count in self._archiver.statistics().items()}
        return {**counted, "behind": self._archiver.behind(), "failed_at_seconds": self._failed_at_s}

    async def tell(self) -> None:
        """Raises Unavailable."""
        readers: dict[tuple[str, ...], int] = {(name,): value for name, value in self.figures().items()}
        await self._presence.report(ARCHIVERS, self._name, Roster(total=1, readers=readers), REPORT_LASTS_MS)

    async def run(self) -> None:
        """Until cancelled. Beside the sweeps, which take minutes when there is much to move."""
        while True:
            try:
                await self.tell()
            except Unavailable:
                self.failed()
            await asyncio.sleep(REPORT_S)


async def run(archiver: Archiver, stopping: asyncio.Event, report: Report) -> None:
    """Returns soon after `stopping` is set."""
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(report.run()), tasks.create_task(_sweep(archiver, report))
        await stopping.wait()
        for task in working:
            task.cancel()


async def _sweep(archiver: Archiver, report: Report) -> None:
    loop = asyncio.get_running_loop()
    drop_at_s, told = loop.time(), False
    before = archiver.statistics()
    log.info("ready")
    while True:
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
            report.failed()
            if not told:
                log.warning("waiting", why=away.words)
                told = True
        await asyncio.sleep(pause_s)
