"""TranslationJobs: at least once, one worker at a time, abandoned jobs first."""

import asyncio
from collections.abc import Sequence

from chat.events import Mention
from chat.ports import Job, JobText, TakenJob
from tests.contracts.conftest import JOB_IDLE_MS, Ports, eventually


def job(room: str = "r", of: int = 2) -> Job:
    return Job(room, of, 1, JobText("你好", "ann", (("en", "zh"), ("fr",)), (Mention(user="b", text="@b"),), 99, True))


async def test_a_job_is_taken_as_it_was_put(ports: Ports) -> None:
    await ports.jobs.put(job())
    [taken] = await ports.jobs.take("w", 10, 1000)
    assert taken.job == job()
    assert taken.times_delivered == 1


async def test_a_taken_job_is_nobody_elses_and_counts_until_done(ports: Ports) -> None:
    await ports.jobs.put(job())
    [taken] = await ports.jobs.take("w1", 10, 1000)
    assert await ports.jobs.take("w2", 10, 0) == []
    assert await ports.jobs.backlog() == 1
    await ports.jobs.done([taken.ref])
    assert await ports.jobs.backlog() == 0
    await ports.jobs.done([taken.ref])
    await ports.jobs.done([])


async def test_the_oldest_job_is_known_until_it_is_done(ports: Ports) -> None:
    """Waiting or in hand: it is old as long as its readers wait."""
    assert await ports.jobs.oldest_ms() is None
    await ports.jobs.put(job("first"))
    oldest_ms = await ports.jobs.oldest_ms()
    assert oldest_ms is not None
    await ports.jobs.put(job("second", 3))
    assert await ports.jobs.oldest_ms() == oldest_ms
    taken = await ports.jobs.take("w", 10, 1000)
    assert await ports.jobs.oldest_ms() == oldest_ms
    first = [each.ref for each in taken if each.job.room == "first"]
    await ports.jobs.done(first)
    later_ms = await ports.jobs.oldest_ms()
    assert later_ms is not None
    assert later_ms >= oldest_ms
    await ports.jobs.done([each.ref for each in taken])
    assert await ports.jobs.oldest_ms() is None


async def test_jobs_of_many_rooms_are_each_taken_once_and_never_beyond_the_limit(ports: Ports) -> None:
    put = {(f"room{n % 37}", n) for n in range(100)}
    await asyncio.gather(*(ports.jobs.put(job(room, of)) for room, of in put))
    assert await ports.jobs.backlog() == 100
    taken: list[TakenJob] = []
    for turn in range(100):
        limit = (1, 3, 20)[turn % 3]
        some = await ports.jobs.take(f"w{turn % 2}", limit, 0)
        assert len(some) <= limit
        taken += some
        await ports.jobs.done([each.ref for each in some])
        if len(taken) >= 100:
            break
    assert {(each.job.room, each.job.of) for each in taken} == put
    assert await ports.jobs.backlog() == 0


async def test_one_busy_room_fills_a_batch(ports: Ports) -> None:
    for n in range(32):
        await ports.jobs.put(job(of=n + 1))
    taken = await ports.jobs.take("w", 32, 0)
    assert [each.job.of for each in taken] == list(range(1, 33))


async def test_take_waits_for_the_first_job(ports: Ports) -> None:
    waiting = asyncio.ensure_future(ports.jobs.take("w", 10, 5_000))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    await ports.jobs.put(job())
    async with asyncio.timeout(2):
        assert len(await waiting) == 1


async def test_take_gives_up_after_the_wait(ports: Ports) -> None:
    assert await ports.jobs.take("w", 10, 0) == []
    assert await ports.jobs.take("w", 10, 30) == []
    assert await ports.jobs.take("w", 0, 30) == []


async def test_a_job_of_a_dead_worker_goes_to_another_with_its_count(ports: Ports) -> None:
    await ports.jobs.put(job())
    [first] = await ports.jobs.take("dead", 10, 1000)
    async with asyncio.timeout(5):
        [second] = await ports.jobs.take("alive", 10, 20 * JOB_IDLE_MS)
    assert second.job == first.job
    assert second.times_delivered == 2
    await ports.jobs.done([second.ref])
    assert await ports.jobs.backlog() == 0


async def test_a_job_that_is_kept_stays_with_its_worker(ports: Ports) -> None:
    await ports.jobs.put(job())
    [held] = await ports.jobs.take("slow", 10, 1000)
    for _ in range(4):
        await asyncio.sleep(JOB_IDLE_MS * 0.5 / 1000)  # what is under test is that time passes
        await ports.jobs.keep("slow", [held.ref])
        assert await ports.jobs.take("other", 10, 0) == []
    async with asyncio.timeout(5):
        [again] = await ports.jobs.take("other", 10, 20 * JOB_IDLE_MS)
    assert again.times_delivered == 2, "keeping is no delivery"


async def test_keeping_what_is_done_brings_nothing_back(ports: Ports) -> None:
    await ports.jobs.put(job())
    [held] = await ports.jobs.take("w", 10, 1000)
    await ports.jobs.done([held.ref])
    await ports.jobs.keep("w", [held.ref])
    assert await ports.jobs.backlog() == 0
    assert await ports.jobs.take("w", 10, 2 * JOB_IDLE_MS) == []


async def test_abandoned_jobs_come_before_new_ones(ports: Ports) -> None:
    await ports.jobs.put(job(of=1))
    await ports.jobs.take("dead", 1, 1000)
    await asyncio.sleep(JOB_IDLE_MS * 1.2 / 1000)  # what is under test is that time passes
    await ports.jobs.put(job(of=2))
    taken = await ports.jobs.take("alive", 10, 1000)
    assert [each.job.of for each in taken] == [1, 2]


async def test_the_many_jobs_of_a_dead_worker_fill_a_batch(ports: Ports) -> None:
    """They once came four at a time, two looks a second: readers of one busy room waited for minutes."""
    for n in range(64):
        await ports.jobs.put(job(of=n + 1))
    await ports.jobs.take("dead", 64, 1000)
    await asyncio.sleep(JOB_IDLE_MS * 1.2 / 1000)  # what is under test is that time passes
    taken = [await ports.jobs.take("alive", 32, 0) for _ in range(2)]
    assert [[each.job.of for each in some] for some in taken] == [list(range(1, 33)), list(range(33, 65))]


async def test_what_living_workers_keep_does_not_hide_the_job_of_a_dead_one(ports: Ports) -> None:
    for n in range(65):
        await ports.jobs.put(job(of=n + 1))
    kept = [each.ref for each in await ports.jobs.take("alive", 64, 1000)]
    await ports.jobs.take("dead", 1, 1000)
    found: Sequence[TakenJob] = ()
    async with asyncio.timeout(5):
        while not found:
            await ports.jobs.keep("alive", kept)
            found = await ports.jobs.take("another", 1, JOB_IDLE_MS // 4)
    assert [each.job.of for each in found] == [65]


async def test_a_worker_that_stops_waiting_takes_no_job_with_it(ports: Ports) -> None:
    waiting = asyncio.ensure_future(ports.jobs.take("gone", 10, 5_000))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0.02)
    await ports.jobs.put(job())

    async def taken() -> bool:
        return [each.times_delivered for each in await ports.jobs.take("w", 10, 100)] == [1]

    await eventually(taken)
