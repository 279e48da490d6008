"""RoomLog in memory: the order of what belongs to one append, and the reading side. `room` holds what is stored.

Invariant: from the look at the once-key to the enqueued job nothing is awaited, so whoever sees an entry sees the
membership, the revision and the job that came with it.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from chat.adapters.memory.feed import Feeds
from chat.adapters.memory.jobs import MemoryJobs
from chat.adapters.memory.reach import Reach
from chat.adapters.memory.room import StoredRoom
from chat.events import Entry, Event, refers_to
from chat.ids import Position
from chat.ports import (
    Appended,
    Change,
    ForgetText,
    Glossary,
    Guard,
    Job,
    JobText,
    Member,
    RoomExists,
    RoomMissing,
    RoomState,
    Stale,
)


class MemoryLog:
    def __init__(self, reach: Reach, feeds: Feeds, jobs: MemoryJobs, *, new_epoch: Callable[[], str]) -> None:
        self._reach = reach
        self._feeds = feeds
        self._jobs = jobs
        self._new_epoch = new_epoch
        self._markers: dict[tuple[str, str], int] = {}
        self.stored: dict[str, StoredRoom] = {}

    async def create(self, room: str, title: str, event: Event, owner: Member, *, once: str) -> Appended:
        await self._reach.step()
        found = self.stored.get(room)
        if found is not None:
            known = found.recognise(once, self._reach.now_ms())
            if known is None:
                raise RoomExists(room)
            return known
        now_ms = self._reach.now_ms()
        made = StoredRoom(room, epoch=self._new_epoch(), title=title, created_at_ms=now_ms)
        self.stored[room] = made
        appended, entry = made.append(event, once, "", now_ms)
        self._feeds.publish(entry)
        made.members[owner.user] = owner
        await asyncio.sleep(0)
        return appended

    async def append(
        self,
        room: str,
        event: Event,
        *,
        once: str,
        audience: str = "",
        guard: Guard | None = None,
        change: Change | None = None,
        job: JobText | ForgetText | None = None,
        job_revision: int = 0,
    ) -> Appended:
        await self._reach.step()
        found = self.stored.get(room)
        if found is None:
            raise RoomMissing(room)
        known = found.recognise(once, self._reach.now_ms())
        if known is not None:
            return known
        if guard is not None and found.revisions.get(guard.of) != guard.revision:
            raise Stale(f"message {guard.of} of {room} is no longer at revision {guard.revision}")
        appended, entry = found.append(event, once, audience, self._reach.now_ms())
        self._feeds.publish(entry)
        found.write(change)
        if job is not None:
            of = refers_to(event)
            self._jobs.enqueue(Job(room, appended.position.seq if of is None else of, job_revision, job))
        await asyncio.sleep(0)
        return appended

    async def recognise(self, room: str, once: str) -> Appended | None:
        await self._reach.step()
        found = self.stored.get(room)
        return None if found is None else found.recognise(once, self._reach.now_ms())

    async def state(self, room: str) -> RoomState | None:
        await self._reach.step()
        found = self.stored.get(room)
        if found is None:
            return None
        head = Position(found.epoch, found.head)
        return RoomState(
            room,
            found.title,
            head,
            len(found.members),
            found.created_at_ms,
            found.settings,
            found.glossary_version,
            tuple(found.pins),
            found.title_seq,
            found.keep_days,
        )

    async def glossary(self, room: str) -> Glossary:
        await self._reach.step()
        found = self.stored.get(room)
        if found is None:
            return Glossary()
        terms = sorted(found.terms.values(), key=lambda term: (term.source, term.language))
        return Glossary(found.glossary_version, tuple(terms))

    async def rooms(self) -> Sequence[str]:
        await self._reach.step()
        return sorted(self.stored)

    async def member(self, room: str, user: str) -> Member | None:
        await self._reach.step()
        found = self.stored.get(room)
        return None if found is None else found.members.get(user)

    async def members(self, room: str) -> Sequence[Member]:
        await self._reach.step()
        found = self.stored.get(room)
        return [] if found is None else [found.members[user] for user in sorted(found.members)]

    async def revision(self, room: str, of: int) -> int | None:
        await self._reach.step()
        found = self.stored.get(room)
        return None if found is None else found.revisions.get(of)

    async def read_after(self, room: str, seq: int, limit: int) -> Sequence[Entry]:
        await self._reach.step()
        found = self.stored.get(room)
        if found is None or limit <= 0:
            return []
        start = bisect_right(found.seqs, seq)
        return [found.entries[at] for at in found.seqs[start : start + limit]]

    async def read_before(self, room: str, seq: int, limit: int) -> Sequence[Entry]:
        await self._reach.step()
        found = self.stored.get(room)
        if found is None or limit <= 0:
            return []
        stop = bisect_left(found.seqs, seq)
        return [found.entries[at] for at in found.seqs[max(0, stop - limit) : stop]]

    async def read_at(self, room: str, seq: int) -> Entry | None:
        await self._reach.step()
        found = self.stored.get(room)
        return None if found is None else found.entries.get(seq)

    async def about(self, room: str, first: int, last: int, limit: int) -> Sequence[Entry]:
        await self._reach.step()
        found = self.stored.get(room)
        if found is None or limit <= 0:
            return []
        seqs = sorted(seq for of, about in found.references.items() if first <= of <= last for seq in about)
        return [found.entries[seq] for seq in seqs[-limit:]]

    async def retain(self, room: str, keep_days: int | None) -> None:
        await self._reach.step()
        if room in self.stored:
            self.stored[room].keep_days = keep_days

    async def mark_read(self, room: str, user: str, seq: int) -> int:
        await self._reach.step()
        marker = self._markers[room, user] = max(seq, self._markers.get((room, user), 0))
        return marker

    async def read_marker(self, room: str, user: str) -> int:
        await self._reach.step()
        return self._markers.get((room, user), 0)

    def forget_all(self) -> None:
        self.stored.clear()
        self._markers.clear()
