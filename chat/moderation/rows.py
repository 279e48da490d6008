"""What hangs on the board for moderators: standings, held messages, reports, raised hands, the word list."""

from typing import Final

import msgspec
from msgspec import Struct

from chat.conduct import FREE, Standing
from chat.live_events import HeldBack, Reported, Word
from chat.moderation.listing import default_lists
from chat.moderation.matching import TermList
from chat.moderation.terms import Action, Kind, Term

CONDUCT: Final = "conduct"
STANDING: Final = "standing"
HELD: Final = "held"
REPORT: Final = "report"
HAND: Final = "hand"
WORDS: Final = "words"


class StandingRow(Standing, frozen=True, kw_only=True, omit_defaults=True):
    """A standing with who decided it, under the member's id. `chat.conduct.standing_of` reads it as well."""

    name: str = ""
    why: str = ""
    by: str = ""
    once: str = ""
    """Key of the entry that decided it."""


class HeldRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A held message, under the seq of its entry; gone when it was refused, or is posted."""

    held: HeldBack
    at_ms: int
    approved: bool = False
    """Decided, and about to be posted: whoever comes next does it if nobody has."""
    by: str = ""


class ReportRow(Struct, frozen=True, kw_only=True):
    """All reports about one message, under its seq."""

    reports: tuple[Reported, ...]


class HandRow(Struct, frozen=True, kw_only=True):
    name: str
    at_ms: int


class WordsRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    words: tuple[Word, ...] = ()
    lists: tuple[str, ...] = ()


_standing = msgspec.msgpack.Decoder(StandingRow)
_held = msgspec.msgpack.Decoder(HeldRow)
_report = msgspec.msgpack.Decoder(ReportRow)
_hand = msgspec.msgpack.Decoder(HandRow)
_words = msgspec.msgpack.Decoder(WordsRow)


def standing_row_of(row: bytes | None) -> StandingRow:
    return StandingRow() if row is None else _standing.decode(row)


def held_of(row: bytes) -> HeldRow:
    return _held.decode(row)


def report_of(row: bytes | None) -> ReportRow:
    return ReportRow(reports=()) if row is None else _report.decode(row)


def hand_of(row: bytes) -> HandRow:
    return _hand.decode(row)


def words_of_row(row: bytes | None) -> WordsRow:
    return WordsRow() if row is None else _words.decode(row)


def plain(standing: Standing) -> Standing:
    """Without who decided it."""
    if standing == FREE or type(standing) is Standing:
        return standing
    return Standing(
        banned=standing.banned,
        until_ms=standing.until_ms,
        muted=standing.muted,
        shadowed=standing.shadowed,
        speaker=standing.speaker,
        since_ms=standing.since_ms,
    )


def term_of(word: Word) -> Term:
    """A row of a room's list as the matcher takes it: Chinese is found anywhere, Latin as whole words."""
    spaceless = any(ord(character) > 0x0E00 for character in word.text)
    kind = Kind.PINYIN if word.loose and spaceless else Kind.SUBSTRING if spaceless else Kind.WORD
    strict = not word.loose and not spaceless
    return Term(word.text, Action(word.action), kind, word.note, word.innocent, strict)


def terms_in(row: bytes | None) -> TermList | None:
    """The room's list and the built-in ones that are on, ready to be found; None where there is none. Raises
    Rejected."""
    found = words_of_row(row)
    known = default_lists()
    terms = [term_of(word) for word in found.words]
    for name in found.lists:
        terms += known.get(name, ())
    return TermList(terms) if terms else None
