"""One service on ports in memory, those who ask it, and how a test tells its story in virtual time."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from chat.adapters.memory import MemoryEngine
from chat.commands import (
    CreateRoom,
    History,
    Join,
    Post,
)
from chat.errors import ErrorCode, Rejected
from chat.events import Entry, Event, Translated
from chat.frames import Page
from chat.ports import JobText, Roster
from chat.room import Caller
from chat.service import Service
from chat.wire import decode_event
from tests.support.faults import Faults
from tests.support.virtual_time import now_ms, run

HOST = Caller("host", "榕榕", may_create=True)
GUEST = Caller("guest", "Brecken", grants={"village": "guest"})
STRANGER = Caller("stranger", "Nobody")
ROOM = "village"


class World:
    """One service over one engine in memory."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.engine = engine = MemoryEngine(now_ms=now_ms, new_epoch=lambda: "0f")
        self.faults = faults or Faults()
        self._ids = 0
        wrap = self.faults.wrap
        self.service = Service(
            wrap(engine.log),
            wrap(engine.presence),
            wrap(engine.jobs),
            wrap(engine.invites),
            now_ms=now_ms,
            new_id=self._new_id,
        )

    def _new_id(self) -> str:
        self._ids += 1
        return str(self._ids)

    async def open(self) -> "World":
        """A room with a host and a guest."""
        await self.service.create_room(HOST, CreateRoom(id=1, room=ROOM, title="地球村", once="c"))
        await self.service.join(GUEST, Join(id=1, room=ROOM))
        return self

    async def log(self) -> list[Event]:
        return [decode_event(entry.body) for entry in await self.entries()]

    async def entries(self) -> list[Entry]:
        return list(await self.engine.log.read_after(ROOM, 0, 10_000))

    async def say(self, text: str = "大家好", *, once: str = "p", caller: Caller = HOST) -> int:
        return (await self.service.post(caller, Post(id=1, room=ROOM, text=text, once=once))).position.seq

    async def be_here(self, *lists: tuple[str, ...]) -> None:
        roster = Roster(len(lists), {languages: lists.count(languages) for languages in lists})
        await self.engine.presence.report(ROOM, "gateway-1", roster, 60_000)

    async def translated(self, of: int, language: str, *, revision: int = 0) -> None:
        event = Translated(of=of, revision=revision, language=language, source="zh", text="…", engine="e", package="p")
        await self.engine.log.append(ROOM, event, once=f"t:{of}:{revision}:{language}", audience=language)

    async def jobs(self) -> list[tuple[int, int, JobText]]:
        taken = await self.engine.jobs.take("w", 100, 0)
        return [(one.job.of, one.job.revision, one.job.text) for one in taken if isinstance(one.job.text, JobText)]

    async def page(self, caller: Caller = GUEST, languages: tuple[str, ...] = ("en",), **bounds: Any) -> Page:
        return await self.service.history(caller, languages, History(id=1, room=ROOM, **bounds))


def story(told: Callable[[World], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test in virtual time, in an open room."""

    def test() -> None:
        async def begin() -> None:
            await told(await World().open())

        run(begin())

    test.__doc__ = told.__doc__
    test.__name__ = told.__name__
    return test


async def refused(asked: Awaitable[object]) -> ErrorCode:
    with pytest.raises(Rejected) as rejected:
        await asked
    return rejected.value.code
