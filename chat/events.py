"""What happened in a room. An event is appended once, never changed; what it says about another entry names its seq.

Evolution rules (msgspec, "Schema Evolution"): a new field has a default; a field is never renamed, never changes its
type, never changes its meaning; a tag is never used again for something else; readers ignore tags and fields they do
not know. A log written today must be readable by the next ten versions.

`audience` of an entry says who receives it: "" everybody in the room, "~" nobody, "!" moderators, "@" and an id that
member and moderators, anything else the readers of that language.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chat.ids import Epoch, Position, RoomId, Seq, UserId
from chat.limits import (
    EMOJI_CHARS_MAX,
    GIVEN_NAME_CHARS_MAX,
    MENTIONS_MAX,
    NAME_CHARS_MAX,
    REASON_CHARS_MAX,
    TERM_CHARS_MAX,
    TEXT_CHARS_MAX,
)
from chat.live_events import (
    HeldDecided,
    LiveEvent,
    PollClosed,
    QuestionSettled,
    Reported,
    ReportSettled,
)

Role = Literal["owner", "moderator", "member", "guest"]
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS_MAX)]
Name = Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)]
TermText = Annotated[str, Meta(min_length=1, max_length=TERM_CHARS_MAX)]
Emoji = Annotated[str, Meta(min_length=1, max_length=EMOJI_CHARS_MAX)]

GivenName = Annotated[str, Meta(min_length=1, max_length=GIVEN_NAME_CHARS_MAX)]
Reason = Annotated[str, Meta(max_length=REASON_CHARS_MAX)]
Script = Literal["han", "latin"]
"""What a name is written in: "han" for a Chinese name, "latin" for one in an alphabet."""
Outcome = Literal["accepted", "declined", "stopped", "expired", "left"]

EVERYONE = ""
NOBODY = "~"
"""An entry that nobody receives: votes and reports. It counts, and is not told one by one. No language is "~"."""


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
    held: Seq | UnsetType = UNSET
    """The entry under which it was held back before a moderator, or its time, let it through."""
    versions: tuple[tuple[str, Text], ...] | UnsetType = UNSET
    """Of an announcement: the author's own words for readers of other languages, (language, text)."""


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
    """no_package, doubtful, too_late, overload, names_lost, engine_failed, moderated: pages translate this word."""


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
    """Message `of`, or the naming ceremony, was pinned, or its pin taken out. A ceremony that closes loses its pin."""

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


class Gloss(Struct, frozen=True, kw_only=True):
    """One character of a name: how it is read, what it means, and a Chinese word in which everybody knows it."""

    char: str
    reading: str
    en: str = ""
    zh: str = ""


class Echo(Struct, frozen=True, kw_only=True):
    """Which part of the original name (`heard`) sounds again in which part of the given one (`char`)."""

    heard: str
    char: str


class Finding(Struct, frozen=True, kw_only=True):
    """Something to know about a proposed name before it is accepted. `part` is what of the name it concerns."""

    kind: str
    """blocked, taboo_homophone, rude_in_other_language, famous, dictionary_word, dated, taken: pages ignore others."""
    part: str
    en: str = ""
    zh: str = ""


class GivenTo(Struct, frozen=True, kw_only=True):
    """A name on a member's card: in which script, how it is read, what it means, who gave it and when."""

    script: Script
    text: GivenName
    romanisation: str = ""
    """Pinyin with tone marks; empty for a name in an alphabet."""
    respelling: str = ""
    """How to say it, for those who cannot read it."""
    meaning_en: str = ""
    meaning_zh: str = ""
    glosses: tuple[Gloss, ...] = ()
    given_by: str = ""
    """User id; "" for a name that the member brought along."""
    given_by_name: str = ""
    since_ms: int = 0
    preferred_for: tuple[str, ...] = ()
    """Reading languages whose readers see this name; "*" stands for all that no other name is preferred for."""
    of: Seq = 0
    """The ceremony in which it was given; 0 for none."""


class ProposalTally(Struct, frozen=True, kw_only=True):
    proposal: Seq
    votes: int


class CeremonyOpened(Struct, frozen=True, kw_only=True, tag_field="type", tag="ceremony_opened"):
    """A naming ceremony: `nominee` is to get a name in `script`. Its identity is the seq of this entry.

    Asked for by the nominee, it is open at once, for `window_s` from this entry's time. Asked for by somebody else
    (`consented` is false), it waits for `ceremony_consented`, for `consent_s` at most."""

    nominee: UserId
    nominee_name: str
    by: UserId
    name: str
    script: Script
    window_s: int
    consented: bool
    consent_s: int = 0


class CeremonyConsented(Struct, frozen=True, kw_only=True, tag_field="type", tag="ceremony_consented"):
    """The nominee agreed: ceremony `of` is open for `window_s` from this entry's time."""

    of: Seq
    nominee: UserId
    window_s: int


class NameProposed(Struct, frozen=True, kw_only=True, tag_field="type", tag="name_proposed"):
    """A name, and why, in the proposer's own words. Its identity is its seq. `reason` is translated like a message."""

    of: Seq
    by: UserId
    name: str
    """Of who proposes."""
    text: GivenName
    """The proposed name."""
    script: Script
    reason: Reason = ""
    joke: bool = False
    counter: bool = False
    """The named person's own counter-proposal."""
    romanisation: str = ""
    respelling: str = ""
    glosses: tuple[Gloss, ...] = ()
    meaning_en: str = ""
    meaning_zh: str = ""
    echoes: tuple[Echo, ...] = ()
    sound: int = 0
    """How much of the original name is heard again, in per cent; 0 where it is not known."""
    findings: tuple[Finding, ...] = ()


class NameVoted(Struct, frozen=True, kw_only=True, tag_field="type", tag="name_voted"):
    """A member's vote in ceremony `of`, instead of the one before; null takes it back. Received by nobody."""

    of: Seq
    by: UserId
    proposal: Seq | None


class ProposalReported(Struct, frozen=True, kw_only=True, tag_field="type", tag="proposal_reported"):
    """A member finds a proposal rude. Received by nobody: the reporter is not told to the room."""

    of: Seq
    proposal: Seq
    by: UserId


class ProposalHidden(Struct, frozen=True, kw_only=True, tag_field="type", tag="proposal_hidden"):
    """Proposal `proposal` is out, and its votes with it: taken back by its author, by a moderator, or by reports."""

    of: Seq
    proposal: Seq
    why: Literal["reports", "withdrawn", "moderator"]


class CeremonyClosed(Struct, frozen=True, kw_only=True, tag_field="type", tag="ceremony_closed"):
    """A ceremony is over. When accepted, `names` is the named person's whole card from now on, and `given` the names
    just given: the accepted one, and perhaps the runner-up as well."""

    of: Seq
    nominee: UserId
    nominee_name: str
    by: UserId
    """Who ended it; the nominee where it simply ran out."""
    outcome: Outcome
    accepted: Seq | None = None
    runner_up: Seq | None = None
    given: tuple[GivenTo, ...] = ()
    names: tuple[GivenTo, ...] = ()
    tally: tuple[ProposalTally, ...] = ()
    """Every proposal that was not hidden, with its votes: as the votes in the log say."""
    voters: int = 0


class NamesChanged(Struct, frozen=True, kw_only=True, tag_field="type", tag="names_changed"):
    """A member's card as it is from now on: a name brought along, preferred otherwise, or taken off."""

    user: UserId
    names: tuple[GivenTo, ...]


LoggedEvent = (
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
    | CeremonyOpened
    | CeremonyConsented
    | NameProposed
    | NameVoted
    | ProposalReported
    | ProposalHidden
    | CeremonyClosed
    | NamesChanged
    | LiveEvent
)


class Recorded(Struct, frozen=True, kw_only=True, tag_field="type", tag="recorded"):
    """An entry of another log, kept by an import as it stood there. It does nothing here: nobody is banned, muted,
    named or let in by it, and it cannot be undone. Numbers within `event` are seqs of that log."""

    epoch: Epoch
    """Of the log it comes from."""
    seq: Seq
    at_ms: int
    event: LoggedEvent
    of: Seq | None = None
    """The entry here that it is about, where that came along."""


Event = LoggedEvent | Recorded


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
        case CeremonyConsented() | NameProposed() | ProposalHidden() | CeremonyClosed():
            return event.of
        case HeldDecided() | Reported() | ReportSettled() | PollClosed() | QuestionSettled():
            return event.of
        case _:
            return None


def owes_translation_of(event: Event) -> int | None:
    """The entry whose text a job that travels with this event is about; None: the event's own entry."""
    return None if isinstance(event, NameProposed) else refers_to(event)
