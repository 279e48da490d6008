"""What every use case stands on: a view of the room, a decision about it, one append.

Invariant: nothing is kept here between two commands but the last look at the backlog, and how many are under way.
Whoever asks again under a once-key hears what was answered the first time.
"""

from asyncio import gather
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from chat import room as rules
from chat.commands import (
    AcceptName,
    Configure,
    Consent,
    Edit,
    EndCeremony,
    OpenCeremony,
    Pin,
    Post,
    ProposeName,
    PutTerm,
    React,
    Recall,
    RemoveTerm,
    ReportProposal,
    SetName,
    Suggest,
    Vote,
    VoteName,
)
from chat.errors import ErrorCode, Rejected
from chat.events import (
    EVERYONE,
    Mention,
    Posted,
    Untranslated,
)
from chat.frames import Person
from chat.limits import TRANSLATION_BUDGET_MS
from chat.ports import (
    Appended,
    ForgetText,
    Invites,
    JobText,
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

CeremonyCommand = OpenCeremony | Consent | ProposeName | VoteName | ReportProposal | AcceptName | EndCeremony | SetName
OnceCommand = Post | Edit | Recall | React | Suggest | Vote | PutTerm | RemoveTerm | Configure | Pin | CeremonyCommand


@dataclass(frozen=True, slots=True)
class Present:
    """Those here, as far as translation needs to know them."""

    readers: tuple[tuple[str, ...], ...]
    """Distinct reading-language lists."""
    names: tuple[str, ...]
    people: tuple[Person, ...] = ()


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
    ) -> None:
        self.log = log
        self.presence = presence
        self.jobs = jobs
        self.invites = invites
        self.admission = admission or Admission()
        self._now_ms = now_ms
        self._new_id = new_id
        self._backlog = 0
        self._backlog_at_ms = -BACKLOG_LOOK_MS

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
        done = await self.log.recognise(room, own_key(caller, once))
        if done is None:
            raise refused
        return done

    async def _present(self, room: str) -> Present:
        return _present_in(await self.presence.rosters(room))

    async def _look(self, caller: Caller, room: str) -> tuple[View, Present]:
        """`_view` and `_present` in one step of the engine."""
        look = await self.log.look(room, caller.user)
        return View(look.state, look.member), _present_in(look.rosters)

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


def _present_in(rosters: Sequence[Roster]) -> Present:
    readers = dict.fromkeys(languages for roster in rosters for languages in roster.readers)
    people = tuple(person for roster in rosters for person in roster.people)
    return Present(tuple(readers), tuple(dict.fromkeys(person.name for person in people)), people)


def own_key(caller: Caller, once: str) -> str:
    """The once-key of a caller's own command. "/" stands in no user id and in no key that a client or the house
    chooses, so nobody can choose a key that says the same as somebody else's, or as one of the house's ("join:x")."""
    return f"{caller.user}/{once}"
