"""TranslationJobs in memory: at least once, to one worker at a time.

Invariant: a job is waiting, or held by a worker, until `done`. A worker that holds one for too long is taken for dead,
and the next that asks gets it, with the count of its deliveries.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chat.adapters.memory.reach import Reach
from chat.ports import JOB_IDLE_MS, Job, TakenJob


@dataclass(frozen=True, slots=True)
class _Held:
    job: Job
    since_ms: int
    times_delivered: int


class MemoryJobs:
    def __init__(self, reach: Reach, *, idle_ms: int = JOB_IDLE_MS) -> None:
        self._reach = reach
        self._idle_ms = idle_ms
        self._last_ref = 0
        self._waiting: dict[str, Job] = {}
        self._held: dict[str, _Held] = {}
        self._put_at_ms: dict[str, int] = {}
        self._more = asyncio.Event()

    async def put(self, job: Job) -> None:
        await self._reach.step()
        self.enqueue(job)
        await asyncio.sleep(0)

    def enqueue(self, job: Job) -> None:
        self._last_ref += 1
        self._waiting[str(self._last_ref)] = job
        self._put_at_ms[str(self._last_ref)] = self._reach.now_ms()
        self._more.set()
        self._more = asyncio.Event()

    async def take(self, worker: str, limit: int, wait_ms: int) -> Sequence[TakenJob]:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_ms / 1000
        while True:
            await self._reach.step()
            taken = self._take(limit)
            left_s = until_s - loop.time()
            if taken or left_s <= 0 or limit <= 0:
                return taken
            more = self._more
            try:
                async with asyncio.timeout(min(left_s, self._next_idle_s())):
                    await more.wait()
            except TimeoutError:
                pass

    async def keep(self, worker: str, refs: Sequence[str]) -> None:
        await self._reach.step()
        for ref in refs:
            held = self._held.get(ref)
            if held is not None:
                self._held[ref] = replace(held, since_ms=self._reach.now_ms())

    async def done(self, refs: Sequence[str]) -> None:
        await self._reach.step()
        for ref in refs:
            self._held.pop(ref, None)
            self._waiting.pop(ref, None)
            self._put_at_ms.pop(ref, None)

    async def backlog(self) -> int:
        await self._reach.step()
        return len(self._waiting) + len(self._held)

    async def oldest_ms(self) -> int | None:
        await self._reach.step()
        return min(self._put_at_ms.values(), default=None)

    def forget_all(self) -> None:
        self._waiting.clear()
        self._held.clear()
        self._put_at_ms.clear()

    def _take(self, limit: int) -> list[TakenJob]:
        now_ms = self._reach.now_ms()
        idle = [ref for ref, held in self._held.items() if now_ms - held.since_ms >= self._idle_ms][:limit]
        fresh = list(self._waiting)[: max(0, limit - len(idle))]
        taken = []
        for ref in idle:
            held = self._held.pop(ref)
            self._held[ref] = _Held(held.job, now_ms, held.times_delivered + 1)
            taken.append(TakenJob(ref, held.job, held.times_delivered + 1))
        for ref in fresh:
            job = self._waiting.pop(ref)
            self._held[ref] = _Held(job, now_ms, 1)
            taken.append(TakenJob(ref, job, 1))
        return taken

    def _next_idle_s(self) -> float:
        """How long until a held job may be idle; never zero, so that a clock that stands still cannot spin us."""
        if not self._held:
            return float("inf")
        oldest_ms = min(held.since_ms for held in self._held.values())
        return max(1, oldest_ms + self._idle_ms - self._reach.now_ms()) / 1000
