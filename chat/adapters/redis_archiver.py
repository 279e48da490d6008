"""Moves entries from the engine into the archive: copied, committed, and only then trimmed.

Invariant: whenever it is killed, and however many of them run, each entry is in the engine or in the archive. Copying
is idempotent by position; `trim.lua` takes from the engine only what was confirmed, and only if the room is still as it
was when it was read, so of several archivers one trims and the others look again. Nothing is locked or leased: the
floor of a room is the whole state.

How much stays: the newest `hot_entries` of each room; less of the rooms that have been quiet for longest, while the
engine uses more than `engine_bytes_max`. What is older than a room keeps is moved and then dropped, so that there is
one way out of the engine.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from chat.adapters.redis_archived import RedisArchived
from chat.adapters.redis_commands import Commands
from chat.adapters.redis_engine import Script
from chat.adapters.redis_log import read_entry
from chat.errors import Unavailable
from chat.events import Edited
from chat.ports import Archive, ArchivedEntry
from chat.wire import decode_event

BATCH: Final = 500
"""Entries of one copy and one trim. The engine serves nobody else while it trims: under a millisecond for these."""
SLACK: Final = BATCH
"""So many above what stays are let be: a move for each entry would cost a commit for each."""
HOT_FEWEST: Final = 100
"""What stays of quiet rooms under memory pressure, if that suffices: the page that a reader opens with."""
PRESSED_SHARE: Final = 0.85
"""Of `engine_bytes_max`: from here on rooms give up more. What comes until the next sweep still fits."""
EASED_SHARE: Final = 0.75
"""Until then it goes on, so that it does not begin again at once."""
ROOMS_AT_ONCE: Final = 200
DROPPED_AT_ONCE: Final = 1_000
DAY_MS: Final = 86_400_000

_TRIM = Script.resource("trim.lua")


@dataclass(frozen=True, slots=True)
class Keeping:
    """What stays in the engine, and what stays at all."""

    hot_entries: int
    engine_bytes_max: int = 0
    """0: no bound."""
    keep_days: int = 0
    """For rooms that do not say it themselves; 0: for ever."""


@dataclass(slots=True)
class _Room:
    id: str
    epoch: str
    floor: int
    head: int
    keep_days: int | None
    dropped: int
    purges: int


class RedisArchiver:
    def __init__(self, engine: Commands, archive: Archive, keeping: Keeping, *, now_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._keys = engine.keys
        self._archive = archive
        self._archived = RedisArchived(engine, archive)
        self._keeping = keeping
        self._now_ms = now_ms
        self._behind = 0
        self._counts = {"moved": 0, "forgotten": 0, "dropped": 0, "overtaken": 0, "pressed": 0}

    async def sweep(self) -> None:
        """Look at every room once: forget what was recalled, move what is no longer hot. Raises Unavailable."""
        rooms = await self._rooms()
        owed = {room.id: room.head - self._keeping.hot_entries - room.floor for room in rooms}
        self._behind = sum(entries for entries in owed.values() if entries >= SLACK)
        for room in rooms:
            if room.purges:
                self._counts["forgotten"] += await self._archived.purge(room.id, room.epoch)
            if owed[room.id] >= SLACK:
                await self.move(room.id, room.floor + owed[room.id])
        await self._ease()

    async def move(self, room: str, upto: int) -> None:
        """Until nothing up to this seq is in the engine. Raises Unavailable."""
        while await self._move_batch(room, upto):
            pass

    async def drop_old(self) -> None:
        """Remove what is older than its room keeps. Raises Unavailable."""
        for room in await self._rooms():
            days = self._keeping.keep_days if room.keep_days is None else room.keep_days
            if days:
                await self._drop_before(room, self._now_ms() - days * DAY_MS)

    def statistics(self) -> dict[str, int]:
        return dict(self._counts)

    def behind(self) -> int:
        """Entries that are to be moved and have not been, as of the last look at the rooms: the archive's lag. Small
        ones that are let be are not among them."""
        return self._behind

    async def _rooms(self) -> list[_Room]:
        """In another order each time: several archivers get less in each other's way."""
        names = [name.decode() for name in await self._engine.call("SMEMBERS", self._keys.rooms)]
        random.shuffle(names)
        found: list[_Room] = []
        for first in range(0, len(names), ROOMS_AT_ONCE):
            some = names[first : first + ROOMS_AT_ONCE]
            asked: list[tuple[str, ...]] = []
            for name in some:
                keys = self._keys.room(name)
                asked += [
                    ("HMGET", keys.meta, "epoch", "floor", "head", "keep_days", "dropped"),
                    ("SCARD", keys.purges),
                ]
            answers = await self._engine.call_all(asked)
            for name, meta, purges in zip(some, answers[::2], answers[1::2], strict=True):
                epoch, floor, head, keep_days, dropped = meta
                if epoch is not None:
                    days = None if keep_days is None else int(keep_days)
                    room = _Room(name, epoch.decode(), int(floor or 0), int(head or 0), days, int(dropped or 0), purges)
                    found.append(room)
        return found

    async def _move_batch(self, room: str, upto: int) -> bool:
        """Whether there may be more to move."""
        keys = self._keys.room(room)
        # The room's state first: a recall between the two is seen by the trim.
        (epoch, floor, recalls), stored = await self._engine.call_all(
            [
                ("HMGET", keys.meta, "epoch", "floor", "recalls"),
                ("XRANGE", keys.log, "-", f"{upto}-0", "COUNT", BATCH),
            ]
        )
        if epoch is None or int(floor or 0) >= upto:
            return False
        entries = [(fields[1].decode(), read_entry(room, fields[3], fields[5])) for _, fields in stored]
        last = entries[-1][1].seq if len(entries) == BATCH else upto
        references: Sequence[bytes | None] = []
        if entries:
            references = await self._engine.call("ZMSCORE", keys.refs, *(entry.seq for _, entry in entries))
        archived = [
            ArchivedEntry(entry, kind, None if of is None else int(of))
            for (kind, entry), of in zip(entries, references, strict=True)
        ]
        await self._archive.keep(room, epoch.decode(), archived)
        referring = [each.entry.seq for each in archived if each.of is not None]
        answer = await self._engine.run(
            _TRIM,
            [keys.meta, keys.log, keys.refs, keys.revisions],
            [epoch, floor or 0, recalls or 0, last, len(referring), *referring, *_edits(archived)],
        )
        match answer:
            case [b"trimmed"]:
                self._counts["moved"] += len(archived)
                self._behind = max(0, self._behind - len(archived))
                return last < upto
            case [b"moved"]:
                self._counts["overtaken"] += 1
                return True
            case _:
                raise Unavailable(f"trim.lua answered {answer!r}")

    async def _drop_before(self, room: _Room, at_ms: int) -> None:
        expired = await self._last_before(room, at_ms)
        if expired:
            await self.move(room.id, expired)
        floor = max(room.floor, expired)
        dropped = 0
        while taken := await self._archive.drop_before(room.id, room.epoch, at_ms, floor, DROPPED_AT_ONCE):
            dropped += taken
        self._counts["dropped"] += dropped
        # Asked for, not remembered: who was killed in the middle has told nobody what it dropped.
        first = await self._archive.read_after(room.id, room.epoch, 0, floor, 1)
        upto = first[0].entry.seq - 1 if first else floor
        if upto > room.dropped:
            keys = self._keys.room(room.id)
            pins = [of for of in await self._engine.call("ZRANGE", keys.pins, 0, -1) if int(of) <= upto]
            asked: list[tuple[str | bytes | int, ...]] = [("HSET", keys.meta, "dropped", upto)]
            await self._engine.call_all([*asked, ("ZREM", keys.pins, *pins)] if pins else asked)

    async def _last_before(self, room: _Room, at_ms: int) -> int:
        """The last seq in the engine that is older; 0 when none is."""
        keys, last = self._keys.room(room.id), 0
        while True:
            stored = await self._engine.call("XRANGE", keys.log, f"{last + 1}-0", "+", "COUNT", BATCH)
            for _, fields in stored:
                entry = read_entry(room.id, fields[3], fields[5])
                if entry.at_ms >= at_ms:
                    return last
                last = entry.seq
            if len(stored) < BATCH:
                return last

    async def _ease(self) -> None:
        bound = self._keeping.engine_bytes_max
        if not bound or await self._engine.used_bytes() <= bound * PRESSED_SHARE:
            return
        self._counts["pressed"] += 1
        rooms = await self._rooms()
        quiet_since = await self._last_entries_ms([room.id for room in rooms])
        for stays in (min(HOT_FEWEST, self._keeping.hot_entries), 0):
            for room in sorted(rooms, key=lambda room: quiet_since[room.id]):
                if room.head - stays > room.floor:
                    await self.move(room.id, room.head - stays)
                    room.floor = room.head - stays
                    if await self._engine.used_bytes() <= bound * EASED_SHARE:
                        return

    async def _last_entries_ms(self, rooms: Sequence[str]) -> dict[str, int]:
        """When each room was last spoken in; 0 where nothing is in the engine."""
        times: dict[str, int] = {}
        for first in range(0, len(rooms), ROOMS_AT_ONCE):
            some = rooms[first : first + ROOMS_AT_ONCE]
            asked = [("XREVRANGE", self._keys.room(room).log, "+", "-", "COUNT", 1) for room in some]
            for room, stored in zip(some, await self._engine.call_all(asked), strict=True):
                times[room] = read_entry(room, stored[0][1][3], stored[0][1][5]).at_ms if stored else 0
        return times


def _edits(archived: Sequence[ArchivedEntry]) -> list[int]:
    """Message and revision of each edit, one after the other."""
    pairs: list[int] = []
    for each in archived:
        if each.kind == "edited":
            event = decode_event(each.entry.body)
            if isinstance(event, Edited):
                pairs += [event.of, event.revision]
    return pairs
