"""The worker against the memory adapters: what is owed is said once, in the log, before the job is acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
import pytest

from chat.adapters.memory import MemoryEngine
from chat.events import Edited, Event, Mention, Posted, Recalled, RoomCreated, Translated, Untranslated
from chat.ports import (
    DropTerm,
    ForgetText,
    Guard,
    Job,
    JobText,
    Member,
    PreviewAnswer,
    PreviewText,
    SetTerm,
    Term,
    Whisper,
)
from chat.wire import decode_event
from tests.support.faults import CALLS_MAX, Faults, When
from tests.support.virtual_time import now_ms, run
from tests.translator.doubles import ScriptedEngine, package
from translator.engine import Search
from translator.guard import doubt
from translator.lanes import Lanes
from translator.pipeline import Pipeline
from translator.routes import Package
from translator.shared import SharedRows
from translator.worker import DELIVERIES_MAX, TAKE_EVERY_S, Worker

PACKAGES = (package("zh", "en"), package("en", "zh", starter=True))
ROOM = "tea"
SAID = {
    "你好": "Hello there",
    "这里有一条狗": "Here is a dog",
    "hello": "你好呀",
    "two dogs": "两条狗",
    "hola": "你好呀",
}


@dataclass
class World:
    engine: MemoryEngine
    translating: ScriptedEngine
    credulous: bool = False
    """No guard: some of the many characters a story counts with are numbers or negations."""

    async def post(
        self,
        text: str,
        *readers: tuple[str, ...],
        mentions: tuple[str, ...] = (),
        budget_ms: int = 60_000,
        names: tuple[str, ...] = (),
        urgent: bool = False,
        room_budget_ms: int = 800,
    ) -> int:
        job = JobText(
            text,
            "ann",
            readers,
            tuple(Mention("bob", name) for name in mentions),
            deadline_ms=now_ms() + budget_ms,
            names=names,
            urgent=urgent,
            budget_ms=room_budget_ms,
            posted_at_ms=now_ms(),
        )
        event = Posted(author="ann", name="Ann", text=text)
        posted = await self.engine.log.append(ROOM, event, once=f"p{len(self.engine.rooms[ROOM].seqs)}", job=job)
        return posted.position.seq

    async def ask(self, of: int, text: str, language: str) -> None:
        await self.engine.jobs.put(
            Job(ROOM, of, 0, JobText(text, "ann", ((language,),), deadline_ms=now_ms() + 60_000, asked=True))
        )

    async def said(self) -> list[tuple[str, Event]]:
        """(audience, event) of what workers appended."""
        entries = await self.engine.log.read_after(ROOM, 0, 100)
        events = [(entry.audience, decode_event(entry.body)) for entry in entries]
        return [(audience, event) for audience, event in events if isinstance(event, Translated | Untranslated)]

    async def idle(self) -> None:
        while await self.engine.jobs.backlog():
            await asyncio.sleep(0.05)


def story(
    tell: Callable[[World, Worker], Awaitable[None]],
    say: Callable[[Package, str, Search], str] = lambda _p, sentence, _s: SAID[sentence],
    **options: object,
) -> World:
    """Tell a story in virtual time with one running worker."""

    async def told() -> World:
        made = World(MemoryEngine(now_ms=now_ms), ScriptedEngine(say))
        await made.engine.log.create(
            ROOM, "Tea", RoomCreated(by="ann", name="Ann", title="Tea"), Member("ann", "Ann", "owner"), once="c"
        )
        async with Lanes(made.translating) as lanes:
            worker = make_worker(made, lanes, **options)
            running = asyncio.create_task(worker.run())
            await tell(made, worker)
            worker.stop()
            await running
        return made

    return run(told())


def make_worker(world: World, lanes: Lanes, faults: Faults | None = None, **options: object) -> Worker:
    faults = faults or Faults()
    pipeline = Pipeline(
        world.translating, lanes, PACKAGES, doubt=lambda *pair: None if world.credulous else doubt(*pair)
    )
    return Worker(
        "w1",
        faults.wrap(world.engine.jobs),
        faults.wrap(world.engine.log),
        pipeline,
        parked=faults.wrap(world.engine.parked),
        feed=world.engine.new_feed(),
        shared=SharedRows(world.engine.translations),
        clock_ms=now_ms,
        **options,  # type: ignore[arg-type]  # keywords as they come
    )


def test_a_message_is_translated_for_those_who_cannot_read_it() -> None:
    async def tell(world: World, worker: Worker) -> None:
        of = await world.post("你好", ("en",), ("zh", "en"), ("en", "fr"))
        await world.idle()
        expected = Translated(
            of=of, revision=0, language="en", source="zh", text="Hello there", engine="scripted 1", package="zh_en 1"
        )
        assert await world.said() == [("en", expected)]
        assert worker.statistics()["jobs_done"] == 1

    story(tell)


def test_the_starter_is_named_as_such() -> None:
    async def tell(world: World, _: Worker) -> None:
        await world.post("two dogs", ("zh",))
        await world.idle()
        ((audience, event),) = await world.said()
        assert audience == "zh"
        assert isinstance(event, Translated)
        assert event.starter
        assert event.text == "两条狗"

    story(tell)


@pytest.mark.parametrize("text", ["666", "哈哈哈", "😀", "https://example.com", "lol"])
def test_where_nothing_needs_translation_nobody_is_bothered(text: str) -> None:
    async def tell(world: World, worker: Worker) -> None:
        await world.post(text, ("en",), ("zh",))
        await world.idle()
        assert await world.said() == []
        assert worker.statistics()["events_nothing_to_translate"] == 1

    story(tell)


def test_a_reader_who_asked_is_answered_even_then_and_again_when_asking_again() -> None:
    async def tell(world: World, _: Worker) -> None:
        of = await world.post("666")
        await world.idle()
        for _ in range(2):
            await world.ask(of, "666", "en")
            await world.idle()
        reasons = [event.reason for _, event in await world.said() if isinstance(event, Untranslated)]
        assert reasons == ["nothing_to_translate", "nothing_to_translate"]

    story(tell)


@pytest.mark.parametrize(
    ("text", "reader", "reason"),
    [("bonjour tout le monde", "zh", "no_package"), ("ni hao", "en", "no_package"), ("你好", "ja", "no_package")],
)
def test_what_no_package_serves_is_said_with_its_reason(text: str, reader: str, reason: str) -> None:
    async def tell(world: World, _: Worker) -> None:
        of = await world.post(text, (reader,))
        await world.idle()
        ((audience, event),) = await world.said()
        assert audience == reader
        assert isinstance(event, Untranslated)
        assert (event.of, event.language, event.reason) == (of, reader, reason)

    story(tell)


def test_a_job_found_after_its_deadline_is_answered_too_late() -> None:
    async def tell(world: World, _: Worker) -> None:
        await asyncio.sleep(1)
        await world.post("你好", ("en",), budget_ms=0)
        await world.idle()
        ((_, event),) = await world.said()
        assert isinstance(event, Untranslated)
        assert event.reason == "too_late"
        assert world.translating.batches == []

    story(tell)


def test_a_message_edited_meanwhile_is_left_to_the_job_of_its_edit() -> None:
    async def tell(world: World, worker: Worker) -> None:
        world.translating.delay_s = 1.0
        of = await world.post("你好", ("en",))
        await asyncio.sleep(0.5)
        job = JobText("这里有一条狗", "ann", (("en",),), deadline_ms=now_ms() + 60_000)
        edit = Edited(of=of, by="ann", revision=1, text="这里有一条狗")
        await world.engine.log.append(ROOM, edit, once="e1", guard=Guard(of, 0), job=job, job_revision=1)
        await world.idle()
        texts = [event.text for _, event in await world.said() if isinstance(event, Translated)]
        assert texts == ["Here is a dog"]
        assert worker.statistics()["events_stale"] == 1

    story(tell)


def test_two_workers_with_one_job_speak_once() -> None:
    async def tell(world: World, _: Worker) -> None:
        world.translating.delay_s = 12.0  # longer than the idle time after which a job counts as abandoned
        async with Lanes(world.translating) as lanes:
            second = make_worker(world, lanes)
            running = asyncio.create_task(second.run())
            await world.post("你好", ("en",))
            await asyncio.sleep(40)
            second.stop()
            await running
        assert len(await world.said()) == 1

    story(tell)


def test_stopping_finishes_what_is_in_hand() -> None:
    async def tell(world: World, worker: Worker) -> None:
        world.translating.delay_s = 2.0
        await world.post("你好", ("en",))
        await asyncio.sleep(0.5)
        worker.stop()
        await asyncio.sleep(3)
        assert len(await world.said()) == 1
        assert await world.engine.jobs.backlog() == 0

    story(tell)


def test_what_cannot_be_finished_in_time_is_left_for_another_worker() -> None:
    async def tell(world: World, worker: Worker) -> None:
        world.translating.delay_s = 30.0
        await world.post("你好", ("en",))
        await asyncio.sleep(0.5)
        worker.stop()
        await asyncio.sleep(2)
        assert await world.said() == []
        assert await world.engine.jobs.backlog() == 1

    story(tell, drain_s=1.0)


def test_while_the_engine_is_busy_jobs_are_taken_in_groups_and_when_it_is_idle_at_once() -> None:
    async def tell(world: World, worker: Worker) -> None:
        world.translating.delay_s = 1.0
        taken = []
        for _ in range(40):
            await world.post("你好", ("en",))
            await asyncio.sleep(0.01)
            taken.append(worker.statistics()["jobs_taken"])
        assert taken[0] == 1
        assert len(set(taken)) <= 0.4 / TAKE_EVERY_S + 2
        assert taken[-1] >= 40 - TAKE_EVERY_S / 0.01 - 1
        await world.idle()
        assert len(await world.said()) == 40

    story(tell)


def test_between_two_pieces_of_work_a_worker_breathes() -> None:
    breaths: list[float] = []

    async def tell(world: World, _: Worker) -> None:
        await world.post("你好", ("en",))
        await world.idle()
        assert len(await world.said()) == 1

    story(tell, breathe=lambda: breaths.append(1.0))
    assert len(breaths) >= 3


def test_never_more_jobs_in_hand_than_the_bound() -> None:
    async def tell(world: World, worker: Worker) -> None:
        world.translating.delay_s = 0.5
        for _ in range(7):
            await world.post("你好", ("en",))
        await asyncio.sleep(0.1)
        assert worker.statistics()["jobs_running"] <= 2
        await world.idle()
        assert len(await world.said()) == 7

    story(tell, running_max=2)


def test_an_engine_that_went_away_costs_time_not_translations() -> None:
    async def tell(world: World, _: Worker) -> None:
        world.translating.delay_s = 1.0
        await world.post("你好", ("en",))
        await asyncio.sleep(0.5)
        world.engine.go_away()
        await asyncio.sleep(3)
        world.engine.come_back()
        await world.idle()
        assert len(await world.said()) == 1

    story(tell)


def test_a_job_that_breaks_its_worker_is_answered_in_the_end() -> None:
    async def tell(world: World, worker: Worker) -> None:
        await world.post("这里有一头大象", ("en",))  # the scripted engine knows no elephants: KeyError, a bug
        await asyncio.sleep(DELIVERIES_MAX * 15)
        await world.idle()
        ((_, event),) = await world.said()
        assert isinstance(event, Untranslated)
        assert event.reason == "engine_failed"
        assert worker.statistics()["jobs_left"] == DELIVERIES_MAX

    story(tell)


def test_a_line_whose_language_cannot_be_looked_at_is_answered_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RecursionError

    async def tell(world: World, _: Worker) -> None:
        monkeypatch.setattr(Pipeline, "detect", breaks)
        await world.post("你好", ("en",))
        await asyncio.sleep(DELIVERIES_MAX * 15)
        await world.idle()
        ((_, event),) = await world.said()
        assert isinstance(event, Untranslated)
        assert (event.reason, event.source) == ("engine_failed", "")

    story(tell)


@pytest.mark.parametrize("when", ["before", "after"])
def test_whichever_call_fails_each_reader_hears_exactly_once(when: When) -> None:
    """SQLite's loop: fail call 1, 2, 3, ... of jobs and log until a run has no such call."""
    for fail_at in range(1, CALLS_MAX):
        faults = Faults(fail_at, when)

        async def tell(world: World, _: Worker) -> None:
            await world.post("你好", ("en",), ("ja",))
            await world.idle()
            heard = sorted(audience for audience, _ in await world.said())
            assert heard == ["en", "ja"], faults  # noqa: B023

        story(tell, faults=faults)
        if faults.failed is None:
            break
    assert fail_at > 3


# -- the room's words ------------------------------------------------------------------------------------------------


def spelled(_package: Package, sentence: str, _search: Search) -> str:
    """A translation one can predict: each Chinese character becomes a word of its own, and words stay words."""
    words = "".join(f" w{ord(char) % 97}x " if char >= "\u3400" else char for char in sentence)
    return " ".join(words.split()) if _package.target == "en" else "，".join("这是" for _ in sentence.split())


async def define(world: World, source: str, target: str | None, language: str = "") -> None:
    change = SetTerm(Term(source, target, language, "", "ann"))
    event = Posted(author="ann", name="Ann", text=f"{source} means {target}")
    await world.engine.log.append(ROOM, event, once=f"term-{source}-{target}", change=change)


def test_a_term_of_the_room_is_in_force_for_the_next_message_and_a_changed_one_soon_after() -> None:
    async def tell(world: World, worker: Worker) -> None:
        await define(world, "火锅", "hot pot", "en")
        texts = []
        for target in (None, "steamboat", None):
            if target:
                await define(world, "火锅", target, "en")
                await asyncio.sleep(0.6)
            await world.post("我们去吃火锅", ("en",))
            await world.idle()
            texts.append([event.text for _, event in await world.said() if isinstance(event, Translated)][-1])
        assert texts[0].endswith("hot pot")
        assert texts[1].endswith("steamboat"), "no cached translation of the old word"
        assert texts[2] == texts[1]
        assert worker.statistics()["shared_hits"] == 2
        await world.engine.log.append(
            ROOM, Posted(author="ann", name="Ann", text="-"), once="drop", change=DropTerm("火锅", "en")
        )
        await asyncio.sleep(0.6)
        await world.post("我们去吃火锅", ("en",))
        await world.idle()
        ((_, event), *_) = reversed(await world.said())
        assert isinstance(event, Translated)
        assert "steamboat" not in event.text

    story(tell, say=spelled)


def test_names_of_those_present_come_through() -> None:
    async def tell(world: World, _: Worker) -> None:
        await world.post("我觉得白睿康很好", ("en",), names=("白睿康",))
        await world.idle()
        ((_, event),) = await world.said()
        assert isinstance(event, Translated)
        assert event.text.count("白睿康") == 1

    story(tell, say=spelled)


def test_words_in_a_second_language_are_translated_for_who_reads_only_the_first() -> None:
    async def tell(world: World, _: Worker) -> None:
        of = await world.post("I really want 火锅 tonight", ("en",), ("zh", "en"))
        await world.idle()
        ((audience, event),) = await world.said()
        assert isinstance(event, Translated)
        assert (audience, event.of, event.source) == ("en", of, "zh")
        assert event.text.startswith("I really want w")
        assert event.text.endswith("tonight")

    story(tell, say=spelled)


@pytest.mark.parametrize("text", ["这个app有bug", "lowkey想吃火锅"])
def test_words_chinese_has_taken_over_and_slang_cost_no_translation_of_the_line(text: str) -> None:
    async def tell(world: World, worker: Worker) -> None:
        await world.post(text, ("zh",), ("zh", "en"))
        await world.idle()
        assert not any(isinstance(event, Translated | Untranslated) for _, event in await world.said())

    story(tell, say=spelled)


def test_who_reads_the_line_is_not_told_that_a_word_in_it_stays_foreign() -> None:
    async def tell(world: World, worker: Worker) -> None:
        await world.post("我把workflow改了", ("zh",), ("zh", "en"))
        await world.post("我觉得你们这样对他真的 that's not fair", ("zh",), ("zh", "en"))
        await world.idle()
        assert await world.said() == []

    story(tell, say=lambda *_: "(applause)")


# -- load ------------------------------------------------------------------------------------------------------------


def test_a_mention_overtakes_what_waits() -> None:
    async def tell(world: World, _: Worker) -> None:
        world.translating.delay_s = 0.1
        for number in range(80):
            await world.post(f"{'一二三四五六七八'[number % 8]}{chr(0x4E00 + number)}狗", ("en",))
        urgent = await world.post("你叫什么", ("en",), urgent=True)
        await world.idle()
        order = [event.of for _, event in await world.said() if isinstance(event, Translated)]
        assert order.index(urgent) <= 40

    story(tell, say=spelled)


def test_what_overload_skipped_is_said_and_then_caught_up_when_idle() -> None:
    """Five times what the engine can do, for a while: whatever happens, in the end every message has its translation,
    each once; and what was skipped was called so first."""
    messages = 1_500

    async def tell(world: World, worker: Worker) -> None:
        world.translating.delay_s, world.credulous = 0.5, True
        for number in range(messages):
            await world.post(f"{chr(0x6C40 + number)}狗", ("en",))
            await asyncio.sleep(0.004)
        await world.idle()
        assert worker.statistics()["events_skipped"] > 100
        assert worker.statistics()["texts_parked"] > 0
        while worker.statistics()["texts_parked"]:
            await asyncio.sleep(1)
        await asyncio.sleep(5)
        statistics = worker.statistics()
        assert statistics["translations_in_budget"] > 60, "of the 96 the engine can do meanwhile"
        assert statistics["events_caught_up"] == statistics["events_skipped"]

    world = story(tell, say=spelled)
    entries = run_said(world)
    translated = [event.of for event in entries if isinstance(event, Translated)]
    assert len(translated) == len(set(translated)) == messages
    skipped = [event for event in entries if isinstance(event, Untranslated)]
    assert {event.reason for event in skipped} == {"overload"}
    assert len(skipped) == len({event.of for event in skipped})


def run_said(world: World) -> list[Event]:
    events = [event for _, event in sorted(world.engine.rooms[ROOM].events.items())]
    return [event for event in events if isinstance(event, Translated | Untranslated)]


@pytest.mark.parametrize("killed", [False, True])
def test_what_is_parked_when_a_worker_ends_is_done_by_the_next(killed: bool) -> None:
    """Killed: nothing of what `run` does at its end was done."""

    async def tell(world: World, worker: Worker) -> None:
        world.translating.delay_s, world.credulous = 0.5, True
        async with Lanes(world.translating) as lanes:
            victim = make_worker(world, lanes)
            running = asyncio.create_task(victim.run())
            await asyncio.sleep(0.1)
            worker.stop()
            await asyncio.sleep(2)
            for number in range(800):
                await world.post(f"{chr(0x6C40 + number)}狗", ("en",))
            await asyncio.sleep(6)
            assert await world.engine.parked.backlog()
            if killed:
                running.cancel()
            victim.stop()
            await asyncio.gather(running, return_exceptions=True)
        assert await world.engine.parked.backlog()
        async with Lanes(world.translating) as lanes:
            second = make_worker(world, lanes)
            running = asyncio.create_task(second.run())
            await world.idle()
            while await world.engine.parked.backlog():
                await asyncio.sleep(1)
            second.stop()
            await running

    world = story(tell, say=spelled)
    translated = [event.of for event in run_said(world) if isinstance(event, Translated)]
    assert len(translated) == len(set(translated)) == 800
    skipped = [event.of for event in run_said(world) if isinstance(event, Untranslated)]
    assert len(skipped) == len(set(skipped))


def test_a_skipped_text_that_was_taken_back_is_not_translated() -> None:
    async def tell(world: World, worker: Worker) -> None:
        of = await world.post("你好", ("en",))
        await world.idle()
        await world.engine.log.append(ROOM, Recalled(of=of, by="ann", author="ann"), once="r1")
        text = JobText("这里有一条狗", "ann", (("en",),), deadline_ms=now_ms() + 60_000)
        await world.engine.parked.put(Job(ROOM, of, 0, text))
        before = len(world.translating.batches)
        while await world.engine.parked.backlog():
            await asyncio.sleep(1)
        assert len(world.translating.batches) == before

    story(tell)


def test_a_text_parked_for_too_long_is_let_go() -> None:
    async def tell(world: World, worker: Worker) -> None:
        of = await world.post("你好", ("en",))
        await world.idle()
        await world.engine.parked.put(
            Job(ROOM, of, 0, JobText("这里有一条狗", "ann", (("en",),), deadline_ms=now_ms()))
        )
        before = len(world.translating.batches)
        while await world.engine.parked.backlog():
            await asyncio.sleep(1)
        assert len(world.translating.batches) == before

    story(tell)


# -- who else works here ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first_refuses", [True, False])
def test_a_redelivered_job_does_not_speak_again_even_if_it_would_say_something_else(first_refuses: bool) -> None:
    refuse = first_refuses

    def say(_package: Package, sentence: str, _search: Search) -> str:
        return "(applause)" if refuse else "Here is a dog"

    async def tell(world: World, worker: Worker) -> None:
        nonlocal refuse
        of = await world.post("这里有一条狗", ("en",))
        await world.idle()
        refuse = not first_refuses
        world.engine.translations.rows.clear()
        text = JobText("这里有一条狗", "ann", (("en",),), deadline_ms=now_ms() + 60_000)
        again = Job(ROOM, of, 0, text)
        await world.engine.jobs.put(again)  # as if it had been delivered for the first time, by another worker
        await world.idle()
        assert len(await world.said()) == 1

    story(tell, say=say)


def test_a_preview_is_whispered_and_reads_back() -> None:
    async def tell(world: World, _: Worker) -> None:
        gateway = world.engine.new_feed()
        await gateway.follow("~gateway-1")
        for text, source in (("你好", ""), ("hello", "en"), ("666", "")):
            ask = PreviewText(text, source, "zh" if text == "hello" else "en", "~gateway-1", text, now_ms() + 2_000)
            await world.engine.jobs.put(Job(ROOM, 0, 0, ask))
        await world.idle()
        answers = {}
        async for item in gateway.items():
            assert isinstance(item, Whisper)
            answer = msgspec.msgpack.decode(item.payload, type=PreviewAnswer)
            answers[answer.reply_id] = answer
            if len(answers) == 3:
                break
        assert (answers["你好"].source, answers["你好"].target_text, answers["你好"].back_text) == (
            "zh", "Hello there", "你好呀",
        )  # fmt: skip
        assert (answers["hello"].target_text, answers["hello"].starter) == ("你好", True)
        assert answers["hello"].back_text == "Hello there"
        assert (answers["666"].target_text, answers["666"].reason) == ("", "nothing_to_translate")
        assert await world.said() == [], "nothing of it is written down"

    said = SAID | {"你好呀": "(applause)"}
    story(tell, say=lambda _p, sentence, _s: said[sentence])


def test_a_preview_nobody_waits_for_is_dropped() -> None:
    async def tell(world: World, worker: Worker) -> None:
        await asyncio.sleep(1)
        await world.engine.jobs.put(Job(ROOM, 0, 0, PreviewText("你好", "zh", "en", "~g", "1", now_ms() - 1)))
        await world.idle()
        assert worker.statistics()["jobs_previewed"] == 0
        assert world.translating.batches == []

    story(tell)


def test_what_was_taken_back_leaves_every_cache_of_every_worker() -> None:
    async def tell(world: World, worker: Worker) -> None:
        async with Lanes(world.translating) as lanes:
            second = make_worker(world, lanes)
            running = asyncio.create_task(second.run())
            for _ in range(6):  # both workers have a turn
                await world.post("这里有一条狗", ("en",))
                await world.idle()
                await asyncio.sleep(1)
                world.engine.translations.rows.clear()
            await world.post("这里有一条狗", ("en",))
            await world.idle()
            await asyncio.sleep(1)
            assert len(world.engine.translations.rows) == 1, (worker.statistics(), second.statistics())
            await world.engine.jobs.put(Job(ROOM, 1, 0, ForgetText(("这里有一条狗",))))
            await world.idle()
            await asyncio.sleep(0.1)
            assert world.engine.translations.rows == {}
            assert worker.statistics()["cache_entries"] == second.statistics()["cache_entries"] == 0
            second.stop()
            await running

    story(tell)


def test_after_a_gap_in_what_workers_tell_each_other_nothing_is_remembered() -> None:
    async def tell(world: World, worker: Worker) -> None:
        await world.post("你好", ("en",))
        await world.idle()
        assert worker.statistics()["cache_entries"] == 1
        world.engine.feeds[0].sever()
        world.engine.feeds[0].heal()
        await asyncio.sleep(0.1)
        assert worker.statistics()["cache_entries"] == 0

    story(tell)


def test_times_are_counted_against_the_budget_of_the_room() -> None:
    async def tell(world: World, worker: Worker) -> None:
        world.translating.delay_s = 0.3
        await asyncio.sleep(1)
        await world.post("你好", ("en",), room_budget_ms=500)
        await world.idle()
        await world.post("这里有一条狗", ("en",), room_budget_ms=100)
        await world.idle()
        statistics = worker.statistics()
        assert (statistics["translations_in_budget"], statistics["translations_over_budget"]) == (1, 1)
        assert 600 <= statistics["translations_ms"] <= 700

    story(tell)
