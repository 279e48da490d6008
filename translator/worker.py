"""Takes jobs, translates, appends what came of it to the room's log, acknowledges. In that order.

Invariants: a job is acknowledged only after everything it owed stands in the log, or waits in the engine among the
parked texts (`translator.parking`), so a worker that dies loses nothing. A text owed to a reader ends as `Translated`
or as `Untranslated`; silence is kept only where no reader waits: nothing in the line to translate, or the message was
edited or recalled meanwhile. What is owed stands in `translator.debts`, how it is said in `translator.telling`.

Skipped is not lost. Under overload the batcher gives up what has been late for long, and here that becomes
`Untranslated(reason="overload")`; the text is parked, and translated when a worker is idle again.

At most `running_max` jobs are in hand, many more than the engine works on: only what is in hand can be put in order
(mentions before the rest, what can be in time before what cannot). A job that failed in a way nobody foresaw is not
acknowledged: it comes again, here or elsewhere, and after `DELIVERIES_MAX` times it is answered "engine_failed"
instead of poisoning one worker after another.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from chat.errors import Unavailable
from chat.limits import TRANSLATION_BUDGET_MS
from chat.ports import (
    TRANSLATORS,
    ForgetText,
    Gap,
    Job,
    JobText,
    PreviewAnswer,
    PreviewText,
    RoomFeed,
    RoomLog,
    TakenJob,
    TranslationJobs,
    Whisper,
)
from translator.batching import CATCH_UP, POSTED, URGENT
from translator.chinese import to_simplified, to_traditional
from translator.debts import Debt, debts_of, detected
from translator.detect import Detection, Reason
from translator.glossaries import Glossaries
from translator.pace import Pace
from translator.parking import Parking
from translator.pipeline import Pipeline, Refusal, Translation, Why
from translator.retrying import RETRY_FIRST_S, RETRY_MAX_S, settled
from translator.shared import Row, SharedRows
from translator.telling import BUDGET_MS, Telling
from translator.terms import Placing, Terms
from translator.wordlists import WordLists

if TYPE_CHECKING:
    from chat.traces import Traces

DELIVERIES_MAX: Final = 5
KEEP_EVERY_S: Final = 1.0
"""A quarter of the time after which a job counts as abandoned."""
TAKE_WAIT_MS: Final = 1_000
"""How long one `take` waits for a first job; also how soon an idle worker notices that it should stop."""
TAKE_EVERY_S: Final = 0.05
"""While the engine is busy: no job could start sooner, and taken together they disturb less than one by one."""
TAKE_MAX: Final = 64
"""Jobs in one `take`, so that workers side by side share a burst."""
IDLE_JOBS: Final = 4
"""With so few jobs in hand there is time for what was skipped."""
log = structlog.get_logger("translator.worker")


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """One worker to the others: let no cache show what these texts said."""

    texts: tuple[str, ...]


_encode: Final = msgspec.msgpack.Encoder().encode
_whispered: Final = msgspec.msgpack.Decoder(Forget)


def wall_clock_ms() -> int:
    """Milliseconds since 1970, the clock of job deadlines."""
    return time.time_ns() // 1_000_000


class Worker:
    """One per process. `run` returns after `stop`, when the jobs in hand are done or `drain_s` is over."""

    def __init__(
        self,
        name: str,
        jobs: TranslationJobs,
        room_log: RoomLog,
        pipeline: Pipeline,
        *,
        parked: TranslationJobs,
        feed: RoomFeed | None = None,
        shared: SharedRows | None = None,
        running_max: int = 2_048,
        drain_s: float = 10.0,
        clock_ms: Callable[[], int] = wall_clock_ms,
        traces: "Traces | None" = None,
        breathe: Callable[[], None] = lambda: None,
    ) -> None:
        """`breathe` is called between two pieces of work, a few tenths of a millisecond apart."""
        self._name = name
        self._traces = traces
        self._breathe = breathe
        self._jobs = jobs
        self._log = room_log
        self._pipeline = pipeline
        self._feed = feed
        self._shared = shared
        self._running_max = running_max
        self._drain_s = drain_s
        self._clock_ms = clock_ms
        self._running: dict[asyncio.Task[None], str] = {}
        """Jobs in hand, by reference."""
        self._room_for_more = asyncio.Event()
        self._stopping = asyncio.Event()
        self._pace = Pace()
        self._telling = Telling(room_log, clock_ms)
        self._counted = self._telling.counted
        self._glossaries = Glossaries(room_log)
        self._word_lists = WordLists(room_log)
        self._parking = Parking(
            name, parked, self._pace, clock_ms, self._counted, idle=self._is_idle, settle=self._caught_up
        )

    @property
    def name(self) -> str:
        return self._name

    def stop(self) -> None:
        """Take no more jobs. Idempotent, callable from a signal handler of the loop."""
        self._stopping.set()
        self._room_for_more.set()

    def statistics(self) -> dict[str, int]:
        """Jobs by what became of them, and everything below."""
        jobs = ("taken", "done", "left", "redelivered", "previewed", "forgotten")
        return (
            {f"jobs_{name}": self._counted[f"jobs_{name}"] for name in jobs}
            | self._telling.statistics()
            | {"jobs_running": len(self._running), "texts_parked": self._parking.count}
            | (self._shared.statistics() if self._shared else {})
            | self._pipeline.statistics()
        )

    async def run(self) -> None:
        """Work until `stop`. Raises nothing that a job contains; a bug in this loop itself ends the process."""
        async with (
            asyncio.TaskGroup() as tasks,
            _beside(tasks, self._hear(), self._parking.run(), self._keep(), self._keep_shared()),
        ):
            try:
                await self._take_jobs(tasks)
                if self._running:
                    await asyncio.wait(self._running, timeout=self._drain_s)
            finally:
                for task in tuple(self._running):
                    task.cancel()

    async def _keep_shared(self) -> None:
        if self._shared is not None:
            await self._shared.run()

    # -- taking jobs -------------------------------------------------------------------------------------------------

    async def _take_jobs(self, tasks: asyncio.TaskGroup) -> None:
        pause_s = RETRY_FIRST_S
        while not self._stopping.is_set():
            free = self._running_max - len(self._running)
            if free <= 0:
                self._room_for_more.clear()
                await self._room_for_more.wait()
                continue
            try:
                taken = await self._jobs.take(self._name, min(free, TAKE_MAX), TAKE_WAIT_MS)
            except Unavailable as away:
                log.warning("jobs_unavailable", why=away.words, retry_in_s=pause_s)
                await self._pause(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
                continue
            pause_s = RETRY_FIRST_S
            for job in taken:
                self._counted["jobs_taken"] += 1
                task = tasks.create_task(self._work(job))
                self._running[task] = job.ref
                task.add_done_callback(self._ended)
            if taken and self._pipeline.is_busy:
                await self._pause(TAKE_EVERY_S)

    async def _keep(self) -> None:
        """Hold on to the jobs in hand: what is slow is not dead."""
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            try:
                await self._jobs.keep(self._name, tuple(self._running.values()))
                await self._parking.keep()
            except Unavailable:
                continue

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
        self._room_for_more.set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _work(self, taken: TakenJob) -> None:
        """One job from beginning to acknowledgement."""
        if taken.times_delivered > 1:
            self._counted["jobs_redelivered"] += 1
        if await self._survived(taken.job, self._finish(taken)):
            self._counted["jobs_done"] += 1
        else:
            self._counted["jobs_left"] += 1

    async def _survived(self, job: Job, work: Awaitable[None]) -> bool:
        """The top of every loop here, for what nobody foresaw: True when `work` came to its end."""
        try:
            await work
        except Unavailable as away:
            log.warning("job_left", room=job.room, of=job.of, why=away.words)
            return False
        except Exception:
            log.exception("job_failed", room=job.room, of=job.of)
            return False
        return True

    async def _finish(self, taken: TakenJob) -> None:
        match taken.job.text:
            case JobText() as text:
                await self._serve(taken, text)
            case PreviewText() as text:
                await self._preview(taken, text)
            case ForgetText() as text:
                await self._forget(taken.job.room, text.texts)
        await self._pace.turn()
        await settled(lambda: self._jobs.done([taken.ref]))

    # -- messages ----------------------------------------------------------------------------------------------------

    async def _serve(self, taken: TakenJob, text: JobText) -> None:
        """Append everything this job owes."""
        terms = await self._glossaries.of(taken.job.room)
        found = self._found(taken, text, terms)
        self._breathe()
        debts = debts_of(taken, text, found, terms)
        await self._telling.explain(taken, text, terms)
        self._breathe()
        if not debts:
            self._counted["events_nothing_to_translate"] += 1
            return
        if taken.times_delivered > 1 or self._is_late(text):
            debts = [debt for each in debts if (debt := await self._telling.still_owed(each)) is not None]
        if taken.times_delivered > DELIVERIES_MAX:
            for debt in debts:
                await self._telling.say(debt, Refusal(Why.ENGINE_FAILED, debt.source, "delivered too often"))
            return
        if not debts:
            return
        row = await self._shared.row(text.text) if self._shared else None
        if len(debts) == 1:
            await self._serve_debt(debts[0], terms, row)
        else:
            async with asyncio.TaskGroup() as tasks:
                for debt in debts:
                    tasks.create_task(self._serve_debt(debt, terms, row))
        if row is not None and self._shared is not None:
            self._shared.keep(row)

    def _found(self, taken: TakenJob, text: JobText, terms: Terms) -> Detection:
        """What language it is in; in the end an answer, even of a line that detection itself cannot bear."""
        try:
            return detected(self._pipeline.detect, text, terms)
        except Exception:
            if taken.times_delivered <= DELIVERIES_MAX:
                raise
            log.exception("language_not_detected", room=taken.job.room, of=taken.job.of)
            return Detection(None, True, Reason.UNKNOWN)

    async def _fit(self, debt: Debt, outcome: Translation | Refusal) -> Translation | Refusal:
        """What the room's word list says of a translation. A hit that the original has as well was decided about when
        it was written, and moderators read everything."""
        if not isinstance(outcome, Translation) or debt.text.audience:
            return outcome
        terms = await self._word_lists.of(debt.job.room)
        if terms is None or not terms.find(outcome.text):
            return outcome
        if terms.find(debt.text.text):
            return outcome
        return Refusal(Why.MODERATED, outcome.source, "a listed word in the translation")

    def _is_late(self, text: JobText) -> bool:
        return bool(text.posted_at_ms) and self._clock_ms() > text.posted_at_ms + (text.budget_ms or BUDGET_MS)

    async def _serve_debt(self, debt: Debt, terms: Terms, row: Row | None) -> None:
        traces, began_ns = self._traces, self._traces.now_ns() if self._traces else 0
        priority = URGENT if debt.text.asked or debt.text.urgent else POSTED
        outcome = await self._outcome(debt, terms, row, priority)
        self._breathe()
        outcome = await self._fit(debt, _introduced(outcome, terms, debt))
        if isinstance(outcome, Refusal) and debt.is_for_its_own_readers and not debt.text.asked:
            return  # who reads the line is not told of a word in it that stays foreign
        if isinstance(outcome, Refusal) and outcome.why is Why.OVERLOAD and not debt.text.asked:
            if await self._telling.say_skipped(debt, outcome):
                await self._parking.park(debt)
            return
        appended = await self._telling.say(debt, outcome)
        if traces is not None and appended is not None and not appended.duplicate:
            reason = outcome.why.value if isinstance(outcome, Refusal) else ""
            traces.translated(
                debt.job.room,
                appended.position,
                debt.job.of,
                began_ns,
                source=debt.source,
                target=debt.target,
                reason=reason,
            )

    async def _outcome(self, debt: Debt, terms: Terms, row: Row | None, priority: int) -> Translation | Refusal:
        text, found, source, target = debt.text, debt.found, debt.source, debt.target
        loop = asyncio.get_running_loop()
        now_ms, now_s = self._clock_ms(), loop.time()
        left_ms = (text.deadline_ms or now_ms + TRANSLATION_BUDGET_MS) - now_ms
        if priority == CATCH_UP:
            left_ms = TRANSLATION_BUDGET_MS
        if found.reason is Reason.PINYIN:
            return Refusal(Why.NO_PACKAGE, source, "pinyin")
        if not found.needs_translation or (source == target and not debt.also):
            return Refusal(Why.NOTHING_TO_TRANSLATE, source)
        if not source:
            return Refusal(Why.NO_PACKAGE, source, "unknown language")
        if left_ms <= 0:
            return Refusal(Why.TOO_LATE, source)
        placing = terms.into(target, text.names)
        variant = ""
        if row is not None:
            variant = self._pipeline.variant(text.text, source, target, placing=placing, also=debt.also)
            known = row.get(variant)
            if known is not None:
                return known
        self._breathe()
        budget_ms = (text.posted_at_ms or now_ms) + (text.budget_ms or BUDGET_MS) - now_ms
        outcome = await self._pipeline.translate(
            text.text,
            source,
            target,
            deadline=now_s + left_ms / 1000,
            late_at=now_s + budget_ms / 1000,
            mentions=tuple(mention.text for mention in text.mentions),
            priority=priority,
            placing=placing,
            also=debt.also,
        )
        if row is not None and isinstance(outcome, Translation):
            row.put(variant, outcome)
        return outcome

    # -- what was skipped --------------------------------------------------------------------------------------------

    def _is_idle(self) -> bool:
        """With so few jobs in hand there is time for what was skipped."""
        return len(self._running) <= IDLE_JOBS and not self._stopping.is_set()

    async def _caught_up(self, taken: TakenJob) -> bool:
        """True when this parked text is settled; else it comes again."""
        text = taken.job.text
        if not isinstance(text, JobText):
            return True
        return await self._survived(taken.job, self._say_after_all(taken, text))

    async def _say_after_all(self, taken: TakenJob, text: JobText) -> None:
        """Raises Unavailable when there is no time for it yet."""
        job = taken.job
        if self._clock_ms() >= text.deadline_ms:
            self._counted["events_dropped"] += 1
            return
        if await settled(lambda: self._log.read_at(job.room, job.of)) is None:
            return  # taken back: nothing may be made of it, not even for a cache
        terms = await self._glossaries.of(job.room)
        found = detected(self._pipeline.detect, text, terms)
        self._breathe()
        for each in debts_of(taken, text, found, terms):
            debt = await self._telling.still_owed(each)
            if debt is None:
                continue
            debt = replace(debt, marked=True)
            outcome = await self._outcome(debt, terms, None, CATCH_UP)
            self._breathe()
            outcome = await self._fit(debt, _introduced(outcome, terms, debt))
            if isinstance(outcome, Refusal) and outcome.why is Why.OVERLOAD:
                raise Unavailable("no lull after all")
            await self._telling.say(debt, outcome)
            self._counted["events_caught_up"] += isinstance(outcome, Translation)

    # -- previews and forgetting -------------------------------------------------------------------------------------

    async def _preview(self, taken: TakenJob, preview: PreviewText) -> None:
        """Answer who writes; or, when nobody can be waiting any more, nobody."""
        loop = asyncio.get_running_loop()
        left_s = (preview.deadline_ms - self._clock_ms()) / 1000
        if self._feed is None or left_s <= 0:
            return
        self._counted["jobs_previewed"] += 1
        deadline = loop.time() + left_s
        terms = await self._glossaries.of(taken.job.room)
        target = preview.target
        found = self._pipeline.detect(preview.text, tuple(filter(None, (preview.source, target))))
        source = preview.source or found.language or ""
        answer = PreviewAnswer(reply_id=preview.reply_id, target_text="", back_text="", source=source)
        if found.reason is Reason.PINYIN or (found.needs_translation and not source):
            answer = msgspec.structs.replace(answer, reason=Why.NO_PACKAGE.value)
        elif not found.needs_translation or source == target:
            answer = msgspec.structs.replace(answer, reason=Why.NOTHING_TO_TRANSLATE.value)
        else:
            there = await self._pipeline.translate(
                preview.text, source, target, deadline=deadline, priority=URGENT, placing=terms.into(target)
            )
            answer = await self._read_back(answer, there, target, terms, deadline)
        payload = _encode(answer)
        feed = self._feed
        await settled(lambda: feed.whisper(preview.reply_to, payload))

    async def _read_back(
        self, answer: PreviewAnswer, there: Translation | Refusal, target: str, terms: Terms, deadline: float
    ) -> PreviewAnswer:
        if isinstance(there, Refusal):
            return msgspec.structs.replace(answer, reason=there.why.value)
        answer = msgspec.structs.replace(
            answer,
            target_text=there.text,
            starter=there.starter,
            engine=there.engine,
            package=f"{there.package} {there.version}".strip(),
        )
        back = await self._pipeline.translate(
            there.text, target, answer.source, deadline=deadline, priority=URGENT, placing=terms.into(answer.source)
        )
        if isinstance(back, Refusal):
            return msgspec.structs.replace(answer, back_reason=back.why.value)
        return msgspec.structs.replace(answer, back_text=back.text, starter=answer.starter or back.starter)

    async def _forget(self, room: str, texts: Sequence[str]) -> None:
        """Here, in every other worker, and in what they share. The others hear of it first: one that is just
        translating the text must not put it back."""
        terms = await self._glossaries.of(room)
        forms = tuple(dict.fromkeys(form for text in texts for form in _forms_of(text, terms)))
        self._forget_here(forms)
        feed = self._feed
        if feed is not None:
            payload = _encode(Forget(forms))
            await settled(lambda: feed.whisper(TRANSLATORS, payload))
        if self._shared is not None:
            shared = self._shared
            await settled(lambda: shared.forget(forms))
        self._counted["jobs_forgotten"] += 1

    def _forget_here(self, texts: Sequence[str]) -> None:
        self._pipeline.forget(texts)
        if self._shared is not None:
            self._shared.forbid(texts)

    async def _hear(self) -> None:
        """What other workers say. A gap may have held a "forget", so after one everything is forgotten."""
        if self._feed is None:
            return
        while True:
            try:
                await self._feed.follow(TRANSLATORS)
                break
            except Unavailable:
                await asyncio.sleep(RETRY_FIRST_S)
        async for item in self._feed.items():
            match item:
                case Whisper(room=name, payload=payload) if name == TRANSLATORS:
                    try:
                        self._forget_here(_whispered.decode(payload).texts)
                    except msgspec.DecodeError:
                        log.warning("whisper_not_understood", bytes=len(payload))
                case Gap():
                    self._pipeline.forget_everything()
                case _:
                    pass


def _forms_of(text: str, terms: Terms) -> list[str]:
    """The shapes in which `text` may stand in a cache: as written, in either script, with the room's terms placed."""
    shapes = dict.fromkeys((text, to_simplified(text), to_traditional(text)))
    placings: list[Placing] = [terms.into(target) for target in terms.targets()]
    return list(dict.fromkeys((*shapes, *(placing.place(shape).text for shape in shapes for placing in placings))))


def _introduced(outcome: Translation | Refusal, terms: Terms, debt: Debt) -> Translation | Refusal:
    """With the names by which the original calls members; behind every cache, which know sentences and no rooms."""
    if not isinstance(outcome, Translation):
        return outcome
    return replace(outcome, text=terms.introduced(debt.text.text, outcome.text, debt.target))


@asynccontextmanager
async def _beside(tasks: asyncio.TaskGroup, *works: Awaitable[None]) -> AsyncIterator[None]:
    """While the body runs, these run too; with it they end."""
    running = [tasks.create_task(_awaited(work)) for work in works]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _awaited(work: Awaitable[None]) -> None:
    await work
