"""Requests and answers of the REST surface as typed structs: decoding validates them, and OpenAPI is made from them.

Requests refuse fields and query parameters they do not know (a slip like "titel" or "limt" must not be silence);
answers may grow new ones.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chat.events import Event, Mentions, Name, Role, TermText, Text
from chat.frames import GlossaryTerm
from chat.ids import Epoch, Position, RoomId, Seq, UserId
from chat.language import Language, canonical_list
from chat.limits import HISTORY_LIMIT_MAX, LANGUAGES_MAX, NOTE_CHARS_MAX
from gateway.invites import InviteCode
from gateway.tokens import TOKEN_CHARS_MAX

GrantedRole = Literal["moderator", "member", "guest"]
"""Roles that can be given away. A room's owner is who created it."""
ReadingLanguages = Annotated[tuple[Language, ...], Meta(max_length=LANGUAGES_MAX)]

LanguagesList = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?(,[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?){0,7})?(?!\n)$",
        extra_json_schema={"examples": ["zh,en"]},
    ),
]
"""Language tags in a query, comma-separated, likeliest first."""


def listed(tags: str) -> tuple[str, ...]:
    """Such a list in canonical tags. Raises Malformed."""
    return canonical_list(tag for tag in tags.split(",") if tag)


class Problem(Struct, frozen=True, kw_only=True):
    """Why not. `code` is stable and for programs, `words` are for developers."""

    code: str
    words: str
    retryable: bool
    retry_after_ms: int | None


# -- where: path parameters --------------------------------------------------------------------------------------------


class Nowhere(Struct, frozen=True):
    pass


class OfInvite(Struct, frozen=True):
    code: InviteCode


class InRoom(Struct, frozen=True):
    room: RoomId


class OfMember(Struct, frozen=True):
    room: RoomId
    user: UserId


# -- query parameters --------------------------------------------------------------------------------------------------


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class RoomsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    after: Annotated[str, Meta(max_length=64, description="go on after this room id")] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 100


class MembersQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    after: Annotated[str, Meta(max_length=128, description="go on after this user id")] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


class MessagesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    before: Annotated[Seq, Meta(description="entries before this seq; not with `after`")] | None = None
    after: Annotated[Seq, Meta(description="entries after this seq")] | None = None
    epoch: Annotated[Epoch, Meta(description="refuse (epoch_changed) if the log is of another life")] | None = None
    limit: Annotated[int, Meta(ge=1, le=HISTORY_LIMIT_MAX)] = 50
    languages: Annotated[LanguagesList, Meta(description="translations into these languages are included")] = ""


class InviteQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    languages: Annotated[LanguagesList, Meta(description="what the visitor reads, for the room's title")] = ""


class TermQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which term of a glossary: `source` as it stands in messages, for readers of `language` or for all."""

    source: TermText
    language: Language | None = None


# -- requests ----------------------------------------------------------------------------------------------------------


class EnterRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guest walks in. With the token of an earlier visit, the guest stays the same."""

    invite: InviteCode
    name: Name
    languages: ReadingLanguages = ()
    token: Annotated[str, Meta(max_length=TOKEN_CHARS_MAX)] | None = None


class RoomRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    room: RoomId
    title: Annotated[str, Meta(min_length=1, max_length=320)]


class MemberRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    role: GrantedRole = "member"


class InviteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    role: GrantedRole = "guest"
    lives_s: Annotated[int, Meta(ge=60, le=366 * 86_400)] = 7 * 86_400
    uses: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    """How often it can be used; without it, as often as wished."""


class MessageRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Text
    reply_to: Seq | None = None
    mentions: Mentions = ()


class TermRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands for the term in translations; without `target` the term itself."""

    target: TermText | None = None
    note: Annotated[str, Meta(max_length=NOTE_CHARS_MAX)] = ""


# -- answers -----------------------------------------------------------------------------------------------------------


class Here(Struct, frozen=True, kw_only=True):
    """Who is connected now; `by_language` counts first reading languages."""

    total: int
    by_language: dict[str, int]


class TranslatedTitle(Struct, frozen=True, kw_only=True):
    title: str
    language: str


class InviteView(Struct, frozen=True, kw_only=True):
    """What somebody holding an invitation may know before walking in. `translated` is the title in a language of the
    visitor, where it is in none of them and the room has it translated."""

    room: RoomId
    title: str
    translated: TranslatedTitle | None
    role: Role
    here: Here
    expires_at_ms: int


class Entered(Struct, frozen=True, kw_only=True):
    """A guest's token, for `hello`."""

    token: str
    user: UserId
    room: RoomId
    name: str
    expires_at_ms: int


class RoomView(Struct, frozen=True, kw_only=True):
    room: RoomId
    title: str
    head: Position
    members: int
    created_at_ms: int


class RoomsPage(Struct, frozen=True, kw_only=True):
    rooms: tuple[RoomView, ...]
    more: bool


class MemberView(Struct, frozen=True, kw_only=True):
    user: UserId
    name: str
    role: Role


class MembersPage(Struct, frozen=True, kw_only=True):
    members: tuple[MemberView, ...]
    more: bool


class InviteMade(Struct, frozen=True, kw_only=True):
    code: str
    room: RoomId
    role: Role
    expires_at_ms: int
    uses_left: int | None
    link: str


class MessageMade(Struct, frozen=True, kw_only=True):
    """`duplicate`: this Idempotency-Key was used before, and this is the answer of that time."""

    position: Position
    at_ms: int
    duplicate: bool


class GlossaryView(Struct, frozen=True, kw_only=True):
    """The terms of a room. `version` is the seq of the entry that changed them last."""

    room: RoomId
    version: Seq
    terms: tuple[GlossaryTerm, ...]


# -- export: one of these per line -------------------------------------------------------------------------------------


class ExportedRoom(Struct, frozen=True, kw_only=True, tag_field="type", tag="room"):
    """The first line."""

    room: RoomId
    title: str
    head: Position
    exported_at_ms: int


class ExportedEdit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    revision: int
    at_ms: int
    text: str
    mentions: Mentions = ()
    audience: str = ""
    """Not empty: in place of the message's. A shadowed member edited what everybody had read."""


class ExportedTranslation(Struct, frozen=True, kw_only=True):
    """Machine translation of one revision; `text` is null with the reason why there is none."""

    language: str
    revision: int
    source: str
    text: str | None
    engine: str = ""
    package: str = ""
    starter: bool = False
    reason: str = ""


class ExportedReaction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    emoji: str
    by: tuple[str, ...]
    audience: str = ""
    """Not empty: in place of the message's. Only they and moderators see it."""


class ExportedMessage(Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """One message with all that was said about it. `text` is the original; edits follow it in order."""

    seq: Seq
    at_ms: int
    author: UserId
    name: str
    text: str
    reply_to: Seq | None
    mentions: Mentions
    edits: tuple[ExportedEdit, ...]
    translations: tuple[ExportedTranslation, ...]
    reactions: tuple[ExportedReaction, ...]
    purpose: Literal["message", "announcement"] = "message"
    written_in: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    """Of an announcement: the author's own words by language."""
    audience: str = ""
    """Not empty: it reached only its author and moderators."""


class ExportedRecall(Struct, frozen=True, kw_only=True, tag_field="type", tag="recalled"):
    """A message was taken back: its text is gone, that it was there is not."""

    of: Seq
    at_ms: int
    author: UserId
    by: UserId
    seq: Seq = 0
    """Of the recall itself."""
    audience: str = ""


class ExportedOther(Struct, frozen=True, kw_only=True, tag_field="type", tag="other"):
    """Something that is no message: somebody joined, a poll was opened, a name was given. `translations` are those of
    its words, if it has some."""

    seq: Seq
    at_ms: int
    event: Event
    translations: tuple[ExportedTranslation, ...] = ()
    audience: str = ""
    """Not empty: who received it, in place of everybody; "~": nobody."""


class ExportedEnd(Struct, frozen=True, kw_only=True, tag_field="type", tag="end"):
    """The last line. An export without it was cut off."""

    messages: int


ExportLine = ExportedRoom | ExportedMessage | ExportedRecall | ExportedOther | ExportedEnd
