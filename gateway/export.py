"""A room as JSON lines, one per message, in bounded memory.

The log is read in pages; what was said later about a page's messages is asked for that page alone. Where a page has
more of it than one answer holds, the page is halved until it fits, so nothing is left out in silence. The last line
says how many messages there were: without it, an export was cut off.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from chat.events import Edited, Entry, Event, Posted, Reacted, Recalled, Translated, Untranslated
from chat.ports import RoomLog, RoomState
from chat.wire import decode_event
from gateway.bodies import (
    ExportedEdit,
    ExportedEnd,
    ExportedMessage,
    ExportedOther,
    ExportedReaction,
    ExportedRecall,
    ExportedRoom,
    ExportedTranslation,
    ExportLine,
)

PAGE_ENTRIES: Final = 200
ABOUT_MAX: Final = 5_000
"""Entries about one page held at once: a few MB."""


async def export_lines(log: RoomLog, state: RoomState, now_ms: int) -> AsyncIterator[ExportLine]:
    """Everything up to the head that the room had when this began. Raises Unavailable."""
    yield ExportedRoom(room=state.room, title=state.title, head=state.head, exported_at_ms=now_ms)
    messages, seq, head = 0, 0, state.head.seq
    while seq < head:
        page = [entry for entry in await log.read_after(state.room, seq, PAGE_ENTRIES) if entry.seq <= head]
        if not page:
            break
        async for line in _lines(log, state.room, page):
            messages += isinstance(line, ExportedMessage)
            yield line
        seq = page[-1].seq
    yield ExportedEnd(messages=messages)


def encode_line(line: ExportLine) -> bytes:
    return msgspec.json.encode(line) + b"\n"


async def _lines(log: RoomLog, room: str, page: Sequence[Entry]) -> AsyncIterator[ExportLine]:
    about = await log.about(room, page[0].seq, page[-1].seq, ABOUT_MAX)
    if len(about) == ABOUT_MAX and len(page) > 1:
        middle = len(page) // 2
        for half in (page[:middle], page[middle:]):
            async for line in _lines(log, room, half):
                yield line
        return
    said: dict[int, list[Entry]] = {}
    for entry in about:
        event = decode_event(entry.body)
        if isinstance(event, Edited | Translated | Untranslated | Reacted):
            said.setdefault(event.of, []).append(entry)
    for entry in page:
        event = decode_event(entry.body)
        match event:
            case Posted():
                yield _message(entry, event, said.get(entry.seq, ()))
            case Recalled():
                yield ExportedRecall(
                    of=event.of,
                    at_ms=entry.at_ms,
                    author=event.author,
                    by=event.by,
                    seq=entry.seq,
                    audience=entry.audience,
                )
            case Edited() | Translated() | Untranslated() | Reacted():
                pass  # told with the message it is about
            case _:
                about_it = _Translations()
                for later in said.get(entry.seq, ()):
                    about_it.take(decode_event(later.body))
                yield ExportedOther(
                    seq=entry.seq,
                    at_ms=entry.at_ms,
                    event=event,
                    translations=about_it.all(),
                    audience=entry.audience,
                )


class _Translations:
    """The latest word on each language and revision."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], ExportedTranslation] = {}

    def take(self, event: Event) -> None:
        match event:
            case Translated() as made:
                self._found[made.language, made.revision] = ExportedTranslation(
                    language=made.language,
                    revision=made.revision,
                    source=made.source,
                    text=made.text,
                    engine=made.engine,
                    package=made.package,
                    starter=made.starter,
                )
            case Untranslated() as refused:
                self._found.setdefault(
                    (refused.language, refused.revision),
                    ExportedTranslation(
                        language=refused.language,
                        revision=refused.revision,
                        source=refused.source,
                        text=None,
                        reason=refused.reason,
                    ),
                )
            case _:
                pass

    def all(self) -> tuple[ExportedTranslation, ...]:
        """By revision: so they stand after an import, however late one of them came."""
        return tuple(sorted(self._found.values(), key=lambda made: made.revision))


def _message(entry: Entry, posted: Posted, about: Sequence[Entry]) -> ExportedMessage:
    edits: list[ExportedEdit] = []
    translations = _Translations()
    reactions: dict[tuple[str, str], dict[str, None]] = {}
    for later in about:
        event = decode_event(later.body)
        audience = "" if later.audience == entry.audience else later.audience
        translations.take(event)
        match event:
            case Edited() as edit:
                edits.append(
                    ExportedEdit(
                        revision=edit.revision,
                        at_ms=later.at_ms,
                        text=edit.text,
                        mentions=edit.mentions,
                        audience=audience,
                    )
                )
            case Reacted() as reaction:
                same = [by for (emoji, _), by in reactions.items() if emoji == reaction.emoji]
                if not reaction.on:
                    for by in same:
                        by.pop(reaction.by, None)
                elif not any(reaction.by in by for by in same):
                    reactions.setdefault((reaction.emoji, audience), {})[reaction.by] = None
            case _:
                pass
    return ExportedMessage(
        seq=entry.seq,
        at_ms=entry.at_ms,
        author=posted.author,
        name=posted.name,
        text=posted.text,
        reply_to=posted.reply_to,
        mentions=posted.mentions,
        edits=tuple(edits),
        translations=translations.all(),
        reactions=tuple(
            ExportedReaction(emoji=emoji, by=tuple(by), audience=audience)
            for (emoji, audience), by in reactions.items()
            if by
        ),
        purpose=posted.purpose,
        written_in=posted.written_in,
        versions=() if posted.versions is msgspec.UNSET else posted.versions,
        audience=entry.audience,
    )
