"""The lines of an export, said again in another room: messages, edits, translations, reactions, in their order.

Each entry is appended under a once-key made of the line it comes from, so an import that was cut off is repeated from
its beginning. Seqs and times are those of the new room; replies are led to their messages there. What is no message
(who came and went, polls, sanctions) belongs to the old room and is left there, and counted.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from chat.errors import Malformed
from chat.events import Edited, Event, Posted, Reacted, Translated, Untranslated
from chat.ports import RoomLog
from gateway.bodies import ExportedEnd, ExportedMessage, ExportedRoom, ExportedTranslation, ExportLine

_decode = msgspec.json.Decoder(ExportLine).decode


@dataclass(slots=True)
class Imported:
    messages: int = 0
    left_out: int = 0
    complete: bool = False
    """The last line was there, and told as many messages as came."""


def read_line(line: bytes) -> ExportLine:
    """Raises Malformed."""
    try:
        found: ExportLine = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"this is no line of an export: {error}"[:300]) from None
    return found


async def import_lines(log: RoomLog, room: str, lines: AsyncIterator[ExportLine]) -> Imported:
    """Raises Malformed, RoomMissing, Unavailable."""
    imported, epoch, seqs = Imported(), "", {0: 0}
    async for line in lines:
        match line:
            case ExportedRoom():
                epoch = line.head.epoch
            case ExportedMessage() if epoch:
                seqs[line.seq] = await _say_again(log, room, epoch, line, seqs)
                imported.messages += 1
            case ExportedEnd():
                imported.complete = line.messages == imported.messages
            case _ if not epoch:
                raise Malformed("an export begins with its room")
            case _:
                imported.left_out += 1
    return imported


async def _say_again(log: RoomLog, room: str, epoch: str, line: ExportedMessage, seqs: dict[int, int]) -> int:
    """The seq of the message in its new room."""
    key = f"import:{epoch}:{line.seq}"

    async def append(event: Event, part: str, audience: str = line.audience) -> int:
        appended = await log.append(room, event, once=f"{key}:{part}", audience=audience)
        return appended.position.seq

    posted = Posted(
        author=line.author,
        name=line.name,
        text=line.text,
        reply_to=None if line.reply_to is None else seqs.get(line.reply_to),
        mentions=line.mentions,
        purpose=line.purpose,
        written_in=line.written_in,
        versions=line.versions or UNSET,
    )
    of = await append(posted, "m")
    for revision in range(len(line.edits) + 1):
        if revision:
            edit = line.edits[revision - 1]
            await append(Edited(of=of, by=line.author, revision=edit.revision, text=edit.text), f"e{edit.revision}")
        number = line.edits[revision - 1].revision if revision else 0
        for made in line.translations:
            if made.revision == number:
                audience = line.audience or made.language
                await append(_translation(of, made), f"t{number}:{made.language}", audience)
    for reaction in line.reactions:
        for user in reaction.by:
            await append(Reacted(of=of, by=user, emoji=reaction.emoji, on=True), f"r:{reaction.emoji}:{user}")
    return of


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
