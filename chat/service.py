"""The use cases: one short coroutine per command. Load a view -> `room.decide` -> append -> answer.

Translation never delays those who read the original: the job travels inside the same atomic append, so a gateway
that dies between "posted" and "please translate" does not exist. Nothing here compares roles or knows a codec.
"""

from asyncio import gather
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from chat import room as rules
from chat.commands import (
    Configure,
    CreateRoom,
    Edit,
    History,
    Join,
    Leave,
    MarkRead,
    Pin,
    Post,
    Preview,
    PutTerm,
    React,
    Recall,
    RemoveTerm,
    Suggest,
    Translate,
    Vote,
)
from chat.errors import ErrorCode, Rejected, Unavailable
from chat.events import (
    EVERYONE,
    Edited,
    Entry,
    Event,
    Explained,
    Joined,
    Mention,
    Posted,
    Reacted,
    Role,
    RoomChanged,
    RoomCreated,
    Suggested,
    Translated,
    Untranslated,
    refers_to,
)
from chat.frames import Page, PageEntry, People, Person
from chat.ids import Position
from chat.language import canonical, guess
from chat.limits import PAGE_BYTES_MAX, PREVIEW_WITHIN_S, REACTIONS_PER_MESSAGE_MAX, TRANSLATION_BUDGET_MS
from chat.ports import (
    Appended,
    ForgetText,
    Glossary,
    Invite,
    Invites,
    Job,
    JobText,
    Member,
    Presence,
    PreviewText,
    RoomExists,
    RoomLog,
    RoomMissing,
    RoomState,
    Stale,
    TranslationJobs,
)
from chat.room import Caller, Decision, Target, View
from chat.text import clean_name, clean_text, has_words
from chat.wire import readable_event

ABOUT_MAX: Final = 2_000
"""Entries about the messages of one history page: 100 messages with 20 edits, reactions and translations each."""
JOBS_MAX: Final = 10_000
"""Translation jobs waiting before new ones are refused by name: minutes of work for one worker, some MB of engine."""
SUGGESTIONS_MAX: Final = 20
"""Better translations proposed for one message; after that members vote."""
BACKLOG_LOOK_MS: Final = 1_000
"""How long one look at the backlog serves; the bound is a guard against hours, not a precise valve."""


OnceCommand = Post | Edit | Recall | React | Suggest | Vote | PutTerm | RemoveTerm | Configure | Pin


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
        """An administrator makes somebody a member, or changes the role of one. Nobody is made owner."""
        if role == "owner":
            raise Rejected(ErrorCode.OWNER_MUST_STAY, "a room keeps the one owner who made it")
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
        view, present = await gather(self._view(caller, command.room), self._present(command.room))
        decision = await self._decided(view, caller, command)
        return await self._say(view, decision, caller, command.once, present)

    async def edit(self, caller: Caller, command: Edit) -> Appended:
        view, present = await gather(self._view(caller, command.room, of=command.of), self._present(command.room))
        decision = await self._decided(view, caller, command)
        return await self._say(view, decision, caller, command.once, present)

    async def recall(self, caller: Caller, command: Recall) -> Appended:
        view = await self._view(caller, command.room, of=command.of)
        decision = await self._decided(view, caller, command)
        texts = await self._texts(command.room, command.of) if isinstance(decision, Decision) else ()
        forget = ForgetText(texts) if texts else None  # no cache may remember what was taken back
        return await self._append(command.room, decision, once=_own(caller, command.once), job=forget)

    async def react(self, caller: Caller, command: React) -> Appended:
        view = await self._view(caller, command.room, of=command.of)
        decision = await self._decided(view, caller, command)
        if command.on:  # taking one's reaction back is always possible
            about = await self.log.about(command.room, command.of, command.of, ABOUT_MAX)
            given = sum(isinstance(readable_event(entry.body), Reacted) for entry in about)
            if given >= REACTIONS_PER_MESSAGE_MAX:
                full = Rejected(ErrorCode.FORBIDDEN, "this message has all the reactions it can carry")
                return await self._done_or(full, command.room, caller, command.once)
        return await self._append(command.room, decision, once=_own(caller, command.once))

    async def suggest(self, caller: Caller, command: Suggest) -> Appended:
        view = await self._view(caller, command.room, of=command.of)
        decision = await self._decided(view, caller, command)
        if isinstance(decision, Decision) and len(await self._suggestions(command.room, command.of)) >= SUGGESTIONS_MAX:
            full = Rejected(ErrorCode.FORBIDDEN, "this message has all the suggestions it can carry; vote for one")
            return await self._done_or(full, command.room, caller, command.once)
        return await self._append(command.room, decision, once=_own(caller, command.once))

    async def vote(self, caller: Caller, command: Vote) -> Appended:
        view, suggestions = await gather(
            self._view(caller, command.room, of=command.of), self._suggestions(command.room, command.of)
        )
        decision = await self._decided(replace(view, suggestions=suggestions), caller, command)
        return await self._append(command.room, decision, once=_own(caller, command.once))

    async def pin(self, caller: Caller, command: Pin) -> Appended:
        decision = await self._decided(await self._view(caller, command.room, of=command.of), caller, command)
        return await self._append(command.room, decision, once=_own(caller, command.once))

    # -- the room's own matters ------------------------------------------------------------------------------------

    async def glossary(self, caller: Caller, room: str) -> Glossary:
        rules.allow(await self._view(caller, room), caller, "read")
        return await self.log.glossary(room)

    async def change_glossary(self, caller: Caller, command: PutTerm | RemoveTerm) -> Appended:
        view, glossary = await gather(self._view(caller, command.room), self.log.glossary(command.room))
        decision = await self._decided(replace(view, terms=glossary.terms), caller, command)
        return await self._append(command.room, decision, once=_own(caller, command.once))

    async def configure(self, caller: Caller, command: Configure) -> Appended:
        view, present = await gather(self._view(caller, command.room), self._present(command.room))
        decision = await self._decided(view, caller, command)
        job = None
        event = decision.event if isinstance(decision, Decision) else None
        new_title = isinstance(event, RoomChanged) and view.state is not None and event.title != view.state.title
        if isinstance(event, RoomChanged) and new_title and present.readers:
            job = self._job_text(view, event.title, caller.user, present, ())
        return await self._append(command.room, decision, once=_own(caller, command.once), job=job)

    async def preview(self, caller: Caller, command: Preview, *, reply_to: str, reply_id: str) -> None:
        """Ask the translator how a draft would read; the answer is whispered to `reply_to`. Raises Rejected."""
        rules.allow(await self._view(caller, command.room), caller, "post")
        language = rules.language_of(command.language)
        if await self._overloaded():
            raise Unavailable("too many translations are waiting; try again shortly", 5_000)
        deadline_ms = self._now_ms() + round(PREVIEW_WITHIN_S * 1000)
        text = PreviewText(clean_text(command.text), "", language, reply_to, reply_id, deadline_ms)
        await self.jobs.put(Job(command.room, 0, 0, text))

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
        event = readable_event(message.body)
        match event:
            case Posted():
                author, text, mentions = event.author, event.text, event.mentions
            case RoomCreated() | RoomChanged():
                author, text, mentions = event.by, event.title, ()
            case _:
                raise Rejected(ErrorCode.NOT_TRANSLATABLE)
        for entry in about:
            event = readable_event(entry.body)
            if isinstance(event, Edited) and event.revision == revision:
                text, mentions = event.text, event.mentions
            if isinstance(event, Translated) and (event.language, event.revision) == (language, revision):
                return entry
        if await self._overloaded():
            raise Unavailable("too many translations are waiting; try again shortly", 5_000)
        present = Present(((language,),), (await self._present(command.room)).names)
        wish = self._job_text(view, text, author, present, mentions, asked=True)
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

    async def _decided(self, view: View, caller: Caller, command: OnceCommand) -> Decision | Appended | None:
        """The decision; or, when the rules now say no to what they allowed before, the answer of that first time.

        A phone that lost the ack of its recall asks again: the message is gone, because it succeeded. It must hear
        "done", not "no such message".
        """
        try:
            return rules.decide(view, caller, command)
        except Rejected as refused:
            return await self._done_or(refused, command.room, caller, command.once)

    async def _done_or(self, refused: Rejected, room: str, caller: Caller, once: str) -> Appended:
        """The answer of the first time, if this is a retry of what was done. Raises `refused` otherwise."""
        done = await self.log.recognise(room, _own(caller, once))
        if done is None:
            raise refused
        return done

    async def _present(self, room: str) -> "Present":
        rosters = await self.presence.rosters(room)
        readers = dict.fromkeys(languages for roster in rosters for languages in roster.readers)
        names = dict.fromkeys(person.name for roster in rosters for person in roster.people)
        return Present(tuple(readers), tuple(names))

    async def _suggestions(self, room: str, of: int) -> frozenset[int]:
        about = await self.log.about(room, of, of, ABOUT_MAX)
        return frozenset(entry.seq for entry in about if isinstance(readable_event(entry.body), Suggested))

    async def _texts(self, room: str, of: int) -> tuple[str, ...]:
        """Everything message `of` has ever said."""
        message, about = await gather(self.log.read_at(room, of), self.log.about(room, of, of, ABOUT_MAX))
        events = [readable_event(entry.body) for entry in (*((message,) if message else ()), *about)]
        return tuple(dict.fromkeys(event.text for event in events if isinstance(event, Posted | Edited)))

    async def _say(
        self, view: View, decision: Decision | Appended | None, caller: Caller, once: str, present: "Present"
    ) -> Appended:
        if isinstance(decision, Appended):
            return decision
        if decision is None or not isinstance(decision.event, Posted | Edited) or view.state is None:
            raise TypeError("a post or an edit decides to a Posted or Edited")
        event, room = decision.event, view.state.room
        revision = event.revision if isinstance(event, Edited) else 0
        among = dict.fromkeys(language for languages in present.readers for language in languages)
        written_in = guess(event.text, among)
        if isinstance(event, Posted):
            event = structs.replace(event, written_in=written_in)
            decision = replace(decision, event=event)
        if not present.readers or not has_words(event.text):
            return await self._append(room, decision, once=_own(caller, once))
        if await self._overloaded():
            appended = await self._append(room, decision, once=_own(caller, once))
            of = event.of if isinstance(event, Edited) else appended.position.seq
            foreign = tuple(languages for languages in present.readers if written_in not in languages)
            await self._tell_untranslated(room, of, revision, written_in, foreign)
            return appended
        urgent = bool(event.mentions) or (isinstance(event, Posted) and event.purpose == "announcement")
        job = self._job_text(view, event.text, caller.user, present, event.mentions, urgent=urgent)
        return await self._append(room, decision, once=_own(caller, once), job=job, job_revision=revision)

    async def _tell_untranslated(
        self, room: str, of: int, revision: int, source: str, readers: tuple[tuple[str, ...], ...]
    ) -> None:
        for language in dict.fromkeys(languages[0] for languages in readers):
            event = Untranslated(of=of, revision=revision, language=language, source=source, reason="overload")
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
        job: JobText | ForgetText | None = None,
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
        view: View,
        text: str,
        author: str,
        present: "Present",
        mentions: tuple[Mention, ...],
        *,
        asked: bool = False,
        urgent: bool = False,
    ) -> JobText:
        now_ms = self._now_ms()
        return JobText(
            text,
            author,
            present.readers,
            mentions,
            deadline_ms=now_ms + TRANSLATION_BUDGET_MS,
            asked=asked,
            names=tuple(name for name in present.names if name in text),
            urgent=urgent,
            budget_ms=view.state.settings.translation_budget_ms if view.state else 0,
            posted_at_ms=now_ms,
        )


@dataclass(frozen=True, slots=True)
class Present:
    """Those here, as far as translation needs to know them."""

    readers: tuple[tuple[str, ...], ...]
    """Distinct reading-language lists."""
    names: tuple[str, ...]


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
        if not isinstance(read.event, Edited | Translated | Untranslated | Explained)
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
