"""Names over REST: who is called what, and names before they are proposed, what one would be shown with and ideas for
one; rows of the one table of operations in `gateway.api`.

Nothing is written and nothing is kept, the same question has the same answer. A preview and ideas take some
milliseconds of tables each, so they are made beside the event loop; a member asks as often as one does while typing.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct, structs

from chat import names
from chat.commands import FindPeople
from chat.describing import describe
from chat.errors import ErrorCode, Rejected
from chat.events import Echo, Finding, GivenName, Gloss, Script
from chat.frames import Card
from chat.ids import UserId
from chat.limits import FOUND_MAX, NAME_CHARS_MAX, PINYIN_CHARS_MAX
from chat.naming import suggest_chinese, suggest_latin
from chat.room import Caller
from gateway.bodies import InRoom
from gateway.operation import IN_ROOM, Call, Operation

if TYPE_CHECKING:
    from gateway.api import Api

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
    if not names.is_han(original):
        return ()
    latin = suggest_latin(original, seed=seed, count=SUGGESTED, gender=gender)
    return tuple(viewed(one.name, script, original, None, (one.why_en, one.why_zh)) for one in latin)


async def list_names(api: "Api", call: Call[InRoom, PeopleQuery, None]) -> PeoplePage:
    """Everybody in the room with all their names, by user id."""
    query = call.query
    people, more = await api.service.named_people(call.caller, call.where.room, after=query.after, limit=query.limit)
    return PeoplePage(people=people, more=more)


async def find_names(api: "Api", call: Call[InRoom, FindPeopleQuery, None]) -> PeoplePage:
    """Members by any of their names, best first; as the command `find_people`."""
    query = call.query
    api.spend(api.naming, call.caller.user)
    command = FindPeople(id=0, room=call.where.room, query=query.query)
    found = await api.service.find_people(call.caller, command, skip=query.skip, limit=query.limit)
    return PeoplePage(people=found.cards, more=found.more)


async def preview_name(api: "Api", call: Call[InRoom, NamePreviewQuery, None]) -> NameView:
    """What a proposal of this name would be shown with: reading, meaning, sound, and what speaks against it."""
    query = call.query
    original = await _original_name(api, call.caller, call.where.room, query.user)
    script: Script = "han" if names.is_han(query.text) else "latin"
    text = names.clean_given_name(query.text, script)
    return await asyncio.to_thread(viewed, text, script, original, query.pinyin)


async def suggest_names(api: "Api", call: Call[InRoom, SuggestionsQuery, None]) -> Suggestions:
    """Five ideas by sound and meaning for a member whose name is in the other script. The same seed gives the same."""
    query = call.query
    original = await _original_name(api, call.caller, call.where.room, query.user)
    found = await asyncio.to_thread(ideas, original, query.script, query.seed, query.gender, full=query.full)
    return Suggestions(names=found)


async def _original_name(api: "Api", caller: Caller, room: str, user: str | None) -> str:
    """The name under which a member (None: the caller) came in, for who may propose them another."""
    await api.allowed(caller, room, "propose_name")
    api.spend(api.naming, caller.user)
    member = await api.service.log.member(room, user or caller.user)
    if member is None:
        raise Rejected(ErrorCode.NOT_A_MEMBER, "there is no such member")
    return member.name


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "GET", "/rooms/{room}/names", list_names, where=InRoom, query=PeopleQuery, answer=PeoplePage, errors=IN_ROOM
    ),
    Operation(
        "GET",
        "/rooms/{room}/names/search",
        find_names,
        where=InRoom,
        query=FindPeopleQuery,
        answer=PeoplePage,
        errors=(*IN_ROOM, ErrorCode.TOO_FAST),
    ),
    Operation(
        "GET",
        "/rooms/{room}/naming/preview",
        preview_name,
        where=InRoom,
        query=NamePreviewQuery,
        answer=NameView,
        errors=(*IN_ROOM, ErrorCode.NAME_INVALID, ErrorCode.TOO_FAST),
    ),
    Operation(
        "GET",
        "/rooms/{room}/naming/suggestions",
        suggest_names,
        where=InRoom,
        query=SuggestionsQuery,
        answer=Suggestions,
        errors=(*IN_ROOM, ErrorCode.TOO_FAST),
    ),
)
