"""From the log to the hub: every entry of every followed room, once, in order, whatever happens to the feed.

The feed is at most once; the log is the truth. Per room the relay keeps the seq it has delivered. The next seq is
delivered at once, an old one is dropped, anything else (a hole, a Gap, another epoch) makes the relay read the log
from where it stands, while live entries of that room wait. Seqs of recalled messages stay unused, so after a read
the log's word is final: what it did not return does not exist.

No silent ear: `run` ends only by cancellation or by raising, and the process ends with it.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final, assert_never, get_args

import msgspec
import structlog

from chat.errors import Malformed, Unavailable
from chat.events import (
    NOBODY,
    CeremonyClosed,
    CeremonyConsented,
    CeremonyOpened,
    Entry,
    Event,
    Left,
    NameVoted,
    ProposalHidden,
    RoomChanged,
)
from chat.frames import TypingFrame
from chat.ids import Position
from chat.ports import Gap, RoomFeed, RoomLog, RoomSettings, Whisper
from chat.wire import Codec, decode_event, decode_frame, encode_frame, readable_event
from gateway.hub import Hub
from gateway.live import OfLive

PAGE: Final = 500
WAITING_MAX: Final = 10_000
PEOPLE_CHANGED: Final = b"people"
"""A whisper between gateways: the reports of who is here have changed."""
_LEFT: Final = b"\xa4type\xa4left"
_ROOM_CHANGED: Final = b"\xa4type\xacroom_changed"
"""Tags as they stand at the start of a body: of these kinds delivery itself must know."""
_OF_CEREMONIES: Final = (
    b"\xa4type\xafceremony_opened",
    b"\xa4type\xb2ceremony_consented",
    b"\xa4type\xafceremony_closed",
    b"\xa4type\xafproposal_hidden",
)
_OF_LIVE: Final = tuple(
    b"\xa4type" + msgspec.msgpack.encode(each.__struct_config__.tag)  # a str for every event
    for each in get_args(OfLive)
)
_OBSERVED: Final = _OF_CEREMONIES + _OF_LIVE
OfCeremonies = CeremonyOpened | CeremonyConsented | CeremonyClosed | ProposalHidden | NameVoted

log = structlog.get_logger("relay")


class Following:
    """One room's place in the log, as delivered to this process."""

    __slots__ = ("again", "epoch", "filling", "known", "moved", "seq", "users", "waiting")

    def __init__(self) -> None:
        self.users = 0
        self.epoch = ""
        self.seq = 0
        self.known = False
        """False until the head was read; until then live entries wait."""
        self.filling = False
        self.again = False
        self.waiting: list[Entry] = []
        self.moved: asyncio.Event | None = None
        """Made by who waits for `seq` to move, set at the next move."""


class Relay:
    """One per process. `follow` and `unfollow` count users per room."""

    def __init__(
        self,
        room_log: RoomLog,
        feed: RoomFeed,
        hub: Hub,
        *,
        on_people: Callable[[str], None],
        on_left: Callable[[Entry, Left], None],
        on_new_life: Callable[[str], None],
        on_reply: Callable[[bytes], None],
        on_ceremony: Callable[[Entry, OfCeremonies], None] = lambda entry, event: None,
        on_live: Callable[[Entry, OfLive], None] = lambda entry, event: None,
        own_name: str,
        deliver: Callable[[Entry], int] | None = None,
    ) -> None:
        """`deliver` in place of `hub.deliver`, for who wants to see what passes."""
        self._log = room_log
        self._feed = feed
        self._hub = hub
        self._hand_over = deliver or hub.deliver
        self._on_people = on_people
        self._on_left = on_left
        self._on_new_life = on_new_life
        self._on_reply = on_reply
        self._on_ceremony = on_ceremony
        self._on_live = on_live
        self._own_name = own_name
        self._rooms: dict[str, Following] = {}
        self._starting: dict[str, asyncio.Future[None]] = {}
        self._changing = asyncio.Lock()
        """Orders what is asked of the feed: an `unfollow` overtaken by a new `follow` must not unsubscribe it."""
        self._tasks: asyncio.TaskGroup | None = None
        self.delivered = 0
        self.gaps = 0
        self.refilled = 0

    # -- what the gateway asks -------------------------------------------------------------------------------------

    async def follow(self, room: str) -> Position:
        """Deliver this room to the hub from now on; returns the head at which delivery starts (or where it stands).
        Every successful call is to be paired with one `unfollow`. Raises Unavailable."""
        following = self._rooms.get(room)
        if following is None:
            following = self._rooms[room] = Following()  # reserved before the first await: racing joins share it
            following.users = 1
            starting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._starting[room] = starting
            try:
                await self._start(room, following)
            except BaseException as failed:
                self._rooms.pop(room, None)
                if not starting.done():
                    starting.set_exception(
                        failed if isinstance(failed, Unavailable) else Unavailable("the room could not be followed")
                    )
                    starting.exception()  # seen, even when nobody else was waiting
                raise
            finally:
                self._starting.pop(room, None)
            starting.set_result(None)
        else:
            following.users += 1
            starting_now = self._starting.get(room)
            if starting_now is not None:
                try:
                    await asyncio.shield(starting_now)
                except BaseException:
                    following.users -= 1
                    raise
        return Position(following.epoch, following.seq)

    async def unfollow(self, room: str) -> None:
        following = self._rooms.get(room)
        if following is None:
            return
        following.users -= 1
        if following.users <= 0:
            del self._rooms[room]
            try:
                async with self._changing:
                    if room not in self._rooms:
                        await self._feed.unfollow(room)
            except Unavailable:
                return  # the feed forgets its rooms when it reconnects; entries of rooms not followed are dropped

    def position(self, room: str) -> Position | None:
        following = self._rooms.get(room)
        return Position(following.epoch, following.seq) if following else None

    async def wait_at(self, room: str, seq: int) -> None:
        """Until this room has been delivered up to `seq`."""
        while (following := self._rooms.get(room)) is not None and following.seq < seq:
            if following.moved is None:
                following.moved = asyncio.Event()
            await following.moved.wait()

    # -- the loop --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._hear_replies())
            async for item in self._feed.items():
                match item:
                    case Entry():
                        self._arrived(item)
                    case Whisper():
                        self._whispered(item)
                    case Gap():
                        self.gaps += 1
                        concerned = len(self._rooms if item.rooms is None else item.rooms)
                        log.warning("feed was away, reading the log", why=item.why, rooms=concerned)
                        for room, following in self._rooms.items():
                            if following.known and item.concerns(room):
                                self._refill(room, following)
                    case _:
                        assert_never(item)

    async def _hear_replies(self) -> None:
        """Follow our own name: answers that are meant for this process alone (previews) are whispered there."""
        while True:
            try:
                return await self._feed.follow(self._own_name)
            except Unavailable:
                await asyncio.sleep(1.0)

    async def _start(self, room: str, following: Following) -> None:
        async with self._changing:
            await self._feed.follow(room)
        state = await self._log.state(room)
        if self._rooms.get(room) is not following:
            raise Unavailable("the room was left while it was being followed")
        following.epoch, following.seq = (state.head.epoch, state.head.seq) if state else ("", 0)
        following.known = True
        waiting, following.waiting = following.waiting, []
        for entry in waiting:
            self._arrived(entry)

    def _arrived(self, entry: Entry) -> None:
        following = self._rooms.get(entry.room)
        if following is None:
            return
        if following.filling or not following.known:
            if len(following.waiting) < WAITING_MAX:
                following.waiting.append(entry)
            else:
                following.waiting.clear()
                following.again = True
        elif entry.epoch != following.epoch or entry.seq > following.seq + 1:
            following.waiting.append(entry)
            self._refill(entry.room, following)
        elif entry.seq == following.seq + 1:
            self._deliver(following, entry)

    def _deliver(self, following: Following, entry: Entry) -> None:
        following.seq = entry.seq
        self.delivered += 1
        self._hand_over(entry)
        if following.moved is not None:
            following.moved.set()
            following.moved = None
        if entry.audience == NOBODY or entry.body[1:].startswith(_OBSERVED):
            event: Event = readable_event(entry.body)
            if isinstance(event, OfCeremonies):
                self._on_ceremony(entry, event)
            elif isinstance(event, OfLive):
                self._on_live(entry, event)
        elif _LEFT in entry.body[:12]:
            left = decode_event(entry.body)
            if isinstance(left, Left):
                self._on_left(entry, left)
        elif _ROOM_CHANGED in entry.body[:20]:
            changed = decode_event(entry.body)
            here = self._hub.rooms.get(entry.room)
            if isinstance(changed, RoomChanged) and here is not None:
                here.configure(RoomSettings(changed.translation, changed.translation_budget_ms))

    def _whispered(self, whisper: Whisper) -> None:
        if whisper.room == self._own_name:
            self._on_reply(whisper.payload)
            return
        if whisper.payload == PEOPLE_CHANGED:
            self._on_people(whisper.room)
            return
        here = self._hub.rooms.get(whisper.room)
        if here is None:
            return
        try:
            frame = decode_frame(whisper.payload, Codec.MSGPACK)
        except Malformed:  # of another version, or not one of ours: a whisper is worth nothing later, nor an end now
            return
        if isinstance(frame, TypingFrame):
            here.whisper(lambda codec: encode_frame(frame, codec))

    # -- holes -----------------------------------------------------------------------------------------------------

    def _refill(self, room: str, following: Following) -> None:
        if following.filling:
            following.again = True
            return
        following.filling = True
        if self._tasks is None:
            raise RuntimeError("a relay delivers only while it runs")
        self._tasks.create_task(self._fill(room, following))

    async def _fill(self, room: str, following: Following) -> None:
        """Read the log from where we stand until it and the waiting live entries join without a hole."""
        pause_s = 0.05
        while self._rooms.get(room) is following:
            try:
                following.again = False
                await self._read_on(room, following)
            except Unavailable:
                await asyncio.sleep(pause_s * (0.5 + random.random()))
                pause_s = min(pause_s * 2, 2.0)
                continue
            if self._join_waiting(following):
                following.filling = False
                return

    async def _read_on(self, room: str, following: Following) -> None:
        state = await self._log.state(room)
        if state is not None and state.head.epoch != following.epoch:
            following.epoch, following.seq = state.head.epoch, state.head.seq
            self._on_new_life(room)
        while self._rooms.get(room) is following:
            page = await self._log.read_after(room, following.seq, PAGE)
            for entry in page:
                if entry.epoch == following.epoch and entry.seq > following.seq:
                    self.refilled += 1
                    self._deliver(following, entry)
            if len(page) < PAGE:
                return

    def _join_waiting(self, following: Following) -> bool:
        """Deliver the live entries that waited; False when they show that the log must be read again."""
        waiting, following.waiting = following.waiting, []
        if following.again:
            return False
        for at, entry in enumerate(waiting):
            if entry.epoch != following.epoch or entry.seq > following.seq + 1:
                following.waiting = waiting[at:]
                return False
            if entry.seq == following.seq + 1:
                self._deliver(following, entry)
        return True

    def statistics(self) -> dict[str, float]:
        return {
            "rooms_followed": len(self._rooms),
            "entries_delivered_total": self.delivered,
            "entries_refilled_total": self.refilled,
            "feed_gaps_total": self.gaps,
        }
