"""Sentences on their way to the engine: batched, asked once, never lost, never past their deadline."""

import asyncio
from collections.abc import Sequence

import pytest
import uvloop

from tests.support.virtual_time import run
from tests.translator.doubles import ScriptedEngine, package
from translator.batching import POSTED
from translator.cache import Cache
from translator.engine import FIRST, SECOND, EngineFailed, Search
from translator.lanes import Lanes, Overloaded, TooLate
from translator.routes import Package

ZH_EN = package("zh", "en")


def in_s(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def test_sentences_that_come_together_share_a_batch() -> None:
    async def story() -> None:
        engine = ScriptedEngine()
        async with Lanes(engine) as lanes:
            made = await asyncio.gather(*(lanes.translate(ZH_EN, [f"s{n}"], deadline=in_s(1)) for n in range(40)))
        assert made == [[f"en:s{n}"] for n in range(40)]
        assert [len(batch) for batch in engine.batches] == [32, 8]

    run(story())


def test_a_sentence_that_many_want_is_translated_once_and_then_remembered() -> None:
    async def story() -> None:
        engine = ScriptedEngine(delay_s=0.1)
        async with Lanes(engine) as lanes:
            await asyncio.gather(*(lanes.translate(ZH_EN, ["你好", "你好"], deadline=in_s(1)) for _ in range(5)))
            await lanes.translate(ZH_EN, ["你好"], deadline=in_s(1))
        assert engine.batches == [("你好",)]

    run(story())


def test_while_the_engine_is_busy_sentences_gather() -> None:
    async def story() -> None:
        engine = ScriptedEngine(delay_s=0.1)
        async with Lanes(engine, running_max=1) as lanes, asyncio.TaskGroup() as tasks:
            for n in range(10):
                tasks.create_task(lanes.translate(ZH_EN, [f"s{n}"], deadline=in_s(9)))
                await asyncio.sleep(0.01)
        assert engine.running_most == 1
        assert [len(batch) for batch in engine.batches] == [1, 8, 1]

    run(story())


def test_an_idle_engine_is_not_kept_waiting_for_a_window() -> None:
    async def story() -> None:
        engine = ScriptedEngine()
        async with Lanes(engine, window_s=5.0) as lanes:
            await lanes.translate(ZH_EN, ["alone"], deadline=in_s(9))
            assert asyncio.get_running_loop().time() == 0

    run(story())


def test_what_waits_is_shared_out_among_idle_processors() -> None:
    async def story() -> None:
        engine = ScriptedEngine(delay_s=0.1)
        async with Lanes(engine, running_max=2) as lanes:
            await asyncio.gather(*(lanes.translate(ZH_EN, [f"s{n}"], deadline=in_s(1)) for n in range(32)))
        assert [len(batch) for batch in engine.batches] == [16, 16]

    run(story())


def test_no_batch_is_made_longer_than_somebody_urgent_should_wait() -> None:
    """A package of 50 ms a sentence: batches are cut once that is known."""

    class Slow(ScriptedEngine):
        async def translate(self, package: Package, sentences: Sequence[str], search: Search = FIRST) -> Sequence[str]:
            self.delay_s = 0.025 * len(sentences)
            return await super().translate(package, sentences, search)

    async def story() -> None:
        engine = Slow()
        async with Lanes(engine) as lanes:
            await asyncio.gather(*(lanes.translate(ZH_EN, [f"s{n}"], deadline=in_s(60)) for n in range(100)))
        assert len(engine.batches[0]) == 32
        assert {len(batch) for batch in engine.batches[1:-1]} <= {9, 10}

    run(story())


def test_under_overload_who_can_be_served_in_time_is_and_the_others_are_told() -> None:
    """Capacity 80 a second, load 160 a second for 10 s: serving the oldest first would make everybody late."""

    async def story() -> None:
        engine = ScriptedEngine(delay_s=0.1)
        loop = asyncio.get_running_loop()
        took: list[float] = []
        shed = 0

        async def one(lanes: Lanes, n: int) -> None:
            nonlocal shed
            began = loop.time()
            try:
                await lanes.translate(ZH_EN, [f"s{n}"], deadline=in_s(60), priority=POSTED, late_at=in_s(0.8))
            except Overloaded:
                shed += 1
            else:
                took.append(loop.time() - began)

        async with Lanes(engine, items_max=8) as lanes, asyncio.TaskGroup() as tasks:
            for n in range(1600):
                tasks.create_task(one(lanes, n))
                await asyncio.sleep(1 / 160)
        in_time = sum(seconds <= 0.8 + 1e-6 for seconds in took)
        assert in_time >= 0.95 * 800, "what the engine can do in ten seconds, nearly all of it in time"
        assert shed + len(took) == 1600
        assert shed > 400

    run(story())


def test_directions_and_searches_do_not_mix_but_may_run_side_by_side() -> None:
    async def story() -> None:
        engine = ScriptedEngine(delay_s=0.1)
        async with Lanes(engine, running_max=4) as lanes:
            await asyncio.gather(
                lanes.translate(ZH_EN, ["a"], deadline=in_s(1)),
                lanes.translate(package("en", "zh"), ["a"], deadline=in_s(1)),
                lanes.translate(ZH_EN, ["a"], deadline=in_s(1), search=SECOND),
            )
        assert engine.batches == [("a",)] * 3
        assert engine.running_most == 3

    run(story())


def test_who_cannot_be_served_in_time_is_told_in_time() -> None:
    async def story() -> None:
        engine = ScriptedEngine(delay_s=10)
        async with Lanes(engine) as lanes:
            with pytest.raises(TooLate):
                await lanes.translate(ZH_EN, ["a"], deadline=in_s(0.2))
            assert asyncio.get_running_loop().time() == pytest.approx(0.2)

    run(story())


def test_a_sentence_that_expired_in_the_queue_never_reaches_the_engine() -> None:
    async def story() -> None:
        engine = ScriptedEngine(delay_s=1)
        async with Lanes(engine) as lanes:
            first = asyncio.create_task(lanes.translate(ZH_EN, ["first"], deadline=in_s(5)))
            await asyncio.sleep(0.1)
            with pytest.raises(TooLate):
                await lanes.translate(ZH_EN, ["second"], deadline=in_s(0.2))
            assert await first == ["en:first"]
            await asyncio.sleep(1)
        assert engine.batches == [("first",)]
        assert lanes.statistics()["sentences_expired"] == 1

    run(story())


def test_a_nearer_deadline_of_somebody_else_is_not_mine() -> None:
    async def story() -> None:
        engine = ScriptedEngine(delay_s=1)
        async with Lanes(engine) as lanes:
            busy = asyncio.create_task(lanes.translate(ZH_EN, ["busy"], deadline=in_s(5)))
            await asyncio.sleep(0.1)
            hasty = asyncio.create_task(lanes.translate(ZH_EN, ["same"], deadline=in_s(0.2)))
            await asyncio.sleep(0)
            patient = asyncio.create_task(lanes.translate(ZH_EN, ["same"], deadline=in_s(5)))
            with pytest.raises(TooLate):
                await hasty
            assert await patient == ["en:same"]
            await busy

    run(story())


def test_a_caller_that_gives_up_takes_nobody_with_it() -> None:
    async def story() -> None:
        engine = ScriptedEngine(delay_s=0.1)
        async with Lanes(engine) as lanes:
            impatient = asyncio.create_task(lanes.translate(ZH_EN, ["a"], deadline=in_s(1)))
            await asyncio.sleep(0)
            other = asyncio.create_task(lanes.translate(ZH_EN, ["a"], deadline=in_s(1)))
            await asyncio.sleep(0.05)
            impatient.cancel()
            assert await other == ["en:a"]

    run(story())


def test_beyond_the_bound_the_answer_is_overload() -> None:
    async def story() -> None:
        async with Lanes(ScriptedEngine(delay_s=1), waiting_max=2) as lanes:
            with pytest.raises(Overloaded):
                await lanes.translate(ZH_EN, ["a", "b", "c"], deadline=in_s(5))

    run(story())


def test_a_failing_engine_is_an_answer_and_is_not_remembered() -> None:
    async def story() -> None:
        engine = ScriptedEngine(fail=True)
        async with Lanes(engine, Cache()) as lanes:
            with pytest.raises(EngineFailed, match="broken on purpose"):
                await lanes.translate(ZH_EN, ["a"], deadline=in_s(1))
            engine.fail = False
            assert await lanes.translate(ZH_EN, ["a"], deadline=in_s(1)) == ["en:a"]
        assert lanes.statistics()["batches_failed"] == 1

    run(story())


def test_a_sentence_that_breaks_the_engine_condemns_nobody_beside_it() -> None:
    def say(_package: Package, sentence: str, _search: Search) -> str:
        if sentence == "poison":
            raise ValueError("cannot bear it")
        return sentence.upper()

    async def story() -> None:
        async with Lanes(ScriptedEngine(say)) as lanes:
            async with asyncio.TaskGroup() as tasks:
                good = tasks.create_task(lanes.translate(ZH_EN, ["a", "b"], deadline=in_s(1)))
                bad = asyncio.gather(lanes.translate(ZH_EN, ["poison"], deadline=in_s(1)), return_exceptions=True)
            assert good.result() == ["A", "B"]
            (outcome,) = await bad
            assert isinstance(outcome, ValueError)

    run(story())


def test_on_the_event_loop_of_the_product_too() -> None:
    """uvloop gives no timer back for a time that has come, but a handle that does not say when: every sentence of a
    burst but the first was lost to its job for ten seconds."""

    async def story() -> None:
        engine = ScriptedEngine(delay_s=0.01)
        async with Lanes(engine, running_max=2) as lanes:
            for wave in range(3):
                made = await asyncio.gather(
                    *(lanes.translate(ZH_EN, [f"{wave}-{n}"], deadline=in_s(5)) for n in range(100))
                )
                assert made == [[f"en:{wave}-{n}"] for n in range(100)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())


def test_who_joins_late_with_a_nearer_deadline_leaves_alone() -> None:
    """One sentence, two callers: the deadline of one is not that of the other."""

    async def story() -> None:
        engine = ScriptedEngine(delay_s=1.0)
        async with Lanes(engine) as lanes, asyncio.TaskGroup() as tasks:
            patient = tasks.create_task(lanes.translate(ZH_EN, ["s"], deadline=in_s(5)))
            await asyncio.sleep(0.1)
            with pytest.raises(TooLate):
                await lanes.translate(ZH_EN, ["s"], deadline=in_s(0.2))
            assert asyncio.get_running_loop().time() == pytest.approx(0.3)
            assert await patient == ["en:s"]
        assert engine.batches == [("s",)]

    run(story())
