"""RoomFeed over Redis pub/sub, on a connection of its own.

Invariant: whoever follows a room either receives what is published to it, in order, or a Gap. A subscription counts
when the engine has acknowledged it. A lost connection is made again for ever, with jittered pauses; everything
followed is subscribed again, and only when all of it is acknowledged comes the Gap. What arrives before that Gap is
left out: the log has it, and a reader that fills the gap at once cannot miss what comes after.

Why not redis-py's PubSub: it subscribes again silently after a reconnect, so nobody learns that something was lost,
and a message costs it 7.6 us instead of 0.45 (measured).

A publication is `epoch:seq:at_ms:audience`, a newline, the body; or `~` and a whisper. An epoch is hexadecimal,
so the two cannot be confused.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final, Self

from chat.adapters.backlog import BACKLOG_ITEMS_MAX, Backlog
from chat.adapters.keepers import Keepers
from chat.adapters.redis_address import Address
from chat.adapters.redis_feed_wire import FeedWire, WireLost, connect
from chat.adapters.redis_keys import Keys
from chat.adapters.redis_log import read_entry
from chat.adapters.subscriptions import Followers, Unacknowledged
from chat.errors import Unavailable
from chat.events import Entry
from chat.ports import FeedItem, Gap, Whisper

WHISPER: Final = b"~"
RETRY_MIN_S: Final = 0.05
RETRY_MAX_S: Final = 2.0
SUBSCRIBE_AT_ONCE: Final = 500
"""Channels in one SUBSCRIBE after a reconnect."""


def read_publication(room: str, payload: bytes) -> Entry | Whisper:
    """What came on the channel of `room`. Raises ValueError."""
    if payload.startswith(WHISPER):
        return Whisper(room, payload[1:])
    header, _, body = payload.partition(b"\n")
    return read_entry(room, header, body)


class RedisFeed:
    """An async context manager; it connects in the background, so a process may start while Redis is away."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "dqc:",
        sharded: bool = False,
        backlog_items_max: int = BACKLOG_ITEMS_MAX,
        follow_within_s: float = 5.0,
        connect_within_s: float = 2.0,
        ping_interval_s: float = 5.0,
        answer_within_s: float = 5.0,
        retry_max_s: float = RETRY_MAX_S,
        jitter: Callable[[], float] = random.random,
        on_trouble: Callable[[], None] | None = None,
    ) -> None:
        self._address = Address.parse(url)
        self._keys = Keys(prefix)
        self._subscribe, self._unsubscribe, self._publish, self._message = (
            ("SSUBSCRIBE", "SUNSUBSCRIBE", "SPUBLISH", b"smessage")
            if sharded
            else ("SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH", b"message")
        )
        self._acknowledgement = self._subscribe.lower().encode()
        self._backlog = Backlog(backlog_items_max)
        self._connect_within_s = connect_within_s
        self._ping_interval_s = ping_interval_s
        self._answer_within_s = answer_within_s
        self._retry_max_s = retry_max_s
        self._jitter = jitter
        self._on_trouble = on_trouble

        self._wire: FeedWire | None = None
        self._rooms: dict[bytes, str] = {}
        """Channel -> room, of all rooms that are wanted."""
        self._in_force: set[bytes] = set()
        self._unacknowledged = Unacknowledged()
        """On this wire."""
        self._followers = Followers(follow_within_s, "the engine", self._left)
        self._gap_owed: str | None = None
        self._keepers = Keepers()
        self._counts = {"received": 0, "whispers": 0, "unreadable": 0, "connects": 0, "gaps": 0}

    async def __aenter__(self) -> Self:
        await self._keepers.open()
        self._keepers.start(self._keep_connected(), "redis feed")
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        await self._keepers.close(error)

    async def follow(self, room: str) -> None:
        channel = self._keys.channel(room).encode()
        if channel in self._in_force:
            return
        wanted_already = channel in self._rooms
        self._rooms[channel] = room
        if not wanted_already and self._wire is not None:
            self._ask(self._wire, [channel])
        await self._followers.wait(channel)

    async def unfollow(self, room: str) -> None:
        channel = self._keys.channel(room).encode()
        self._forget(channel)
        self._followers.unfollowed(channel)

    async def whisper(self, room: str, payload: bytes) -> None:
        if self._wire is None:
            raise Unavailable("the feed is not connected")
        try:
            self._wire.tell(self._publish, self._keys.channel(room), WHISPER + payload)
        except WireLost as lost:
            raise Unavailable(str(lost)) from lost

    def items(self) -> AsyncGenerator[FeedItem, None]:
        return self._backlog.items()

    @property
    def is_connected(self) -> bool:
        return self._wire is not None and self._gap_owed is None

    def statistics(self) -> dict[str, int]:
        return {
            **self._counts,
            "followed": len(self._in_force),
            "backlog": len(self._backlog),
            "dropped": self._backlog.dropped,
        }

    async def _keep_connected(self) -> None:
        pause_s = RETRY_MIN_S
        while True:
            try:
                wire = await connect(
                    self._address,
                    connect_within_s=self._connect_within_s,
                    answer_within_s=self._answer_within_s,
                    on_push=self._receive,
                )
            except WireLost:
                self._tell_trouble()
                await asyncio.sleep(pause_s * (0.5 + self._jitter() / 2))
                pause_s = min(pause_s * 2, self._retry_max_s)
                continue
            pause_s = RETRY_MIN_S
            self._counts["connects"] += 1
            try:
                why = await self._serve(wire)
            finally:
                wire.abort("this process is shutting down")
                self._wire = None
                self._in_force.clear()
                self._unacknowledged.clear()
            self._gap_owed = why
            self._tell_trouble()

    async def _serve(self, wire: FeedWire) -> str:
        """Returns why the wire was lost."""
        self._wire = wire
        channels = list(self._rooms)
        for start in range(0, len(channels), SUBSCRIBE_AT_ONCE):
            self._ask(wire, channels[start : start + SUBSCRIBE_AT_ONCE])
        self._pay_gap()
        while not wire.gone.done():
            await asyncio.wait({wire.gone}, timeout=self._ping_interval_s)
            if not wire.gone.done():
                wire.tell("PING")  # unanswered in time, it loses the wire
        return wire.gone.result()

    def _ask(self, wire: FeedWire, channels: list[bytes]) -> None:
        try:
            # SUBSCRIBE is answered by pushes, one for each channel; its error alone comes as an answer.
            wire.send_only(self._subscribe, *channels)
        except WireLost:
            return  # the keeper sees it too, and subscribes again
        self._unacknowledged.sent(channels)

    def _left(self, channel: bytes) -> None:
        if channel not in self._in_force:
            self._forget(channel)

    def _forget(self, channel: bytes) -> None:
        if self._rooms.pop(channel, None) is None:
            return
        self._in_force.discard(channel)
        if self._wire is not None and not self._wire.is_lost:
            self._wire.send_only(self._unsubscribe, channel)
            self._pay_gap()

    def _receive(self, push: list[Any]) -> None:
        kind = push[0]
        if kind == self._message:
            room = self._rooms.get(push[1])
            if room is None or self._gap_owed is not None:
                return
            self._offer(room, push[2])
        elif kind == self._acknowledgement:
            self._acknowledge(push[1])

    def _offer(self, room: str, payload: bytes) -> None:
        try:
            item = read_publication(room, payload)
        except ValueError:  # not one of ours; whoever else publishes here must not deafen us
            self._counts["unreadable"] += 1
            return
        self._counts["whispers" if isinstance(item, Whisper) else "received"] += 1
        self._backlog.offer(item)

    def _acknowledge(self, channel: bytes) -> None:
        if self._unacknowledged.acknowledged(channel) and channel in self._rooms:
            self._in_force.add(channel)
            self._pay_gap()
            self._followers.in_force(channel)

    def _pay_gap(self) -> None:
        if self._gap_owed is not None and len(self._in_force) == len(self._rooms):
            self._counts["gaps"] += 1
            self._backlog.offer(Gap(self._gap_owed))
            self._gap_owed = None

    def _tell_trouble(self) -> None:
        if self._on_trouble is not None:
            self._on_trouble()
