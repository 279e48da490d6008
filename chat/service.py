"""The use cases: one short coroutine per command. Load a view -> `room.decide` -> append -> answer.

Translation never delays those who read the original: the job travels inside the same atomic append, so a gateway
that dies between "posted" and "please translate" does not exist. Nothing here compares roles or knows a codec.
"""

from asyncio import gather
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chat import room as rules
from chat.commands import CreateRoom, Edit, History, Join, Leave, MarkRead, Post, React, Recall, Translate
from chat.errors import ErrorCode, Rejected, Unavailable
from chat.events import (
    EVERYONE,
    Edited,
    Entry,
    Event,
    Joined,
    Mention,
    Posted,
    Reacted,
    Role,
    Translated,
    Untranslated,
    refers_to,
)
from chat.frames import Page, PageEntry, People, Person
from chat.ids import Position
from chat.language import canonical
from chat.limits import PAGE_BYTES_MAX, REACTIONS_PER_MESSAGE_MAX, TRANSLATION_BUDGET_MS
from chat.ports import (
    Appended,
    Invite,
    Invites,
    Job,
    JobText,
    Member,
    Presence,
    RoomExists,
    RoomLog,
    RoomMissing,
    RoomState,
    Stale,
    TranslationJobs,
)
from chat.room import Caller, Decision, Target, View
from chat.text import clean_name, has_letters
from chat.wire import readable_event

ABOUT_MAX: Final = 2_000
"""Entries about the messages of one history page: 100 messages with 20 edits, reactions and translations each."""
JOBS_MAX: Final = 10_000
"""Translation jobs waiting before new ones are refused by name: minutes of work for one worker, some MB of engine."""
BACKLOG_LOOK_MS: Final = 1_000
"""How long one look at the backlog serves; the bound is a guard against hours, not a precise valve."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's place in a room: what a `room` frame is made of."""

    state: RoomState
    member: Member
    read: int


class Service:
    """One per process, shared by the WebSocket and the REST side. Holds no state but the last look at the backlog."""

    def __init__(
        self,
        log: RoomLog,
        presence: Presence,
        jobs: TranslationJobs,
        invites: Invites,
        *,
        now_ms: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self.log = log
        self.presence = presence
        self.jobs = jobs
        self.invites = invites
        self._now_ms = now_ms
        self._new_id = new_id
        self._backlog = 0
        self._backlog_at_ms = -BACKLOG_LOOK_MS

    # -- rooms and people ------------------------------------------------------------------------------------------

    async def create_room(self, caller: Caller, command: CreateRoom) -> Appended:
        event, owner = rules.decide_create(caller, command)
        try:
            return await self.log.create(command.room, event.title, event, owner, once=_own(caller, command.once))
        except RoomExists:
            raise Rejected(ErrorCode.ROOM_EXISTS) from None

    async def standing(self, caller: Caller, room: str) -> Standing:
        """Where `caller` stands in a room they are a member of. Raises Rejected."""
        view = await self._view(caller, room)
        rules.allow(view, caller, "read")
        if view.state is None:
            raise Rejected(ErrorCode.ROOM_NOT_FOUND)
        member = view.member or Member(caller.user, caller.name, "owner")
        return Standing(view.state, member, await self.log.read_marker(room, caller.user))

    async def join(self, caller: Caller, command: Join) -> Standing:
        """Become a member, by the token's grant or an invitation; a member already is simply shown in.

        An invitation is spent before the entry is written, and only when it gives more than the token does: at most
        once for each use, so a failure between the two costs a use and never admits one guest too many.
        """
        view = await self._view(caller, command.room)
        if view.member is None and command.invite is not None:
            view = replace(view, invite=await self.invites.peek(command.invite, self._now_ms()))
        decision = rules.decide(view, caller, command)
        if decision is not None:
            by_token = rules.granted(caller, command.room)
            if command.invite is not None and isinstance(decision.event, Joined) and decision.event.role != by_token:
                await self._spend(command.invite)
            await self._admit(command.room, caller.user, decision)
        return await self.standing(caller, command.room)

    async def enter(self, code: str, user: str, name: str) -> tuple[Invite, str]:
        """A guest walks in by invitation: membership under `user` with the cleaned name. Raises Rejected."""
        clean = clean_name(name)
        invite = await self._spend(code)
        state = await self.log.state(invite.room)
        decision = rules.decide_admission(View(state), user, clean, invite.role)
        await self._admit(invite.room, user, decision)
        return invite, clean

    async def invite(self, caller: Caller, room: str, *, role: Role, lives_s: int, uses: int, code: str) -> Invite:
        """A new invitation under `code`. Nobody invites into a rank above their own. Raises Rejected."""
        mine = rules.allow(await self._view(caller, room), caller, "invite")
        if rules.RANK[role] >= rules.RANK[mine]:
            raise Rejected(ErrorCode.FORBIDDEN, "an invitation gives a role below your own")
        invite = Invite(code, room, role, caller.user, self._now_ms() + lives_s * 1000, uses)
        await self.invites.put(invite)
        return invite

    async def admit(self, caller: Caller, room: str, user: str, name: str, role: Role) -> Appended | None:
        """An administrator makes somebody a member, or changes the role of one."""
        view, member = await gather(self._view(caller, room), self.log.member(room, user))
        if not caller.administrator:
            rules.allow(view, caller, "change_role")
        if member is None:
            if not caller.administrator:
                raise Rejected(ErrorCode.NOT_A_MEMBER, "only members can be given a role")
            return await self._admit(room, user, rules.decide_admission(view, user, name, role))
        if member.role == role:
            return None
        decision = rules.decide_role(view, caller, member, role)
        return await self._append(room, decision, once=f"admit:{user}:{self._new_id()}")

    async def remove(self, caller: Caller, room: str, user: str) -> Appended:
        view, member = await gather(self._view(caller, room), self.log.member(room, user))
        rules.allow(view, caller, "remove_member")
        if member is None:
            raise Rejected(ErrorCode.NOT_A_MEMBER, "there is no such member")
        decision = rules.decide_removal(view, caller, member)
        return await self._append(room, decision, once=f"remove:{user}:{self._new_id()}")

    async def leave(self, caller: Caller, command: Leave) -> Appended | None:
        decision = rules.decide(await self._view(caller, command.room), caller, command)
        if decision is None:
            return None
        return await self._append(command.room, decision, once=f"leave:{caller.user}:{self._new_id()}")

    async def people(self, caller: Caller, room: str) -> People:
        rules.allow(await self._view(caller, room), caller, "read")
        return await self.roll(room)

    async def roll(self, room: str) -> People:
        """Who is here, over all gateways; asked by the gateway itself, for members it already let in."""
        rosters = await self.presence.rosters(room)
        counts: dict[str, int] = {}
        people: dict[str, Person] = {}
        for roster in rosters:
            for languages, count in roster.readers.items():
                counts[languages[0]] = counts.get(languages[0], 0) + count
            people.update((person.user, person) for person in roster.people)
        listed = tuple(sorted(people.values(), key=lambda person: (person.name, person.user)))[:200]
        return People(room=room, total=sum(roster.total for roster in rosters), by_language=counts, people=listed)

    # -- messages --------------------------------------------------------------------------------------------------

    async def post(self, caller: Caller, command: Post) -> Appended:
        view, readers = await gather(self._view(caller, command.room), self._readers(command.room))
        decision = await self._decided(view, caller, command)
        return await self._say(command.room, decision, caller, command.once, readers)

    async def edit(self, caller: Caller, command: Edit) -> Appended:
        view, readers = await gather(self._view(caller, command.room, of=command.of), self._readers(command.room))
        decision = await self._decided(view, caller, command)
        return await self._say(command.room, decision, caller, command.once, readers)

    async def recall(self, caller: Caller, command: Recall) -> Appended:
        view = await self._view(caller, command.room, of=command.of)
        decision = await self._decided(view, caller, command)
        return await self._append(command.room, decision, once=_own(caller, command.once))

    async def react(self, caller: Caller, command: React) -> Appended:
        view = await self._view(caller, command.room, of=command.of)
        decision = await self._decided(view, caller, command)
        if command.on:  # taking one's reaction back is always possible
            about = await self.log.about(command.room, command.of, command.of, ABOUT_MAX)
            given = sum(isinstance(readable_event(entry.body), Reacted) for entry in about)
            if given >= REACTIONS_PER_MESSAGE_MAX:
                done = await self.log.recognise(command.room, _own(caller, command.once))
                if done is None:
                    raise Rejected(ErrorCode.FORBIDDEN, "this message has all the reactions it can carry")
                return done
        return await self._append(command.room, decision, once=_own(caller, command.once))

    async def mark_read(self, caller: Caller, command: MarkRead) -> int:
        view = await self._view(caller, command.room)
        rules.allow(view, caller, "read")
        head = view.state.head.seq if view.state else 0
        return await self.log.mark_read(command.room, caller.user, min(command.seq, head))

    async def may_whisper(self, caller: Caller, room: str) -> None:
        """Raises Rejected when `caller` may not be heard typing."""
        rules.allow(await self._view(caller, room), caller, "post")

    # -- reading ---------------------------------------------------------------------------------------------------

    async def history(self, caller: Caller, languages: Sequence[str], command: History) -> Page:
        """A page for one reader: other languages' translations are left out. Raises Rejected."""
        view = await self._view(caller, command.room)
        rules.allow(view, caller, "read")
        if view.state is None:
            raise Rejected(ErrorCode.ROOM_NOT_FOUND)
        head = view.state.head
        if command.epoch is not None and command.epoch != head.epoch:
            raise Rejected(ErrorCode.EPOCH_CHANGED)
        if command.after is not None:
            if command.before is not None:
                raise Rejected(ErrorCode.MALFORMED, "give `before` or `after`, not both")
            found = await self.log.read_after(command.room, command.after, command.limit)
            more = bool(found) and found[-1].seq < head.seq
        else:
            before = head.seq + 1 if command.before is None else command.before
            found = await self.log.read_before(command.room, before, command.limit)
            more = len(found) == command.limit and found[0].seq > 1
        about = await self.log.about(command.room, found[0].seq, found[-1].seq, ABOUT_MAX) if found else ()
        entries, later = _readable(found, languages), _standing(_readable(about, languages))
        fitting = _fitting(found, later, from_end=command.after is None)
        first, last = (fitting[0].seq, fitting[-1].seq) if fitting else (0, 0)
        here = {entry.seq for entry in fitting}
        return Page(
            re=command.id,
            room=command.room,
            epoch=head.epoch,
            entries=tuple(_on_page(read) for read in entries if read.entry.seq in here),
            about=tuple(_on_page(read) for read in later if read.entry.seq not in here and read.of in here),
            first=first,
            last=last,
            more=more or len(fitting) < len(found),
        )

    async def translate(self, caller: Caller, languages: Sequence[str], command: Translate) -> Entry | None:
        """The translation of one message for one reader: at once when the log has it, else None and a job is out.

        Only languages the reader reads: the answer is an entry for that audience, and who is outside of it would
        wait for ever. Raises Rejected.
        """
        language = canonical(command.language)
        if language not in languages:
            raise Rejected(ErrorCode.LANGUAGE_INVALID, "first add this language to those you read")
        view = await self._view(caller, command.room)
        rules.allow(view, caller, "read")
        message, revision, about = await gather(
            self.log.read_at(command.room, command.of),
            self.log.revision(command.room, command.of),
            self.log.about(command.room, command.of, command.of, ABOUT_MAX),
        )
        if message is None or revision is None:
            raise Rejected(ErrorCode.MESSAGE_NOT_FOUND)
        posted = readable_event(message.body)
        if not isinstance(posted, Posted):
            raise Rejected(ErrorCode.NOT_TRANSLATABLE)
        text, mentions = posted.text, posted.mentions
        for entry in about:
            event = readable_event(entry.body)
            if isinstance(event, Edited) and event.revision == revision:
                text, mentions = event.text, event.mentions
            if isinstance(event, Translated) and (event.language, event.revision) == (language, revision):
                return entry
        if await self._overloaded():
            raise Unavailable("too many translations are waiting; try again shortly", 5_000)
        wish = self._job_text(text, posted.author, ((language,),), mentions, asked=True)
        await self.jobs.put(Job(command.room, command.of, revision, wish))
        return None

    # -- inside ----------------------------------------------------------------------------------------------------

    async def _view(self, caller: Caller, room: str, *, of: int | None = None) -> View:
        if of is None:
            state, member = await gather(self.log.state(room), self.log.member(room, caller.user))
            return View(state, member)
        state, member, message, revision = await gather(
            self.log.state(room),
            self.log.member(room, caller.user),
            self.log.read_at(room, of),
            self.log.revision(room, of),
        )
        if message is None or revision is None:
            return View(state, member)
        posted = readable_event(message.body)
        return View(state, member, Target(posted.author, revision) if isinstance(posted, Posted) else None)

    async def _decided(
        self, view: View, caller: Caller, command: Post | Edit | Recall | React
    ) -> Decision | Appended | None:
        """The decision; or, when the rules now say no to what they allowed before, the answer of that first time.

        A phone that lost the ack of its recall asks again: the message is gone, because it succeeded. It must hear
        "done", not "no such message".
        """
        try:
            return rules.decide(view, caller, command)
        except Rejected:
            done = await self.log.recognise(command.room, _own(caller, command.once))
            if done is None:
                raise
            return done

    async def _readers(self, room: str) -> tuple[tuple[str, ...], ...]:
        rosters = await self.presence.rosters(room)
        return tuple(dict.fromkeys(languages for roster in rosters for languages in roster.readers))

    async def _say(
        self,
        room: str,
        decision: Decision | Appended | None,
        caller: Caller,
        once: str,
        readers: tuple[tuple[str, ...], ...],
    ) -> Appended:
        if isinstance(decision, Appended):
            return decision
        if decision is None or not isinstance(decision.event, Posted | Edited):
            raise TypeError("a post or an edit decides to a Posted or Edited")
        event = decision.event
        revision = event.revision if isinstance(event, Edited) else 0
        if not readers or not has_letters(event.text):
            return await self._append(room, decision, once=_own(caller, once))
        if await self._overloaded():
            appended = await self._append(room, decision, once=_own(caller, once))
            of = event.of if isinstance(event, Edited) else appended.position.seq
            await self._tell_untranslated(room, of, revision, readers)
            return appended
        job = self._job_text(event.text, caller.user, readers, event.mentions)
        return await self._append(room, decision, once=_own(caller, once), job=job, job_revision=revision)

    async def _tell_untranslated(self, room: str, of: int, revision: int, readers: tuple[tuple[str, ...], ...]) -> None:
        for language in dict.fromkeys(languages[0] for languages in readers):
            event = Untranslated(of=of, revision=revision, language=language, source="", reason="overload")
            once = f"u:{of}:{revision}:{language}"
            await self.log.append(room, event, once=once, audience=language)

    async def _admit(self, room: str, user: str, decision: Decision) -> Appended:
        """Write a membership. Two devices of one person may come in at the same instant, and a lost answer is asked
        for again: the room must hear of it once, so the once-key is the person's. Who came in before and left since
        is recognised by it too, and is no member: they come in anew."""
        appended = await self._append(room, decision, once=f"join:{user}")
        if appended.duplicate and await self.log.member(room, user) is None:
            return await self._append(room, decision, once=f"join:{user}:{self._new_id()}")
        return appended

    async def _append(
        self,
        room: str,
        decision: Decision | Appended | None,
        *,
        once: str,
        job: JobText | None = None,
        job_revision: int = 0,
    ) -> Appended:
        if isinstance(decision, Appended):
            return decision
        if decision is None:
            raise TypeError("nothing was decided, so there is nothing to append")
        try:
            return await self.log.append(
                room,
                decision.event,
                once=once,
                audience=EVERYONE,
                guard=decision.guard,
                change=decision.change,
                job=job,
                job_revision=job_revision,
            )
        except RoomMissing:
            raise Rejected(ErrorCode.ROOM_NOT_FOUND) from None
        except Stale:
            raise Rejected(ErrorCode.STALE) from None

    async def _spend(self, code: str) -> Invite:
        invite = await self.invites.spend(code, self._now_ms())
        if invite is None:
            raise Rejected(ErrorCode.INVITE_INVALID)
        return invite

    async def _overloaded(self) -> bool:
        now = self._now_ms()
        if now - self._backlog_at_ms >= BACKLOG_LOOK_MS:
            self._backlog_at_ms = now
            self._backlog = await self.jobs.backlog()
        return self._backlog >= JOBS_MAX

    def _job_text(
        self,
        text: str,
        author: str,
        readers: tuple[tuple[str, ...], ...],
        mentions: tuple[Mention, ...],
        *,
        asked: bool = False,
    ) -> JobText:
        deadline_ms = self._now_ms() + TRANSLATION_BUDGET_MS
        return JobText(text, author, readers, mentions, deadline_ms=deadline_ms, asked=asked)


@dataclass(frozen=True, slots=True)
class _Read:
    """An entry with its event."""

    entry: Entry
    event: Event

    @property
    def of(self) -> int | None:
        return refers_to(self.event)


def _own(caller: Caller, once: str) -> str:
    """The once-key of a caller's own command. "/" stands in no user id and in no key that a client or the house
    chooses, so nobody can choose a key that says the same as somebody else's, or as one of the house's ("join:x")."""
    return f"{caller.user}/{once}"


def _readable(entries: Sequence[Entry], languages: Sequence[str]) -> list[_Read]:
    """What one reader sees of these entries."""
    return [
        _Read(entry, readable_event(entry.body))
        for entry in entries
        if entry.audience == EVERYONE or entry.audience in languages
    ]


def _standing(about: Sequence[_Read]) -> list[_Read]:
    """Without what a later edit made void: earlier edits, and translations of an earlier text."""
    latest: dict[int, int] = {}
    for read in about:
        if isinstance(read.event, Edited):
            latest[read.event.of] = max(read.event.revision, latest.get(read.event.of, 0))
    return [
        read
        for read in about
        if not isinstance(read.event, Edited | Translated | Untranslated)
        or read.event.revision >= latest.get(read.event.of, 0)
    ]


def _fitting(found: Sequence[Entry], about: Sequence[_Read], *, from_end: bool) -> Sequence[Entry]:
    """As many of `found`, from one end and at least one, as fit into a page together with what is about them."""
    weights = {entry.seq: len(entry.body) for entry in found}
    for read in about:
        if read.of in weights:
            weights[read.of] += len(read.entry.body)
    total = kept = 0
    for entry in reversed(found) if from_end else found:
        total += weights[entry.seq]
        if kept and total > PAGE_BYTES_MAX:
            break
        kept += 1
    return found[len(found) - kept :] if from_end else found[:kept]


def _on_page(read: _Read) -> PageEntry:
    return PageEntry(seq=read.entry.seq, at_ms=read.entry.at_ms, event=read.event)


def position_of(appended: Appended | None) -> Position | None:
    return appended.position if appended else None
