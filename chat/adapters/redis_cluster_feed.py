"""RoomFeed over sharded pub/sub of a cluster: one connection to each primary, each room on the one that has its slot.

Invariant: whoever follows a room receives what is published to it, in order and only once replicas have it too, or a
Gap that names the room. The first half is that of `redis_feed`; the second keeps readers from seeing what a promoted
replica has never heard of (`redis_cluster` says why). Entries wait here, at the end of their way, while WAIT runs on
the connection that brought them: so storing and publishing stay one step. A primary publishes an entry before it
carries out the WAIT that we send when it has arrived; what the replicas confirm then includes it.

A lost node concerns its own rooms only. They are subscribed again where the map says that their slot is now, and when
all that one connection owes is in force, one Gap names them; what comes before that Gap is left out, the log has it.
The cluster moves a slot: the old primary says `sunsubscribe`, unasked. A primary is demoted: ROLE, asked in place of
PING, says so.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from functools import partial
from itertools import groupby
from typing import Any, Final, Self

from chat.adapters.backlog import BACKLOG_ITEMS_MAX, Backlog
from chat.adapters.keepers import Keepers
from chat.adapters.redis_address import Address, ClusterAddress, Node
from chat.adapters.redis_feed import RETRY_MIN_S, SUBSCRIBE_AT_ONCE, WHISPER, read_publication
from chat.adapters.redis_feed_wire import FeedWire, WireLost, connect
from chat.adapters.redis_keys import Keys
from chat.adapters.redis_slots import slot_of
from chat.adapters.redis_topology import Topology
from chat.adapters.subscriptions import Followers, Unacknowledged
from chat.errors import Unavailable
from chat.events import Entry
from chat.ports import FeedItem, Gap, Whisper

RETRY_MAX_S: Final = 0.5
"""A node that is away may be back, or its slots elsewhere, within a second or two."""


class ClusterFeed:
    """An async context manager; it connects in the background, so a process may start while the cluster is away."""

    def __init__(
        self,
        address: ClusterAddress,
        topology: Topology,
        *,
        prefix: str = "dqc:",
        backlog_items_max: int = BACKLOG_ITEMS_MAX,
        follow_within_s: float = 5.0,
        connect_within_s: float = 2.0,
        ping_interval_s: float = 1.0,
        answer_within_s: float = 2.5,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.address = address
        self.topology = topology
        self.connect_within_s = connect_within_s
        self.ping_interval_s = ping_interval_s
        self.answer_within_s = answer_within_s
        self.held_max = backlog_items_max
        self.jitter = jitter
        self.backlog = Backlog(backlog_items_max)
        self.rooms: dict[bytes, str] = {}
        """Channel -> room, of all rooms that are wanted."""
        self.counts = {"received": 0, "whispers": 0, "unreadable": 0, "connects": 0, "gaps": 0, "unconfirmed": 0}
        self._keys = Keys(prefix)
        self._links: dict[Node, _Link] = {}
        self._placed: dict[bytes, _Link] = {}
        self._followers = Followers(follow_within_s, "the cluster", self._left)
        self._keepers = Keepers()

    async def __aenter__(self) -> Self:
        await self._keepers.open()
        self.topology.tell(self._rearrange)
        self._rearrange()
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        await self._keepers.close(error)

    async def follow(self, room: str) -> None:
        channel = self.channel(room)
        placed = self._placed.get(channel)
        if placed is not None and channel in placed.in_force:
            return
        self.rooms[channel] = room
        if placed is None:
            self._place(channel)
        await self._followers.wait(channel)

    async def unfollow(self, room: str) -> None:
        channel = self.channel(room)
        self._forget(channel)
        self._followers.unfollowed(channel)

    async def whisper(self, room: str, payload: bytes) -> None:
        channel = self._keys.channel(room)
        owner = self.topology.owner(slot_of(channel))
        link = None if owner is None else self._links.get(owner)
        if link is None or link.wire is None:
            raise Unavailable("the feed is not connected to the node of this room")
        try:
            link.wire.tell("SPUBLISH", channel, WHISPER + payload)
        except WireLost as lost:
            raise Unavailable(str(lost)) from lost

    def items(self) -> AsyncGenerator[FeedItem, None]:
        return self.backlog.items()

    @property
    def is_connected(self) -> bool:
        return bool(self._links) and all(link.wire is not None and not link.owed for link in self._links.values())

    def statistics(self) -> dict[str, int]:
        return {
            **self.counts,
            "followed": sum(len(link.in_force) for link in self._links.values()),
            "nodes": sum(link.wire is not None for link in self._links.values()),
            "backlog": len(self.backlog),
            "dropped": self.backlog.dropped,
        }

    def channel(self, room: str) -> bytes:
        return self._keys.channel(room).encode()

    def in_force(self, channel: bytes) -> None:
        """A link says: from now on it arrives."""
        self._followers.in_force(channel)

    def _rearrange(self) -> None:
        """The map may have changed: a link for each primary, each room on the link of its owner."""
        if not self._keepers.is_open:
            return
        primaries = self.topology.primaries
        for node in primaries:
            if node not in self._links:
                link = self._links[node] = _Link(self, node)
                link.keeper = self._keepers.start(link.keep(), f"redis feed of {node}")
        for channel in self.rooms:
            self._place(channel)
        for node in [node for node in self._links if node not in primaries]:
            self._links.pop(node).retire()

    def _place(self, channel: bytes) -> None:
        owner = self.topology.owner(slot_of(channel))
        link = None if owner is None else self._links.get(owner)
        before = self._placed.get(channel)
        if link is None:
            return
        if link is before:
            link.check(channel)
            return
        owed = before is not None and before.drop(channel)
        self._placed[channel] = link
        if owed:
            link.owed.add(channel)
        link.want(channel)

    def _left(self, channel: bytes) -> None:
        placed = self._placed.get(channel)
        if placed is None or channel not in placed.in_force | placed.owed:
            self._forget(channel)

    def _forget(self, channel: bytes) -> None:
        self.rooms.pop(channel, None)
        link = self._placed.pop(channel, None)
        if link is not None:
            link.drop(channel)


class _Link:
    """What a feed has to do with one primary."""

    def __init__(self, feed: ClusterFeed, node: Node) -> None:
        self._feed = feed
        self._node = node
        self._address = Address.parse(feed.address.url(node))
        self.wire: FeedWire | None = None
        self.keeper: asyncio.Task[None] | None = None
        self.channels: set[bytes] = set()
        self.in_force: set[bytes] = set()
        self.owed: set[bytes] = set()
        """Rooms that have missed something and have not been told. What arrives for them is left out."""
        self._why = f"the connection to {node} was lost"
        self._unacknowledged = Unacknowledged()
        """On this wire."""
        self._held: list[Entry] = []
        self._confirming: list[Entry] = []

    async def keep(self) -> None:
        feed = self._feed
        pause_s = RETRY_MIN_S
        while True:
            try:
                wire = await connect(
                    self._address,
                    connect_within_s=feed.connect_within_s,
                    answer_within_s=feed.answer_within_s,
                    on_push=self._receive,
                )
            except WireLost:
                pause_s = min(pause_s * 2, RETRY_MAX_S)
            else:
                pause_s = RETRY_MIN_S
                feed.counts["connects"] += 1
                try:
                    self._why = await self._serve(wire)
                finally:
                    wire.abort("it is not wanted any more")
                    self._lose()
            feed.topology.doubt()
            await asyncio.sleep(pause_s * (0.5 + feed.jitter() / 2))

    def retire(self) -> None:
        if self.keeper is not None:
            self.keeper.cancel()

    def want(self, channel: bytes) -> None:
        self.channels.add(channel)
        if self.wire is not None:
            self._subscribe([channel])

    def check(self, channel: bytes) -> None:
        """Nodes have been asked, and the room is still here: if it was taken for moved, it has come back."""
        if channel not in self.in_force and channel not in self._unacknowledged:
            self.want(channel)

    def drop(self, channel: bytes) -> bool:
        """True when its followers are owed a Gap."""
        self.channels.discard(channel)
        owed = channel in self.owed or channel in self.in_force
        subscribed = channel in self.in_force or channel in self._unacknowledged
        self.in_force.discard(channel)
        self.owed.discard(channel)
        if self.wire is not None and not self.wire.is_lost:
            if subscribed:  # a node that gave the room away would refuse
                self.wire.send_only("SUNSUBSCRIBE", channel)
            self._pay()
        return owed

    async def _serve(self, wire: FeedWire) -> str:
        """Returns why the wire was lost."""
        self.wire = wire
        self._subscribe(list(self.channels))
        while not wire.gone.done():
            await asyncio.wait({wire.gone}, timeout=self._feed.ping_interval_s)
            if not wire.gone.done():
                wire.send("ROLE").add_done_callback(partial(self._told_role, wire))
        return wire.gone.result()

    def _told_role(self, wire: FeedWire, answer: asyncio.Future[Any]) -> None:
        if answer.exception() is None and not (isinstance(role := answer.result(), list) and role[0] == b"master"):
            wire.abort(f"{self._node} is no primary any more")

    def _lose(self) -> None:
        self.wire = None
        self.owed |= self.in_force
        self.in_force.clear()
        self._unacknowledged.clear()
        self._held.clear()
        self._confirming.clear()

    def _subscribe(self, channels: list[bytes]) -> None:
        assert self.wire is not None
        for _, group in groupby(sorted(channels, key=slot_of), slot_of):  # one slot for each command
            together = list(group)
            for start in range(0, len(together), SUBSCRIBE_AT_ONCE):
                asked = together[start : start + SUBSCRIBE_AT_ONCE]
                try:
                    # Answered by pushes; a refusal (the slot is elsewhere) comes as an answer that nobody waits for,
                    # and loses the wire: rare, and the Gap that follows is the truth.
                    self.wire.send_only("SSUBSCRIBE", *asked)
                except WireLost:
                    return  # the keeper sees it too, and subscribes again
                self._unacknowledged.sent(asked)

    def _receive(self, push: list[Any]) -> None:
        kind, channel = push[0], push[1]
        if kind == b"smessage":
            if channel in self.in_force and channel not in self.owed:
                self._arrive(self._feed.rooms[channel], push[2])
        elif kind == b"ssubscribe":
            self._acknowledge(channel)
        elif kind == b"sunsubscribe" and channel in self.in_force:  # not by us: the slot has moved
            self.in_force.discard(channel)
            self.owed.add(channel)
            self._why = f"{self._node} has given the room away"
            self._feed.topology.doubt()

    def _arrive(self, room: str, payload: bytes) -> None:
        feed = self._feed
        try:
            item = read_publication(room, payload)
        except ValueError:  # not one of ours; whoever else publishes here must not deafen us
            feed.counts["unreadable"] += 1
            return
        if isinstance(item, Whisper):
            feed.counts["whispers"] += 1
            feed.backlog.offer(item)
            return
        if feed.topology.replicas == 0:
            self._offer([item])
            return
        self._held.append(item)
        if len(self._held) + len(self._confirming) > feed.held_max and self.wire is not None:
            self.wire.abort("the replicas were too slow, what waited for them was dropped")
        elif not self._confirming:
            self._confirm()

    def _confirm(self) -> None:
        """Ask once for all that has arrived. While that is under way, the next ones gather."""
        wire = self.wire
        if wire is None or wire.is_lost:
            return
        self._confirming += self._held
        self._held.clear()
        try:
            confirmation = self._feed.topology.confirmation(self._node)
            if confirmation is None:
                self._confirmed()
                return
            wire.tell(*confirmation.mark)
            answer = wire.send("WAIT", confirmation.replicas, confirmation.within_ms)
        except (WireLost, Unavailable) as lost:
            wire.abort(str(lost))
            return
        answer.add_done_callback(partial(self._told_confirmed, wire, confirmation.replicas))

    def _told_confirmed(self, wire: FeedWire, replicas: int, answer: asyncio.Future[Any]) -> None:
        if wire is not self.wire or answer.cancelled() or answer.exception() is not None:
            return
        confirmed = answer.result()
        if not isinstance(confirmed, int):
            wire.abort(f"{self._node} cannot ask replicas: {confirmed}")
        elif confirmed < replicas:
            self._feed.counts["unconfirmed"] += 1
            self._confirm()
        else:
            self._confirmed()

    def _confirmed(self) -> None:
        entries, self._confirming = self._confirming, []
        self._offer([entry for entry in entries if self._is_wanted(entry.room)])
        if self._held:
            self._confirm()

    def _is_wanted(self, room: str) -> bool:
        """Not what waited when its room was left, or lost."""
        channel = self._feed.channel(room)
        return channel in self.in_force and channel not in self.owed

    def _offer(self, entries: list[Entry]) -> None:
        self._feed.counts["received"] += len(entries)
        for entry in entries:
            self._feed.backlog.offer(entry)

    def _acknowledge(self, channel: bytes) -> None:
        if self._unacknowledged.acknowledged(channel) and channel in self.channels:
            self.in_force.add(channel)
            self._pay()
            self._feed.in_force(channel)

    def _pay(self) -> None:
        if self.owed and self.owed <= self.in_force:
            self._feed.counts["gaps"] += 1
            rooms = frozenset(self._feed.rooms[channel] for channel in self.owed)
            self.owed.clear()
            self._feed.backlog.offer(Gap(self._why, rooms))
