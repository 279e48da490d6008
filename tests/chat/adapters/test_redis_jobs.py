"""Jobs in an engine that lost their streams, or in whose streams somebody else wrote."""

import asyncio

import pytest

from chat.adapters.connect import ConnectedEngine
from chat.ports import Job, JobText


@pytest.mark.engine
async def test_an_engine_that_lost_the_job_streams_gets_them_again(engine: ConnectedEngine) -> None:
    job = Job("r", 2, 0, JobText("x", "ann", ()))
    await engine.jobs.put(job)
    [taken] = await engine.jobs.take("w", 1, 0)
    await engine.redis.call("DEL", *engine.redis.keys.jobs)
    waiting = asyncio.ensure_future(engine.jobs.take("w", 1, 5_000))
    await asyncio.sleep(0.02)
    await engine.jobs.put(job)
    async with asyncio.timeout(5):
        assert [each.job for each in await waiting] == [job]
    await engine.jobs.done([taken.ref])


@pytest.mark.engine
async def test_a_job_nobody_can_read_is_dropped_and_counted(engine: ConnectedEngine) -> None:
    stream = engine.redis.keys.jobs[3]
    await engine.redis.call("XADD", stream, "*", "room", "r", "text", b"\xc1")
    assert await engine.jobs.take("w", 5, 0) == []
    assert await engine.jobs.backlog() == 0
    assert engine.statistics()["unreadable"] == 1
