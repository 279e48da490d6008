"""The lines of an export, kept in another room: what was said comes back as itself, what was decided as a record.

As themselves: messages, edits, translations, reactions, pins, suggestions and their votes, polls and questions with
their votes and results. They bind nobody. Everything else is a `Recorded` entry: conduct, sanctions, held messages,
reports, word lists, the programme, who came and went, roles, the glossary, given names.

Invariant: nothing here changes a row that a rule looks at (the only row changed is the list of pins), so nobody is
banned, muted, named or let in by an import: the user ids of a file are those of the installation it comes from, and
"bob" there need not be "bob" here. Nothing is lost either: exporting again gives the same lines, with other seqs and
times, and records in place of what they record.

Each entry is appended under a once-key made of the line it comes from, so an import that was cut off is repeated from
its beginning. Seqs and times are those of the new room; replies, votes and pins are led to what they are about.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import UNSET, structs

from chat.errors import Malformed
from chat.events import (
    Edited,
    Event,
    Explained,
    LoggedEvent,
    Pinned,
    Posted,
    Reacted,
    Recalled,
    Recorded,
    Suggested,
    Translated,
    Untranslated,
    Voted,
)
from chat.limits import PINS_MAX
from chat.live_events import (
    PollClosed,
    PollOpened,
    PollVoted,
    QuestionAsked,
    QuestionSettled,
    QuestionVoted,
)
from chat.ports import RoomLog, SetPin
from gateway.bodies import (
    ExportedEnd,
    ExportedMessage,
    ExportedOther,
    ExportedRecall,
    ExportedRoom,
    ExportedTranslation,
    ExportLine,
)

_decode = msgspec.json.Decoder(ExportLine).decode
AS_ITSELF: Final[Mapping[type, tuple[str, ...]]] = {
    Pinned: ("of",),
    Suggested: ("of",),
    Voted: ("of", "suggestion"),
    Explained: ("of",),
    PollOpened: (),
    PollVoted: ("of",),
    PollClosed: ("of",),
    QuestionAsked: (),
    QuestionVoted: ("of",),
    QuestionSettled: ("of",),
}
"""What is no message and comes back as itself, with its fields that are seqs. Where one of these leads to nothing that
came along (it was recalled, or removed because of its age), the entry is kept as a record."""


@dataclass(slots=True)
class Imported:
    messages: int = 0
    others: int = 0
    """Entries that came back as themselves: pins, polls, questions, suggestions, votes."""
    records: int = 0
    complete: bool = False
    """The last line was there, and told as many messages as came."""


@dataclass(slots=True)
class _Ballot:
    """A poll that is open as far as the file has been read."""

    opened: PollOpened
    choices: dict[str, tuple[int, ...]] = field(default_factory=dict)


def read_line(line: bytes) -> ExportLine:
    """Raises Malformed."""
    try:
        found: ExportLine = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"this is no line of an export: {error}"[:300]) from None
    return found


async def import_lines(log: RoomLog, room: str, lines: AsyncIterator[ExportLine]) -> Imported:
    """Raises Malformed, RoomMissing, Unavailable."""
    imported, importer = Imported(), None
    async for line in lines:
        match line:
            case ExportedRoom():
                state = await log.state(room)
                importer = _Importer(log, room, line.head.epoch, set(state.pins if state else ()))
            case _ if importer is None:
                raise Malformed("an export begins with its room")
            case ExportedMessage():
                await importer.say_again(line)
                imported.messages += 1
            case ExportedOther() | ExportedRecall():
                as_itself = await importer.keep(line)
                imported.others += as_itself
                imported.records += not as_itself
            case ExportedEnd():
                await importer.end_polls()
                imported.complete = line.messages == imported.messages
    return imported


class _Importer:
    """One file on its way into one room."""

    def __init__(self, log: RoomLog, room: str, epoch: str, pins: set[int]) -> None:
        self._log = log
        self._room = room
        self._epoch = epoch
        self._pins = pins
        self._said: dict[int, int] = {}
        """Seqs here of what came back as itself, by seq in the file."""
        self._kept: dict[int, int] = {}
        """The same of records."""
        self._open: dict[int, _Ballot] = {}

    async def say_again(self, line: ExportedMessage) -> None:
        """A message with all that was said about it."""
        key = f"import:{self._epoch}:{line.seq}"
        posted = Posted(
            author=line.author,
            name=line.name,
            text=line.text,
            reply_to=None if line.reply_to is None else self._said.get(line.reply_to),
            mentions=line.mentions,
            purpose=line.purpose,
            written_in=line.written_in,
            versions=line.versions or UNSET,
        )
        of = self._said[line.seq] = await self._append(posted, f"{key}:m", line.audience)
        await self._translate(of, line, 0, key)
        for edit in line.edits:
            edited = Edited(of=of, by=line.author, revision=edit.revision, text=edit.text, mentions=edit.mentions)
            await self._append(edited, f"{key}:e{edit.revision}", edit.audience or line.audience)
            await self._translate(of, line, edit.revision, key)
        for reaction in line.reactions:
            for user in reaction.by:
                reacted = Reacted(of=of, by=user, emoji=reaction.emoji, on=True)
                await self._append(reacted, f"{key}:r:{reaction.emoji}:{user}", reaction.audience or line.audience)

    async def keep(self, line: ExportedOther | ExportedRecall) -> bool:
        """Something else. Whether it came back as itself."""
        seq = line.seq if isinstance(line, ExportedOther) else line.seq or line.of
        key = f"import:{self._epoch}:{seq}"
        event = line.event if isinstance(line, ExportedOther) else Recalled(of=line.of, by=line.by, author=line.author)
        led = self._led(event)
        if led is not None:
            at = self._said[seq] = await self._append(led, f"{key}:o", line.audience)
            self._count(at, led)
        else:
            at = self._kept[seq] = await self._append(self._record(line, seq, event), f"{key}:o", line.audience)
        if isinstance(line, ExportedOther):
            for revision in dict.fromkeys(made.revision for made in line.translations):
                await self._translate(at, line, revision, key)
        return led is not None

    async def end_polls(self) -> None:
        """Those that were open when they were exported end with the votes they had: nobody can vote in them here."""
        for of, ballot in self._open.items():
            votes = Counter(choice for choices in ballot.choices.values() for choice in choices)
            closed = PollClosed(
                of=of,
                by="",
                outcome="ended",
                counts=tuple(votes[option] for option in range(len(ballot.opened.options))),
                voters=len(ballot.choices),
            )
            await self._append(closed, f"import:{self._epoch}:end:{of}", "")

    def _led(self, event: Event) -> Event | None:
        """The event, about the same as before; None for what is kept as a record."""
        fields = AS_ITSELF.get(type(event))
        if fields is None:
            return None
        places = {name: self._said.get(getattr(event, name)) for name in fields}
        if None in places.values():
            return None
        led = structs.replace(event, **places)
        if isinstance(led, Pinned):
            after = self._pins | {led.of} if led.on else self._pins - {led.of}
            if len(after) > PINS_MAX:
                return None
            self._pins = after
        return led

    def _record(self, line: ExportedOther | ExportedRecall, seq: int, event: Event) -> Recorded:
        if isinstance(event, Recorded):  # of an import before this one: it stays what it was
            return structs.replace(event, of=None if event.of is None else self._place(event.of))
        kept: LoggedEvent = event
        of: int | None = getattr(event, "of", None)
        place = None if of is None else self._place(of)
        return Recorded(epoch=self._epoch, seq=seq, at_ms=line.at_ms, event=kept, of=place)

    def _place(self, seq: int) -> int | None:
        return self._said.get(seq, self._kept.get(seq))

    def _count(self, at: int, event: Event) -> None:
        match event:
            case PollOpened():
                self._open[at] = _Ballot(event)
            case PollVoted(of=of, by=by, choices=choices) if by and of in self._open:
                self._open[of].choices.pop(by, None)
                if choices:
                    self._open[of].choices[by] = choices
            case PollClosed(of=of):
                self._open.pop(of, None)
            case _:
                pass

    async def _translate(self, of: int, line: ExportedMessage | ExportedOther, revision: int, key: str) -> None:
        for made in line.translations:
            if made.revision == revision:
                audience = line.audience or made.language
                await self._append(_translation(of, made), f"{key}:t{revision}:{made.language}", audience)

    async def _append(self, event: Event, once: str, audience: str) -> int:
        """Its seq here."""
        change = SetPin(event.of, event.on) if isinstance(event, Pinned) else None
        appended = await self._log.append(self._room, event, once=once, audience=audience, change=change)
        return appended.position.seq


def _translation(of: int, made: ExportedTranslation) -> Event:
    if made.text is None:
        return Untranslated(
            of=of, revision=made.revision, language=made.language, source=made.source, reason=made.reason
        )
    return Translated(
        of=of,
        revision=made.revision,
        language=made.language,
        source=made.source,
        text=made.text,
        engine=made.engine,
        package=made.package,
        starter=made.starter,
    )
