"""How would this draft read? Asked of the translator, answered once or told that nobody answered."""

import asyncio

import msgspec
import pytest

from chat.adapters.memory import MemoryEngine
from chat.commands import CreateRoom, Preview
from chat.errors import ErrorCode, Rejected, Unavailable
from chat.limits import PREVIEW_WITHIN_S
from chat.ports import PreviewAnswer, PreviewText
from chat.room import Caller
from chat.service import Service
from gateway.previews import Previews
from tests.support.virtual_time import now_ms, run

HOST = Caller("host", "Host", may_create=True)
ASK = Preview(id=7, room="r", text="你好", language="en-US")


async def asked() -> tuple[MemoryEngine, Previews]:
    engine = MemoryEngine(now_ms=now_ms)
    ports = (engine.log, engine.presence, engine.jobs, engine.invites)
    service = Service(*ports, now_ms=now_ms, new_id=lambda: "x")
    await service.create_room(HOST, CreateRoom(id=1, room="r", title="R", once="made"))
    return engine, Previews(service, "gateway-1")


async def job(engine: MemoryEngine) -> PreviewText:
    (taken,) = await engine.jobs.take("w", 1, 1_000)
    assert isinstance(taken.job.text, PreviewText)
    return taken.job.text


def test_the_answer_comes_back_to_the_one_who_asked() -> None:
    async def story() -> None:
        engine, previews = await asked()
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(previews.ask(HOST, ASK))
            text = await job(engine)
            assert (text.text, text.target, text.reply_to) == ("你好", "en", "gateway-1")
            stray = PreviewAnswer("somebody-else", "?", "?", "zh")
            previews.answered(msgspec.msgpack.encode(stray))
            previews.answered(b"no answer at all")
            previews.answered(msgspec.msgpack.encode(PreviewAnswer(text.reply_id, "Hello", "你好", "zh", starter=True)))
            frame = await asking
        assert (frame.re, frame.text, frame.back, frame.source, frame.starter) == (7, "Hello", "你好", "zh", True)
        assert previews.statistics()["previews_waiting"] == 0

    run(story())


def test_nobody_waits_for_ever() -> None:
    async def story() -> None:
        _, previews = await asked()
        started = asyncio.get_running_loop().time()
        with pytest.raises(Unavailable):
            await previews.ask(HOST, ASK)
        assert asyncio.get_running_loop().time() - started == pytest.approx(PREVIEW_WITHIN_S)

    run(story())


def test_a_stranger_may_not_ask() -> None:
    async def story() -> None:
        engine, previews = await asked()
        with pytest.raises(Rejected) as refused:
            await previews.ask(Caller("eve", "Eve"), ASK)
        assert refused.value.code is ErrorCode.ROOM_NOT_FOUND
        assert await engine.jobs.backlog() == 0

    run(story())
