"""What every use case stands on: a view of the room, a decision about it, one append.

Invariant: nothing is kept here between two commands but the last look at the backlog, how many are under way, what
those who posted lately saw of their room, and compiled word lists. What is remembered says yes to nothing: the log
carries an append out only if the same would be seen in that moment, and where the rules say no, they are asked again
with a new look. Whoever asks again under a once-key hears what was answered the first time.
"""

from asyncio import gather
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from chat import room as rules
from chat.commands import Configure, Edit, Pin, Post, PutTerm, React, Recall, RemoveTerm, SetName, Suggest, Vote
from chat.errors import ErrorCode, Rejected
from chat.events import EVERYONE, Mention, Posted, Untranslated
from chat.frames import Person
from chat.limits import TRANSLATION_BUDGET_MS
from chat.moderation import TermList
from chat.ports import (
    Appended,
    Classifier,
    ForgetText,
    Invites,
    JobText,
    Look,
    Presence,
    RoomLog,
    RoomMissing,
    Roster,
    Stale,
    TranslationJobs,
)
from chat.room import Caller, Decision, Target, View
from chat.service.admission import Admission
from chat.wire import readable_event

ABOUT_MAX: Final = 2_000
"""Entries about the messages of one history page: 100 messages with 20 edits, reactions and translations each."""
JOBS_MAX: Final = 10_000
"""Translation jobs waiting before new ones are refused by name: minutes of work for one worker, some MB of engine."""
BACKLOG_LOOK_MS: Final = 1_000
"""How long one look at the backlog serves; the bound is a guard against hours, not a precise valve."""

LOOKS_KEPT_MAX: Final = 8_192
"""Of those who posted last, about 1.5 kB each. A look costs a step of the engine and as much of this process again."""

CeremonyCommand = rules.CeremonyCommand | SetName
OnceCommand = Post | Edit | Recall | React | Suggest | Vote | PutTerm | RemoveTerm | Configure | Pin | CeremonyCommand


Key = TypeVar("Key")
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Present:
    """Those here, as far as translation needs to know them."""

    readers: tuple[tuple[str, ...], ...]
    """Distinct reading-language lists."""
    names: tuple[str, ...]
    people: tuple[Person, ...] = ()
    languages: tuple[str, ...] = ()
    """All that somebody here reads, each once."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a post is decided on."""

    view: View
    present: Present
    seen: Look | None
    """Not None: it is only remembered, and an append must ask for it."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The word list of a room."""

    rules: int
    row: bytes | None
    terms: TermList | None


class Ground:
    """The ports and the clock, shared by all use cases of a process."""

    def __init__(
        self,
        log: RoomLog,
        presence: Presence,
        jobs: TranslationJobs,
        invites: Invites,
        *,
        now_ms: Callable[[], int],
        new_id: Callable[[], str],
        admission: Admission | None = None,
        classifier: Classifier | None = None,
    ) -> None:
        self.log = log
        self.presence = presence
        self.jobs = jobs
        self.invites = invites
        self.admission = admission or Admission(now_ms=now_ms)
        self.classifier = classifier
        self._now_ms = now_ms
        self._new_id = new_id
        self._backlog = 0
        self._backlog_at_ms = -BACKLOG_LOOK_MS
        self._looks: dict[tuple[str, str], Scene] = {}
        """By member and room, those looked at last behind."""
        self._rosters: dict[str, tuple[Sequence[Roster], Present]] = {}
        """By room, so that its members do not remember the same people each for themselves."""
        self._terms: dict[str, Compiled] = {}
        """Word lists by room, as of which rules."""

    async def _view(self, caller: Caller, room: str, *, of: int | None = None) -> View:
        if of is None:
            state, member = await gather(self.log.state(room), self.log.member(room, caller.user))
            return View(state, member)
        view, message, revision = await gather(
            self._floor_view(caller, room), self.log.read_at(room, of), self.log.revision(room, of)
        )
        if message is None or revision is None or not rules.may_hear(view, caller, message.audience):
            return view
        posted = readable_event(message.body)
        if not isinstance(posted, Posted):
            return view
        return replace(view, target=Target(posted.author, revision, message.audience))

    async def _floor_view(self, caller: Caller, room: str) -> View:
        """With what moderators decided about the caller: for whoever wants to say something."""
        return view_of(await self.log.look(room, caller.user))

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
        done = await self.log.recognise(room, own_key(caller, once))
        if done is None:
            raise refused
        return done

    async def _present(self, room: str) -> Present:
        return present_in(await self.presence.rosters(room))

    def _remembered(self, caller: Caller, room: str) -> Scene | None:
        return self._looks.get((caller.user, room))

    async def _look(self, caller: Caller, room: str) -> Scene:
        """`_view` and `_present` in one step of the engine."""
        return self._remember(room, await self.log.look(room, caller.user))

    def _remember(self, room: str, look: Look) -> Scene:
        """What was seen just now."""
        view, known = view_of(look), self._rosters.get(room)
        if known is None or known[0] != look.rosters:
            known = (look.rosters, present_in(look.rosters))
        key = (look.user, room)
        self._looks.pop(key, None)
        if look.state is not None and look.member is not None:
            _make_place(self._looks)
            _make_place(self._rosters)
            self._rosters[room] = known
            self._looks[key] = Scene(view, known[1], replace(look, rosters=()))
        return Scene(view, known[1], None)

    async def _append(
        self,
        room: str,
        decision: Decision | Appended | None,
        *,
        once: str,
        job: JobText | ForgetText | None = None,
        job_revision: int = 0,
        seen: Look | None = None,
    ) -> Appended:
        if isinstance(decision, Appended):
            return decision
        if decision is None:
            raise TypeError("nothing was decided, so there is nothing to append")
        try:
            return await self._append_decided(room, decision, once, job, job_revision=job_revision, seen=seen)
        except Stale:
            raise Rejected(ErrorCode.STALE) from None

    async def _append_decided(
        self,
        room: str,
        decision: Decision,
        once: str,
        job: JobText | ForgetText | None = None,
        *,
        job_revision: int = 0,
        seen: Look | None = None,
    ) -> Appended:
        """For those who decide again where somebody was quicker. Raises Stale."""
        try:
            return await self.log.append(
                room,
                decision.event,
                once=once,
                audience=decision.audience,
                guard=decision.guard,
                change=decision.change,
                job=job,
                job_revision=job_revision,
                seen=seen,
            )
        except RoomMissing:
            raise Rejected(ErrorCode.ROOM_NOT_FOUND) from None

    async def _append_worded(self, room: str, decision: Decision, once: str, job: JobText) -> Appended:
        """The same for an entry with words: the job goes with it, if it is for anybody; where too many wait already,
        those who would have read a translation are told that there is none. Raises Stale."""
        if not job.readers:
            return await self._append_decided(room, decision, once)
        if not await self._overloaded():
            return await self._append_decided(room, decision, once, job)
        appended = await self._append_decided(room, decision, once)
        if decision.audience != EVERYONE:  # nobody reads it who waits for a translation
            return appended
        written_in = decision.event.written_in if isinstance(decision.event, Posted) else ""
        foreign = tuple(languages for languages in job.readers if written_in not in languages)
        await self._tell_untranslated(room, appended.position.seq, 0, written_in, foreign)
        return appended

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
        present: Present,
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

    async def _tell_untranslated(
        self, room: str, of: int, revision: int, source: str, readers: tuple[tuple[str, ...], ...]
    ) -> None:
        for language in dict.fromkeys(languages[0] for languages in readers):
            event = Untranslated(of=of, revision=revision, language=language, source=source, reason="overload")
            once = f"u:{of}:{revision}:{language}"
            await self.log.append(room, event, once=once, audience=language)


def view_of(look: Look) -> View:
    return View(look.state, look.member, standing=look.standing, spoke=look.spoke)


def _make_place(kept: dict[Key, Kept]) -> None:
    while len(kept) >= LOOKS_KEPT_MAX:
        del kept[next(iter(kept))]


def present_in(rosters: Sequence[Roster]) -> Present:
    readers = dict.fromkeys(languages for roster in rosters for languages in roster.readers)
    people = tuple(person for roster in rosters for person in roster.people)
    names = tuple(dict.fromkeys(person.name for person in people))
    read = tuple(dict.fromkeys(language for languages in readers for language in languages))
    return Present(tuple(readers), names, people, read)


def own_key(caller: Caller, once: str) -> str:
    """The once-key of a caller's own command. "/" stands in no user id and in no key that a client or the house
    chooses, so nobody can choose a key that says the same as somebody else's, or as one of the house's ("join:x")."""
    return f"{caller.user}/{once}"
