"""Names before they are proposed: what one would be shown with, and ideas for one. For members, over REST (`api.py`).

Pure: nothing is written and nothing is kept, the same question has the same answer. Each takes some milliseconds of
tables, so `api.py` runs them beside the event loop, and lets a member ask as often as one does while typing.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, structs

from chat import names as naming
from chat.describing import describe
from chat.events import Echo, Finding, GivenName, Gloss, Script
from chat.frames import Card
from chat.ids import UserId
from chat.limits import FOUND_MAX, NAME_CHARS_MAX, PINYIN_CHARS_MAX
from chat.naming import suggest_chinese, suggest_latin

LOOKS_PER_S: Final = 4.0
LOOKS_BURST: Final = 20
"""Previews and ideas for one member: a preview is asked for whenever typing rests."""
SUGGESTED: Final = 5


class NamePreviewQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[GivenName, Meta(description="the name, in Chinese characters or in letters")]
    user: Annotated[UserId, Meta(description="whose original name it is compared with")] | None = None
    pinyin: Annotated[str, Meta(max_length=PINYIN_CHARS_MAX, description="another reading than the usual")] | None = (
        None
    )


class SuggestionsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    user: Annotated[UserId, Meta(description="who is to be named; nobody: the caller")] | None = None
    script: Script = "han"
    seed: Annotated[int, Meta(ge=0, le=1_000_000, description="another number, other ideas")] = 0
    gender: Literal["f", "m"] | None = None
    full: Annotated[bool, Meta(description="also the whole original name, character for sound, as newspapers do")] = (
        False
    )


class PeopleQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    after: Annotated[str, Meta(max_length=128, description="go on after this user id")] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 100


class FindPeopleQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    query: Annotated[
        str, Meta(max_length=NAME_CHARS_MAX, description="characters, letters, pinyin with or without tones, initials")
    ]
    skip: Annotated[int, Meta(ge=0, le=10_000, description="so many better ones are known already")] = 0
    limit: Annotated[int, Meta(ge=1, le=FOUND_MAX)] = FOUND_MAX


class PeoplePage(Struct, frozen=True, kw_only=True):
    """Members with all their names, newest first; `remark` is the caller's own, private one."""

    people: tuple[Card, ...]
    more: bool


class CardQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[GivenName, Meta(description="which of the member's names; without it the newest")] | None = None


class NameView(Struct, frozen=True, kw_only=True):
    """A name as a proposal of it would be shown; the fields of `name_proposed`."""

    text: str
    script: Script
    romanisation: str = ""
    respelling: str = ""
    glosses: tuple[Gloss, ...] = ()
    meaning_en: str = ""
    meaning_zh: str = ""
    echoes: tuple[Echo, ...] = ()
    sound: int = 0
    """Per cent of the original name that is heard again."""
    findings: tuple[Finding, ...] = ()
    why_en: str = ""
    """Of an idea: what it is made of."""
    why_zh: str = ""
    full: str = ""
    """The whole original name by its sound, where it was asked for: not a name to be called by."""
    full_romanisation: str = ""


class Suggestions(Struct, frozen=True, kw_only=True):
    names: tuple[NameView, ...]


def viewed(
    text: str, script: Script, original: str, pinyin: str | None = None, why: tuple[str, str] = ("", "")
) -> NameView:
    """A name proposed to somebody called `original`, with all that is known of it."""
    found = describe(text, script, original, pinyin)
    return NameView(
        text=text,
        script=script,
        romanisation=found.romanisation,
        respelling=found.respelling,
        glosses=found.glosses,
        meaning_en=found.meaning_en,
        meaning_zh=found.meaning_zh,
        echoes=found.echoes,
        sound=found.sound,
        findings=found.findings,
        why_en=why[0],
        why_zh=why[1],
    )


def ideas(original: str, script: Script, seed: int, gender: str | None, *, full: bool = False) -> tuple[NameView, ...]:
    """Names that sound like `original` or mean what it means; none where it is written in their script already."""
    if script == "han":
        chinese = suggest_chinese(original, seed=seed, count=SUGGESTED, gender=gender, with_full=full)
        return tuple(
            structs.replace(
                viewed(one.hanzi, script, original, None, (one.why_en, one.why_zh)),
                full=one.full or "",
                full_romanisation=one.full_pinyin or "",
            )
            for one in chinese
        )
    if not naming.is_han(original):
        return ()
    latin = suggest_latin(original, seed=seed, count=SUGGESTED, gender=gender)
    return tuple(viewed(one.name, script, original, None, (one.why_en, one.why_zh)) for one in latin)
