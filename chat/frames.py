"""What the server says to one client: answers to commands, entries of followed rooms, and notices.

A frame with `re` answers the command of that id; each command gets exactly one such frame (`ack`, `welcome`, `room`,
`page`, `people`, `glossary`, `preview`, `names`, `desk`, `stage`, `pong` or `error`). Frames without `re` come by
themselves.
"""

from typing import Literal

from msgspec import Struct

from chat.conduct import FREE, ORDINARY, Conduct, Standing
from chat.errors import ErrorCode
from chat.events import CeremonyOpened, Event, GivenTo, NameProposed, ProposalTally, Role
from chat.ids import Epoch, Position, RoomId, Seq, UserId
from chat.live_frames import LiveFrame

CountByLanguage = dict[str, int]


class Person(Struct, frozen=True, kw_only=True):
    user: UserId
    name: str
    languages: tuple[str, ...]


class People(Struct, frozen=True, kw_only=True, tag_field="type", tag="people"):
    """Who is here. `total` and `by_language` (first reading language) are exact; `people` is a list of at most 200."""

    room: RoomId
    total: int
    by_language: CountByLanguage
    people: tuple[Person, ...]
    re: int | None = None


class Ack(Struct, frozen=True, kw_only=True, tag_field="type", tag="ack"):
    """Done and durable. `position` is where the command's entry stands in the log, if it made one."""

    re: int
    position: Position | None = None


class ErrorFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="error"):
    """Not done, nothing lost. `re` is null when the command's id could not be read."""

    re: int | None
    code: ErrorCode
    words: str
    retryable: bool
    retry_after_ms: int | None = None


class Route(Struct, frozen=True, kw_only=True):
    """A translation this server can make; `starter` is the small built-in package."""

    source: str
    target: str
    starter: bool


class ProposalView(Struct, frozen=True, kw_only=True):
    """A proposal of a ceremony that is not over. Hidden ones are left out."""

    seq: Seq
    proposed: NameProposed
    votes: int


class CeremonyView(Struct, frozen=True, kw_only=True):
    """A ceremony that is not over, as it stands now, for one reader."""

    of: Seq
    opened: CeremonyOpened
    consented: bool
    closes_at_ms: int
    """End of the window, on the log's clock; of the time to consent, while that is awaited."""
    chooses_until_ms: int
    """Until when the nominee may accept; the same as `closes_at_ms` while consent is awaited."""
    proposals: tuple[ProposalView, ...]
    voters: int
    mine: Seq | None
    """The reader's own vote."""


class Card(Struct, frozen=True, kw_only=True):
    """A member's names. `remark` is the reader's own, private one."""

    user: UserId
    name: str
    names: tuple[GivenTo, ...]
    remark: str = ""


class NamesFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="names"):
    """Cards that were asked for by `names` or `find_people`; at most 500, respectively 20."""

    re: int
    room: RoomId
    cards: tuple[Card, ...]
    more: bool = False


class TallyFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="tally"):
    """The votes of ceremony `of` as they stand, at most four times a second; never stored. Hidden proposals are out."""

    room: RoomId
    of: Seq
    tally: tuple[ProposalTally, ...]
    voters: int


class RoomFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="room"):
    """A room is now followed. Sent before the first entry of it.

    recovered: true when every entry between the client's position and `head` follows (or there was no position).
    missed: how many entries lie between the client's position and where delivery starts; 0 when recovered.
    """

    room: RoomId
    title: str
    role: Role
    head: Position
    recovered: bool
    missed: int
    read: Seq
    members: int
    re: int
    title_seq: Seq = 1
    """The entry that set the title: `translate` it like a message."""
    translation: Literal["patch", "hold"] = "patch"
    translation_budget_ms: int = 800
    glossary_version: Seq = 0
    pins: tuple[Seq, ...] = ()
    ceremonies: tuple[CeremonyView, ...] = ()
    conduct: Conduct = ORDINARY
    """How one may speak here. In a room that is not ordinary, ask for `stage`."""
    standing: Standing = FREE
    """What moderators decided about the reader."""


class RoomRefused(Struct, frozen=True, kw_only=True):
    room: RoomId
    code: ErrorCode
    words: str


class Welcome(Struct, frozen=True, kw_only=True, tag_field="type", tag="welcome"):
    """Hello was accepted. One `room` frame for each resumed room came before it, or its refusal is listed here."""

    re: int
    user: UserId
    name: str
    languages: tuple[str, ...]
    session: str
    server: str
    refused: tuple[RoomRefused, ...]
    routes: tuple[Route, ...]
    limits: dict[str, int]
    token_expires_at_ms: int


class EntryFrame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="entry"):
    """One entry of a followed room. A reader receives a subset of the log (other languages' translations are left
    out), so seq is a resume cursor, not a gap detector."""

    room: RoomId
    epoch: Epoch
    seq: Seq
    at_ms: int
    event: Event
    translation: Event | None = None
    """In a room that holds: the translation for this reader, in the same frame. It comes again at its own seq."""


class PageEntry(Struct, frozen=True, kw_only=True):
    seq: Seq
    at_ms: int
    event: Event


class MessagesPage(Struct, frozen=True, kw_only=True):
    """A page of the log: what `Page` says, and REST answers alone. Go on before `first` or after `last` while there
    is `more`."""

    room: RoomId
    epoch: Epoch
    entries: tuple[PageEntry, ...]
    about: tuple[PageEntry, ...]
    first: Seq
    last: Seq
    more: bool


class Page(MessagesPage, frozen=True, kw_only=True, tag_field="type", tag="page"):
    """A page of history, ascending. `about` are later entries that say something about messages of the page
    (edits, reactions, recalls, translations in the reader's languages). Go on from `first` or `last`."""

    re: int


class TypingFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="typing"):
    room: RoomId
    user: UserId
    name: str


class GapFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="gap"):
    """Entries of this room could not be delivered in order; delivery goes on after `head`. Page back to see them.

    missed is -1 when nobody can tell (the log began a new life: another epoch)."""

    room: RoomId
    head: Position
    missed: int


class GlossaryTerm(Struct, frozen=True, kw_only=True):
    source: str
    target: str | None
    language: str
    note: str
    added_by: UserId


class GlossaryFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="glossary"):
    """The terms of a room. `version` is the seq of the entry that changed them last."""

    re: int
    room: RoomId
    version: Seq
    terms: tuple[GlossaryTerm, ...]


class PreviewFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="preview"):
    """How a draft would read. Empty texts come with the reason why (a reason of `untranslated`)."""

    re: int
    text: str
    back: str
    source: str
    reason: str = ""
    back_reason: str = ""
    starter: bool = False


class Pong(Struct, frozen=True, kw_only=True, tag_field="type", tag="pong"):
    re: int
    at_ms: int


class Closing(Struct, frozen=True, kw_only=True, tag_field="type", tag="closing"):
    """The server is about to close this connection: why, and when to come back (null: do not)."""

    code: int
    words: str
    retry_after_ms: int | None


Frame = (
    Ack
    | ErrorFrame
    | Welcome
    | RoomFrame
    | EntryFrame
    | Page
    | People
    | TypingFrame
    | GapFrame
    | GlossaryFrame
    | PreviewFrame
    | NamesFrame
    | TallyFrame
    | LiveFrame
    | Pong
    | Closing
)
