"""What happens when every call of the engine fails once: a retry doubles nothing and loses nothing."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from chat.commands import (
    CreateRoom,
    Edit,
    Join,
    MarkRead,
    Post,
    React,
    Recall,
    Translate,
)
from chat.errors import Rejected, Unavailable
from chat.events import Joined
from chat.room import Caller
from tests.chat.service.world import GUEST, HOST, ROOM, World
from tests.support.faults import Faults, each_failure
from tests.support.virtual_time import run


async def persistently(ask: Callable[[], Awaitable[Any]]) -> Any:
    """As a good client: repeat what was unavailable, with the same once-key."""
    for _ in range(3):
        try:
            return await ask()
        except Unavailable:
            continue
    raise AssertionError("unavailable three times, but only one call fails")


async def an_evening(world: World) -> dict[str, int]:
    """Everything one can do, each step retried."""
    service = world.service
    retry = persistently
    await retry(lambda: service.create_room(HOST, CreateRoom(id=1, room=ROOM, title="地球村", once="c")))
    await world.be_here(("zh",), ("en",))
    await retry(lambda: service.join(GUEST, Join(id=1, room=ROOM)))
    first = await retry(lambda: service.post(HOST, Post(id=1, room=ROOM, text="大家好", once="p1")))
    second = await retry(lambda: service.post(GUEST, Post(id=1, room=ROOM, text="hello", once="p2")))
    of, gone = first.position.seq, second.position.seq
    await retry(lambda: service.edit(HOST, Edit(id=1, room=ROOM, of=of, text="晚上好", once="e1")))
    await retry(lambda: service.react(GUEST, React(id=1, room=ROOM, of=of, emoji="❤️", once="x1")))
    await retry(lambda: service.recall(GUEST, Recall(id=1, room=ROOM, of=gone, once="r1")))
    await retry(lambda: service.mark_read(GUEST, MarkRead(id=1, room=ROOM, seq=gone)))
    await retry(lambda: service.translate(GUEST, ("en",), Translate(id=1, room=ROOM, of=of, language="en")))
    await retry(lambda: service.admit(Caller("b", "B", administrator=True), ROOM, "m", "Mo", "member"))
    await retry(lambda: world.page())
    return {"of": of, "gone": gone}


def test_whichever_call_of_the_engine_fails_a_retry_doubles_nothing_and_loses_nothing():
    async def begin(faults: Faults) -> None:
        world = World(faults)
        told = await an_evening(world)
        log = [event for event in await world.log() if not isinstance(event, Joined)]
        assert [type(event).__name__ for event in log] == ["RoomCreated", "Posted", "Edited", "Reacted", "Recalled"]
        joined = [event.user for event in await world.log() if isinstance(event, Joined)]
        assert joined == ["guest", "m"]
        assert [member.user for member in await world.engine.log.members(ROOM)] == ["guest", "host", "m"]
        assert await world.engine.log.revision(ROOM, told["of"]) == 1
        assert await world.engine.log.revision(ROOM, told["gone"]) is None
        asked = [(of, revision) for of, revision, text in await world.jobs() if not text.asked]
        assert asked == [(told["of"], 0), (told["gone"], 0), (told["of"], 1)]
        entries = await world.entries()
        assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})

    failed = set()
    for faults in each_failure():
        try:
            run(begin(faults))
        except BaseException as wrong:
            raise AssertionError(f"with {faults}") from wrong
        failed.add((faults.failed, faults.when))
    assert ("MemoryLog.append", "after") in failed
    assert ("MemoryLog.append", "before") in failed
    assert len(failed) > 20


def test_an_invitation_is_spent_at_most_once_whatever_fails():
    """A failure between the spending and the entry costs the use: the host gives another. The other order would let
    two guests in with an invitation for one."""

    async def begin(faults: Faults) -> None:
        world = await World().open()
        await world.service.invite(HOST, ROOM, role="guest", lives_s=60, uses=1, code="c")
        wrap = faults.wrap
        world.service.log, world.service.invites = wrap(world.engine.log), wrap(world.engine.invites)
        for user in ("g1", "g1", "g2"):
            with suppress(Unavailable, Rejected):
                await world.service.enter("c", user, "Max")
        entered = [event.user for event in await world.log() if isinstance(event, Joined)]
        assert entered in (["guest"], ["guest", "g1"])

    for faults in each_failure():
        run(begin(faults))
