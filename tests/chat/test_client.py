"""The public client against a scripted server: what it promises when the connection, not the program, misbehaves.

The server side here speaks `chat.wire` (msgspec), the client msgpack: each frame crosses two implementations.
"""

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, TypeVar

import msgpack
import pytest
from msgspec import structs
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.typing import Subprotocol

from chat.client import (
    Arrived,
    Client,
    Closed,
    Connected,
    Disconnected,
    Item,
    Missed,
    Recovered,
    Refused,
    RoomLost,
    Standing,
    Unanswered,
    Unreadable,
    enter,
    new_once_key,
)
from chat.commands import Command, CreateRoom, Hello, Join, Leave, Ping, Post, SetLanguages, Translate, Typing
from chat.errors import ERRORS, ErrorCode
from chat.events import CeremonyOpened, Posted, Translated
from chat.frames import (
    Ack,
    CeremonyView,
    Closing,
    EntryFrame,
    ErrorFrame,
    Frame,
    GapFrame,
    GlossaryFrame,
    Page,
    PageEntry,
    Pong,
    PreviewFrame,
    RoomFrame,
    RoomRefused,
    TypingFrame,
    Welcome,
)
from chat.ids import Position
from chat.wire import Codec, decode_command, encode_frame

ROOM = "plaza"
EPOCH = "ab12"
C = TypeVar("C", bound=Command)


class Talk:
    """One connection, as the scripted server sees it."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.over = asyncio.Event()

    async def hear(self, kind: type[C]) -> C:
        data = await self.socket.recv(decode=False)
        command = decode_command(bytes(data), Codec.MSGPACK)
        assert isinstance(command, kind), command
        return command

    async def say(self, *frames: Frame) -> None:
        for frame in frames:
            await self.socket.send(encode_frame(frame, Codec.MSGPACK))

    async def say_raw(self, data: bytes | str) -> None:
        await self.socket.send(data)

    async def welcome(self, *rooms: Frame, refused: tuple[RoomRefused, ...] = ()) -> Hello:
        hello = await self.hear(Hello)
        for room in rooms:
            assert isinstance(room, RoomFrame)
            await self.say(room_frame(hello.id, room.head.seq, recovered=room.recovered, missed=room.missed))
        await self.say(welcome(hello.id, refused))
        return hello

    async def let_in(self, head: int = 0) -> Join:
        join = await self.hear(Join)
        await self.say(room_frame(join.id, head))
        return join

    async def cut(self) -> None:
        """As a kill -9 of the server does: no close frame."""
        self.socket.transport.abort()
        self.over.set()

    async def close(self, code: int, words: str = "") -> None:
        await self.socket.close(code, words)
        self.over.set()


class ScriptedServer:
    def __init__(self) -> None:
        self.talks: asyncio.Queue[Talk] = asyncio.Queue()
        self.every: list[Talk] = []
        self.url = ""

    async def handle(self, socket: ServerConnection) -> None:
        talk = Talk(socket)
        self.every.append(talk)
        self.talks.put_nowait(talk)
        with suppress(ConnectionClosed):
            await talk.over.wait()

    async def next(self) -> Talk:
        async with asyncio.timeout(5):
            return await self.talks.get()


@asynccontextmanager
async def scripted() -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    subprotocols = [Subprotocol(Codec.MSGPACK.value)]
    async with serve(server.handle, "127.0.0.1", 0, subprotocols=subprotocols, compression=None) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/ws"
        try:
            yield server
        finally:
            listening.close(close_connections=True)
            for talk in server.every:
                talk.over.set()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted() as running:
        yield running


def client(server: ScriptedServer, **settings: Any) -> Client:
    return Client(
        server.url,
        **{
            "token": "t",
            "backoff_first_s": 0.001,
            "backoff_most_s": 0.01,
            "proxy": None,
            "chance": random.Random(1),
            **settings,
        },
    )


@asynccontextmanager
async def connected(server: ScriptedServer, **settings: Any) -> AsyncIterator[tuple[Client, Talk]]:
    """A client that has been welcomed, and the server's end of it."""
    made = client(server, **settings)
    entering = asyncio.ensure_future(made.__aenter__())
    talk = await server.next()
    await talk.welcome()
    await entering
    try:
        yield made, talk
    finally:
        await made.close()


@asynccontextmanager
async def in_room(server: ScriptedServer, head: int = 0, **settings: Any) -> AsyncIterator[tuple[Client, Talk]]:
    async with connected(server, **settings) as (made, talk):
        joining = asyncio.ensure_future(made.join(ROOM))
        await talk.let_in(head)
        await joining
        yield made, talk


def welcome(re: int, refused: tuple[RoomRefused, ...] = ()) -> Welcome:
    return Welcome(
        re=re,
        user="u",
        name="U",
        languages=("en",),
        session="s",
        server="x",
        refused=refused,
        routes=(),
        limits={},
        token_expires_at_ms=0,
    )


def room_frame(
    re: int, head: int, *, recovered: bool = True, missed: int = 0, epoch: str = EPOCH, room: str = ROOM
) -> RoomFrame:
    return RoomFrame(
        room=room,
        title="t",
        role="member",
        head=Position(epoch, head),
        recovered=recovered,
        missed=missed,
        read=0,
        members=1,
        re=re,
    )


def entry(seq: int, text: str = "hi", epoch: str = EPOCH, room: str = ROOM) -> EntryFrame:
    return EntryFrame(room=room, epoch=epoch, seq=seq, at_ms=seq, event=Posted(author="a", name="A", text=text))


def error(re: int | None, code: ErrorCode, retry_after_ms: int | None = None) -> ErrorFrame:
    kind = ERRORS[code]
    return ErrorFrame(re=re, code=code, words=kind.words, retryable=kind.retryable, retry_after_ms=retry_after_ms)


async def until(items: AsyncIterator[Item], wanted: Callable[[Item], bool]) -> list[Item]:
    """Items up to and including the first wanted one."""
    found: list[Item] = []
    async with asyncio.timeout(5):
        async for item in items:
            found.append(item)
            if wanted(item):
                return found
    raise AssertionError(f"the events ended after {found}")


async def until_seq(items: AsyncIterator[Item], seq: int) -> list[int]:
    found = await until(items, lambda item: isinstance(item, Arrived) and item.position.seq == seq)
    return [item.position.seq for item in found if isinstance(item, Arrived)]


# -- the ordinary day -------------------------------------------------------------------------------------------------


async def test_hello_says_who_what_and_where(server: ScriptedServer) -> None:
    made = client(server, token="secret", languages=("zh", "en"), positions={ROOM: Position(EPOCH, 7)}, name="小明")
    entering = asyncio.ensure_future(made.__aenter__())
    talk = await server.next()
    hello = await talk.hear(Hello)
    assert (hello.token, hello.languages, hello.name) == ("secret", ("zh", "en"), "小明")
    assert [(resume.room, resume.position) for resume in hello.rooms] == [(ROOM, Position(EPOCH, 7))]
    await talk.say(room_frame(hello.id, 7), welcome(hello.id))
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


# -- reconnecting -----------------------------------------------------------------------------------------------------


async def test_a_cut_connection_resumes_behind_the_last_entry(server: ScriptedServer) -> None:
    async with in_room(server, head=10) as (made, talk):
        items = made.events()
        await talk.say(entry(11), entry(12))
        assert await until_seq(items, 12) == [11, 12]
        await talk.cut()
        again = await server.next()
        hello = await again.hear(Hello)
        assert hello.rooms[0].position == Position(EPOCH, 12)
        await again.say(room_frame(hello.id, 14), entry(13), welcome(hello.id), entry(14))
        found = await until(items, lambda item: isinstance(item, Arrived) and item.position.seq == 14)
        assert [type(item).__name__ for item in found] == [
            "Disconnected",
            "Recovered",
            "Standing",
            "Arrived",
            "Connected",
            "Arrived",
        ]
        assert Recovered(ROOM, Position(EPOCH, 12), Position(EPOCH, 14)) in found


async def test_ceremonies_that_go_on_are_told_with_the_room_and_again_after_a_reconnect(server: ScriptedServer) -> None:
    """Votes are entries that nobody receives: what was missed of a ceremony is in no entry, only in the room frame."""
    opened = CeremonyOpened(
        nominee="b", nominee_name="B", by="b", name="B", script="han", window_s=60, consented=True, consent_s=0
    )
    view = CeremonyView(
        of=9, opened=opened, consented=True, closes_at_ms=1, chooses_until_ms=2, proposals=(), voters=3, mine=None
    )
    async with connected(server) as (made, talk):
        joining = asyncio.ensure_future(made.join(ROOM))
        join = await talk.hear(Join)
        await talk.say(structs.replace(room_frame(join.id, 10), ceremonies=(view,)))
        await joining
        await talk.cut()
        again = await server.next()
        hello = await again.hear(Hello)
        await again.say(room_frame(hello.id, 14), welcome(hello.id), entry(15))
        told = await until(made.events(), lambda item: isinstance(item, Arrived))
    assert [item for item in told if isinstance(item, Standing)] == [Standing(ROOM, (view,)), Standing(ROOM, ())]


async def test_entries_repeated_by_a_resume_are_heard_once(server: ScriptedServer) -> None:
    async with in_room(server) as (made, talk):
        items = made.events()
        await talk.say(entry(1), entry(2), entry(2), entry(1), entry(3))
        assert await until_seq(items, 3) == [1, 2, 3]
        await talk.cut()
        again = await server.next()
        hello = await again.hear(Hello)
        await again.say(room_frame(hello.id, 4), entry(2), entry(3), welcome(hello.id), entry(4))
        assert await until_seq(items, 4) == [4]
        assert made.statistics()["doubled"] == 4


async def test_the_same_once_key_is_repeated_until_the_ack(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        posting = asyncio.ensure_future(made.post(ROOM, "hi"))
        keys = [(await talk.hear(Post)).once]
        for _ in range(2):
            await talk.cut()
            talk = await server.next()
            await talk.welcome()
            command = await talk.hear(Post)
            keys.append(command.once)
        await talk.say(Ack(re=command.id, position=Position(EPOCH, 1)))
        assert await posting == Position(EPOCH, 1)
        assert len(set(keys)) == 1
        assert made.statistics()["repeated"] == 2


async def test_a_command_between_the_cut_and_its_discovery_waits_for_the_next_connection(
    server: ScriptedServer,
) -> None:
    """A post fell into the moment when the socket was closed and the client's own task had not been told. It asked
    again without ever waiting, the loop span for ever, and the task was never told."""
    async with connected(server) as (made, talk):
        socket = made._link.socket
        assert socket is not None
        posting = None
        await talk.cut()
        while posting is None:
            await asyncio.sleep(0)
            if socket.state is not State.OPEN:
                posting = asyncio.ensure_future(made.post(ROOM, "hi"))
                assert made._link.socket is socket  # not discovered yet, or this test tests nothing
        again = await server.next()
        await again.welcome()
        command = await again.hear(Post)
        await again.say(Ack(re=command.id, position=Position(EPOCH, 1)))
        await posting


async def test_a_server_that_asks_for_time_is_given_it_and_asked_again(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        loop = asyncio.get_running_loop()
        posting = asyncio.ensure_future(made.post(ROOM, "hi"))
        first = await talk.hear(Post)
        await talk.say(error(first.id, ErrorCode.UNAVAILABLE, retry_after_ms=40))
        began = loop.time()
        second = await talk.hear(Post)
        assert loop.time() - began >= 0.035
        assert second.once == first.once
        assert second.id != first.id
        await talk.say(Ack(re=second.id, position=Position(EPOCH, 1)))
        await posting


async def test_a_post_without_answer_ends_at_its_deadline_and_tells_its_key(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        with pytest.raises(Unanswered) as unanswered:
            await made.post(ROOM, "hi", once="k1", within_s=0.05)
        assert unanswered.value.once == "k1"
        late = await talk.hear(Post)
        repeating = asyncio.ensure_future(made.post(ROOM, "hi", once="k1"))
        repeated = await talk.hear(Post)
        await talk.say(Ack(re=late.id, position=Position(EPOCH, 1)), Ack(re=repeated.id, position=Position(EPOCH, 1)))
        assert await repeating == Position(EPOCH, 1)
        assert made.statistics()["late_answers"] == 1


async def test_a_closing_frame_sets_the_wait(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        items = made.events()
        await talk.say(Closing(code=4000, words="the server is restarting", retry_after_ms=30))
        await talk.close(4000)
        [*_, ended] = await until(items, lambda item: isinstance(item, Disconnected))
        assert isinstance(ended, Disconnected)
        assert (ended.code, ended.words) == (4000, "the server is restarting")
        assert 0.03 <= ended.back_in_s < 0.05
        again = await server.next()
        await again.welcome()
        await until(items, lambda item: isinstance(item, Connected))


@pytest.mark.parametrize("code", [4500, 4502, 4999])
async def test_a_server_that_says_never_is_obeyed(server: ScriptedServer, code: int) -> None:
    async with connected(server) as (made, talk):
        items = made.events()
        await until(items, lambda item: isinstance(item, Connected))
        await talk.close(code, "go away")
        with pytest.raises(Closed) as closed:
            await anext(items)
        assert closed.value.code == code
        with pytest.raises(Closed):
            await made.post(ROOM, "hi")


async def test_a_refused_hello_is_raised_where_the_program_enters(server: ScriptedServer) -> None:
    made = client(server)
    entering = asyncio.ensure_future(made.__aenter__())
    talk = await server.next()
    hello = await talk.hear(Hello)
    await talk.say(error(hello.id, ErrorCode.UNAUTHENTICATED))
    with pytest.raises(Closed, match="unauthenticated"):
        await entering


async def test_an_expired_token_is_fetched_anew(server: ScriptedServer) -> None:
    tokens = iter(["old", "new"])

    async def fresh() -> str:
        return next(tokens)

    async with connected(server, token=fresh) as (made, talk):
        await talk.say(Closing(code=4501, words="expired", retry_after_ms=None))
        await talk.close(4501, "expired")
        again = await server.next()
        assert (await again.welcome()).token == "new"
        assert made.statistics()["disconnected"] == 1


async def test_a_hello_answered_unavailable_is_said_again(server: ScriptedServer) -> None:
    made = client(server)
    entering = asyncio.ensure_future(made.__aenter__())
    talk = await server.next()
    hello = await talk.hear(Hello)
    await talk.say(error(hello.id, ErrorCode.UNAVAILABLE, 1))
    again = await server.next()
    await again.welcome()
    await entering
    assert made.statistics()["connect_failed"] == 1
    await made.close()


async def test_nobody_there_ends_at_the_deadline_with_the_reason() -> None:
    made = Client("ws://127.0.0.1:1/ws", token="t", connect_within_s=0.1, backoff_first_s=0.001, proxy=None)
    with pytest.raises(TimeoutError, match="no welcome from"):
        await made.__aenter__()


async def test_a_server_of_another_protocol_is_left_at_once() -> None:
    async def handle(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as other:
        port = next(iter(other.sockets)).getsockname()[1]
        with pytest.raises(Closed, match="does not speak"):
            await Client(f"ws://127.0.0.1:{port}/ws", token="t", proxy=None).__aenter__()


async def test_languages_changed_under_way_are_in_the_next_hello(server: ScriptedServer) -> None:
    async with connected(server, languages=("en",)) as (made, talk):
        setting = asyncio.ensure_future(made.set_languages(("zh", "en")))
        command = await talk.hear(SetLanguages)
        await talk.say(Ack(re=command.id))
        await setting
        await talk.cut()
        again = await server.next()
        assert (await again.hear(Hello)).languages == ("zh", "en")


async def test_a_lost_answer_to_leave_counts_as_left(server: ScriptedServer) -> None:
    async with in_room(server) as (made, talk):
        leaving = asyncio.ensure_future(made.leave(ROOM))
        await talk.hear(Leave)
        await talk.cut()
        again = await server.next()
        await again.welcome(refused=(RoomRefused(room=ROOM, code=ErrorCode.ROOM_NOT_FOUND, words="gone"),))
        command = await again.hear(Leave)
        await again.say(error(command.id, ErrorCode.NOT_A_MEMBER))
        await leaving
        assert made.positions() == {}


async def test_a_failed_join_leaves_no_room_behind(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        joining = asyncio.ensure_future(made.join("nowhere"))
        command = await talk.hear(Join)
        await talk.say(error(command.id, ErrorCode.ROOM_NOT_FOUND))
        with pytest.raises(Refused):
            await joining
        assert made.positions() == {}


async def test_a_room_that_cannot_be_reached_at_hello_is_joined_later(server: ScriptedServer) -> None:
    async with in_room(server, head=5) as (made, talk):
        items = made.events()
        await talk.cut()
        again = await server.next()
        refused = RoomRefused(room=ROOM, code=ErrorCode.UNAVAILABLE, words="away")
        await again.welcome(refused=(refused,))
        join = await again.hear(Join)
        assert join.position == Position(EPOCH, 5)
        await again.say(room_frame(join.id, 6), entry(6))
        assert await until_seq(items, 6) == [6]


async def test_a_room_taken_away_is_said_and_not_asked_for_again(server: ScriptedServer) -> None:
    async with in_room(server) as (made, talk):
        items = made.events()
        await talk.cut()
        again = await server.next()
        await again.welcome(refused=(RoomRefused(room=ROOM, code=ErrorCode.ROOM_NOT_FOUND, words="gone"),))
        await until(items, lambda item: item == RoomLost(ROOM, "room_not_found", "gone"))
        await again.cut()
        third = await server.next()
        assert (await third.hear(Hello)).rooms == ()


# -- holes are said ---------------------------------------------------------------------------------------------------


async def test_a_resume_that_came_too_late_says_how_many_are_missing(server: ScriptedServer) -> None:
    async with in_room(server, head=10) as (made, talk):
        items = made.events()
        await talk.cut()
        again = await server.next()
        hello = await again.hear(Hello)
        await again.say(room_frame(hello.id, 5_010, recovered=False, missed=4_000), welcome(hello.id), entry(4_011))
        found = await until(items, lambda item: isinstance(item, Arrived))
        assert Missed(ROOM, Position(EPOCH, 10), Position(EPOCH, 4_010), 4_000) in found


async def test_a_new_life_of_the_log_is_said_and_followed_from_its_head(server: ScriptedServer) -> None:
    async with in_room(server, head=10) as (made, talk):
        items = made.events()
        await talk.cut()
        again = await server.next()
        hello = await again.hear(Hello)
        await again.say(room_frame(hello.id, 3, recovered=False, missed=-1, epoch="cd"), welcome(hello.id))
        await again.say(entry(4, epoch="cd"))
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
        hello = await again.hear(Hello)
        assert hello.rooms[0].position == Position(EPOCH, 8)
        await again.say(room_frame(hello.id, 10), welcome(hello.id), entry(9), entry(10))
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
        hello = await again.hear(Hello)
        await again.say(room_frame(hello.id, 8, recovered=False, missed=-1), welcome(hello.id), entry(9))
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


async def test_a_room_made_is_followed(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        making = asyncio.ensure_future(made.create_room("new", "New"))
        command = await talk.hear(CreateRoom)
        await talk.say(room_frame(command.id, 1, room="new"), entry(2, room="new"))
        assert (await making).head == Position(EPOCH, 1)
        assert await until_seq(made.events(), 2) == [2]


# -- a server that misbehaves -----------------------------------------------------------------------------------------


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
        hello = await again.hear(Hello)
        await again.say(room_frame(hello.id, 2), welcome(hello.id), entry(2))
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
        await again.welcome(room_frame(0, 0))
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


# -- guests -----------------------------------------------------------------------------------------------------------


@contextmanager
def door(status: int, answer: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    heard: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append((self.path, body))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}", heard
        finally:
            http.shutdown()
            thread.join()


@pytest.mark.parametrize("tail", ["/i/K7Q", "/#/i/K7Q", "/i/K7Q/", "/#invite=K7Q", "/?invite=K7Q"])
async def test_a_guest_enters_by_the_link_the_host_shared(tail: str) -> None:
    with door(200, {"token": "t", "user": "guest-1", "room": ROOM, "more": 1}) as (origin, heard):
        entered = await enter(origin + tail, "Ana", ("pt", "en"))
    assert heard == [("/api/v1/enter", {"invite": "K7Q", "name": "Ana", "languages": ["pt", "en"]})]
    assert (entered.token, entered.user, entered.room) == ("t", "guest-1", ROOM)
    assert entered.url == origin.replace("http", "ws") + "/ws"


async def test_a_used_up_invitation_is_refused_by_name() -> None:
    answer = {"code": "invite_invalid", "words": "used up", "retryable": False, "retry_after_ms": None}
    with door(403, answer) as (origin, _), pytest.raises(Refused) as refused:
        await enter(f"{origin}/i/old", "Ana")
    assert refused.value.code is ErrorCode.INVITE_INVALID


def test_once_keys_are_new_for_each_intent() -> None:
    assert len({new_once_key() for _ in range(1_000)}) == 1_000
