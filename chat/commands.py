"""What a client may ask. Every command carries an `id` chosen by the client and is answered under it, exactly once.

Evolution rules as in `events.py`: new fields have defaults, tags are never reused, unknown fields are ignored.
Checks that need no room (lengths, shapes) are in the types; the rest is decided in `room.py`.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chat.events import Emoji, GivenName, Mentions, Reason, Script, TermText, Text
from chat.ids import Epoch, OnceKey, Position, RoomId, Seq, UserId
from chat.language import Language
from chat.limits import (
    BUDGET_MS_MAX,
    BUDGET_MS_MIN,
    CEREMONY_S_MAX,
    CEREMONY_S_MIN,
    COMMAND_ID_MAX,
    HISTORY_LIMIT_MAX,
    LANGUAGES_MAX,
    NAME_CHARS_MAX,
    NOTE_CHARS_MAX,
    PINYIN_CHARS_MAX,
    ROOMS_PER_SESSION_MAX,
    TITLE_CHARS_MAX,
)
from chat.live_commands import LiveCommand

CommandId = Annotated[int, Meta(ge=0, le=COMMAND_ID_MAX)]
Languages = Annotated[tuple[Language, ...], Meta(min_length=1, max_length=LANGUAGES_MAX)]


class Resume(Struct, frozen=True, kw_only=True):
    """A room to follow, and the last position seen of it; without a position only what happens from now on."""

    room: RoomId
    position: Position | None = None


class _Command(Struct, frozen=True, kw_only=True, tag_field="type"):
    id: CommandId


class Hello(_Command, frozen=True, kw_only=True, tag="hello"):
    """First command on a connection: who am I, what do I read (most liked first), where was I."""

    token: Annotated[str, Meta(max_length=4096)]
    languages: Languages
    rooms: Annotated[tuple[Resume, ...], Meta(max_length=ROOMS_PER_SESSION_MAX)] = ()
    name: Annotated[str, Meta(max_length=NAME_CHARS_MAX)] | None = None
    """Display name for this connection, where the token leaves it open."""


class CreateRoom(_Command, frozen=True, kw_only=True, tag="create_room"):
    room: RoomId
    title: Annotated[str, Meta(min_length=1, max_length=TITLE_CHARS_MAX)]
    once: OnceKey


class Join(_Command, frozen=True, kw_only=True, tag="join"):
    """Become a member (with an invitation, if not already one) and follow the room from `position`."""

    room: RoomId
    position: Position | None = None
    invite: Annotated[str, Meta(max_length=64)] | None = None


class Leave(_Command, frozen=True, kw_only=True, tag="leave"):
    """Give up membership; `stay_member` only stops following on this connection."""

    room: RoomId
    stay_member: bool = False


class Post(_Command, frozen=True, kw_only=True, tag="post"):
    room: RoomId
    text: Text
    once: OnceKey
    reply_to: Seq | None = None
    mentions: Mentions = ()
    announce: bool = False
    """As an announcement to the room; moderators only."""
    versions: Annotated[tuple[tuple[Language, Text], ...], Meta(max_length=LANGUAGES_MAX)] = ()
    """Of an announcement: one's own words for readers of other languages, instead of a translation."""


class Edit(_Command, frozen=True, kw_only=True, tag="edit"):
    room: RoomId
    of: Seq
    text: Text
    once: OnceKey
    mentions: Mentions = ()


class Recall(_Command, frozen=True, kw_only=True, tag="recall"):
    room: RoomId
    of: Seq
    once: OnceKey


class React(_Command, frozen=True, kw_only=True, tag="react"):
    room: RoomId
    of: Seq
    emoji: Emoji
    on: bool = True
    once: OnceKey


class MarkRead(_Command, frozen=True, kw_only=True, tag="mark_read"):
    """I have read up to `seq`. The marker only moves forward and is the member's own, on all devices."""

    room: RoomId
    seq: Seq


class Typing(_Command, frozen=True, kw_only=True, tag="typing"):
    """I am typing. Published, never stored, first to be shed."""

    room: RoomId


class History(_Command, frozen=True, kw_only=True, tag="history"):
    """A page of the log: entries before `before`, or after `after`, or the latest. Give at most one of the two."""

    room: RoomId
    before: Seq | None = None
    after: Seq | None = None
    epoch: Epoch | None = None
    limit: Annotated[int, Meta(ge=1, le=HISTORY_LIMIT_MAX)] = 50


class Presence(_Command, frozen=True, kw_only=True, tag="presence"):
    room: RoomId


class SetLanguages(_Command, frozen=True, kw_only=True, tag="set_languages"):
    """Change what this connection reads, most liked first."""

    languages: Languages


class Translate(_Command, frozen=True, kw_only=True, tag="translate"):
    """Translate this message for me, into `language` (one that I read). The title too, by the entry that set it."""

    room: RoomId
    of: Seq
    language: Language


class Preview(_Command, frozen=True, kw_only=True, tag="preview"):
    """How would this read in `language`, and how does that read back in mine? Nothing is posted or kept."""

    room: RoomId
    text: Text
    language: Language


class Suggest(_Command, frozen=True, kw_only=True, tag="suggest"):
    """Propose a better translation of a message."""

    room: RoomId
    of: Seq
    language: Language
    text: Text
    once: OnceKey


class Vote(_Command, frozen=True, kw_only=True, tag="vote"):
    """Find a suggested translation right, or take that back. One vote for each member and suggestion."""

    room: RoomId
    of: Seq
    suggestion: Seq
    on: bool = True
    once: OnceKey


class Glossary(_Command, frozen=True, kw_only=True, tag="glossary"):
    """All terms of the room."""

    room: RoomId


class PutTerm(_Command, frozen=True, kw_only=True, tag="put_term"):
    """Add a term, or replace the one with the same source and language; moderators only."""

    room: RoomId
    source: TermText
    target: TermText | None = None
    language: Language | None = None
    note: Annotated[str, Meta(max_length=NOTE_CHARS_MAX)] = ""
    once: OnceKey


class RemoveTerm(_Command, frozen=True, kw_only=True, tag="remove_term"):
    room: RoomId
    source: TermText
    language: Language | None = None
    once: OnceKey


class Configure(_Command, frozen=True, kw_only=True, tag="configure"):
    """Change the title or how the room treats translation; what is null stays. Moderators only."""

    room: RoomId
    title: Annotated[str, Meta(min_length=1, max_length=TITLE_CHARS_MAX)] | None = None
    translation: Literal["patch", "hold"] | None = None
    translation_budget_ms: Annotated[int, Meta(ge=BUDGET_MS_MIN, le=BUDGET_MS_MAX)] | None = None
    once: OnceKey


class Pin(_Command, frozen=True, kw_only=True, tag="pin"):
    """Pin a message, or a naming ceremony, for everybody, or take the pin out; moderators only."""

    room: RoomId
    of: Seq
    on: bool = True
    once: OnceKey


class OpenCeremony(_Command, frozen=True, kw_only=True, tag="open_ceremony"):
    """Ask for a name, for oneself or (they are asked first) for another member."""

    room: RoomId
    user: UserId | None = None
    """Who is to be named; null: the caller."""
    script: Script = "han"
    window_s: Annotated[int, Meta(ge=CEREMONY_S_MIN, le=CEREMONY_S_MAX)] = 120
    once: OnceKey


class Consent(_Command, frozen=True, kw_only=True, tag="consent"):
    """The named person agrees to ceremony `of` that another member asked for, or does not."""

    room: RoomId
    of: Seq
    agree: bool = True
    once: OnceKey


class ProposeName(_Command, frozen=True, kw_only=True, tag="propose_name"):
    """A name for the nominee of ceremony `of`, and why."""

    room: RoomId
    of: Seq
    text: GivenName
    reason: Reason = ""
    joke: bool = False
    pinyin: Annotated[str, Meta(max_length=PINYIN_CHARS_MAX)] | None = None
    """One syllable with tone mark for each character, where the usual reading is not meant: "zēng guó fān"."""
    once: OnceKey


class VoteName(_Command, frozen=True, kw_only=True, tag="vote_name"):
    """One's vote in ceremony `of`: for `proposal`, instead of any before; null takes it back."""

    room: RoomId
    of: Seq
    proposal: Seq | None
    once: OnceKey


class ReportProposal(_Command, frozen=True, kw_only=True, tag="report_proposal"):
    """It means something rude. A moderator's report hides it at once, and so does its author's, who takes it back."""

    room: RoomId
    of: Seq
    proposal: Seq
    once: OnceKey


class AcceptName(_Command, frozen=True, kw_only=True, tag="accept_name"):
    """The named person takes `proposal`, and perhaps keeps `also`, the runner-up, as well. Ends the ceremony."""

    room: RoomId
    of: Seq
    proposal: Seq
    also: Seq | None = None
    once: OnceKey


class EndCeremony(_Command, frozen=True, kw_only=True, tag="end_ceremony"):
    """End ceremony `of` without a name: the named person declines, who asked for it or a moderator stops it."""

    room: RoomId
    of: Seq
    once: OnceKey


class SetName(_Command, frozen=True, kw_only=True, tag="set_name"):
    """One's own card: bring a name along, choose for whose eyes it is, or take it off."""

    room: RoomId
    text: GivenName
    preferred_for: Annotated[tuple[str, ...], Meta(max_length=LANGUAGES_MAX)] | None = None
    """Languages whose readers shall see this name ("*": all others); null leaves it as it is, or as its script says."""
    pinyin: Annotated[str, Meta(max_length=PINYIN_CHARS_MAX)] | None = None
    remove: bool = False
    once: OnceKey


class Names(_Command, frozen=True, kw_only=True, tag="names"):
    """The cards of these members, or (none given) of all who have one; with the caller's private remarks."""

    room: RoomId
    users: Annotated[tuple[UserId, ...], Meta(max_length=100)] = ()


class Remark(_Command, frozen=True, kw_only=True, tag="remark"):
    """What I call this member; nobody else ever sees it. Empty takes it away."""

    room: RoomId
    user: UserId
    text: Annotated[str, Meta(max_length=NAME_CHARS_MAX)]


class FindPeople(_Command, frozen=True, kw_only=True, tag="find_people"):
    """Members by any of their names: letters, Chinese characters, pinyin with or without tones, initials."""

    room: RoomId
    query: Annotated[str, Meta(max_length=NAME_CHARS_MAX)]


class Ping(_Command, frozen=True, kw_only=True, tag="ping"):
    pass


RoomCommand = (
    Join
    | Leave
    | Post
    | Edit
    | Recall
    | React
    | MarkRead
    | Typing
    | History
    | Presence
    | Translate
    | Preview
    | Suggest
    | Vote
    | Glossary
    | PutTerm
    | RemoveTerm
    | Configure
    | Pin
    | OpenCeremony
    | Consent
    | ProposeName
    | VoteName
    | ReportProposal
    | AcceptName
    | EndCeremony
    | SetName
    | Names
    | Remark
    | FindPeople
    | LiveCommand
)
Command = Hello | CreateRoom | SetLanguages | RoomCommand | Ping
