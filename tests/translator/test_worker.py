"""The worker against the memory adapters: what is owed is said once, in the log, before the job is acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from chat.adapters.memory import MemoryEngine
from chat.events import Edited, Event, Mention, Posted, RoomCreated, Translated, Untranslated
from chat.ports import Guard, Job, JobText, Member
from chat.wire import decode_event
from tests.support.faults import CALLS_MAX, Faults, When
from tests.support.virtual_time import now_ms, run
from tests.translator.doubles import ScriptedEngine, package
from translator.lanes import Lanes
from translator.pipeline import Pipeline
from translator.worker import DELIVERIES_MAX, Worker

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

    async def post(
        self, text: str, *readers: tuple[str, ...], mentions: tuple[str, ...] = (), budget_ms: int = 60_000
    ) -> int:
        job = JobText(
            text, "ann", readers, tuple(Mention("bob", name) for name in mentions), deadline_ms=now_ms() + budget_ms
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


def story(tell: Callable[[World, Worker], Awaitable[None]], **options: object) -> World:
    """Tell a story in virtual time with one running worker."""

    async def told() -> World:
        made = World(MemoryEngine(now_ms=now_ms), ScriptedEngine(lambda _p, sentence, _s: SAID[sentence]))
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
    pipeline = Pipeline(world.translating, lanes, PACKAGES)
    return Worker(
        "w1", faults.wrap(world.engine.jobs), faults.wrap(world.engine.log), pipeline, clock_ms=now_ms, **options,  # type: ignore[arg-type]
    )  # fmt: skip


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
