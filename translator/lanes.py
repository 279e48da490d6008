"""The way of sentences to the engine: cache, then one lane for each package and search, each with its batcher.

Invariants: a sentence that several callers want at once is translated once; a caller that gives up takes nobody
else's answer with it; every accepted sentence ends as an answer, `TooLate`, `Overloaded`, or the engine's failure. At
most `running_max` batches are in the engine at a time: while it is busy, sentences gather, and the next batch is
larger. That, more than the window, is what makes batches in a busy room; an idle engine is not kept waiting at all,
so a lone message costs what the engine costs.

What waits is shared out among the free places: 32 sentences for two idle processors are two batches of 16. And no
batch is meant to take longer than `BATCH_S`, as measured on this machine and package: the next urgent sentence waits
for the end of a batch, whatever its priority.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from translator.batching import ITEMS_MAX, WAITING_MAX, WINDOW_S, Batcher
from translator.cache import Cache, CacheKey
from translator.engine import FIRST, Engine, EngineFailed, Search
from translator.routes import Package

BATCH_ITEMS_MIN: Final = 8
"""Sharing out ends here: below it a sentence costs more in two batches than in one."""
BATCH_S: Final = 0.25
LEARN: Final = 0.2
"""Weight of the newest batch in what a batch is expected to take."""


class TooLate(Exception):
    """The deadline passed before the engine came to this sentence."""


class _Expired(TooLate):
    """The caller's own deadline. Timers may ring a little early, so the clock alone would not tell."""


class Overloaded(Exception):
    """Too many sentences wait for this package: this one was refused, or given up for others."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    text: str
    answers: "list[asyncio.Future[str]]"
    """One for each caller, who may cancel it without asking the others."""


class _Lane:
    """Sentences waiting for one package with one search."""

    def __init__(self, package: Package, search: Search, batcher: Batcher[_Wanted]) -> None:
        self.package = package
        self.search = search
        self.search_name = str(search)
        self.batcher = batcher
        self.pending: dict[str, _Wanted] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.timer_at = 0.0
        """When it rings. Asked of the timer itself, uvloop has no answer once the time has come."""
        self.running = 0
        self.batch_s = 0.0
        """What a batch is expected to take, and how many sentences it then holds."""
        self.batch_items = 0.0

    def learn(self, took_s: float, sentences: int) -> None:
        weight = LEARN if self.batch_items else 1.0
        self.batch_s += weight * (took_s - self.batch_s)
        self.batch_items += weight * (sentences - self.batch_items)


class Lanes:
    """Use inside `async with`: the tasks of running batches belong to it."""

    def __init__(
        self,
        engine: Engine,
        cache: Cache | None = None,
        *,
        running_max: int = 1,
        window_s: float = WINDOW_S,
        items_max: int = ITEMS_MAX,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._engine = engine
        self._cache = cache if cache is not None else Cache()
        self._running_max = running_max
        self._window_s = window_s
        self._items_max = items_max
        self._waiting_max = waiting_max
        self._lanes: dict[tuple[str, str, Search], _Lane] = {}
        self._running = 0
        self._failed = 0
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> "Lanes":
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
                lane.timer = None
            for wanted in lane.pending.values():
                for answer in wanted.answers:
                    answer.cancel()
        await self._tasks.__aexit__(type(error) if error else None, error, None)

    async def translate(
        self,
        package: Package,
        sentences: Sequence[str],
        *,
        deadline: float,
        priority: int = 0,
        late_at: float = float("inf"),
        search: Search = FIRST,
    ) -> list[str]:
        """Translations of `sentences`, in order. `deadline` and `late_at` (see `batching`) are on the running loop's
        clock.

        Raises TooLate, Overloaded, EngineFailed.
        """
        lane = self._lane(package, search)
        loop = asyncio.get_running_loop()
        answers = [self._answer(lane, sentence, deadline, priority, late_at) for sentence in sentences]
        made: list[str] = []
        timer = loop.call_at(deadline, _expire, answers)
        try:
            for place, sentence in enumerate(sentences):
                while not isinstance(answer := answers[place], str):
                    try:
                        answers[place] = await answer
                    except _Expired:
                        raise
                    except TooLate:
                        # Somebody else asked first, with a nearer deadline; ours may still hold.
                        if loop.time() >= deadline:
                            raise
                        answers[place] = self._answer(lane, sentence, deadline, priority, late_at)
                made.append(answer)
        finally:
            timer.cancel()
        return made

    def forget(self, texts: Iterable[str]) -> None:
        """Drop what the cache holds of these texts, and what it would come to hold of them from the engine."""
        self._cache.forget(texts, asyncio.get_running_loop().time())

    def forget_everything(self) -> None:
        self._cache.clear(asyncio.get_running_loop().time())

    def retire(self, package: Package) -> None:
        """A package left: its lanes go once they are empty; what waits in them is still tried."""
        for key, lane in tuple(self._lanes.items()):
            if lane.package == package and not lane.pending and not lane.running:
                del self._lanes[key]

    @property
    def is_busy(self) -> bool:
        """True while whatever comes must wait for the end of a batch."""
        return self._running >= self._running_max

    def statistics(self) -> dict[str, int]:
        totals: dict[str, int] = {"batches_running": self._running, "batches_failed": self._failed}
        for lane in self._lanes.values():
            for name, value in lane.batcher.statistics().items():
                totals[name] = totals.get(name, 0) + value
        return totals | self._cache.statistics()

    def _lane(self, package: Package, search: Search) -> _Lane:
        key = (package.name, package.version, search)
        lane = self._lanes.get(key)
        if lane is None:
            batcher: Batcher[_Wanted] = Batcher(self._window_s, self._items_max, self._waiting_max)
            lane = self._lanes[key] = _Lane(package, search, batcher)
        return lane

    def _answer(
        self, lane: _Lane, text: str, deadline: float, priority: int, late_at: float
    ) -> "str | asyncio.Future[str]":
        """The cached translation, or a future of our own for the one on its way. No await between look-up and entry."""
        known = self._cache.get(self._key(lane, text))
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        # Whoever waits takes the exception; if nobody waits any more, it is not "never retrieved".
        answer.add_done_callback(_retrieve)
        pending = lane.pending.get(text)
        if pending is not None:
            pending.answers.append(answer)
            return answer
        wanted = _Wanted(text, [answer])
        if not lane.batcher.offer(
            wanted, loop.time(), deadline=deadline, priority=priority, late_at=late_at, weight=_weight(text)
        ):
            raise Overloaded
        lane.pending[text] = wanted
        self._schedule(lane)
        return answer

    def _key(self, lane: _Lane, text: str) -> CacheKey:
        return CacheKey(lane.package.name, lane.package.version, lane.search_name, text)

    def _schedule(self, lane: _Lane) -> None:
        """See to it that the lane is looked at when its batch is due. One timer a lane."""
        due = lane.batcher.due_at(idle=not self._running)
        if due is None or self._running >= self._running_max:
            return
        loop = asyncio.get_running_loop()
        if lane.timer is not None:
            if lane.timer_at <= due:
                return
            lane.timer.cancel()
        lane.timer, lane.timer_at = loop.call_at(due, self._start, lane), due

    def _start(self, lane: _Lane) -> None:
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        if self._running >= self._running_max:
            return
        idle = not self._running
        # The loop's clock may ring a timer up to its resolution early.
        now = max(asyncio.get_running_loop().time(), lane.batcher.due_at(idle=idle) or 0.0)
        taken = lane.batcher.take(now, work_s=lane.batch_s, idle=idle, items_max=self._share(lane))
        for wanted in taken.expired:
            self._settle(lane, wanted, TooLate())
        for wanted in taken.shed:
            self._settle(lane, wanted, Overloaded())
        if taken.batch:
            self._running += 1
            lane.running += 1
            self._tasks.create_task(self._run(lane, taken.batch))
        self._schedule(lane)

    def _share(self, lane: _Lane) -> int:
        """How many sentences the next batch of this lane may hold."""
        free = self._running_max - self._running
        share = max(BATCH_ITEMS_MIN, -(-len(lane.batcher) // free))
        if lane.batch_s:
            share = min(share, max(BATCH_ITEMS_MIN, int(BATCH_S / lane.batch_s * lane.batch_items)))
        return share

    async def _run(self, lane: _Lane, batch: Sequence[_Wanted]) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            for wanted, outcome in zip(batch, await self._outcomes(lane, batch), strict=True):
                if isinstance(outcome, str):
                    self._cache.put(self._key(lane, wanted.text), outcome, loop.time())
                self._settle(lane, wanted, outcome)
            lane.learn(loop.time() - started, len(batch))
        finally:
            self._running -= 1
            lane.running -= 1
            for wanted in batch:  # only a cancelled task leaves any
                self._settle(lane, wanted, TooLate())
            for waiting in sorted(self._lanes.values(), key=lambda each: each.batcher.due_at() or 0.0):
                self._schedule(waiting)

    async def _outcomes(self, lane: _Lane, batch: Sequence[_Wanted]) -> Sequence[str | Exception]:
        """What became of each sentence. One that the engine cannot bear must not condemn those beside it, so a batch
        that failed is repeated sentence by sentence; whoever waits for the culprit gets the exception."""
        try:
            made = await self._engine.translate(lane.package, [wanted.text for wanted in batch], lane.search)
            if len(made) != len(batch):
                raise EngineFailed(f"{len(made)} outputs for {len(batch)} sentences")
        except Exception as failure:
            self._failed += 1
            if len(batch) == 1:
                return [failure]
            return [(await self._outcomes(lane, [wanted]))[0] for wanted in batch]
        return made

    def _settle(self, lane: _Lane, wanted: _Wanted, outcome: "str | Exception") -> None:
        if lane.pending.get(wanted.text) is wanted:
            del lane.pending[wanted.text]
        for answer in wanted.answers:
            if answer.done():
                continue
            if isinstance(outcome, str):
                answer.set_result(outcome)
            else:
                answer.set_exception(outcome)


def _expire(answers: "Sequence[str | asyncio.Future[str]]") -> None:
    """The deadline of one caller: what has no answer by now, gets none."""
    for answer in answers:
        if not isinstance(answer, str) and not answer.done():
            answer.set_exception(_Expired())


def _retrieve(answer: "asyncio.Future[str]") -> None:
    if not answer.cancelled():
        answer.exception()


def _weight(text: str) -> int:
    """About how many pieces of SentencePiece: two for three Han characters, one for three or four letters."""
    wide = sum(character >= "\u2e80" for character in text)
    return 1 + (2 * wide) // 3 + (len(text) - wide) // 3
