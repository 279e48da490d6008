"""The public client against a scripted server: what it promises on an ordinary day."""

import asyncio

import msgpack
import pytest

from chat.client import (
    Arrived,
    Closed,
    Connected,
    Refused,
)
from chat.commands import Ping, Post
from chat.errors import ErrorCode
from chat.events import Posted
from chat.frames import (
    Ack,
    Page,
    PageEntry,
    Pong,
)
from chat.ids import Position
from chat.wire import Codec, decode_command
from tests.chat.client.scripted import (
    EPOCH,
    ROOM,
    ScriptedServer,
    client,
    connected,
    entry,
    error,
    in_room,
    until,
    until_seq,
)


async def test_hello_says_who_what_and_where(server: ScriptedServer) -> None:
    made = client(server, token="secret", languages=("zh", "en"), positions={ROOM: Position(EPOCH, 7)}, name="小明")
    entering = asyncio.ensure_future(made.__aenter__())
    talk = await server.next()
    hello = await talk.resume(7)
    assert (hello.token, hello.languages, hello.name) == ("secret", ("zh", "en"), "小明")
    assert [(resume.room, resume.position) for resume in hello.rooms] == [(ROOM, Position(EPOCH, 7))]
    await entering
    assert made.welcome is not None
    assert made.positions() == {ROOM: Position(EPOCH, 7)}
    await made.close()


async def test_a_post_returns_its_position_and_the_entry_arrives(server: ScriptedServer) -> None:
    async with in_room(server, head=3) as (made, talk):
        posting = asyncio.ensure_future(made.post(ROOM, "你好"))
        command = await talk.hear(Post)
        await talk.say(entry(4, "你好"), Ack(re=command.id, position=Position(EPOCH, 4)))
        assert await posting == Position(EPOCH, 4)
        [connected_item, arrived] = await until(made.events(), lambda item: isinstance(item, Arrived))
        assert isinstance(connected_item, Connected)
        assert isinstance(arrived, Arrived)
        assert arrived.event == Posted(author="a", name="A", text="你好")
        assert made.positions() == {ROOM: Position(EPOCH, 4)}


async def test_each_command_is_answered_under_its_own_id(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        history = asyncio.ensure_future(made.history(ROOM, before=9, limit=2))
        ping = asyncio.ensure_future(made.ping())
        first = decode_command(bytes(await talk.socket.recv(decode=False)), Codec.MSGPACK)
        second = await talk.hear(Ping)
        page = Page(re=first.id, room=ROOM, epoch=EPOCH, entries=(), about=(), first=0, last=0, more=False)
        await talk.say(Pong(re=second.id, at_ms=1), page)
        assert await history == page
        assert await ping >= 0


async def test_a_no_is_raised_with_its_code(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        posting = asyncio.ensure_future(made.post(ROOM, "hi"))
        command = await talk.hear(Post)
        await talk.say(error(command.id, ErrorCode.NOT_A_MEMBER))
        with pytest.raises(Refused) as refused:
            await posting
        assert refused.value.code is ErrorCode.NOT_A_MEMBER
        assert not refused.value.retryable


async def test_a_code_of_a_newer_server_still_answers_its_command(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        posting = asyncio.ensure_future(made.post(ROOM, "hi"))
        command = await talk.hear(Post)
        newer = {"type": "error", "re": command.id, "code": "room_is_asleep", "words": "zzz", "retryable": False}
        await talk.say_raw(msgpack.packb(newer))
        with pytest.raises(Refused, match="room_is_asleep: zzz"):
            await posting


async def test_close_ends_the_events_and_the_commands_under_way(server: ScriptedServer) -> None:
    async with in_room(server) as (made, talk):
        posting = asyncio.ensure_future(made.post(ROOM, "hi"))
        await talk.hear(Post)
        await talk.say(entry(1))
        items = made.events()
        await until_seq(items, 1)
        await made.close()
        assert [item async for item in items] == []
        with pytest.raises(Closed):
            await posting
        with pytest.raises(Closed):
            await made.post(ROOM, "late")


async def test_one_listener_at_a_time(server: ScriptedServer) -> None:
    async with in_room(server) as (made, talk):
        await talk.say(entry(1))
        items = made.events()
        await until_seq(items, 1)
        with pytest.raises(RuntimeError):
            await anext(aiter(made.events()))


async def test_history_fills_a_hole_page_by_page(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):

        async def read() -> list[int]:
            return [found.seq async for found in made.read_between(ROOM, Position(EPOCH, 2), 5)]

        reading = asyncio.ensure_future(read())
        for first, last, more in ((3, 4, True), (5, 6, False)):
            command = decode_command(bytes(await talk.socket.recv(decode=False)), Codec.MSGPACK)
            found = tuple(
                PageEntry(seq=seq, at_ms=0, event=Posted(author="a", name="A", text="x")) for seq in (first, last)
            )
            await talk.say(
                Page(re=command.id, room=ROOM, epoch=EPOCH, entries=found, about=(), first=first, last=last, more=more)
            )
        assert await reading == [3, 4, 5]
