"""A server that says what a test tells it to, one connection at a time, and a client on the other end.

The server side here speaks `chat.wire` (msgspec), the client msgpack: each frame crosses two implementations.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from chat.client import (
    Arrived,
    Client,
    Item,
)
from chat.commands import Command, Hello, Join
from chat.errors import ERRORS, ErrorCode
from chat.events import Posted
from chat.frames import (
    EntryFrame,
    ErrorFrame,
    Frame,
    RoomFrame,
    RoomRefused,
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

    async def welcome(self, *, refused: tuple[RoomRefused, ...] = ()) -> Hello:
        hello = await self.hear(Hello)
        await self.say(welcome(hello.id, refused))
        return hello

    async def resume(
        self, head: int, *entries: EntryFrame, recovered: bool = True, missed: int = 0, epoch: str = EPOCH
    ) -> Hello:
        """Somebody who knows the room is welcomed; `entries` follow."""
        hello = await self.hear(Hello)
        room = room_frame(hello.id, head, recovered=recovered, missed=missed, epoch=epoch)
        await self.say(room, welcome(hello.id), *entries)
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
