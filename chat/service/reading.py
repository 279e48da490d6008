"""What a reader sees: pages of the log and translations, in the languages they read; and how far they have read."""

import re
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from chat import room as rules
from chat.commands import (
    History,
    MarkRead,
    Translate,
)
from chat.errors import ErrorCode, Rejected, Unavailable
from chat.events import (
    NOBODY,
    Edited,
    Entry,
    Event,
    Explained,
    NameProposed,
    Posted,
    RoomChanged,
    RoomCreated,
    Translated,
    Untranslated,
    refers_to,
)
from chat.frames import Page, PageEntry
from chat.language import canonical, guess
from chat.limits import PAGE_BYTES_MAX
from chat.live_events import HeldBack, PollOpened, ProgrammeChanged, QuestionAsked, hears
from chat.ports import Job, RoomState
from chat.programme import words_of
from chat.room import Caller
from chat.service.ground import ABOUT_MAX, Ground, Present
from chat.wire import readable_event

LOOKS_MAX: Final = 20
LOOK_ENTRIES: Final = 1_000
"""Entries of one further look, for a page of history that votes left empty; so 20,000 votes are one page's work."""
_TITLE_PARTS: Final = re.compile("[·|/—]")


class Reading(Ground):
    async def mark_read(self, caller: Caller, command: MarkRead) -> int:
        view = await self._view(caller, command.room)
        rules.allow(view, caller, "read")
        head = view.state.head.seq if view.state else 0
        return await self.log.mark_read(command.room, caller.user, min(command.seq, head))

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
            found, read_to = await self._heard(command.room, command.limit, after=command.after)
            more = bool(read_to) and read_to < head.seq
        else:
            before = head.seq + 1 if command.before is None else command.before
            found, read_to = await self._heard(command.room, command.limit, before=before)
            more = read_to > 1
        about = await self.log.about(command.room, found[0].seq, found[-1].seq, ABOUT_MAX) if found else ()
        ears = rules.ears_of(view, caller, languages)
        entries, later = _readable(found, ears), _standing(_readable(about, ears))
        fitting = _fitting(found, later, from_end=command.after is None)
        first, last = (fitting[0].seq, fitting[-1].seq) if fitting else (read_to, read_to)
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

    async def _heard(
        self, room: str, limit: int, *, after: int | None = None, before: int = 0
    ) -> tuple[Sequence[Entry], int]:
        """Up to `limit` entries that somebody receives, ascending, after or before a seq; and up to where was read (0:
        there is nothing, or nothing before it). The votes of a ceremony are thousands, and no page is made of them."""
        heard: list[Entry] = []
        look, read_to = limit, 0
        for _ in range(LOOKS_MAX):
            if after is not None:
                page = await self.log.read_after(room, after, look)
                heard += (entry for entry in page if entry.audience != NOBODY)
            else:
                page = await self.log.read_before(room, before, look)
                heard[:0] = (entry for entry in page if entry.audience != NOBODY)
            if page:
                read_to = page[-1].seq if after is not None else page[0].seq
            if len(page) < look:
                if after is None and len(heard) <= limit:
                    return heard, 0
                break
            if len(heard) >= limit:
                break
            after, before, look = (None if after is None else read_to), read_to, LOOK_ENTRIES
        if len(heard) > limit:
            heard = heard[:limit] if after is not None else heard[-limit:]
            read_to = heard[-1].seq if after is not None else heard[0].seq
        return heard, read_to

    async def title_for(self, state: RoomState, languages: Sequence[str]) -> Translated | None:
        """The title of a room as it stands translated in the log, for one who reads `languages` (canonical) and, as
        far as scripts tell, none of those it is written in: "地球村 · Global Village" needs no translation for either.
        Asked by the gateway for who holds an invitation; nothing is translated for them."""
        if any(guess(part, languages) in languages for part in _TITLE_PARTS.split(state.title)):
            return None
        told: dict[str, Translated] = {}
        for entry in await self.log.about(state.room, state.title_seq, state.title_seq, ABOUT_MAX):
            event = readable_event(entry.body)
            if isinstance(event, Translated):
                if event.source in languages:
                    return None
                told[event.language] = event
        return next((told[language] for language in languages if language in told), None)

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
        ears = rules.ears_of(view, caller, languages)
        if message is None or revision is None or not hears(message.audience, ears):
            raise Rejected(ErrorCode.MESSAGE_NOT_FOUND)
        event, audience, said = readable_event(message.body), message.audience, 0
        match event:
            case Posted():
                author, text, mentions = event.author, event.text, event.mentions
            case NameProposed():
                author, text, mentions = event.by, event.reason, ()
            case RoomCreated() | RoomChanged():
                author, text, mentions = event.by, event.title, ()
            case ProgrammeChanged() | PollOpened() | QuestionAsked():
                author, text, mentions = event.by, words_of(event) or "", ()
            case HeldBack():
                author, text, mentions = event.author, event.text, ()
            case _:
                raise Rejected(ErrorCode.NOT_TRANSLATABLE)
        for entry in about:
            if not hears(entry.audience, ears):
                continue
            event = readable_event(entry.body)
            if isinstance(event, Edited) and event.revision == revision:
                text, mentions, audience, said = event.text, event.mentions, entry.audience or audience, revision
            if isinstance(event, Translated) and (event.language, event.revision) == (language, revision):
                return entry
        if said != revision:  # its latest words are for others
            raise Rejected(ErrorCode.NOT_TRANSLATABLE)
        if await self._overloaded():
            raise Unavailable("too many translations are waiting; try again shortly", 5_000)
        present = Present(((language,),), (await self._present(command.room)).names)
        wish = structs.replace(self._job_text(view, text, author, present, mentions, asked=True), audience=audience)
        await self.jobs.put(Job(command.room, command.of, revision, wish))
        return None


@dataclass(frozen=True, slots=True)
class _Read:
    """An entry with its event."""

    entry: Entry
    event: Event

    @property
    def of(self) -> int | None:
        return refers_to(self.event)


def _readable(entries: Sequence[Entry], ears: tuple[str, ...]) -> list[_Read]:
    """What a reader with these ears sees of these entries."""
    return [_Read(entry, readable_event(entry.body)) for entry in entries if hears(entry.audience, ears)]


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
