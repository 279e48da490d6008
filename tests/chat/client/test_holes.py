"""The public client against a scripted server: what it cannot hear, it says is missing."""

import asyncio
from contextlib import suppress

from websockets.exceptions import ConnectionClosed

from chat.client import (
    Arrived,
    Connected,
    Disconnected,
    Missed,
)
from chat.client.inbox import Inbox
from chat.commands import CreateRoom, Ping, Post, Translate
from chat.events import Posted, Translated
from chat.frames import (
    Ack,
    EntryFrame,
    GapFrame,
    Pong,
)
from chat.ids import Position
from tests.chat.client.scripted import (
    EPOCH,
    ROOM,
    ScriptedServer,
    connected,
    entry,
    in_room,
    room_frame,
    until,
    until_seq,
)


async def test_a_resume_that_came_too_late_says_how_many_are_missing(server: ScriptedServer) -> None:
    async with in_room(server, head=10) as (made, talk):
        items = made.events()
        await talk.cut()
        again = await server.next()
        await again.resume(5_010, entry(4_011), recovered=False, missed=4_000)
        found = await until(items, lambda item: isinstance(item, Arrived))
        assert Missed(ROOM, Position(EPOCH, 10), Position(EPOCH, 4_010), 4_000) in found


async def test_a_new_life_of_the_log_is_said_and_followed_from_its_head(server: ScriptedServer) -> None:
    async with in_room(server, head=10) as (made, talk):
        items = made.events()
        await talk.cut()
        again = await server.next()
        await again.resume(3, entry(4, epoch="cd"), recovered=False, missed=-1, epoch="cd")
        found = await until(items, lambda item: isinstance(item, Arrived))
        assert Missed(ROOM, Position(EPOCH, 10), Position("cd", 3), -1) in found
        assert made.positions() == {ROOM: Position("cd", 4)}


async def test_a_gap_under_way_is_said_once(server: ScriptedServer) -> None:
    async with in_room(server, head=1) as (made, talk):
        items = made.events()
        await talk.say(GapFrame(room=ROOM, head=Position(EPOCH, 9), missed=7), entry(5), entry(10))
        found = await until(items, lambda item: isinstance(item, Arrived))
        assert found[1:] == [
            Missed(ROOM, Position(EPOCH, 1), Position(EPOCH, 9), 7),
            Arrived(ROOM, Position(EPOCH, 10), 10, Posted(author="a", name="A", text="hi")),
        ]


async def test_a_program_that_falls_behind_is_disconnected_and_resumes_without_loss(server: ScriptedServer) -> None:
    async with in_room(server, inbox_items_max=8) as (made, talk):
        items = made.events()
        await until(items, lambda item: isinstance(item, Connected))  # it listens, then stops reading
        for seq in range(1, 20):
            with suppress(ConnectionClosed):
                await talk.say(entry(seq))
        with suppress(ConnectionClosed):
            await talk.socket.recv()
        assert await until_seq(items, 8) == [1, 2, 3, 4, 5, 6, 7, 8]
        again = await server.next()
        hello = await again.resume(10, entry(9), entry(10))
        assert hello.rooms[0].position == Position(EPOCH, 8)
        assert await until_seq(items, 10) == [9, 10]
        assert made.statistics()["overflowed"] == 1


async def test_a_program_that_never_listens_keeps_its_connection_and_is_told_when_it_asks(
    server: ScriptedServer,
) -> None:
    async with in_room(server, inbox_items_max=4) as (made, talk):
        await talk.say(*[entry(seq) for seq in range(1, 10)])
        posting = asyncio.ensure_future(made.post(ROOM, "hi"))
        command = await talk.hear(Post)
        await talk.say(Ack(re=command.id, position=Position(EPOCH, 10)))
        await posting  # everything before the ack has been read
        found = await until(made.events(), lambda item: isinstance(item, Arrived) and item.position.seq == 9)
        assert isinstance(found[0], Missed)
        assert found[0].after == Position(EPOCH, 0)
        heard = [item.position.seq for item in found if isinstance(item, Arrived)]
        assert heard == list(range(found[0].before.seq + 1, 10))
        assert found[0].count == found[0].before.seq


async def test_a_position_the_log_never_had_starts_again_at_its_head(server: ScriptedServer) -> None:
    """The log says it is shorter than what we saw: our cursor must not swallow what comes now."""
    async with in_room(server, head=10) as (made, talk):
        items = made.events()
        await talk.cut()
        again = await server.next()
        await again.resume(8, entry(9), recovered=False, missed=-1)
        found = await until(items, lambda item: isinstance(item, Arrived))
        assert Missed(ROOM, Position(EPOCH, 10), Position(EPOCH, 8), -1) in found


async def test_a_translation_the_log_has_is_returned_and_not_an_event(server: ScriptedServer) -> None:
    async with in_room(server, head=10, languages=("zh-CN", "en")) as (made, talk):
        asking = asyncio.ensure_future(made.translate(ROOM, 4, "zh-Hans"))
        command = await talk.hear(Translate)
        event = Translated(of=4, revision=0, language="zh", source="en", text="你好", engine="e", package="p")
        found = EntryFrame(room=ROOM, epoch=EPOCH, seq=5, at_ms=0, event=event)
        await talk.say(found, Ack(re=command.id, position=Position(EPOCH, 5)), entry(11))
        assert await asking == event
        assert await until_seq(made.events(), 11) == [11]
        assert "doubled" not in made.statistics()


async def test_two_who_ask_for_the_same_translation_at_once_both_have_it(server: ScriptedServer) -> None:
    """The second was answered with a KeyError, where the first had been in a hurry."""
    translated = Translated(of=2, revision=0, language="en", source="zh", text="hi", engine="e", package="p")
    old = EntryFrame(room=ROOM, epoch=EPOCH, seq=3, at_ms=3, event=translated)
    async with in_room(server, head=5) as (made, talk):
        asking = [asyncio.ensure_future(made.translate(ROOM, 2, "en")) for _ in range(2)]
        for ask in asking:
            command = await talk.hear(Translate)
            await talk.say(old, Ack(re=command.id, position=Position(EPOCH, 3)))
            await asyncio.wait({ask})
        assert [ask.result() for ask in asking] == [translated, translated]


async def test_a_program_that_falls_behind_and_stops_listening_is_connected_again(server: ScriptedServer) -> None:
    """It was waited for, and never came: none of its commands was answered any more."""
    async with in_room(server, inbox_items_max=8) as (made, talk):
        items = made.events()
        await anext(items)
        for seq in range(1, 20):
            with suppress(ConnectionClosed):
                await talk.say(entry(seq))
        with suppress(ConnectionClosed):
            await talk.socket.recv()
        await items.aclose()
        again = await server.next()
        await again.resume(19)
        asking = asyncio.ensure_future(made.ping())
        await again.say(Pong(re=(await again.hear(Ping)).id, at_ms=0))
        assert await asking >= 0


async def test_notices_that_nobody_reads_do_not_grow_for_ever() -> None:
    inbox = Inbox(10)
    hole = Missed(ROOM, Position(EPOCH, 1), Position(EPOCH, 5), 4)
    inbox.notice(hole)
    for _ in range(1_000):
        inbox.notice(Disconnected(1006, "away", 1.0))
    assert len(inbox) <= 10
    assert await inbox.take() == hole, "a hole is told"


async def test_a_room_made_is_followed(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        making = asyncio.ensure_future(made.create_room("new", "New"))
        command = await talk.hear(CreateRoom)
        await talk.say(room_frame(command.id, 1, room="new"), entry(2, room="new"))
        assert (await making).head == Position(EPOCH, 1)
        assert await until_seq(made.events(), 2) == [2]
