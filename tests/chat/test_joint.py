"""Reads that many ask for at once: never older than the question, few, and none kept."""

import asyncio
from typing import Any

import pytest

from chat.errors import Unavailable
from chat.live_commands import Ask, OpenPoll, Stage
from chat.room import Caller
from chat.service.joint import JointReads
from tests.gateway.rest import HOST, ROOM, Village
from tests.support.virtual_time import run


class Book:
    """Reading takes a second and finds what stood there when it began."""

    def __init__(self) -> None:
        self.page: int | Unavailable = 1
        self.reads = 0

    async def read(self, key: str) -> int:
        self.reads += 1
        found = self.page
        await asyncio.sleep(1)
        if isinstance(found, Unavailable):
            raise found
        return found


def test_whoever_comes_while_a_read_is_under_way_is_given_the_next() -> None:
    async def story() -> None:
        book = Book()
        joint = JointReads(book.read)
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(joint.of("r"))
            await asyncio.sleep(0.5)
            book.page = 2
            others = [tasks.create_task(joint.of("r")) for _ in range(100)]
        assert (first.result(), {other.result() for other in others}, book.reads) == (1, {2}, 2)
        book.page = 3
        assert (await joint.of("r"), len(joint)) == (3, 0)

    run(story())


def test_a_failure_is_everybodys_answer_and_the_next_who_ask_read_again() -> None:
    async def story() -> None:
        book = Book()
        book.page = Unavailable("away", 70)
        joint = JointReads(book.read)
        found = await asyncio.gather(*(joint.of("r") for _ in range(100)), return_exceptions=True)
        assert {(type(each), each.words, each.retry_after_ms) for each in found} == {(Unavailable, "away", 70)}  # type: ignore[union-attr]  # all failed
        assert book.reads == 2  # of who came first, and of all who came while it was under way
        book.page = 2
        assert (await joint.of("r"), len(joint)) == (2, 0)

    run(story())


def test_who_gives_up_while_reading_leaves_it_to_the_next() -> None:
    async def story() -> None:
        book = Book()
        joint = JointReads(book.read)
        first, second = asyncio.create_task(joint.of("r")), asyncio.create_task(joint.of("r"))
        await asyncio.sleep(0.5)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await second, len(joint)) == (1, 0)

    run(story())


def test_a_full_hall_that_asks_for_the_stage_reads_it_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        village = await Village().opened()
        callers = [Caller(f"u{number}", f"U{number}") for number in range(50)]
        for caller in callers:
            await village.with_member(caller.user)
        poll = OpenPoll(id=0, room=ROOM, question="tea?", options=("yes", "no"), once="p")
        await village.service.on_stage(HOST, poll)
        await village.service.on_stage(callers[0], Ask(id=0, room=ROOM, text="when?", once="q"))
        calls = 0
        for name in ("look", "rows", "tally", "choices"):
            real = getattr(village.engine.log, name)

            async def counted(*args: Any, real: Any = real) -> Any:
                nonlocal calls
                calls += 1
                await asyncio.sleep(0.01)
                return await real(*args)

            monkeypatch.setattr(village.engine.log, name, counted)
        frames = await asyncio.gather(*(village.service.stage(caller, Stage(id=1, room=ROOM)) for caller in callers))
        assert all((len(frame.polls), len(frame.questions)) == (1, 1) for frame in frames)
        own = 3  # their standing, their vote in the poll, their votes for questions
        assert calls <= own * len(callers) + 2 * 5

    run(story())
