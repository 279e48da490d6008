"""The part of a room's log that has moved from the engine into the archive, as the log reads it.

Invariants. What was recalled is not read again, from the moment of the recall on: recalled messages stand in the
engine's `purges` until the archive has forgotten them, and that list is read before the archive is. A page is short
only where the archive ends: what is left out is made up for by reading on, because readers take a short page for the
end.

Where an engine holds a room whose older part was moved and this process was given no archive, reading it is
`Unavailable`: half a history would look like a whole one.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from chat.adapters.redis_commands import Commands
from chat.errors import Unavailable
from chat.events import Edited, Entry
from chat.ports import TEXTS_ABOUT, Archive, ArchivedEntry
from chat.wire import decode_event

TRANSLATABLE: Final = (
    "posted", "room_created", "room_changed", "name_proposed", "held_back", "programme_changed", "poll_opened",
    "question_asked",
)  # fmt: skip
"""Kinds of entries with a text of their own: they have a revision, and translations guard it."""


class Place(NamedTuple):
    """Up to where a life of a room has moved."""

    epoch: str
    floor: int
    """0: nothing has."""


class Known(NamedTuple):
    """What `append.lua` must be told of a message that has moved. Empty where there is no such message."""

    kind: str = ""
    revision: str = ""
    as_of: str = ""


class RedisArchived:
    def __init__(self, engine: Commands, archive: Archive | None) -> None:
        self._engine = engine
        self._keys = engine.keys
        self._archive = archive

    async def after(self, room: str, place: Place, seq: int, limit: int) -> list[Entry]:
        """Up to `limit` moved entries with a greater seq, ascending."""
        archive, purged = self._given(), await self._purged(room)
        found: list[Entry] = []
        while len(found) < limit:
            page = await archive.read_after(room, place.epoch, seq, place.floor, wanted := limit - len(found))
            found += [each.entry for each in page if not _is_of(purged, each)]
            if len(page) < wanted:
                break
            seq = page[-1].entry.seq
        return found

    async def before(self, room: str, place: Place, seq: int, limit: int) -> list[Entry]:
        """The latest `limit` moved entries with a smaller seq, ascending."""
        archive, purged = self._given(), await self._purged(room)
        found: list[Entry] = []
        seq = min(seq, place.floor + 1)
        while len(found) < limit:
            page = await archive.read_before(room, place.epoch, seq, wanted := limit - len(found))
            found = [each.entry for each in page if not _is_of(purged, each)] + found
            if len(page) < wanted:
                break
            seq = page[0].entry.seq
        return found

    async def at(self, room: str, place: Place, seq: int) -> Entry | None:
        found = await self.after(room, place._replace(floor=seq), seq - 1, 1)
        return found[0] if found else None

    async def about(self, room: str, place: Place, first: int, last: int, limit: int) -> list[Entry]:
        """Moved entries that refer to messages first..last, ascending, the latest `limit` of them."""
        archive, purged = self._given(), await self._purged(room)
        page = await archive.about(room, place.epoch, first, last, place.floor, limit)
        return [each.entry for each in page if not _is_of(purged, each)]

    async def known(self, room: str, of: int) -> Known:
        """Kind and revision of message `of`, and as of when. An edit that is still in the engine counts there."""
        keys = self._keys.room(room)
        (epoch, floor, recalls), purged = await self._engine.call_all(
            [("HMGET", keys.meta, "epoch", "floor", "recalls"), ("SISMEMBER", keys.purges, of)]
        )
        as_of = f"{int(floor or 0)}:{int(recalls or 0)}"
        if epoch is None or purged or of < 1:
            return Known(as_of=as_of)
        archive, life = self._given(), epoch.decode()
        found = await archive.read_after(room, life, of - 1, of, 1)
        if not found:
            return Known(as_of=as_of)
        kind, revision = found[0].kind, ""
        if kind in TRANSLATABLE:
            edits = await archive.about(room, life, of, of, int(floor or 0), 1, "edited")
            event = decode_event(edits[0].entry.body) if edits else None
            revision = str(event.revision if isinstance(event, Edited) else 0)
        return Known(kind, revision, as_of)

    async def purge(self, room: str, epoch: str) -> int:
        """Have the archive forget what was recalled; how many messages. Without an archive they go on waiting."""
        if self._archive is None:
            return 0
        purged = await self._purged(room)
        for of in sorted(purged):
            await self._archive.forget(room, epoch, of)
            await self._engine.call("SREM", self._keys.room(room).purges, of)
        return len(purged)

    async def _purged(self, room: str) -> frozenset[int]:
        return frozenset(int(of) for of in await self._engine.call("SMEMBERS", self._keys.room(room).purges))

    def _given(self) -> Archive:
        if self._archive is None:
            raise Unavailable("older messages are in an archive that this process was not given", 60_000)
        return self._archive


async def joined(
    hot: Sequence[Entry], place: Place, moved: Callable[[], Awaitable[Sequence[Entry]]], *, all_hot: bool
) -> list[Entry]:
    """Both parts in order. An entry that moved between the two reads comes in both and is taken once.

    The engine was read first and `place` after it: whatever left the engine before or while it was read is at or
    below `place.floor`, hence in the archive.
    """
    if all_hot or not place.floor:
        return list(hot)
    both = {entry.seq: entry for entry in (*await moved(), *hot)}
    return [both[seq] for seq in sorted(both)]


def _is_of(purged: frozenset[int], each: ArchivedEntry) -> bool:
    return bool(purged) and (each.entry.seq in purged or (each.of in purged and each.kind in TEXTS_ABOUT))
