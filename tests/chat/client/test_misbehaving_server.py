"""The public client against a scripted server: what it promises when the server misbehaves."""

import asyncio
import random
from contextlib import suppress

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed

from chat.client import (
    Arrived,
    Disconnected,
    Unreadable,
)
from chat.commands import CreateRoom, Hello, Typing
from chat.frames import (
    GlossaryFrame,
    PreviewFrame,
    TypingFrame,
)
from chat.ids import Position
from tests.chat.client.scripted import (
    EPOCH,
    ROOM,
    ScriptedServer,
    entry,
    in_room,
    room_frame,
    until,
    until_seq,
    welcome,
)


@pytest.mark.parametrize(
    "broken",
    [
        b"\xc1",
        b"",
        b"\x81\xa4type",
        b"\x93\x01\x02\x03",
        "text",
        msgpack.packb({"type": "ack", "re": "one"}),
        msgpack.packb({"type": "entry", "room": ROOM, "epoch": EPOCH, "seq": -1, "at_ms": 0, "event": {}}),
        msgpack.packb({"type": "welcome"}),
    ],
)
async def test_a_frame_that_cannot_be_read_costs_the_connection_not_the_program(
    server: ScriptedServer, broken: bytes | str
) -> None:
    async with in_room(server, head=1) as (made, talk):
        items = made.events()
        await talk.say_raw(broken)
        with suppress(ConnectionClosed):
            await talk.socket.recv()
        again = await server.next()
        await again.resume(2, entry(2))
        found = await until(items, lambda item: isinstance(item, Arrived))
        assert any(isinstance(item, Disconnected) and item.code == 1002 for item in found)
        assert made.statistics()["malformed_frames"] == 1


async def test_an_answer_that_nobody_asked_for_is_counted_and_nothing_else(server: ScriptedServer) -> None:
    """A preview and a glossary had no case of their own: had one come, the client would have ended with a fault."""
    async with in_room(server, head=1) as (made, talk):
        await talk.say(PreviewFrame(re=9, text="hi", back="", source="zh"))
        await talk.say(GlossaryFrame(re=9, room=ROOM, version=1, terms=()))
        await talk.say(entry(2))
        await until(made.events(), lambda item: isinstance(item, Arrived))
        assert made.statistics()["late_answers"] == 2


async def test_news_of_a_newer_server_is_passed_over(server: ScriptedServer) -> None:
    async with in_room(server, head=1) as (made, talk):
        newer = {"type": "entry", "room": ROOM, "epoch": EPOCH, "seq": 2, "at_ms": 5, "event": {"type": "danced"}}
        await talk.say_raw(msgpack.packb({"type": "fireworks", "colour": "red"}))
        await talk.say_raw(msgpack.packb(newer))
        await talk.say(entry(3))
        found = await until(made.events(), lambda item: isinstance(item, Arrived))
        assert Unreadable(ROOM, Position(EPOCH, 2), 5) in found
        assert made.statistics()["unknown_frames"] == 1
        assert made.positions() == {ROOM: Position(EPOCH, 3)}


async def test_typing_reaches_the_program_and_is_never_repeated(server: ScriptedServer) -> None:
    async with in_room(server) as (made, talk):
        telling = asyncio.ensure_future(made.typing(ROOM))
        await talk.hear(Typing)
        await talk.cut()
        await telling
        again = await server.next()
        await again.resume(0)
        await again.say(TypingFrame(room=ROOM, user="b", name="B"))
        await until(made.events(), lambda item: item == TypingFrame(room=ROOM, user="b", name="B"))
        posting = asyncio.ensure_future(made.create_room("new", "New"))
        command = await again.hear(CreateRoom)  # and not Typing
        await again.say(room_frame(command.id, 1, room="new"))
        await posting


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_is_cut_and_repeated_the_view_is_the_log(server: ScriptedServer, seed: int) -> None:
    """A seeded server that cuts at random, replays more than asked, and says hello late: the view stays the log."""
    chance = random.Random(seed)
    head = 40
    async with in_room(server) as (made, talk):
        items = made.events()
        reading = asyncio.ensure_future(until_seq(items, head))
        at = 0
        while at < head:
            reached = min(head, at + chance.randint(1, 12))
            for seq in range(max(1, at - chance.randint(0, 3)), reached + 1):
                await talk.say(entry(seq))
            at = reached
            if at < head:
                await talk.cut()
                talk = await server.next()
                hello = await talk.hear(Hello)
                position = hello.rooms[0].position
                assert position is not None
                at = position.seq
                await talk.say(room_frame(hello.id, at), welcome(hello.id))
        assert await reading == list(range(1, head + 1))
