"""Texts that were skipped under overload, kept until there is time: in the engine, as jobs of a second queue.

Invariants: a text is in that queue before the job that brought it is acknowledged, and leaves it when it is translated,
refused for good, or `PARKED_S` old. So it survives whoever skipped it, stopped or killed, and any idle worker may catch
up with it. At most about `PARKED_MAX` wait in the engine; what overload skips beyond that stays skipped until a reader
asks. A text that failed comes again when its delivery has grown stale, like every job.

In memory, as before, they would be lost with the worker; kept as jobs that are not acknowledged, each of them would
have to be claimed again every second.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog

from chat.errors import Unavailable
from chat.ports import Job, TakenJob, TranslationJobs
from translator.debts import Debt
from translator.pace import Pace
from translator.retrying import settled

PARKED_MAX: Final = 10_000
PARKED_S: Final = 15 * 60.0
"""A translation that comes later than this interests nobody who is still in the room."""
AT_ONCE: Final = 8
IDLE_LOOK_S: Final = 0.2
COUNT_EVERY_S: Final = 1.0
"""How often an idle worker asks whether anything is parked, by anybody."""

log = structlog.get_logger("translator.worker")


class Parking:
    """One per worker. `idle` says whether there is time; `settle` does one text and says whether it is settled."""

    def __init__(
        self,
        worker: str,
        queue: TranslationJobs,
        pace: Pace,
        clock_ms: Callable[[], int],
        counted: Counter[str],
        *,
        idle: Callable[[], bool],
        settle: Callable[[TakenJob], Awaitable[bool]],
    ) -> None:
        self._worker = worker
        self._queue = queue
        self._pace = pace
        self._clock_ms = clock_ms
        self._counted = counted
        self._idle = idle
        self._settle = settle
        self._in_hand: tuple[str, ...] = ()
        self.count = 0
        """Texts parked by all workers, as far as this one knows."""

    async def park(self, debt: Debt) -> None:
        """Raises Unavailable."""
        if self.count >= PARKED_MAX:
            self._counted["events_dropped"] += 1
            return
        until_ms = self._clock_ms() + int(1000 * PARKED_S)
        text = msgspec.structs.replace(debt.text, readers=((debt.target,),), deadline_ms=until_ms)
        self.count += 1
        await self._pace.turn()
        await settled(lambda: self._queue.put(Job(debt.job.room, debt.job.of, debt.job.revision, text)))

    async def run(self) -> None:
        """Catch up with what is parked, a few texts at a time, whenever there is time. For ever."""
        loop = asyncio.get_running_loop()
        count_at_s = loop.time()
        while True:
            await asyncio.sleep(IDLE_LOOK_S)
            try:
                if loop.time() >= count_at_s:
                    count_at_s = loop.time() + COUNT_EVERY_S
                    self.count = await self._queue.backlog()
                while self.count and self._idle() and await self._some():
                    self.count = await self._queue.backlog()
            except Unavailable as away:
                log.warning("parked_texts_unavailable", why=away.words)

    async def keep(self) -> None:
        """Those in hand are not abandoned. Raises Unavailable."""
        if self._in_hand:
            await self._queue.keep(self._worker, self._in_hand)

    async def _some(self) -> bool:
        """False when there is no lull after all, or nothing that this worker could do."""
        taken = await self._queue.take(self._worker, AT_ONCE, 0)
        if not taken:
            return False
        self._in_hand = tuple(job.ref for job in taken)
        try:
            outcomes = await asyncio.gather(*(self._settle(job) for job in taken))
            refs = [job.ref for job, is_settled in zip(taken, outcomes, strict=True) if is_settled]
            if refs:
                await self._pace.turn()
                await settled(lambda: self._queue.done(refs))
        finally:
            self._in_hand = ()
        return bool(refs)
