"""The memory engine in virtual time: hours pass in milliseconds, and the engine can be taken away."""

import asyncio
import itertools
from contextlib import aclosing

import pytest

from chat.adapters.memory import MemoryEngine
from chat.errors import Unavailable
from chat.events import Entry
from chat.limits import ONCE_KEY_LIFE_S
from chat.ports import JOB_IDLE_MS, Gap, Job, JobText, Roster
from tests.chat.adapters.room import ANN, CREATED, posted
from tests.support import virtual_time

JOB = Job("r", 2, 0, JobText("x", "ann", ()))


def new_engine() -> MemoryEngine:
    epochs = (f"{n:x}" for n in itertools.count(1))
    return MemoryEngine(now_ms=virtual_time.now_ms, new_epoch=lambda: next(epochs))


def test_a_once_key_is_remembered_for_its_life_and_no_longer() -> None:
    async def story() -> None:
        engine = new_engine()
        await engine.log.create("r", "T", CREATED, ANN, once="create")
        await engine.log.append("r", posted("x"), once="k")
        await asyncio.sleep(ONCE_KEY_LIFE_S - 1)
        assert (await engine.log.append("r", posted("x"), once="k")).duplicate
        await asyncio.sleep(1)
        assert await engine.log.recognise("r", "k") is None
        assert not (await engine.log.append("r", posted("x"), once="k")).duplicate

    virtual_time.run(story(), until_s=3 * ONCE_KEY_LIFE_S)


def test_an_abandoned_job_is_given_to_who_waits_exactly_when_it_is_idle() -> None:
    async def story() -> None:
        engine = new_engine()
        await engine.jobs.put(JOB)
        await engine.jobs.take("dead", 1, 0)
        start_ms = virtual_time.now_ms()
        [taken] = await engine.jobs.take("alive", 1, 60_000)
        assert virtual_time.now_ms() - start_ms == pytest.approx(JOB_IDLE_MS, abs=2)
        assert taken.times_delivered == 2

    virtual_time.run(story())


def test_take_wakes_for_a_job_and_gives_up_in_time() -> None:
    async def story() -> None:
        engine = new_engine()
        waiting = asyncio.ensure_future(engine.jobs.take("w", 1, 60_000))
        await asyncio.sleep(20)
        await engine.jobs.put(JOB)
        assert len(await waiting) == 1
        assert 20_000 <= virtual_time.now_ms() < 20_010
        await engine.jobs.done([taken.ref for taken in waiting.result()])
        assert await engine.jobs.take("w", 1, 5_000) == []
        assert 25_000 <= virtual_time.now_ms() < 25_010

    virtual_time.run(story())


def test_a_lease_ends_on_the_virtual_clock() -> None:
    async def story() -> None:
        engine = new_engine()
        await engine.presence.report("r", "g", Roster(1), 30_000)
        await asyncio.sleep(29.9)
        assert await engine.presence.rosters("r") == [Roster(1)]
        await asyncio.sleep(0.2)
        assert await engine.presence.rosters("r") == []

    virtual_time.run(story())


def test_while_the_engine_is_away_commands_fail_and_feeds_owe_a_gap() -> None:
    async def story() -> None:
        engine = new_engine()
        await engine.log.create("r", "T", CREATED, ANN, once="create")
        async with engine.new_feed() as feed, aclosing(feed.items()) as items:
            await feed.follow("r")
            engine.go_away()
            for call in (engine.log.state("r"), engine.jobs.backlog(), feed.whisper("r", b""), engine.ping()):
                with pytest.raises(Unavailable):
                    await call
            with pytest.raises(Unavailable):
                await feed.follow("other")
            asyncio.get_running_loop().call_later(1, engine.come_back)
            await feed.follow("other")
            assert isinstance(await anext(items), Gap)
            await engine.log.append("r", posted("x"), once="k")
            assert isinstance(await anext(items), Entry)

    virtual_time.run(story())


def test_a_severed_feed_hears_nothing_while_its_neighbour_does() -> None:
    async def story() -> None:
        engine = new_engine()
        await engine.log.create("r", "T", CREATED, ANN, once="create")
        one, two = engine.new_feed(), engine.new_feed()
        await one.follow("r")
        await two.follow("r")
        one.sever("cable")
        await engine.log.append("r", posted("x"), once="k")
        one.heal()
        one.heal()
        async with aclosing(one.items()) as deaf, aclosing(two.items()) as hearing:
            assert await anext(deaf) == Gap("cable")
            assert await anext(hearing) == await engine.log.read_at("r", 2)
        assert one.statistics() == {"followed": 1, "backlog": 0, "dropped": 0, "gaps": 1}

    virtual_time.run(story())


def test_a_lost_room_made_again_is_another_life() -> None:
    async def story() -> None:
        engine = new_engine()
        first = await engine.log.create("r", "T", CREATED, ANN, once="create")
        engine.lose_everything()
        assert await engine.log.rooms() == []
        second = await engine.log.create("r", "T", CREATED, ANN, once="create")
        assert (first.position.epoch, second.position.epoch) == ("1", "2")
        assert not second.duplicate

    virtual_time.run(story())


def test_other_tasks_run_between_the_steps_of_a_command() -> None:
    """A double that never suspends would hide every check-await-assign bug."""

    async def story() -> None:
        engine = new_engine()
        await engine.log.create("r", "T", CREATED, ANN, once="create")
        told: list[str] = []
        async with engine.new_feed() as feed, aclosing(feed.items()) as items:
            await feed.follow("r")

            async def listen() -> None:
                await anext(items)
                told.append("reader")

            async def write() -> None:
                await engine.log.append("r", posted("x"), once="k")
                told.append("author")

            await asyncio.gather(listen(), write())
        assert told[0] == "reader", "as with a real engine, the publication may overtake the acknowledgement"

    virtual_time.run(story())
