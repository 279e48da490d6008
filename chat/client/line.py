"""The line to the server: one connection after the other, until one ends for good.

Invariant: whatever ends a connection is an `Ending`, which says whether and when there is a next one; a fault of ours
ends the line, and is raised where the program waits. A frame is handled without waiting, so between it and its
consequences nothing else runs.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final, assert_never

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from chat.client.backoff import Backoff
from chat.client.codec import Garbled, Newer, NewerError, decode, encode
from chat.client.ending import Ending
from chat.client.failures import Closed, Refused, Unanswered
from chat.client.inbox import Inbox
from chat.client.items import Connected, Disconnected, Unreadable
from chat.client.link import Link
from chat.client.questions import Questions
from chat.client.rooms import Rooms
from chat.commands import Hello
from chat.errors import ErrorCode
from chat.frames import (
    Ack,
    Closing,
    EntryFrame,
    ErrorFrame,
    GapFrame,
    GlossaryFrame,
    NamesFrame,
    Page,
    People,
    Pong,
    PreviewFrame,
    RoomFrame,
    TallyFrame,
    TypingFrame,
    Welcome,
)
from chat.ids import Position
from chat.limits import HELLO_WITHIN_S, PING_INTERVAL_S
from chat.live_frames import (
    CrowdFrame,
    DecidedFrame,
    DeskFrame,
    PollTallyFrame,
    QuestionTallyFrame,
    ReactionsFrame,
    SkippedFrame,
    StageFrame,
    WaitFrame,
)
from chat.wire import Codec

FRAME_BYTES_MAX: Final = 16 * 1024 * 1024
"""One message from the server. The largest is a history page of 100 long texts with everything said about them."""
PONG_WITHIN_S: Final = 20.0
CLOSE_WITHIN_S: Final = 2.0
STABLE_S: Final = 5.0
"""A connection that lived this long was a success: the next failure starts from the shortest wait again."""

Token = str | Callable[[], Awaitable[str]]
"""A token, or how to fetch a fresh one: asked before each connection."""


class Line:
    def __init__(
        self,
        url: str,
        token: Token,
        proxy: str | bool | None,
        hello: Callable[[int, str], Hello],
        *,
        link: Link,
        questions: Questions,
        rooms: Rooms,
        inbox: Inbox,
        backoff: Backoff,
        counts: Counter[str],
    ) -> None:
        """`hello` makes the first command of a connection from its id and the token of the moment."""
        self.url = url
        self.welcome: Welcome | None = None
        self.last_ending: Ending | None = None
        self._token = token
        self._proxy: Any = proxy
        self._hello = hello
        self._link = link
        self._questions = questions
        self._rooms = rooms
        self._inbox = inbox
        self._backoff = backoff
        self._counts = counts
        self._closing: Closing | None = None
        self._runner: asyncio.Task[None] | None = None
        self._rejoining: dict[str, asyncio.Task[None]] = {}

    def open(self) -> None:
        self._runner = asyncio.create_task(self._run(), name="diqiucun client")

    async def close(self) -> None:
        """Say goodbye and end; commands under way raise Closed."""
        self._end(Closed(1000, "closed by the program"))
        tasks = [task for task in (self._runner, *self._rejoining.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _is_renewable(self) -> bool:
        return not isinstance(self._token, str)

    def _end(self, fate: BaseException) -> None:
        self._link.end(fate)
        self._inbox.end()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while True:
                began = loop.time()
                ending = await self._live()
                self.last_ending = ending
                if ending.final:
                    self._end(Closed(ending.code, ending.words))
                    return
                failures = 1 if self._counts["connected"] and loop.time() - began >= STABLE_S else failures + 1
                wait_s = self._backoff.delay_s(failures, ending.retry_after_ms)
                if self._counts["connected"] > self._counts["disconnected"]:
                    self._counts["disconnected"] += 1
                    self._inbox.notice(Disconnected(ending.code, ending.words, wait_s))
                else:
                    self._counts["connect_failed"] += 1
                await asyncio.sleep(wait_s)
                await self._inbox.wait_drained()
        except asyncio.CancelledError:
            raise
        except BaseException as bug:  # a fault here must reach the program, which waits for events or answers
            self._end(bug)

    async def _live(self) -> Ending:
        """From the first packet to the last of one connection; returns why it ended."""
        self._closing = None
        try:
            token = self._token if isinstance(self._token, str) else await self._token()
            async with connect(
                self.url,
                subprotocols=[Subprotocol(Codec.MSGPACK.value)],
                compression=None,
                max_size=FRAME_BYTES_MAX,
                ping_interval=PING_INTERVAL_S,
                ping_timeout=PONG_WITHIN_S,
                close_timeout=CLOSE_WITHIN_S,
                proxy=self._proxy,
            ) as socket:
                if socket.subprotocol != Codec.MSGPACK.value:
                    return Ending(4503, f"{self.url} does not speak {Codec.MSGPACK.value}", final=True)
                async with asyncio.timeout(HELLO_WITHIN_S) as within:
                    begun = False
                    hello_id = await self._say_hello(socket, token)
                    async for data in socket:
                        self._receive(data, hello_id)
                        if not begun and self.welcome is not None and self.welcome.re == hello_id:
                            begun = True
                            within.reschedule(None)
                            self._counts["connected"] += 1
                            self._link.begin(socket)
                return self._ending_of(socket.close_code or 1006, socket.close_reason or "connection lost")
        except Ending as ending:
            return ending
        except ConnectionClosed as closed:
            received = closed.rcvd
            if received is None:
                return self._ending_of(1006, "connection lost")
            return self._ending_of(received.code, received.reason)
        except TimeoutError:
            return Ending(1006, "no welcome in time")
        except (OSError, WebSocketException) as failed:
            return Ending(1006, f"{type(failed).__name__}: {failed}")
        finally:
            self._link.lose()
            self._rooms.forget_asked()
            self._questions.lose_all()

    def _ending_of(self, code: int, words: str) -> Ending:
        return Ending.closed(code, words, self._closing, renewable=self._is_renewable)

    async def _say_hello(self, socket: ClientConnection, token: str) -> int:
        id = self._questions.new_id()
        await socket.send(encode(self._hello(id, token)))
        return id

    def _receive(self, data: str | bytes, hello_id: int) -> None:
        """One frame. Sync on purpose: between a frame and its consequences nothing else runs."""
        self._counts["frames"] += 1
        try:
            self._handle(data, hello_id)
        except Garbled as garbled:
            self._counts["malformed_frames"] += 1
            raise Ending(1002, f"a frame that cannot be read: {garbled}"[:300]) from None

    def _handle(self, data: str | bytes, hello_id: int) -> None:
        match frame := decode(data):
            case EntryFrame():
                self._rooms.arrive(frame.room, Position(frame.epoch, frame.seq), frame.at_ms, frame.event)
            case Unreadable():
                self._rooms.arrive(frame.room, frame.position, frame.at_ms, None)
            case RoomFrame():
                self._rooms.begin(frame)
                if frame.re != hello_id:
                    self._questions.answer(frame.re, frame)
            case GapFrame():
                self._rooms.gap(frame)
            case Welcome():
                self._welcomed(frame, hello_id)
            case ErrorFrame(re=re) if re == hello_id:
                raise Ending.refused(frame, renewable=self._is_renewable)
            case ErrorFrame(re=None):
                self._counts["errors_without_id"] += 1
            case Ack() | ErrorFrame() | Page() | GlossaryFrame() | PreviewFrame() | NamesFrame() | Pong():
                self._questions.answer(frame.re or 0, frame)
            case NewerError(frame=error):
                self._questions.answer(error.re or 0, error)
            case DeskFrame() | StageFrame():
                self._questions.answer(frame.re, frame)
            case (
                People(re=None)
                | TypingFrame()
                | TallyFrame()
                | PollTallyFrame()
                | QuestionTallyFrame()
                | ReactionsFrame()
                | SkippedFrame()
                | CrowdFrame()
                | DecidedFrame()
                | WaitFrame()
            ):
                if len(self._inbox) < self._inbox.items_max // 2:
                    self._inbox.offer(frame)
                else:
                    self._counts["shed"] += 1  # who is here and who types is stale in a moment: first to go
            case People():
                self._questions.answer(frame.re or 0, frame)
            case Closing():
                self._closing = frame
            case Newer():
                self._counts["unknown_frames"] += 1
            case _:
                assert_never(frame)

    def _welcomed(self, frame: Welcome, hello_id: int) -> None:
        if frame.re != hello_id:
            raise Garbled("a welcome to another hello")
        self.welcome = frame
        self._inbox.notice(Connected(frame.user, frame.name, frame.session, frame.server))
        for refused in frame.refused:
            if refused.code is not ErrorCode.UNAVAILABLE:
                self._rooms.lose(refused.room, refused.code, refused.words)
            elif refused.room not in self._rejoining:
                self._rejoining[refused.room] = asyncio.create_task(self._rejoin(refused.room))

    async def _rejoin(self, room: str) -> None:
        """The log could not be reached at hello. Ask until it can, or the connection's end makes it moot."""
        try:
            await self._questions.ask(self._rooms.join(room), RoomFrame)
        except Unanswered:
            self._drop()
        except Refused as refused:
            self._rooms.lose(room, refused.code, refused.words)
        except Closed:
            pass
        finally:
            del self._rejoining[room]

    def _drop(self) -> None:
        """Cut the connection of this moment; the next hello asks for everything again."""
        if self._link.socket is not None:
            self._counts["dropped"] += 1
            self._link.socket.transport.abort()
