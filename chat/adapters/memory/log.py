"""RoomLog in memory: the order of what belongs to one append, and the reading side. `room` holds what is stored.

Invariant: from the look at the once-key to the enqueued job nothing is awaited, so whoever sees an entry sees the
membership, the revision and the job that came with it.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from chat.adapters.memory.feed import Feeds
from chat.adapters.memory.jobs import MemoryJobs
from chat.adapters.memory.presence import MemoryPresence
from chat.adapters.memory.reach import Reach
from chat.adapters.memory.room import StoredRoom
from chat.events import Entry, Event, owes_translation_of
from chat.ids import Position
from chat.ports import (
    AnyGuard,
    Appended,
    Ceremony,
    Change,
    Changed,
    ForgetText,
    Glossary,
    Job,
    JobText,
    Look,
    Member,
    MemberNames,
    RoomExists,
    RoomMissing,
    RoomState,
    Stale,
    Tally,
    changes_of,
)


class MemoryLog:
    def __init__(
        self,
        reach: Reach,
        feeds: Feeds,
        jobs: MemoryJobs,
        presence: MemoryPresence,
        *,
        new_epoch: Callable[[], str],
    ) -> None:
        self._reach = reach
        self._presence = presence
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
        guard: AnyGuard | None = None,
        change: Change | Sequence[Change] | None = None,
        job: JobText | ForgetText | None = None,
        job_revision: int = 0,
        seen: Look | None = None,
    ) -> Appended:
        await self._reach.step()
        found = self.stored.get(room)
        if found is None:
            raise RoomMissing(room)
        now_ms = self._reach.now_ms()
        known = found.recognise(once, now_ms)
        if known is not None:
            return known
        if seen is not None and (now := self._look(room, seen.user)).mark != seen.mark:
            raise Changed(now)
        if not found.holds(guard, now_ms):
            raise Stale(f"what this append to {room} builds on has changed: {guard}")
        appended, entry = found.append(event, once, audience, now_ms)
        self._feeds.publish(entry)
        for each in changes_of(change):
            found.write(each, now_ms)
        if job is not None:
            of = owes_translation_of(event)
            self._jobs.enqueue(Job(room, appended.position.seq if of is None else of, job_revision, job))
        await asyncio.sleep(0)
        return appended

    async def recognise(self, room: str, once: str) -> Appended | None:
        await self._reach.step()
        found = self.stored.get(room)
        return None if found is None else found.recognise(once, self._reach.now_ms())

    async def state(self, room: str) -> RoomState | None:
        await self._reach.step()
        return self._state(room)

    async def look(self, room: str, user: str) -> Look:
        await self._reach.step()
        return self._look(room, user)

    def _look(self, room: str, user: str) -> Look:
        found, state = self.stored.get(room), self._state(room)
        member = None if found is None else found.members.get(user)
        row = (lambda kind, key: None) if found is None else found.row
        look = Look(state, member, self._presence.fresh(room), row("standing", user), row("spoke", user), user)
        still = None if state is None else replace(state, head=Position(state.head.epoch, 0), members=0)
        return replace(look, mark=repr(replace(look, state=still)).encode())

    def _state(self, room: str) -> RoomState | None:
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
            rules=found.rules,
            conduct=found.row("conduct", ""),
        )

    async def glossary(self, room: str) -> Glossary:
        await self._reach.step()
        found = self.stored.get(room)
        if found is None:
            return Glossary()
        terms = sorted(found.terms.values(), key=lambda term: (term.source, term.language))
        return Glossary(found.glossary_version, tuple(terms))

    async def ceremonies(self, room: str) -> Sequence[Ceremony]:
        await self._reach.step()
        found = self.stored.get(room)
        return [] if found is None else [found.ceremonies[id] for id in sorted(found.ceremonies)]

    async def ballot(self, room: str, of: int, user: str) -> int | None:
        await self._reach.step()
        found = self.stored.get(room)
        return None if found is None else found.ballots.get(of, {}).get(user)

    async def names(self, room: str, user: str) -> MemberNames:
        await self._reach.step()
        found = self.stored.get(room)
        return MemberNames() if found is None else found.names.get(user, MemberNames())

    async def all_names(self, room: str) -> Mapping[str, MemberNames]:
        await self._reach.step()
        found = self.stored.get(room)
        return {} if found is None else dict(found.names)

    async def set_remark(self, room: str, reader: str, user: str, text: str, remarks_max: int) -> bool:
        await self._reach.step()
        if room not in self.stored:
            return False
        own = self.stored[room].remarks.setdefault(reader, {})
        if not text:
            own.pop(user, None)
        elif user not in own and len(own) >= remarks_max:
            return False
        else:
            own[user] = text
        return True

    async def remarks(self, room: str, reader: str) -> Mapping[str, str]:
        await self._reach.step()
        found = self.stored.get(room)
        return {} if found is None else dict(found.remarks.get(reader, {}))

    async def rows(self, room: str, kind: str) -> Mapping[str, bytes]:
        await self._reach.step()
        found = self.stored.get(room)
        return {} if found is None else dict(found.board.get(kind, {}))

    async def row(self, room: str, kind: str, key: str) -> bytes | None:
        await self._reach.step()
        found = self.stored.get(room)
        return None if found is None else found.row(kind, key)

    async def tally(self, room: str, box: str) -> Tally:
        await self._reach.step()
        found = self.stored.get(room)
        voters = {} if found is None else found.boxes.get(box, {})
        return Tally(Counter(choice for choices in voters.values() for choice in choices), len(voters))

    async def choices(self, room: str, box: str, user: str) -> tuple[int, ...]:
        await self._reach.step()
        found = self.stored.get(room)
        return () if found is None else found.boxes.get(box, {}).get(user, ())

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

    async def unheard_after(self, room: str, seq: int) -> int:
        await self._reach.step()
        found = self.stored.get(room)
        return 0 if found is None else len(found.unheard) - bisect_right(found.unheard, seq)

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
