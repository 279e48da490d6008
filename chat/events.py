"""What happened in a room. An event is appended once, never changed; what it says about another entry names its seq.

Evolution rules (msgspec, "Schema Evolution"): a new field has a default; a field is never renamed, never changes its
type, never changes its meaning; a tag is never used again for something else; readers ignore tags and fields they do
not know. A log written today must be readable by the next ten versions.

`audience` of an entry says who receives it: "" everybody in the room, otherwise only readers of that language.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chat.ids import Epoch, Position, RoomId, Seq, UserId
from chat.limits import EMOJI_CHARS_MAX, MENTIONS_MAX, NAME_CHARS_MAX, TERM_CHARS_MAX, TEXT_CHARS_MAX

Role = Literal["owner", "moderator", "member", "guest"]
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS_MAX)]
Name = Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)]
TermText = Annotated[str, Meta(min_length=1, max_length=TERM_CHARS_MAX)]
Emoji = Annotated[str, Meta(min_length=1, max_length=EMOJI_CHARS_MAX)]

EVERYONE = ""


class Mention(Struct, frozen=True):
    """A member named in a text. `text` is the exact substring ("@白睿康"), so that translation can keep it."""

    user: UserId
    text: Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX + 1)]


Mentions = Annotated[tuple[Mention, ...], Meta(max_length=MENTIONS_MAX)]


class RoomCreated(Struct, frozen=True, kw_only=True, tag_field="type", tag="room_created"):
    """The first entry of every log."""

    by: UserId
    name: Name
    title: str


class Joined(Struct, frozen=True, kw_only=True, tag_field="type", tag="joined"):
    """Somebody became a member. A reconnect is presence, not membership, and is not written down."""

    user: UserId
    name: Name
    role: Role


class Left(Struct, frozen=True, kw_only=True, tag_field="type", tag="left"):
    """A member gave the membership up, or lost it (`by` is then the moderator)."""

    user: UserId
    by: UserId


class RoleChanged(Struct, frozen=True, kw_only=True, tag_field="type", tag="role_changed"):
    user: UserId
    role: Role
    by: UserId


class Posted(Struct, frozen=True, kw_only=True, tag_field="type", tag="posted"):
    """A message. `name` is the author's display name at that moment, so that history can be read for ever."""

    author: UserId
    name: Name
    text: Text
    reply_to: Seq | None = None
    mentions: Mentions = ()
    purpose: Literal["message", "announcement"] = "message"
    """An announcement is the host speaking to everybody: pages show it apart, translation treats it as urgent."""
    written_in: str = ""
    """The language as guessed from the script when it was posted ("" when that does not tell): enough to know who
    reads it as it stands. What was translated from is in `Translated.source`."""


class Edited(Struct, frozen=True, kw_only=True, tag_field="type", tag="edited"):
    """The author replaced the text of message `of`. Revision 0 is the post; translations name their revision."""

    of: Seq
    by: UserId
    revision: int
    text: Text
    mentions: Mentions = ()


class Recalled(Struct, frozen=True, kw_only=True, tag_field="type", tag="recalled"):
    """Message `of` was taken back by its author or a moderator; its text, edits and translations leave the log."""

    of: Seq
    by: UserId
    author: UserId


class Reacted(Struct, frozen=True, kw_only=True, tag_field="type", tag="reacted"):
    of: Seq
    by: UserId
    emoji: Emoji
    on: bool


class Translated(Struct, frozen=True, kw_only=True, tag_field="type", tag="translated"):
    """Message `of` (at `revision`) in another language; audience is that language. Always machine translation."""

    of: Seq
    revision: int
    language: str
    source: str
    text: str
    engine: str
    package: str
    starter: bool = False
    """Made by the small built-in package: phrase-book quality, and the page says so."""


class Untranslated(Struct, frozen=True, kw_only=True, tag_field="type", tag="untranslated"):
    """No translation of `of` into `language` will come by itself, and why. Never silence, never a guess."""

    of: Seq
    revision: int
    language: str
    source: str
    reason: str
    """no_package, doubtful, too_late, overload, names_lost, engine_failed: pages translate this word."""


class RoomChanged(Struct, frozen=True, kw_only=True, tag_field="type", tag="room_changed"):
    """A moderator changed the title, or how the room treats translation. Everything as it is from now on."""

    by: UserId
    title: str
    translation: Literal["patch", "hold"]
    translation_budget_ms: int


class TermChanged(Struct, frozen=True, kw_only=True, tag_field="type", tag="term_changed"):
    """A row of the glossary was added or replaced (same source and language). Translations made from now on keep it."""

    by: UserId
    source: TermText
    target: TermText | None
    """None: keep the source as it is."""
    language: str
    """For readers of this language; "" for all."""
    note: str = ""


class TermRemoved(Struct, frozen=True, kw_only=True, tag_field="type", tag="term_removed"):
    by: UserId
    source: TermText
    language: str


class Pinned(Struct, frozen=True, kw_only=True, tag_field="type", tag="pinned"):
    """Message `of` was pinned, or its pin taken out."""

    of: Seq
    by: UserId
    on: bool


class ExplainedTerm(Struct, frozen=True):
    """`text[start:end]` of the message (in code points) and what it means, in the reader's language."""

    term: str
    start: int
    end: int
    meaning: str


class Explained(Struct, frozen=True, kw_only=True, tag_field="type", tag="explained"):
    """Slang and room terms in message `of`, for readers of `language`: shown beside the text, never in its place."""

    of: Seq
    revision: int
    language: str
    terms: tuple[ExplainedTerm, ...]


class Suggested(Struct, frozen=True, kw_only=True, tag_field="type", tag="suggested"):
    """A member proposes a better translation of message `of` (at `revision`) into `language`."""

    of: Seq
    revision: int
    language: str
    text: Text
    by: UserId
    name: Name


class Voted(Struct, frozen=True, kw_only=True, tag_field="type", tag="voted"):
    """A member finds the suggestion at seq `suggestion` (about message `of`) right, or no longer does."""

    of: Seq
    suggestion: Seq
    by: UserId
    on: bool


Event = (
    RoomCreated
    | RoomChanged
    | Joined
    | Left
    | RoleChanged
    | Posted
    | Edited
    | Recalled
    | Reacted
    | Pinned
    | Translated
    | Untranslated
    | Explained
    | Suggested
    | Voted
    | TermChanged
    | TermRemoved
)


class Entry(Struct, frozen=True):
    """An event at its position. `body` is the event in msgpack, encoded once by whoever appended it.

    Between the log and the sockets nobody decodes `body`: header and body are joined as bytes (0.7 us against
    1.8 us for decoding and encoding again).
    """

    room: RoomId
    epoch: Epoch
    seq: Seq
    at_ms: int
    """Milliseconds since 1970-01-01 UTC on the log's own clock, one clock for all writers of a room."""
    audience: str
    body: bytes

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.seq)


def refers_to(event: Event) -> int | None:
    """The message this event is about, when it is about one: history pages carry such entries with their message."""
    match event:
        case Edited() | Recalled() | Reacted() | Pinned() | Translated() | Untranslated():
            return event.of
        case Explained() | Suggested() | Voted():
            return event.of
        case _:
            return None
