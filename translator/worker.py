"""Takes jobs, translates, appends what came of it to the room's log, acknowledges. In that order.

Invariants: a job is acknowledged only after everything it owed stands in the log, so a worker that dies loses
nothing; and whatever is appended carries a once-key made of message, revision and language, so a job that two workers
did speaks once. A text owed to a reader ends as `Translated` or as `Untranslated` with its reason; silence is kept
only where no reader waits: nothing in the line to translate, or the message was edited or recalled meanwhile.

At most `running_max` jobs are in hand; more would only age here instead of in the queue, where other workers see
them. A job that failed in a way nobody foresaw is not acknowledged: it comes again, here or elsewhere, and after
`DELIVERIES_MAX` times it is answered "engine_failed" instead of poisoning one worker after another.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from chat.errors import Unavailable
from chat.events import Translated, Untranslated
from chat.language import wanted
from chat.limits import TRANSLATION_BUDGET_MS
from chat.ports import Guard, Job, RoomLog, RoomMissing, Stale, TakenJob, TranslationJobs
from translator.detect import Detection, Reason
from translator.pipeline import Pipeline, Refusal, Translation, Why

DELIVERIES_MAX: Final = 5
TAKE_WAIT_MS: Final = 1_000
"""How long one `take` waits for a first job; also how soon an idle worker notices that it should stop."""
RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
APPEND_ATTEMPTS_MAX: Final = 6
"""With doubling pauses about six seconds; after that the job is left to be delivered again."""
ASKED_PRIORITY: Final = 0
POSTED_PRIORITY: Final = 1
"""A reader who pressed a button watches the screen; the others read on."""

log = structlog.get_logger("translator.worker")


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
        running_max: int = 256,
        drain_s: float = 10.0,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._name = name
        self._jobs = jobs
        self._log = room_log
        self._pipeline = pipeline
        self._running_max = running_max
        self._drain_s = drain_s
        self._clock_ms = clock_ms
        self._running: set[asyncio.Task[None]] = set()
        self._room_for_more = asyncio.Event()
        self._stopping = asyncio.Event()
        self._counted: Counter[str] = Counter()

    def stop(self) -> None:
        """Take no more jobs. Idempotent, callable from a signal handler of the loop."""
        self._stopping.set()
        self._room_for_more.set()

    def statistics(self) -> dict[str, int]:
        """Jobs by what became of them, and everything below."""
        names = ("taken", "done", "left", "redelivered")
        events = ("translated", "untranslated", "stale", "nothing_to_translate")
        return (
            {f"jobs_{name}": self._counted[f"jobs_{name}"] for name in names}
            | {f"events_{name}": self._counted[f"events_{name}"] for name in events}
            | {"jobs_running": len(self._running)}
            | self._pipeline.statistics()
        )

    async def run(self) -> None:
        """Work until `stop`. Raises nothing that a job contains; a bug in this loop itself ends the process."""
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._take_jobs(tasks)
                if self._running:
                    await asyncio.wait(self._running, timeout=self._drain_s)
            finally:
                for task in self._running:
                    task.cancel()

    async def _take_jobs(self, tasks: asyncio.TaskGroup) -> None:
        pause_s = RETRY_FIRST_S
        while not self._stopping.is_set():
            free = self._running_max - len(self._running)
            if free <= 0:
                self._room_for_more.clear()
                await self._room_for_more.wait()
                continue
            try:
                taken = await self._jobs.take(self._name, free, TAKE_WAIT_MS)
            except Unavailable as away:
                log.warning("jobs_unavailable", why=away.words, retry_in_s=pause_s)
                await self._pause(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
                continue
            pause_s = RETRY_FIRST_S
            for job in taken:
                self._counted["jobs_taken"] += 1
                task = tasks.create_task(self._work(job))
                self._running.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._room_for_more.set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _work(self, taken: TakenJob) -> None:
        """One job from beginning to acknowledgement. The top of the loop for what nobody foresaw."""
        try:
            await self._serve(taken)
            await self._settled(lambda: self._jobs.done([taken.ref]))
            self._counted["jobs_done"] += 1
        except Unavailable as away:
            self._counted["jobs_left"] += 1
            log.warning("job_left", room=taken.job.room, of=taken.job.of, why=away.words)
        except Exception:
            self._counted["jobs_left"] += 1
            log.exception("job_failed", room=taken.job.room, of=taken.job.of, times=taken.times_delivered)

    async def _serve(self, taken: TakenJob) -> None:
        """Append everything this job owes."""
        job, text = taken.job, taken.job.text
        if taken.times_delivered > 1:
            self._counted["jobs_redelivered"] += 1
        candidates = tuple(dict.fromkeys(language for readers in text.readers for language in readers))
        mentions = tuple(mention.text for mention in text.mentions)
        found = self._pipeline.detect(text.text, candidates, mentions)
        source, targets = self._owed(found, job)
        if not targets:
            self._counted["events_nothing_to_translate"] += 1
            return
        if taken.times_delivered > DELIVERIES_MAX:
            refusals = {target: Refusal(Why.ENGINE_FAILED, source, "delivered too often") for target in targets}
            for target, refusal in refusals.items():
                await self._append(taken, target, refusal)
            return
        left_ms = (text.deadline_ms or self._clock_ms() + TRANSLATION_BUDGET_MS) - self._clock_ms()
        deadline = asyncio.get_running_loop().time() + left_ms / 1000
        async with asyncio.TaskGroup() as tasks:
            for target in targets:
                tasks.create_task(self._serve_target(taken, found, source, target, mentions, deadline))

    def _owed(self, found: Detection, job: Job) -> tuple[str, tuple[str, ...]]:
        """(source, targets). Nothing is owed for a line that needs no translation, unless a reader asked for it."""
        text = job.text
        source = found.language or ""
        if text.asked:
            return source, tuple(dict.fromkeys(readers[0] for readers in text.readers if readers))
        if not found.needs_translation and found.reason is not Reason.PINYIN:
            return source, ()
        return source, wanted(source, text.readers)

    async def _serve_target(
        self,
        taken: TakenJob,
        found: Detection,
        source: str,
        target: str,
        mentions: tuple[str, ...],
        deadline: float,
    ) -> None:
        outcome: Translation | Refusal
        if found.reason is Reason.PINYIN:
            outcome = Refusal(Why.NO_PACKAGE, source, "pinyin")
        elif not found.needs_translation or source == target:
            outcome = Refusal(Why.NOTHING_TO_TRANSLATE, source)
        elif not source:
            outcome = Refusal(Why.NO_PACKAGE, source, "unknown language")
        elif deadline <= asyncio.get_running_loop().time():
            outcome = Refusal(Why.TOO_LATE, source)
        else:
            outcome = await self._pipeline.translate(
                taken.job.text.text,
                source,
                target,
                deadline=deadline,
                mentions=mentions,
                priority=ASKED_PRIORITY if taken.job.text.asked else POSTED_PRIORITY,
            )
        await self._append(taken, target, outcome)

    async def _append(self, taken: TakenJob, target: str, outcome: Translation | Refusal) -> None:
        job = taken.job
        event: Translated | Untranslated
        match outcome:
            case Translation():
                once = f"t:{job.of}:{job.revision}:{target}"
                event = Translated(
                    of=job.of,
                    revision=job.revision,
                    language=target,
                    source=outcome.source,
                    text=outcome.text,
                    engine=outcome.engine,
                    package=f"{outcome.package} {outcome.version}".strip(),
                    starter=outcome.starter,
                )
            case Refusal():
                # A reader who asks again must be answered again; the same delivery, delivered twice, must not.
                again = f":{taken.ref}"[-24:] if job.text.asked else ""
                once = f"u:{job.of}:{job.revision}:{target}{again}"
                event = Untranslated(
                    of=job.of,
                    revision=job.revision,
                    language=target,
                    source=outcome.source,
                    reason=outcome.why.value,
                )
                log.debug("untranslated", room=job.room, of=job.of, why=outcome.why.value, detail=outcome.detail)
        guard = Guard(job.of, job.revision)
        try:
            await self._settled(lambda: self._log.append(job.room, event, once=once, audience=target, guard=guard))
        except (Stale, RoomMissing):
            self._counted["events_stale"] += 1
        else:
            self._counted["events_translated" if isinstance(event, Translated) else "events_untranslated"] += 1

    async def _settled(self, step: Callable[[], Awaitable[object]]) -> None:
        """Do `step` (idempotent) until it is known to be done. Raises the last Unavailable."""
        pause_s = RETRY_FIRST_S
        for attempt in range(1, APPEND_ATTEMPTS_MAX + 1):
            try:
                await step()
            except Unavailable:
                if attempt == APPEND_ATTEMPTS_MAX:
                    raise
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
            else:
                return
