"""A member as a Python program: bots, bridges, load tests, an integrator's backend.

Invariants: entries of a room reach the program strictly increasing, none twice, and whatever the server could not
deliver is said (`Missed`), never silent. An awaited `post` that returns is in the log exactly once, however often the
connection broke meanwhile: the same once-key is repeated until the server says done, says no, or the deadline passes.

Everything waits in a bounded inbox. A program that reads too slowly is disconnected (by us, named in `Disconnected`)
and resumes where it stopped reading: dropping would be a hole nobody sees, and not reading the socket would also hold
back the acks and pongs behind the entries. A program that never asks for events has the oldest forgotten, and is told
so by a `Missed` should it ask later.

The codec is `msgpack` and not the server's msgspec on purpose: every frame is then read by an independent
implementation, and only its shape is checked against the shared structs. Jitter: "full jitter" of the AWS
Architecture Blog, "Exponential Backoff And Jitter" (2015). Reconnect and resume as in `docs/protocol.md`.
"""

import asyncio
import random
import secrets
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps, loads
from types import TracebackType
from typing import Any, Final, Self, TypeVar, assert_never
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import msgpack
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from chat import commands
from chat.errors import CommandFailed, ErrorCode
from chat.events import Event, Mention, Translated
from chat.frames import (
    Ack,
    Closing,
    EntryFrame,
    ErrorFrame,
    Frame,
    GapFrame,
    Page,
    PageEntry,
    People,
    Pong,
    RoomFrame,
    TypingFrame,
    Welcome,
)
from chat.ids import Position
from chat.language import canonical
from chat.limits import COMMAND_ID_MAX, HELLO_WITHIN_S, HISTORY_LIMIT_MAX, PING_INTERVAL_S
from chat.wire import Codec

FRAME_BYTES_MAX: Final = 16 * 1024 * 1024
"""One message from the server. The largest is a history page of 100 long texts with everything said about them."""
PONG_WITHIN_S: Final = 20.0
CLOSE_WITHIN_S: Final = 2.0
STABLE_S: Final = 5.0
"""A connection that lived this long was a success: the next failure starts from the shortest wait again."""
DO_NOT_RETURN: Final = range(4500, 5000)
"""Close codes that say "do not come back until something on your side has changed"."""
TOKEN_CODES: Final = frozenset({4501, 4502})
"""... namely the token, which a token function can change."""
TOKEN_ERRORS: Final = frozenset({ErrorCode.TOKEN_EXPIRED, ErrorCode.UNAUTHENTICATED})
ENTER_WITHIN_S: Final = 20.0

Token = str | Callable[[], Awaitable[str]]
"""A token, or how to fetch a fresh one: asked before each connection."""


# -- what the program hears -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrived:
    """An entry of a followed room. Per room and epoch, positions strictly increase."""

    room: str
    position: Position
    at_ms: int
    event: Event


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry whose event this version cannot read (a newer server's kind): passed over, and said."""

    room: str
    position: Position
    at_ms: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """After a reconnect: every entry between `after` and `head` follows."""

    room: str
    after: Position
    head: Position


@dataclass(frozen=True, slots=True)
class Missed:
    """Entries after `after` will not arrive by themselves; delivery goes on behind `before`. Page back to see them."""

    room: str
    after: Position | None
    before: Position
    count: int
    """-1: nobody can tell, the log began a new life."""


@dataclass(frozen=True, slots=True)
class Connected:
    user: str
    name: str
    session: str
    server: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection ended; the client comes back by itself in `back_in_s`."""

    code: int
    words: str
    back_in_s: float


@dataclass(frozen=True, slots=True)
class RoomLost:
    """The server no longer lets us follow this room (removed, or the room is gone)."""

    room: str
    code: str
    words: str


Item = Arrived | Unreadable | Recovered | Missed | Connected | Disconnected | RoomLost | People | TypingFrame


# -- what may go wrong ------------------------------------------------------------------------------------------------


class Refused(CommandFailed):
    """The server answered a command with an error. `code` stays a plain word when a newer server invented it."""

    def __init__(self, code: str, words: str, retryable: bool, retry_after_ms: int | None) -> None:
        known = code in ErrorCode.__members__.values()
        super().__init__(ErrorCode(code) if known else code, words or code, retry_after_ms)  # type: ignore[arg-type]
        self.retryable = retryable
        self.tries = 1


class Unanswered(Exception):
    """The deadline passed without an answer: nobody here knows whether it was done. Asking again with the same
    once-key is safe for 48 hours."""

    def __init__(self, words: str, once: str | None) -> None:
        super().__init__(words)
        self.once = once


class Closed(Exception):
    """The client is closed and does not come back: `close()` was called (code 1000), or the server said so."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words


class _Ending(Exception):
    """This connection is over."""

    def __init__(self, code: int, words: str, retry_after_ms: int | None = None, *, final: bool = False) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.retry_after_ms = retry_after_ms
        self.final = final


class _Lost:
    """What a command hears when its connection ends before its answer."""


_LOST: Final = _Lost()
Answer = Ack | ErrorFrame | Welcome | RoomFrame | Page | People | Pong
A = TypeVar("A", bound=Answer)


# -- the inbox --------------------------------------------------------------------------------------------------------


class _Inbox:
    """Items owed to the program, at most `items_max` of them plus a few notices per connection."""

    def __init__(self, items_max: int) -> None:
        self.items_max = items_max
        self.listening = False
        self.ended = False
        self.forgotten = 0
        self._items: deque[Item] = deque()
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: Item) -> bool:
        """False when it is full and somebody is listening: the item was not taken."""
        if len(self._items) >= self.items_max:
            if self.listening:
                self._drained.clear()
                return False
            self._forget()
        self.notice(item)
        return True

    def notice(self, item: Item) -> None:
        """Taken whatever the bound says: there are only a handful per connection, and a hole must be told."""
        self._items.append(item)
        self._filled.set()

    async def take(self) -> Item | None:
        """The next item; None when there is none and never will be."""
        while not self._items:
            if self.ended:
                return None
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if len(self._items) <= self.items_max // 2:
            self._drained.set()
        return item

    def end(self) -> None:
        self.ended = True
        self._filled.set()

    async def wait_drained(self) -> None:
        """Until the program has caught up by half, so that a reconnect is worth it."""
        await self._drained.wait()

    def _forget(self) -> None:
        """Nobody listens: keep one `Missed` per room instead of everything."""
        holes: dict[str, Missed] = {}
        for item in self._items:
            match item:
                case Arrived(room=room, position=before) | Unreadable(room=room, position=before):
                    after, count = Position(before.epoch, before.seq - 1), 1
                case Missed(room=room, before=before, count=count):
                    after = item.after or before
                case _:
                    continue
            if (hole := holes.get(room)) is not None:
                after = hole.after or after
                count = count + hole.count if min(count, hole.count) >= 0 else -1
            holes[room] = Missed(room, after, before, count)
        self.forgotten += len(self._items)
        self._items.clear()
        self._items.extend(holes.values())


@dataclass(slots=True)
class _Followed:
    cursor: Position | None = None
    """The last entry that went into the inbox: where to resume."""
    settled: bool = False
    """The server has let us in once, or an earlier run was there: part of every hello."""
    asked: dict[int, Position | None] = field(default_factory=dict)
    """Position named in the command of that id, on this connection."""


# -- the client -------------------------------------------------------------------------------------------------------


class Client:
    """One connection that comes back. Use as `async with Client(url, token=...) as client:`."""

    def __init__(
        self,
        url: str,
        *,
        token: Token,
        languages: Sequence[str] = ("en",),
        name: str | None = None,
        positions: Mapping[str, Position | None] | None = None,
        inbox_items_max: int = 10_000,
        connect_within_s: float = 30.0,
        answer_within_s: float = 60.0,
        backoff_first_s: float = 0.25,
        backoff_most_s: float = 20.0,
        proxy: str | bool | None = True,
        chance: random.Random | None = None,
    ) -> None:
        """`url` is ws(s)://host/ws. `positions`: rooms to resume from an earlier run (see `positions()`)."""
        self.url = url
        self.languages = tuple(languages)
        self.name = name
        self.connect_within_s = connect_within_s
        self.answer_within_s = answer_within_s
        self.backoff_first_s = backoff_first_s
        self.backoff_most_s = backoff_most_s
        self.welcome: Welcome | None = None
        self._token = token
        self._proxy: Any = proxy
        self._chance = chance or random.Random()
        self._inbox = _Inbox(inbox_items_max)
        self._rooms = {room: _Followed(position, settled=True) for room, position in (positions or {}).items()}
        self._counts: Counter[str] = Counter()
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[Answer | _Lost]] = {}
        self._socket: ClientConnection | None = None
        self._closing: Closing | None = None
        self._ready = asyncio.Event()
        self._fate: BaseException | None = None
        self._last_ending: _Ending | None = None
        self._runner: asyncio.Task[None] | None = None
        self._wanted: dict[tuple[str, int, str], Translated | None] = {}
        """Translations asked for: the log's answer is an old entry, for the one who asked and not for the events."""
        self._rejoining: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Returns when the server has said welcome. Raises Closed, or TimeoutError after `connect_within_s`."""
        self._runner = asyncio.create_task(self._run(), name="diqiucun client")
        try:
            async with asyncio.timeout(self.connect_within_s):
                await self._wait_ready()
        except TimeoutError:
            await self.close()
            last = self._last_ending
            raise TimeoutError(f"no welcome from {self.url}: {last.words if last else 'no answer'}") from last
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye and end. What waits in the inbox can still be read; commands under way raise Closed."""
        self._end(Closed(1000, "closed by the program"))
        tasks = [task for task in (self._runner, *self._rejoining.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def user(self) -> str:
        """Who the token says we are; "" before the first welcome."""
        return self.welcome.user if self.welcome is not None else ""

    def positions(self) -> dict[str, Position | None]:
        """Where each followed room was last seen by the inbox. Save them to resume in another process."""
        return {room: followed.cursor for room, followed in self._rooms.items()}

    def statistics(self) -> dict[str, int]:
        """Counts since the beginning."""
        return {
            **self._counts,
            "inbox_items": len(self._inbox),
            "forgotten": self._inbox.forgotten,
            "unanswered_now": len(self._waiting),
            "rooms": len(self._rooms),
        }

    async def events(self) -> AsyncIterator[Item]:
        """What happens, in order, for one listener at a time. Ends after `close()`; raises Closed if the server ended
        it. Leaving the loop and coming back later goes on where it stopped."""
        if self._inbox.listening:
            raise RuntimeError("somebody is listening already; share the items instead")
        self._inbox.listening = True
        try:
            while (item := await self._inbox.take()) is not None:
                yield item
            if not (isinstance(self._fate, Closed) and self._fate.code == 1000):
                raise self._fate or Closed(1000, "closed")
        finally:
            self._inbox.listening = False

    # -- commands ------------------------------------------------------------------------------------------------------

    async def create_room(self, room: str, title: str, *, once: str | None = None) -> RoomFrame:
        """Make a room, own it and follow it. Raises Refused, Unanswered, Closed, as all commands do."""
        key = once or new_once_key()
        return await self._ask(
            lambda id: commands.CreateRoom(id=id, room=room, title=title, once=key), RoomFrame, once=key
        )

    async def join(self, room: str, *, invite: str | None = None, position: Position | None = None) -> RoomFrame:
        """Become a member if not already, and follow the room: from `position`, or where we were, or from now on."""

        def command(id: int) -> commands.Join:
            followed = self._rooms.get(room)
            start = position or (followed.cursor if followed else None)
            return commands.Join(id=id, room=room, position=start, invite=invite)

        return await self._ask(command, RoomFrame)

    async def leave(self, room: str, *, stay_member: bool = False) -> None:
        """Stop following `room`, and give up membership unless `stay_member`."""
        try:
            await self._ask(lambda id: commands.Leave(id=id, room=room, stay_member=stay_member), Ack)
        except Refused as refused:
            gone = refused.code in (ErrorCode.NOT_A_MEMBER, ErrorCode.ROOM_NOT_FOUND)
            if not (gone and refused.tries > 1):  # an earlier try may have succeeded unheard
                raise
        self._rooms.pop(room, None)

    async def post(
        self,
        room: str,
        text: str,
        *,
        reply_to: int | None = None,
        mentions: Iterable[Mention] = (),
        once: str | None = None,
        within_s: float | None = None,
    ) -> Position:
        """Say `text`. When this returns, the message is durable, once, at the returned position."""
        key = once or new_once_key()
        named = tuple(mentions)
        ack = await self._ask(
            lambda id: commands.Post(id=id, room=room, text=text, once=key, reply_to=reply_to, mentions=named),
            Ack,
            once=key,
            within_s=within_s,
        )
        return _placed(ack)

    async def edit(
        self, room: str, of: int, text: str, *, mentions: Iterable[Mention] = (), once: str | None = None
    ) -> Position:
        key = once or new_once_key()
        named = tuple(mentions)
        ack = await self._ask(
            lambda id: commands.Edit(id=id, room=room, of=of, text=text, once=key, mentions=named), Ack, once=key
        )
        return _placed(ack)

    async def recall(self, room: str, of: int, *, once: str | None = None) -> Position:
        key = once or new_once_key()
        return _placed(await self._ask(lambda id: commands.Recall(id=id, room=room, of=of, once=key), Ack, once=key))

    async def react(self, room: str, of: int, emoji: str, *, on: bool = True, once: str | None = None) -> Position:
        key = once or new_once_key()
        ack = await self._ask(
            lambda id: commands.React(id=id, room=room, of=of, emoji=emoji, on=on, once=key), Ack, once=key
        )
        return _placed(ack)

    async def history(
        self,
        room: str,
        *,
        before: int | None = None,
        after: int | None = None,
        epoch: str | None = None,
        limit: int = 50,
    ) -> Page:
        """One page of the log as this client reads it, ascending: the latest, or before or after a seq."""
        return await self._ask(
            lambda id: commands.History(id=id, room=room, before=before, after=after, epoch=epoch, limit=limit), Page
        )

    async def read_between(self, room: str, after: Position, until: int) -> AsyncIterator[PageEntry]:
        """Entries behind `after` up to seq `until`, page by page: how to fill a `Missed`."""
        seq, more = after.seq, True
        while more and seq < until:
            page = await self.history(room, after=seq, epoch=after.epoch, limit=HISTORY_LIMIT_MAX)
            for entry in page.entries:
                if entry.seq > until:
                    return
                yield entry
            seq, more = page.last, page.more

    async def presence(self, room: str) -> People:
        """Who is here now."""
        return await self._ask(lambda id: commands.Presence(id=id, room=room), People)

    async def translate(self, room: str, of: int, language: str) -> Translated | None:
        """One message in `language` (one that we read): at once when the log has it, else None and it comes as an
        event."""
        key = (room, of, canonical(language))
        self._wanted[key] = None
        try:
            ack = await self._ask(lambda id: commands.Translate(id=id, room=room, of=of, language=language), Ack)
            return self._wanted[key] if ack.position else None
        finally:
            self._wanted.pop(key, None)

    async def mark_read(self, room: str, seq: int) -> None:
        await self._ask(lambda id: commands.MarkRead(id=id, room=room, seq=seq), Ack)

    async def typing(self, room: str) -> None:
        """Show that we are typing, if connected. Never repeated: it is worth nothing a second later."""
        if self._socket is not None and self._ready.is_set():
            await self._attempt(lambda id: commands.Typing(id=id, room=room))

    async def set_languages(self, languages: Sequence[str]) -> None:
        """What this client reads from now on, most liked first."""
        wanted = tuple(languages)
        await self._ask(lambda id: commands.SetLanguages(id=id, languages=wanted), Ack)
        self.languages = wanted

    async def ping(self) -> float:
        """Seconds from this program through the server's session and back."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._ask(lambda id: commands.Ping(id=id), Pong)
        return loop.time() - began

    # -- one command ---------------------------------------------------------------------------------------------------

    async def _ask(
        self,
        command: Callable[[int], commands.Command],
        kind: type[A],
        *,
        once: str | None = None,
        within_s: float | None = None,
    ) -> A:
        """Ask until answered. Every command may be repeated: it carries a once-key or changes nothing twice."""
        within = self.answer_within_s if within_s is None else within_s
        tries = 0
        try:
            async with asyncio.timeout(within):
                while True:
                    await self._wait_ready()
                    self._counts["repeated"] += tries > 0
                    tries += 1
                    answer = await self._attempt(command)
                    if isinstance(answer, _Lost):
                        continue
                    if isinstance(answer, kind):
                        return answer
                    if not isinstance(answer, ErrorFrame):
                        raise TypeError(f"asked for {kind.__name__}, answered with {type(answer).__name__}")
                    if not answer.retryable:
                        refused = Refused(answer.code, answer.words, False, answer.retry_after_ms)
                        refused.tries = tries
                        raise refused
                    await asyncio.sleep(self._delay_s(tries, answer.retry_after_ms))
        except TimeoutError:
            raise Unanswered(f"no answer within {within:g} s", once) from None

    async def _attempt(self, command: Callable[[int], commands.Command]) -> Answer | _Lost:
        """One try on the connection of this moment."""
        socket = self._socket
        if socket is None:
            return _LOST
        id = self._new_id()
        asked = command(id)
        answered: asyncio.Future[Answer | _Lost] = asyncio.get_running_loop().create_future()
        self._waiting[id] = answered
        if isinstance(asked, commands.Join | commands.CreateRoom):
            start = asked.position if isinstance(asked, commands.Join) else None
            self._rooms.setdefault(asked.room, _Followed()).asked[id] = start
        self._counts["commands"] += 1
        try:
            await socket.send(_encode(asked))
            answer = await answered
        except ConnectionClosed:
            # The runner may not have heard of it yet. Without this, asking again at once would meet the same closed
            # socket without ever waiting, and the runner would never get its turn.
            answer = _LOST
            if self._socket is socket:
                self._socket = None
                self._unready()
        finally:
            self._waiting.pop(id, None)
        if isinstance(asked, commands.Join | commands.CreateRoom) and isinstance(answer, ErrorFrame):
            followed = self._rooms.get(asked.room)
            if followed is not None and not followed.settled and not answer.retryable:
                del self._rooms[asked.room]
        return answer

    def _new_id(self) -> int:
        self._last_id = self._last_id % COMMAND_ID_MAX + 1
        return self._last_id

    async def _wait_ready(self) -> None:
        await self._ready.wait()
        if self._fate is not None:
            raise self._fate

    # -- one connection after the other --------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while True:
                began = loop.time()
                ending = await self._connection()
                self._last_ending = ending
                if ending.final:
                    self._end(Closed(ending.code, ending.words))
                    return
                failures = 1 if self._counts["connected"] and loop.time() - began >= STABLE_S else failures + 1
                wait_s = self._delay_s(failures, ending.retry_after_ms)
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

    def _delay_s(self, failures: int, retry_after_ms: int | None) -> float:
        ceiling = min(self.backoff_most_s, self.backoff_first_s * 2 ** min(failures - 1, 16))
        return (retry_after_ms or 0) / 1000 + self._chance.uniform(0, ceiling)

    async def _connection(self) -> _Ending:
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
                    return _Ending(4503, f"{self.url} does not speak {Codec.MSGPACK.value}", final=True)
                async with asyncio.timeout(HELLO_WITHIN_S) as within:
                    begun = False
                    hello_id = await self._say_hello(socket, token)
                    async for data in socket:
                        self._receive(data, hello_id)
                        if not begun and self.welcome is not None and self.welcome.re == hello_id:
                            begun = True
                            within.reschedule(None)
                            self._begin(socket)
                return self._ending_of(socket.close_code or 1006, socket.close_reason or "connection lost")
        except _Ending as ending:
            return ending
        except ConnectionClosed as closed:
            received = closed.rcvd
            if received is None:
                return self._ending_of(1006, "connection lost")
            return self._ending_of(received.code, received.reason)
        except TimeoutError:
            return _Ending(1006, "no welcome in time")
        except (OSError, WebSocketException) as failed:
            return _Ending(1006, f"{type(failed).__name__}: {failed}")
        finally:
            self._socket = None
            self._unready()
            for followed in self._rooms.values():
                followed.asked.clear()
            for answered in self._waiting.values():
                if not answered.done():
                    answered.set_result(_LOST)

    def _ending_of(self, code: int, words: str) -> _Ending:
        """The server's own words about it, when it had the time to send them."""
        said = self._closing
        retry_after_ms = said.retry_after_ms if said else None
        renewable = code in TOKEN_CODES and not isinstance(self._token, str)
        final = (code in DO_NOT_RETURN or (said is not None and said.retry_after_ms is None)) and not renewable
        return _Ending(said.code if said else code, said.words if said else words, retry_after_ms, final=final)

    async def _say_hello(self, socket: ClientConnection, token: str) -> int:
        id = self._new_id()
        rooms = []
        for room, followed in self._rooms.items():
            if followed.settled:
                followed.asked[id] = followed.cursor
                rooms.append(commands.Resume(room=room, position=followed.cursor))
        hello = commands.Hello(id=id, token=token, languages=self.languages, rooms=tuple(rooms), name=self.name)
        await socket.send(_encode(hello))
        return id

    def _begin(self, socket: ClientConnection) -> None:
        """Commands may go out from now on."""
        self._socket = socket
        self._counts["connected"] += 1
        self._ready.set()

    def _unready(self) -> None:
        if self._fate is None:  # whoever waits for a closed client must wake up and hear of it
            self._ready.clear()

    def _end(self, fate: BaseException) -> None:
        if self._fate is None:
            self._fate = fate
            self._inbox.end()
            self._ready.set()

    # -- one frame -----------------------------------------------------------------------------------------------------

    def _receive(self, data: str | bytes, hello_id: int) -> None:
        """Sync on purpose: between a frame and its consequences nothing else runs."""
        self._counts["frames"] += 1
        plain = self._unpack(data)
        try:
            frame = msgspec.convert(plain, Frame)
        except msgspec.ValidationError as unlike:
            self._receive_unlike(plain, unlike)
            return
        match frame:
            case EntryFrame():
                self._arrive(frame.room, Position(frame.epoch, frame.seq), frame.at_ms, frame.event)
            case RoomFrame():
                self._follow(frame)
                if frame.re != hello_id:
                    self._answer(frame.re, frame)
            case GapFrame():
                self._gap(frame)
            case Welcome():
                self._welcomed(frame, hello_id)
            case ErrorFrame(re=re) if re == hello_id:
                renewable = frame.code in TOKEN_ERRORS and not isinstance(self._token, str)
                final = not (frame.retryable or renewable)
                raise _Ending(1008, f"{frame.code}: {frame.words}", frame.retry_after_ms, final=final)
            case ErrorFrame(re=None):
                self._counts["errors_without_id"] += 1
            case Ack() | ErrorFrame() | Page() | Pong():
                self._answer(frame.re or 0, frame)
            case People(re=None) | TypingFrame():
                if len(self._inbox) < self._inbox.items_max // 2:
                    self._inbox.offer(frame)
                else:
                    self._counts["shed"] += 1  # who is here and who types is stale in a moment: first to go
            case People():
                self._answer(frame.re or 0, frame)
            case Closing():
                self._closing = frame
            case _:
                assert_never(frame)

    def _unpack(self, data: str | bytes) -> dict[str, Any]:
        try:
            if isinstance(data, str):
                raise ValueError("text on a binary subprotocol")
            plain = msgpack.unpackb(data, raw=False, strict_map_key=True)
            if not isinstance(plain, dict):
                raise ValueError(f"a {type(plain).__name__} instead of a map")
        except (ValueError, msgpack.UnpackException) as broken:
            raise self._malformed(str(broken)) from None
        return plain

    def _receive_unlike(self, plain: dict[str, Any], unlike: msgspec.ValidationError) -> None:
        """A frame that is not of our version. Newer kinds are passed over; a known kind that is wrong is a fault."""
        kind = plain.get("type")
        if kind == "entry":
            try:
                entry = msgspec.convert({**plain, "event": {"type": "left", "user": "x", "by": "x"}}, EntryFrame)
            except msgspec.ValidationError:
                raise self._malformed(str(unlike)) from None
            self._arrive(entry.room, Position(entry.epoch, entry.seq), entry.at_ms, None)
        elif kind == "error" and isinstance(plain.get("re"), int) and str(plain.get("code")) not in set(ErrorCode):
            code = str(plain["code"])
            known = {**plain, "code": ErrorCode.MALFORMED.value, "words": f"{code}: {plain.get('words')}"}
            self._answer(plain["re"], msgspec.convert(known, ErrorFrame))
        elif kind in _KINDS:
            raise self._malformed(str(unlike))
        else:
            self._counts["unknown_frames"] += 1

    def _malformed(self, words: str) -> _Ending:
        self._counts["malformed_frames"] += 1
        return _Ending(1002, f"a frame that cannot be read: {words}"[:300])

    def _answer(self, re: int, answer: Answer) -> None:
        answered = self._waiting.get(re)
        if answered is None or answered.done():
            self._counts["late_answers"] += 1  # its command gave up waiting
            return
        answered.set_result(answer)

    def _welcomed(self, frame: Welcome, hello_id: int) -> None:
        if frame.re != hello_id:
            raise self._malformed("a welcome to another hello")
        self.welcome = frame
        self._inbox.notice(Connected(frame.user, frame.name, frame.session, frame.server))
        for refused in frame.refused:
            if refused.code is ErrorCode.UNAVAILABLE:
                if refused.room not in self._rejoining:
                    self._rejoining[refused.room] = asyncio.create_task(self._rejoin(refused.room))
            else:
                self._rooms.pop(refused.room, None)
                self._inbox.notice(RoomLost(refused.room, refused.code, refused.words))

    async def _rejoin(self, room: str) -> None:
        """The log could not be reached at hello. Ask until it can, or the connection's end makes it moot."""
        try:
            await self.join(room)
        except Unanswered:
            self._drop("a room could not be followed again")
        except Refused as refused:
            self._rooms.pop(room, None)
            self._inbox.notice(RoomLost(room, refused.code, refused.words))
        except Closed:
            pass
        finally:
            del self._rejoining[room]

    def _drop(self, words: str) -> None:
        """Cut the connection of this moment; the next hello asks for everything again."""
        if self._socket is not None:
            self._counts["dropped"] += 1
            self._socket.transport.abort()

    # -- one room ------------------------------------------------------------------------------------------------------

    def _arrive(self, room: str, position: Position, at_ms: int, event: Event | None) -> None:
        followed = self._rooms.get(room)
        if followed is None:
            self._counts["unasked"] += 1  # left a moment ago
            return
        cursor = followed.cursor
        if cursor is not None and cursor.epoch == position.epoch and position.seq <= cursor.seq:
            if isinstance(event, Translated) and (key := (room, event.of, event.language)) in self._wanted:
                self._wanted[key] = event
            else:
                self._counts["doubled"] += 1
            return
        if cursor is not None and cursor.epoch != position.epoch:
            self._counts["unannounced_epochs"] += 1
            self._inbox.notice(Missed(room, cursor, position, -1))
        item = Unreadable(room, position, at_ms) if event is None else Arrived(room, position, at_ms, event)
        if not self._inbox.offer(item):
            self._counts["overflowed"] += 1
            raise _Ending(1000, f"the program is more than {self._inbox.items_max} items behind")
        self._counts["entries" if event is not None else "unreadable"] += 1
        followed.cursor = position

    def _follow(self, frame: RoomFrame) -> None:
        """Delivery of a room begins: settle the cursor, and say what will not come."""
        followed = self._rooms.get(frame.room)
        if followed is None or frame.re not in followed.asked:
            self._counts["unasked"] += 1
            return
        asked = followed.asked.pop(frame.re)
        followed.settled = True
        followed.cursor = followed.cursor or asked or frame.head
        if asked is None:
            return
        if frame.recovered and asked.epoch == frame.head.epoch:
            self._counts["recovered"] += 1
            self._inbox.notice(Recovered(frame.room, asked, frame.head))
            return
        if asked.epoch == frame.head.epoch and frame.missed >= 0:
            self._skip(followed, frame.room, Position(asked.epoch, asked.seq + frame.missed), frame.missed)
        else:
            self._skip(followed, frame.room, frame.head, -1)

    def _gap(self, frame: GapFrame) -> None:
        followed = self._rooms.get(frame.room)
        if followed is not None:
            self._skip(followed, frame.room, frame.head, frame.missed)

    def _skip(self, followed: _Followed, room: str, start: Position, missed: int) -> None:
        """Delivery goes on behind `start`. Where nobody can tell how much is missing, our cursor means nothing."""
        cursor = followed.cursor
        if missed >= 0 and cursor is not None and cursor.epoch == start.epoch and cursor.seq >= start.seq:
            return  # live entries already came from behind the hole
        self._counts["missed"] += 1
        self._inbox.notice(Missed(room, cursor, start, missed))
        followed.cursor = start


_KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in Frame.__args__)


def _encode(command: commands.Command) -> bytes:
    packed: bytes = msgpack.packb(msgspec.to_builtins(command))
    return packed


def _placed(ack: Ack) -> Position:
    if ack.position is None:
        raise TypeError("the server acknowledged an entry without its position")
    return ack.position


def new_once_key() -> str:
    """A key for one intent. 96 random bits: two members never choose the same."""
    return secrets.token_hex(12)


# -- guests -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entered:
    """What an invitation gave: whom we are, and where to go."""

    url: str
    token: str
    user: str
    room: str


async def enter(invite_url: str, name: str, languages: Sequence[str] = ("en",)) -> Entered:
    """Walk in as a guest: `invite_url` is what the host shares. Raises Refused when the invitation is not valid."""
    parts = urlsplit(invite_url)
    code = (parts.fragment or parts.query or parts.path).rstrip("/").rpartition("/")[2].rpartition("=")[2]
    body = {"invite": code, "name": name, "languages": list(languages)}
    given = await asyncio.to_thread(_post_json, f"{parts.scheme}://{parts.netloc}/api/v1/enter", body)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return Entered(f"{scheme}://{parts.netloc}/ws", given["token"], given["user"], given["room"])


def _post_json(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = Request(url, dumps(body).encode(), {"Content-Type": "application/json"}, method="POST")
    try:
        with urlopen(request, timeout=ENTER_WITHIN_S) as response:
            given: dict[str, Any] = loads(response.read())
            return given
    except HTTPError as refused:
        with refused:
            try:
                said = loads(refused.read())
            except ValueError:
                said = {}
        problem = said if isinstance(said, dict) else {}
        code, words = problem.get("code", refused.code), problem.get("words", refused.reason)
        retry_after_ms = problem.get("retry_after_ms")
        raise Refused(str(code), str(words), bool(problem.get("retryable")), retry_after_ms) from None
