"""Takes jobs, translates, appends what came of it to the room's log, acknowledges. In that order.

Invariants: a job is acknowledged only after everything it owed stands in the log, so a worker that dies loses
nothing. `Translated` and `Untranslated` for one message, revision and language carry the *same* once-key, so a job
that two workers did speaks once, even when one of them had an answer and the other had none. A text owed to a reader
ends as one or the other; silence is kept only where no reader waits: nothing in the line to translate, or the message
was edited or recalled meanwhile.

Skipped is not lost. Under overload the batcher gives up what has been late for long, and here that becomes
`Untranslated(reason="overload")` under a once-key of its own; the text is parked, and translated when the worker is
idle again. Parked texts are bounded, leave after `PARKED_S`, and go back into the queue when the worker stops.

At most `running_max` jobs are in hand, many more than the engine works on: only what is in hand can be put in order
(mentions before the rest, what can be in time before what cannot). A job that failed in a way nobody foresaw is not
acknowledged: it comes again, here or elsewhere, and after `DELIVERIES_MAX` times it is answered "engine_failed"
instead of poisoning one worker after another.
"""

import asyncio
import itertools
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import msgspec
import structlog

from chat.errors import Unavailable
from chat.events import Explained, Translated, Untranslated
from chat.language import wanted
from chat.limits import TRANSLATION_BUDGET_MS
from chat.ports import (
    TRANSLATORS,
    Appended,
    ForgetText,
    Gap,
    Guard,
    Job,
    JobText,
    PreviewAnswer,
    PreviewText,
    RoomFeed,
    RoomLog,
    RoomMissing,
    Stale,
    TakenJob,
    TranslationJobs,
    Whisper,
)
from chat.wire import readable_event
from translator.batching import CATCH_UP, POSTED, URGENT
from translator.chinese import to_simplified, to_traditional
from translator.detect import Detection, Reason
from translator.explaining import explanations
from translator.pipeline import Pipeline, Refusal, Translation, Why
from translator.shared import Row, SharedRows
from translator.terms import Placing, Terms

DELIVERIES_MAX: Final = 5
KEEP_EVERY_S: Final = 1.0
"""A quarter of the time after which a job counts as abandoned."""
TAKE_WAIT_MS: Final = 1_000
"""How long one `take` waits for a first job; also how soon an idle worker notices that it should stop."""
TAKE_MAX: Final = 64
"""Jobs in one `take`, so that workers side by side share a burst."""
RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
APPEND_ATTEMPTS_MAX: Final = 6
"""With doubling pauses about six seconds; after that the job is left to be delivered again."""
BUDGET_MS: Final = 800
"""Where a job does not say what its room allows."""
GLOSSARY_LOOK_S: Final = 0.5
"""How long one look at a room's glossary serves: so soon a new term is in force everywhere."""
GLOSSARIES_MAX: Final = 1_000
PARKED_MAX: Final = 10_000
PARKED_S: Final = 15 * 60.0
"""A translation that comes later than this interests nobody who is still in the room."""
PARKED_AT_ONCE: Final = 8
IDLE_JOBS: Final = 4
"""With so few jobs in hand there is time for what was skipped."""
IDLE_LOOK_S: Final = 0.2

log = structlog.get_logger("translator.worker")

Done = TypeVar("Done")


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """One worker to the others: let no cache show what these texts said."""

    texts: tuple[str, ...]


_encode: Final = msgspec.msgpack.Encoder().encode
_whispered: Final = msgspec.msgpack.Decoder(Forget)


def wall_clock_ms() -> int:
    """Milliseconds since 1970, the clock of job deadlines."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Debt:
    """What one message owes the readers of one language."""

    job: Job
    text: JobText
    ref: str
    found: Detection
    target: str
    source: str
    """Of the spans to translate: the target itself where only those in `also` are."""
    also: str
    marked: bool = False
    """The readers know that it was skipped: now only a translation is news."""

    @property
    def once(self) -> str:
        return f"t:{self.job.of}:{self.job.revision}:{self.target}"

    @property
    def once_skipped(self) -> str:
        return f"o:{self.job.of}:{self.job.revision}:{self.target}"


@dataclass(frozen=True, slots=True)
class _Parked:
    debt: Debt
    until_s: float


class Worker:
    """One per process. `run` returns after `stop`, when the jobs in hand are done or `drain_s` is over."""

    def __init__(
        self,
        name: str,
        jobs: TranslationJobs,
        room_log: RoomLog,
        pipeline: Pipeline,
        *,
        feed: RoomFeed | None = None,
        shared: SharedRows | None = None,
        running_max: int = 2_048,
        drain_s: float = 10.0,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._name = name
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
        self._counted: Counter[str] = Counter()
        self._glossaries: OrderedDict[str, tuple[float, int, Terms]] = OrderedDict()
        self._parked: OrderedDict[tuple[str, int, str], _Parked] = OrderedDict()

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
        events = (
            "translated",
            "untranslated",
            "stale",
            "nothing_to_translate",
            "skipped",
            "caught_up",
            "spoken_before",
        )
        times = ("in_budget", "over_budget", "ms")
        return (
            {f"jobs_{name}": self._counted[f"jobs_{name}"] for name in jobs}
            | {f"events_{name}": self._counted[f"events_{name}"] for name in events}
            | {f"translations_{name}": self._counted[f"translations_{name}"] for name in times}
            | {"jobs_running": len(self._running), "texts_parked": len(self._parked)}
            | (self._shared.statistics() if self._shared else {})
            | self._pipeline.statistics()
        )

    async def run(self) -> None:
        """Work until `stop`. Raises nothing that a job contains; a bug in this loop itself ends the process."""
        async with asyncio.TaskGroup() as tasks:
            async with _beside(tasks, self._hear(), self._catch_up(), self._keep(), self._keep_shared()):
                try:
                    await self._take_jobs(tasks)
                    if self._running:
                        await asyncio.wait(self._running, timeout=self._drain_s)
                finally:
                    for task in tuple(self._running):
                        task.cancel()
            await self._put_back()

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

    async def _keep(self) -> None:
        """Hold on to the jobs in hand: what is slow is not dead."""
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            try:
                await self._jobs.keep(self._name, tuple(self._running.values()))
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
        await self._settled(lambda: self._jobs.done([taken.ref]))

    # -- messages ----------------------------------------------------------------------------------------------------

    async def _serve(self, taken: TakenJob, text: JobText) -> None:
        """Append everything this job owes."""
        terms = await self._terms(taken.job.room)
        debts = self._debts(taken, text, terms)
        await self._explain(taken, text, terms)
        if not debts:
            self._counted["events_nothing_to_translate"] += 1
            return
        if taken.times_delivered > 1 or self._is_late(text):
            debts = [debt for each in debts if (debt := await self._still_owed(each)) is not None]
        if taken.times_delivered > DELIVERIES_MAX:
            for debt in debts:
                await self._say(debt, Refusal(Why.ENGINE_FAILED, debt.source, "delivered too often"))
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

    def _debts(self, taken: TakenJob, text: JobText, terms: Terms) -> list[Debt]:
        """Nothing is owed for a line that needs no translation, unless a reader asked for it. Who reads the language
        of a line but not that of words in the middle of it, is owed those words."""
        candidates = tuple(dict.fromkeys(language for readers in text.readers for language in readers))
        mentions = tuple(mention.text for mention in text.mentions)
        found = self._pipeline.detect(text.text, candidates, (*mentions, *text.names, *_kept_in(text.text, terms)))
        source = found.language or ""
        if text.asked:
            targets = tuple(dict.fromkeys(readers[0] for readers in text.readers if readers))
        elif not found.needs_translation and found.reason is not Reason.PINYIN:
            targets = ()
        else:
            targets = wanted(source, text.readers)
        debts = [Debt(taken.job, text, taken.ref, found, target, source, found.also) for target in targets]
        strangers = any(source in languages and found.also not in languages for languages in text.readers)
        if found.unexplained and source and strangers and source not in targets:
            debts.append(Debt(taken.job, text, taken.ref, found, source, source, found.also))
        return debts

    async def _explain(self, taken: TakenJob, text: JobText, terms: Terms) -> None:
        """Slang and room terms, told to those who do not read their language; whatever becomes of the translation."""
        job, mentions = taken.job, tuple(mention.text for mention in text.mentions)
        for told in explanations(text.text, text.readers, (*mentions, *text.names), terms.explained):
            event = Explained(of=job.of, revision=job.revision, language=told.language, terms=told.terms)
            once = f"x:{job.of}:{job.revision}:{told.language}"
            if await self._append(job, told.language, event, once) is not None:
                self._counted["events_explained"] += 1

    def _is_late(self, text: JobText) -> bool:
        return bool(text.posted_at_ms) and self._clock_ms() > text.posted_at_ms + (text.budget_ms or BUDGET_MS)

    async def _still_owed(self, debt: Debt) -> Debt | None:
        """What a worker before this one left undone: nothing, if it spoke; only a translation, if it said "skipped"."""
        if await self._settled(lambda: self._log.recognise(debt.job.room, debt.once)) and not debt.text.asked:
            self._counted["events_spoken_before"] += 1
            return None
        if await self._settled(lambda: self._log.recognise(debt.job.room, debt.once_skipped)):
            return replace(debt, marked=True)
        return debt

    async def _serve_debt(self, debt: Debt, terms: Terms, row: Row | None) -> None:
        outcome = await self._outcome(debt, terms, row, URGENT if debt.text.asked or debt.text.urgent else POSTED)
        if isinstance(outcome, Refusal) and debt.source == debt.target and not debt.text.asked:
            return  # who reads the line is not told of a word in it that stays foreign
        if isinstance(outcome, Refusal) and outcome.why is Why.OVERLOAD and not debt.text.asked:
            await self._skip(debt, outcome)
        else:
            await self._say(debt, outcome)

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

    async def _say(self, debt: Debt, outcome: Translation | Refusal) -> None:
        job = debt.job
        match outcome:
            case Translation():
                event: Translated | Untranslated = Translated(
                    of=job.of,
                    revision=job.revision,
                    language=debt.target,
                    source=outcome.source,
                    text=outcome.text,
                    engine=outcome.engine,
                    package=f"{outcome.package} {outcome.version}".strip(),
                    starter=outcome.starter,
                )
            case Refusal():
                if debt.marked:
                    return
                log.debug("untranslated", room=job.room, of=job.of, why=outcome.why.value, detail=outcome.detail)
                event = _untranslated(debt, outcome)
        once = debt.once
        if debt.text.asked and isinstance(event, Untranslated):
            # Who asks again must be answered again; the same delivery, delivered twice, must not.
            once = f"u:{job.of}:{job.revision}:{debt.target}:{debt.ref}"[-64:]
        appended = await self._append(debt.job, debt.target, event, once)
        if appended is None:
            return
        if appended.duplicate and isinstance(event, Translated) and debt.text.asked:
            await self._answer_after_a_refusal(debt, event, appended.position.seq)
        if isinstance(event, Translated) and not appended.duplicate:
            self._count_time(debt.text)
        self._counted["events_translated" if isinstance(event, Translated) else "events_untranslated"] += 1

    async def _answer_after_a_refusal(self, debt: Debt, event: Translated, seq: int) -> None:
        """The once-key was spent on "untranslated", and now there is a translation for who asked."""
        spoken = await self._settled(lambda: self._log.read_at(debt.job.room, seq))
        if spoken is not None and isinstance(readable_event(spoken.body), Untranslated):
            await self._append(debt.job, debt.target, event, f"a{debt.once}")

    async def _append(
        self, job: Job, language: str, event: Translated | Untranslated | Explained, once: str
    ) -> Appended | None:
        """None when the message is no longer what was translated."""
        guard = Guard(job.of, job.revision)
        try:
            return await self._settled(
                lambda: self._log.append(job.room, event, once=once, audience=language, guard=guard)
            )
        except (Stale, RoomMissing):
            self._counted["events_stale"] += 1
            return None

    def _count_time(self, text: JobText) -> None:
        if text.posted_at_ms:
            took_ms = max(0, self._clock_ms() - text.posted_at_ms)
            self._counted["translations_ms"] += took_ms
            in_budget = took_ms <= (text.budget_ms or BUDGET_MS)
            self._counted["translations_in_budget" if in_budget else "translations_over_budget"] += 1

    # -- what was skipped --------------------------------------------------------------------------------------------

    async def _skip(self, debt: Debt, refusal: Refusal) -> None:
        """Say so, once, and keep the text for when there is time."""
        if not debt.marked:
            if await self._append(debt.job, debt.target, _untranslated(debt, refusal), debt.once_skipped) is None:
                return
            self._counted["events_skipped"] += 1
        key = (debt.job.room, debt.job.of, debt.target)
        self._parked[key] = _Parked(replace(debt, marked=True), asyncio.get_running_loop().time() + PARKED_S)
        while len(self._parked) > PARKED_MAX:
            self._parked.popitem(last=False)
            self._counted["events_dropped"] += 1

    async def _catch_up(self) -> None:
        """Translate what was skipped, a few texts at a time, whenever next to nothing else is in hand."""
        while True:
            await asyncio.sleep(IDLE_LOOK_S)
            while self._parked and len(self._running) <= IDLE_JOBS and not self._stopping.is_set():
                keys = tuple(itertools.islice(self._parked, PARKED_AT_ONCE))
                if not any(await asyncio.gather(*(self._caught_up(key) for key in keys))):
                    break  # no lull after all

    async def _caught_up(self, key: tuple[str, int, str]) -> bool:
        """True when this one is settled; else it stays parked, now behind the others."""
        parked = self._parked[key]
        settled = asyncio.get_running_loop().time() >= parked.until_s
        if not settled:
            settled = await self._survived(parked.debt.job, self._say_after_all(parked.debt))
        if key in self._parked:
            self._parked.move_to_end(key)
            if settled:
                del self._parked[key]
        return settled

    async def _say_after_all(self, debt: Debt) -> None:
        """Raises Unavailable when the engine has no time for it yet."""
        outcome = await self._outcome(debt, await self._terms(debt.job.room), None, CATCH_UP)
        if isinstance(outcome, Refusal) and outcome.why is Why.OVERLOAD:
            raise Unavailable("no lull after all")
        await self._say(debt, outcome)
        self._counted["events_caught_up"] += isinstance(outcome, Translation)

    async def _put_back(self) -> None:
        """What is still parked when this worker stops is somebody else's then."""
        try:
            async with asyncio.timeout(self._drain_s):
                while self._parked:
                    key, parked = next(iter(self._parked.items()))
                    debt = parked.debt
                    text = msgspec.structs.replace(debt.text, readers=((debt.target,),), deadline_ms=0)
                    await self._jobs.put(Job(debt.job.room, debt.job.of, debt.job.revision, text))
                    del self._parked[key]
        except (TimeoutError, Unavailable):
            log.warning("skipped_texts_dropped", count=len(self._parked))

    # -- previews and forgetting -------------------------------------------------------------------------------------

    async def _preview(self, taken: TakenJob, preview: PreviewText) -> None:
        """Answer who writes; or, when nobody can be waiting any more, nobody."""
        loop = asyncio.get_running_loop()
        left_s = (preview.deadline_ms - self._clock_ms()) / 1000
        if self._feed is None or left_s <= 0:
            return
        self._counted["jobs_previewed"] += 1
        deadline = loop.time() + left_s
        terms = await self._terms(taken.job.room)
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
        await self._settled(lambda: feed.whisper(preview.reply_to, payload))

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
        terms = await self._terms(room)
        forms = tuple(dict.fromkeys(form for text in texts for form in _forms_of(text, terms)))
        self._forget_here(forms)
        feed = self._feed
        if feed is not None:
            payload = _encode(Forget(forms))
            await self._settled(lambda: feed.whisper(TRANSLATORS, payload))
        if self._shared is not None:
            shared = self._shared
            await self._settled(lambda: shared.forget(forms))
        self._counted["jobs_forgotten"] += 1

    def _forget_here(self, texts: Sequence[str]) -> None:
        self._pipeline.forget(texts)
        if self._shared is not None:
            self._shared.forbid(texts)
        for key in [key for key, parked in self._parked.items() if parked.debt.text.text in texts]:
            del self._parked[key]

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

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _terms(self, room: str) -> Terms:
        """The room's terms, at most `GLOSSARY_LOOK_S` old. Two jobs may look at once; both are right."""
        loop = asyncio.get_running_loop()
        known = self._glossaries.get(room)
        if known is not None and loop.time() - known[0] < GLOSSARY_LOOK_S:
            return known[2]
        glossary = await self._settled(lambda: self._log.glossary(room))
        known = self._glossaries.get(room)
        terms = known[2] if known is not None and known[1] == glossary.version else Terms(glossary.terms)
        self._glossaries[room] = (loop.time(), glossary.version, terms)
        self._glossaries.move_to_end(room)
        while len(self._glossaries) > GLOSSARIES_MAX:
            self._glossaries.popitem(last=False)
        return terms

    async def _settled(self, step: Callable[[], Awaitable[Done]]) -> Done:
        """Do `step` (idempotent) until it is known to be done. Raises the last Unavailable."""
        pause_s = RETRY_FIRST_S
        for _ in range(APPEND_ATTEMPTS_MAX - 1):
            try:
                return await step()
            except Unavailable:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
        return await step()


def _untranslated(debt: Debt, refusal: Refusal) -> Untranslated:
    return Untranslated(
        of=debt.job.of,
        revision=debt.job.revision,
        language=debt.target,
        source=refusal.source,
        reason=refusal.why.value,
    )


def _kept_in(text: str, terms: Terms) -> tuple[str, ...]:
    """Terms that occur in `text`: what they are in says nothing about the language of the line."""
    folded = text.casefold()
    return tuple(source for source in terms.sources() if source.casefold() in folded)


def _forms_of(text: str, terms: Terms) -> list[str]:
    """The shapes in which `text` may stand in a cache: as written, in either script, with the room's terms placed."""
    shapes = dict.fromkeys((text, to_simplified(text), to_traditional(text)))
    placings: list[Placing] = [terms.into(target) for target in terms.targets()]
    return list(dict.fromkeys((*shapes, *(placing.place(shape).text for shape in shapes for placing in placings))))


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
