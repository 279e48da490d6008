"""All ports in memory: the reference implementation of the contracts and the double that tests run on.

Several feeds (one for each simulated gateway) share one `MemoryEngine`. Time and new epochs arrive as callables, and
waiting uses only asyncio primitives, so whole worlds run in virtual time. Every operation gives way to other tasks
once before its step and once after: a double that never suspends would hide check-await-assign bugs and would never
show an entry that arrives at the reader before its author has the acknowledgement. The step itself has no await,
which makes it atomic as the script of the Redis adapter is.

Nothing is bounded but what the ports bound, and nothing survives the process: not a store for production.
"""

import asyncio
import secrets
import time
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from chat.adapters.backlog import BACKLOG_ITEMS_MAX, Backlog
from chat.errors import Unavailable
from chat.events import (
    Edited,
    Entry,
    Event,
    Explained,
    Posted,
    Recalled,
    RoomChanged,
    RoomCreated,
    Suggested,
    Translated,
    Untranslated,
    refers_to,
)
from chat.ids import Position
from chat.limits import ONCE_KEY_LIFE_S
from chat.ports import (
    Appended,
    Change,
    DropMember,
    DropTerm,
    FeedItem,
    ForgetText,
    Gap,
    Glossary,
    Guard,
    Invite,
    Job,
    JobText,
    Member,
    RoomExists,
    RoomMissing,
    RoomSettings,
    RoomState,
    Roster,
    SetMember,
    SetPin,
    SetRoom,
    SetTerm,
    Stale,
    TakenJob,
    Term,
    Whisper,
)
from chat.wire import encode_event

JOB_IDLE_MS = 10_000
"""A worker that held a job for so long without `done` is taken for dead."""


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def random_epoch() -> str:
    return secrets.token_hex(8)


@dataclass(slots=True)
class _Room:
    epoch: str
    title: str
    created_at_ms: int
    head: int = 0
    seqs: list[int] = field(default_factory=list)
    """Seqs of stored entries, ascending; recalled ones are missing."""
    entries: dict[int, Entry] = field(default_factory=dict)
    events: dict[int, Event] = field(default_factory=dict)
    references: dict[int, list[int]] = field(default_factory=dict)
    revisions: dict[int, int] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    once: dict[str, Appended] = field(default_factory=dict)
    terms: dict[tuple[str, str], Term] = field(default_factory=dict)
    glossary_version: int = 0
    settings: RoomSettings = field(default_factory=RoomSettings)
    pins: dict[int, None] = field(default_factory=dict)
    title_seq: int = 1


class MemoryEngine:
    """What one Redis is to a deployment: hand it to as many gateways and workers as the test has."""

    def __init__(
        self,
        *,
        now_ms: Callable[[], int] = wall_clock_ms,
        new_epoch: Callable[[], str] = random_epoch,
        job_idle_ms: int = JOB_IDLE_MS,
        backlog_items_max: int = BACKLOG_ITEMS_MAX,
    ) -> None:
        self.now_ms = now_ms
        self.new_epoch = new_epoch
        self.rooms: dict[str, _Room] = {}
        self.feeds: list[MemoryFeed] = []
        self._backlog_items_max = backlog_items_max
        self._away: str | None = None
        self.log = MemoryLog(self)
        self.presence = MemoryPresence(self)
        self.jobs = MemoryJobs(self, idle_ms=job_idle_ms)
        self.invites = MemoryInvites(self)
        self.translations = MemoryTranslationCache(self)

    def new_feed(self) -> "MemoryFeed":
        return MemoryFeed(self, backlog_items_max=self._backlog_items_max)

    def go_away(self, why: str = "the engine is away") -> None:
        """From now on every command raises Unavailable and every feed is severed, until `come_back`."""
        self._away = why
        for feed in self.feeds:
            feed.sever(why)

    def come_back(self) -> None:
        self._away = None
        for feed in self.feeds:
            feed.heal()

    def lose_everything(self) -> None:
        """The disk burned: rooms made from now on are other lives, with other epochs."""
        self.rooms.clear()
        self.presence.forget_all()
        self.jobs.forget_all()
        self.invites.forget_all()

    @property
    def away(self) -> bool:
        return self._away is not None

    async def step(self) -> None:
        """Give way to others, then go on if the engine can be reached."""
        await asyncio.sleep(0)
        if self._away is not None:
            raise Unavailable(self._away)

    def publish(self, item: Entry | Whisper) -> None:
        for feed in self.feeds:
            feed.receive(item)

    async def ping(self) -> None:
        """Raises Unavailable while the engine is away."""
        await self.step()

    def statistics(self) -> dict[str, int]:
        return {
            "rooms": len(self.rooms),
            "entries": sum(len(room.seqs) for room in self.rooms.values()),
            "feeds": len(self.feeds),
        }


class MemoryLog:
    """RoomLog."""

    def __init__(self, engine: MemoryEngine) -> None:
        self._engine = engine

    async def create(self, room: str, title: str, event: Event, owner: Member, *, once: str) -> Appended:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        if found is not None:
            known = self._recognised(found, once)
            if known is None:
                raise RoomExists(room)
            return known
        now_ms = self._engine.now_ms()
        made = _Room(epoch=self._engine.new_epoch(), title=title, created_at_ms=now_ms)
        self._engine.rooms[room] = made
        appended = self._store(room, made, event, once, "", now_ms)
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
        await self._engine.step()
        found = self._engine.rooms.get(room)
        if found is None:
            raise RoomMissing(room)
        known = self._recognised(found, once)
        if known is not None:
            return known
        if guard is not None and found.revisions.get(guard.of) != guard.revision:
            raise Stale(f"message {guard.of} of {room} is no longer at revision {guard.revision}")
        appended = self._store(room, found, event, once, audience, self._engine.now_ms())
        _write_change(found, change)
        if job is not None:
            of = refers_to(event)
            self._engine.jobs.enqueue(Job(room, appended.position.seq if of is None else of, job_revision, job))
        await asyncio.sleep(0)
        return appended

    async def recognise(self, room: str, once: str) -> Appended | None:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        return None if found is None else self._recognised(found, once)

    async def state(self, room: str) -> RoomState | None:
        await self._engine.step()
        found = self._engine.rooms.get(room)
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
        )

    async def glossary(self, room: str) -> Glossary:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        if found is None:
            return Glossary()
        terms = sorted(found.terms.values(), key=lambda term: (term.source, term.language))
        return Glossary(found.glossary_version, tuple(terms))

    async def rooms(self) -> Sequence[str]:
        await self._engine.step()
        return sorted(self._engine.rooms)

    async def member(self, room: str, user: str) -> Member | None:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        return None if found is None else found.members.get(user)

    async def members(self, room: str) -> Sequence[Member]:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        return [] if found is None else [found.members[user] for user in sorted(found.members)]

    async def revision(self, room: str, of: int) -> int | None:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        return None if found is None else found.revisions.get(of)

    async def read_after(self, room: str, seq: int, limit: int) -> Sequence[Entry]:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        if found is None or limit <= 0:
            return []
        start = bisect_right(found.seqs, seq)
        return [found.entries[at] for at in found.seqs[start : start + limit]]

    async def read_before(self, room: str, seq: int, limit: int) -> Sequence[Entry]:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        if found is None or limit <= 0:
            return []
        stop = bisect_left(found.seqs, seq)
        return [found.entries[at] for at in found.seqs[max(0, stop - limit) : stop]]

    async def read_at(self, room: str, seq: int) -> Entry | None:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        return None if found is None else found.entries.get(seq)

    async def about(self, room: str, first: int, last: int, limit: int) -> Sequence[Entry]:
        await self._engine.step()
        found = self._engine.rooms.get(room)
        if found is None or limit <= 0:
            return []
        seqs = sorted(seq for of, about in found.references.items() if first <= of <= last for seq in about)
        return [found.entries[seq] for seq in seqs[-limit:]]

    async def mark_read(self, room: str, user: str, seq: int) -> int:
        await self._engine.step()
        markers = self._engine.presence.markers
        markers[room, user] = max(seq, markers.get((room, user), 0))
        return markers[room, user]

    async def read_marker(self, room: str, user: str) -> int:
        await self._engine.step()
        return self._engine.presence.markers.get((room, user), 0)

    def _recognised(self, room: _Room, once: str) -> Appended | None:
        known = room.once.get(once)
        if known is None:
            return None
        if self._engine.now_ms() >= known.at_ms + ONCE_KEY_LIFE_S * 1000:
            del room.once[once]
            return None
        return replace(known, duplicate=True)

    def _store(self, name: str, room: _Room, event: Event, once: str, audience: str, at_ms: int) -> Appended:
        room.head += 1
        seq = room.head
        entry = Entry(name, room.epoch, seq, at_ms, audience, encode_event(event))
        match event:
            case Posted() | RoomCreated() | RoomChanged():
                room.revisions[seq] = 0
            case Edited():
                if event.of in room.revisions:
                    room.revisions[event.of] = event.revision
            case Recalled():
                self._recall(room, event.of)
            case _:
                pass
        of = refers_to(event)
        if of is not None:
            room.references.setdefault(of, []).append(seq)
        room.seqs.append(seq)
        room.entries[seq] = entry
        room.events[seq] = event
        appended = Appended(entry.position, at_ms, duplicate=False)
        room.once[once] = appended
        self._engine.publish(entry)
        return appended

    def _recall(self, room: _Room, of: int) -> None:
        """Texts go: the message, its edits, its translations. Reactions carry none and stay."""
        if not isinstance(room.events.get(of), Posted):
            return
        del room.revisions[of]
        room.pins.pop(of, None)
        texts = [
            seq
            for seq in room.references.get(of, ())
            if isinstance(room.events[seq], Edited | Translated | Untranslated | Suggested | Explained)
        ]
        for seq in (of, *texts):
            del room.entries[seq], room.events[seq]
            room.seqs.remove(seq)
        if texts:
            room.references[of] = [seq for seq in room.references[of] if seq not in texts]


def _write_change(room: _Room, change: Change | None) -> None:
    match change:
        case SetMember(member):
            room.members[member.user] = member
        case DropMember(user):
            room.members.pop(user, None)
        case SetTerm(term):
            room.terms[term.source, term.language] = term
            room.glossary_version = room.head
        case DropTerm(source, language):
            room.terms.pop((source, language), None)
            room.glossary_version = room.head
        case SetRoom(title, settings):
            room.title, room.settings, room.title_seq = title, settings, room.head
        case SetPin(of, on):
            room.pins.pop(of, None)
            if on:
                room.pins[of] = None
        case None:
            pass


class MemoryFeed:
    """RoomFeed of one simulated gateway. `sever` and `heal` are the network cable."""

    def __init__(
        self,
        engine: MemoryEngine,
        *,
        backlog_items_max: int = BACKLOG_ITEMS_MAX,
        follow_within_s: float = 5.0,
    ) -> None:
        self._engine = engine
        self._rooms: set[str] = set()
        self._backlog = Backlog(backlog_items_max)
        self._follow_within_s = follow_within_s
        self._why_severed: str | None = None
        self._healed = asyncio.Event()
        self._gaps = 0
        engine.feeds.append(self)
        if engine.away:
            self.sever("the engine is away")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self in self._engine.feeds:
            self._engine.feeds.remove(self)

    def sever(self, why: str = "the connection was cut") -> None:
        """What is published from now on is lost to this feed, until `heal`, which shows the loss as a Gap."""
        if self._why_severed is None:
            self._why_severed = why
            self._healed = asyncio.Event()

    def heal(self) -> None:
        if self._why_severed is not None:
            self._gaps += 1
            self._backlog.offer(Gap(self._why_severed))
            self._why_severed = None
            self._healed.set()

    def receive(self, item: Entry | Whisper) -> None:
        if self._why_severed is None and item.room in self._rooms:
            self._backlog.offer(item)

    async def follow(self, room: str) -> None:
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(self._follow_within_s):
                while self._why_severed is not None:
                    await self._healed.wait()
        except TimeoutError:
            raise Unavailable(self._why_severed) from None
        self._rooms.add(room)

    async def unfollow(self, room: str) -> None:
        self._rooms.discard(room)
        await asyncio.sleep(0)

    async def whisper(self, room: str, payload: bytes) -> None:
        await self._engine.step()
        if self._why_severed is not None:
            raise Unavailable(self._why_severed)
        self._engine.publish(Whisper(room, payload))

    def items(self) -> AsyncIterator[FeedItem]:
        return self._backlog.items()

    def statistics(self) -> dict[str, int]:
        return {
            "followed": len(self._rooms),
            "backlog": len(self._backlog),
            "dropped": self._backlog.dropped,
            "gaps": self._gaps,
        }


class MemoryPresence:
    """Presence, and the read markers of members."""

    def __init__(self, engine: MemoryEngine) -> None:
        self._engine = engine
        self._reports: dict[str, dict[str, tuple[int, Roster]]] = {}
        self.markers: dict[tuple[str, str], int] = {}

    async def report(self, room: str, reporter: str, roster: Roster, lease_ms: int) -> None:
        await self._engine.step()
        self._reports.setdefault(room, {})[reporter] = (self._engine.now_ms() + lease_ms, roster)

    async def withdraw(self, room: str, reporter: str) -> None:
        await self._engine.step()
        self._reports.get(room, {}).pop(reporter, None)

    async def rosters(self, room: str) -> Sequence[Roster]:
        await self._engine.step()
        now_ms = self._engine.now_ms()
        reports = self._reports.get(room, {})
        for reporter in [name for name, (until_ms, _) in reports.items() if until_ms <= now_ms]:
            del reports[reporter]
        return [roster for _, roster in reports.values()]

    def forget_all(self) -> None:
        self._reports.clear()
        self.markers.clear()


@dataclass(frozen=True, slots=True)
class _Held:
    job: Job
    since_ms: int
    times_delivered: int


class MemoryJobs:
    """TranslationJobs."""

    def __init__(self, engine: MemoryEngine, *, idle_ms: int = JOB_IDLE_MS) -> None:
        self._engine = engine
        self._idle_ms = idle_ms
        self._last_ref = 0
        self._waiting: dict[str, Job] = {}
        self._held: dict[str, _Held] = {}
        self._more = asyncio.Event()

    async def put(self, job: Job) -> None:
        await self._engine.step()
        self.enqueue(job)
        await asyncio.sleep(0)

    def enqueue(self, job: Job) -> None:
        self._last_ref += 1
        self._waiting[str(self._last_ref)] = job
        self._more.set()
        self._more = asyncio.Event()

    async def take(self, worker: str, limit: int, wait_ms: int) -> Sequence[TakenJob]:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_ms / 1000
        while True:
            await self._engine.step()
            taken = self._take(limit)
            left_s = until_s - loop.time()
            if taken or left_s <= 0 or limit <= 0:
                return taken
            more = self._more
            try:
                async with asyncio.timeout(min(left_s, self._next_idle_s())):
                    await more.wait()
            except TimeoutError:
                pass

    async def done(self, refs: Sequence[str]) -> None:
        await self._engine.step()
        for ref in refs:
            self._held.pop(ref, None)
            self._waiting.pop(ref, None)

    async def backlog(self) -> int:
        await self._engine.step()
        return len(self._waiting) + len(self._held)

    def forget_all(self) -> None:
        self._waiting.clear()
        self._held.clear()

    def _take(self, limit: int) -> list[TakenJob]:
        now_ms = self._engine.now_ms()
        idle = [ref for ref, held in self._held.items() if now_ms - held.since_ms >= self._idle_ms][:limit]
        fresh = list(self._waiting)[: max(0, limit - len(idle))]
        taken = []
        for ref in idle:
            held = self._held.pop(ref)
            self._held[ref] = _Held(held.job, now_ms, held.times_delivered + 1)
            taken.append(TakenJob(ref, held.job, held.times_delivered + 1))
        for ref in fresh:
            job = self._waiting.pop(ref)
            self._held[ref] = _Held(job, now_ms, 1)
            taken.append(TakenJob(ref, job, 1))
        return taken

    def _next_idle_s(self) -> float:
        """How long until a held job may be idle; never zero, so that a clock that stands still cannot spin us."""
        if not self._held:
            return float("inf")
        oldest_ms = min(held.since_ms for held in self._held.values())
        return max(1, oldest_ms + self._idle_ms - self._engine.now_ms()) / 1000


class MemoryTranslationCache:
    """TranslationCache."""

    def __init__(self, engine: MemoryEngine) -> None:
        self._engine = engine
        self.rows: dict[str, str] = {}

    async def get(self, keys: Sequence[str]) -> Sequence[str | None]:
        await self._engine.step()
        return [self.rows.get(key) for key in keys]

    async def put(self, rows: Mapping[str, str]) -> None:
        await self._engine.step()
        self.rows.update(rows)

    async def forget(self, keys: Sequence[str]) -> None:
        await self._engine.step()
        for key in keys:
            self.rows.pop(key, None)


class MemoryInvites:
    """Invites."""

    def __init__(self, engine: MemoryEngine) -> None:
        self._engine = engine
        self._invites: dict[str, Invite] = {}

    async def put(self, invite: Invite) -> None:
        await self._engine.step()
        self._invites[invite.code] = invite

    async def peek(self, code: str, now_ms: int) -> Invite | None:
        await self._engine.step()
        invite = self._invites.get(code)
        if invite is None or invite.uses_left == 0 or invite.expires_at_ms <= now_ms:
            return None
        return invite

    async def spend(self, code: str, now_ms: int) -> Invite | None:
        """The invitation as it stands after this use."""
        await self._engine.step()
        invite = self._invites.get(code)
        if invite is None or invite.uses_left == 0 or invite.expires_at_ms <= now_ms:
            return None
        if invite.uses_left > 0:
            invite = replace(invite, uses_left=invite.uses_left - 1)
            self._invites[code] = invite
        await asyncio.sleep(0)
        return invite

    async def revoke(self, code: str) -> bool:
        await self._engine.step()
        return self._invites.pop(code, None) is not None

    def forget_all(self) -> None:
        self._invites.clear()
