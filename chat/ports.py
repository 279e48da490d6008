"""What the domain needs from the world. Adapters are named by technology, ports by role; one contract suite for all.

Every method raises `chat.errors.Unavailable` when the engine cannot be reached (library exceptions die in the
adapter), and nothing else. None of them checks permissions: that is `room.decide`, asked by `service.py`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from msgspec import Struct

from chat.events import CeremonyOpened, Entry, Event, GivenTo, Mention, NameProposed, Role
from chat.frames import Person
from chat.hooks import Cursor, DeadLetter, Endpoint
from chat.ids import Position


@dataclass(frozen=True, slots=True)
class Member:
    """A row of a room's membership, a projection of its log."""

    user: str
    name: str
    role: Role
    since_ms: int = 0
    """When they came in; 0: before this was written down. Gone with the membership, so there are no more than that."""


@dataclass(frozen=True, slots=True)
class RoomState:
    """What is known of a room without reading its log."""

    room: str
    title: str
    head: Position
    members: int
    created_at_ms: int
    settings: "RoomSettings" = field(default_factory=lambda: RoomSettings())
    glossary_version: int = 0
    pins: tuple[int, ...] = ()
    """Seqs of pinned messages, in the order of pinning."""
    title_seq: int = 1
    """The entry that set the title."""
    keep_days: int | None = None
    """Entries older than this many days are removed; 0: none ever is; None: as the deployment has it."""
    dropped: int = 0
    """Entries up to this seq were removed because of their age."""
    rules: int = 0
    """How often a row that rules depend on was changed."""
    conduct: bytes | None = None
    """The row that says how one may speak here; None: as in any room."""


@dataclass(frozen=True, slots=True)
class SetMember:
    """Write this membership row in the same atomic step as the entry."""

    member: Member


@dataclass(frozen=True, slots=True)
class DropMember:
    user: str


@dataclass(frozen=True, slots=True)
class Term:
    """A row of a room's glossary."""

    source: str
    """As it stands in messages."""
    target: str | None
    """What stands in the translation; None: the source itself, untranslated."""
    language: str
    """Readers' language for which `target` is meant; "" for every language."""
    note: str
    added_by: str
    name: bool = False
    """A member's name: where it is first met in a text, its source is shown beside it."""


@dataclass(frozen=True, slots=True)
class Glossary:
    """The terms of a room. `version` is the seq of the entry that changed it last (0: never), so it only grows."""

    version: int = 0
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class SetTerm:
    """Write this glossary row in the same atomic step; it replaces the one with the same source and language."""

    term: Term


@dataclass(frozen=True, slots=True)
class DropTerm:
    source: str
    language: str


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """How a room treats translation. Stored as one row, changed as one."""

    translation: Literal["patch", "hold"] = "patch"
    """patch: the original at once, the translation when it is ready. hold: readers of another language wait up to
    the budget and get both in one frame; readers of the original never wait."""
    translation_budget_ms: int = 800


@dataclass(frozen=True, slots=True)
class SetRoom:
    """Write title and settings of the room in the same atomic step."""

    title: str
    settings: RoomSettings


@dataclass(frozen=True, slots=True)
class SetPin:
    """Pin message `of` (again: it moves to the end), or take the pin out."""

    of: int
    on: bool


class CeremonyRow(Struct, frozen=True):
    """A ceremony as it is stored while it is not over."""

    opened: CeremonyOpened
    consented: bool


class ProposalRow(Struct, frozen=True):
    proposed: NameProposed
    reporters: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    seq: int
    row: ProposalRow
    votes: int = 0
    """0 for a hidden one, whatever was cast for it."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A naming ceremony that is not over, as its log stands."""

    id: int
    """The seq of its `CeremonyOpened`."""
    row: CeremonyRow
    until_ms: int
    """End of the window (or of the time to consent), on the log's clock."""
    version: int
    """Grows with every change but votes."""
    cast: int
    """Votes in the log, changed ones and those taken back included."""
    proposals: tuple[Proposal, ...] = ()
    """By seq."""


@dataclass(frozen=True, slots=True)
class MemberNames:
    """A member's names; `version` counts how often they were changed."""

    version: int = 0
    names: tuple[GivenTo, ...] = ()


@dataclass(frozen=True, slots=True)
class SetCeremony:
    """Begin a ceremony (`of` None: this entry is it), or change its row; it lasts so long from this entry's time."""

    of: int | None
    row: CeremonyRow
    lasts_ms: int


@dataclass(frozen=True, slots=True)
class SetProposal:
    """Add a proposal to ceremony `of` (`seq` None: this entry is it), or change its row. Hidden, its votes are gone."""

    of: int
    seq: int | None
    row: ProposalRow


@dataclass(frozen=True, slots=True)
class SetBallot:
    """The one vote of `user` in ceremony `of` is for `proposal` from now on; None: they have none. Counted once."""

    of: int
    user: str
    proposal: int | None


@dataclass(frozen=True, slots=True)
class DropCeremony:
    """It is over: row, proposals and ballots leave the projection; the log keeps them."""

    of: int


@dataclass(frozen=True, slots=True)
class SetNames:
    """All names of a member."""

    user: str
    names: tuple[GivenTo, ...]


@dataclass(frozen=True, slots=True)
class SetRow:
    """Hang a row on the room's board: small things that rules look at or that newcomers are shown, each under a kind
    ("standing", "held", "poll") and a key. `key` None: the seq of this entry."""

    kind: str
    key: str | None
    row: bytes
    rules: bool = False
    """What members may do depends on it: appends that were decided before are `STALE` (`BoardGuard.rules`)."""


@dataclass(frozen=True, slots=True)
class DropRow:
    kind: str
    key: str
    rules: bool = False


@dataclass(frozen=True, slots=True)
class SetChoices:
    """The choices of `user` in ballot box `box` are these from now on; none: they have none. Each counted once."""

    box: str
    user: str
    choices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DropBox:
    """The box is emptied; the log keeps the votes."""

    box: str


Change = (
    SetMember
    | DropMember
    | SetTerm
    | DropTerm
    | SetRoom
    | SetPin
    | SetCeremony
    | SetProposal
    | SetBallot
    | DropCeremony
    | SetNames
    | SetRow
    | DropRow
    | SetChoices
    | DropBox
)


def changes_of(change: Change | Sequence[Change] | None) -> tuple[Change, ...]:
    """All of them, in order: most entries change one row or none."""
    if change is None:
        return ()
    return tuple(change) if isinstance(change, Sequence) else (change,)


@dataclass(frozen=True, slots=True)
class Guard:
    """Append only while message `of` is still at `revision`; otherwise `STALE`. A recalled message has none."""

    of: int
    revision: int


@dataclass(frozen=True, slots=True)
class NamesGuard:
    """Append only while the names of `user` are at `version`; otherwise `STALE`."""

    user: str
    version: int
    rules: int | None = None
    """As in `BoardGuard`."""


@dataclass(frozen=True, slots=True)
class CeremonyGuard:
    """Append only while all of this holds of ceremony `of`; otherwise `STALE`. None: whatever it is."""

    of: int
    version: int | None = None
    cast: int | None = None
    """As many votes were cast."""
    proposal: int | None = None
    """This proposal is there and not hidden."""
    timely: bool = False
    """Its window has not ended, on the log's own clock."""
    names: NamesGuard | None = None
    rules: int | None = None
    """As in `BoardGuard`."""


@dataclass(frozen=True, slots=True)
class BoardGuard:
    """Append only while the room's board stands like this; otherwise `STALE`."""

    rules: int | None = None
    """`RoomState.rules`; None: whatever it is."""
    rows: tuple[tuple[str, str, bytes | None], ...] = ()
    """(kind, key, row), None where there is none. At most `ROWS_GUARDED_MAX`."""
    message: "Guard | None" = None


AnyGuard = Guard | CeremonyGuard | NamesGuard | BoardGuard
ROWS_GUARDED_MAX: Final = 8


class JobText(Struct, frozen=True, tag="message"):
    """The part of a translation job that is known before the entry has a position."""

    text: str
    author: str
    readers: tuple[tuple[str, ...], ...]
    """Distinct reading-language lists of those present, most liked first. The worker detects the source and
    translates into `language.wanted(source, readers)`."""
    mentions: tuple[Mention, ...] = ()
    deadline_ms: int = 0
    """On the caller's clock (ms since 1970). A job found later is answered `Untranslated(reason="too_late")`."""
    asked: bool = False
    """A reader asked for exactly this language: translate even where detection sees no need."""
    names: tuple[str, ...] = ()
    """Display names of people present that occur in the text: they come through untranslated."""
    urgent: bool = False
    """Somebody present is mentioned: before other messages of the same age."""
    budget_ms: int = 0
    """The room's translation budget, for the in-budget share; 0: unknown."""
    posted_at_ms: int = 0
    """When the text was accepted, on the caller's clock."""
    audience: str = ""
    """Who receives the translations instead of the readers of their language: moderators, of a held message."""
    given: tuple[str, ...] = ()
    """Languages for whose readers the author wrote it themselves: not translated into."""


class PreviewText(Struct, frozen=True, tag="preview"):
    """How would this read in `target`, and how does that read back? Answered by a whisper, never written down."""

    text: str
    source: str
    """"" when unknown: the worker detects it."""
    target: str
    reply_to: str
    """The name under which the asking gateway listens (`RoomFeed.follow`)."""
    reply_id: str
    deadline_ms: int


class PreviewAnswer(Struct, frozen=True):
    """What a worker whispers to `PreviewText.reply_to`, in msgpack. An empty text comes with its reason."""

    reply_id: str
    target_text: str
    back_text: str
    source: str
    reason: str = ""
    back_reason: str = ""
    starter: bool = False
    engine: str = ""
    package: str = ""


class ForgetText(Struct, frozen=True, tag="forget"):
    """A message was recalled: remove these texts and their translations from every cache."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A text owed translations."""

    room: str
    of: int
    revision: int
    text: JobText | PreviewText | ForgetText


@dataclass(frozen=True, slots=True)
class TakenJob:
    """A job in the hands of one worker until `done`, as long as it says `keep` now and then; if that worker dies,
    another takes it after the idle time."""

    ref: str
    job: Job
    times_delivered: int


@dataclass(frozen=True, slots=True)
class Appended:
    position: Position
    at_ms: int
    duplicate: bool
    """True when this once-key had been appended before: position and time are those of the first time."""


class Stale(Exception):
    """The guard of an append did not hold: the message was edited or recalled meanwhile."""


class Changed(Exception):
    """What an append was decided on is not what a look shows any more. `look` is as of now."""

    def __init__(self, look: "Look") -> None:
        super().__init__("what this append was decided on has changed meanwhile")
        self.look = look


class RoomExists(Exception):
    """`create` found a room of that id made under another once-key."""


class RoomMissing(Exception):
    """There is no such room."""


UNHEARD_KEPT: Final = 50_000
"""Entries that nobody receives, of which a log knows the places: the votes of ten full halls."""


class RoomLog(Protocol):
    """One ordered log per room, and the small projections that are written in the same atomic step.

    Atomicity: `append` does all of this or nothing, in one step of the engine: recognise the once-key, check the
    guard, give the next seq (dense, from 1), store, index `refers_to`, move the revision of the message, write the
    membership change, enqueue the job, publish. Order of publication = order of seq. When it returns, the entry
    survives kill -9 of every process (engine included). After Unavailable the caller does not know whether the entry
    exists: repeat with the same once-key, which never makes a second entry (remembered for ONCE_KEY_LIFE_S).
    """

    async def create(self, room: str, title: str, event: Event, owner: Member, *, once: str) -> Appended:
        """Begin a log with its first entry (seq 1) and a fresh epoch. Raises RoomExists."""
        ...

    async def append(
        self,
        room: str,
        event: Event,
        *,
        once: str,
        audience: str = "",
        guard: AnyGuard | None = None,
        change: Change | Sequence[Change] | None = None,
        job: JobText | ForgetText | None = None,
        job_revision: int = 0,
        seen: "Look | None" = None,
    ) -> Appended:
        """Append one event. Edited moves its message to `event.revision`; Recalled removes the message's entry, its
        edits, translations and suggestions from the log (their seqs stay unused) and leaves it without revision.
        The job, when given, is for message `owes_translation_of(event)`; where that is None, for the new entry.
        With `seen` only if a look by the same member would still show the same (see `Look.mark`): who remembers a
        look needs no step of its own to look again. Raises RoomMissing, Stale, Changed."""
        ...

    async def glossary(self, room: str) -> Glossary:
        """Empty for a room that is not there."""
        ...

    async def ceremonies(self, room: str) -> Sequence[Ceremony]:
        """Those that are not over, by id, each as of one moment."""
        ...

    async def ballot(self, room: str, of: int, user: str) -> int | None:
        """For which proposal the member votes now."""
        ...

    async def names(self, room: str, user: str) -> MemberNames:
        """Empty for who was never given one."""
        ...

    async def all_names(self, room: str) -> Mapping[str, MemberNames]:
        """Of all members who have one, by user id."""
        ...

    async def set_remark(self, room: str, reader: str, user: str, text: str, remarks_max: int) -> bool:
        """What `reader` privately calls `user` ("": nothing any more). False, and nothing done, where it would be one
        remark more than `remarks_max`."""
        ...

    async def remarks(self, room: str, reader: str) -> Mapping[str, str]:
        """By user id."""
        ...

    async def rows(self, room: str, kind: str) -> Mapping[str, bytes]:
        """All rows of a kind, by key."""
        ...

    async def row(self, room: str, kind: str, key: str) -> bytes | None: ...

    async def tally(self, room: str, box: str) -> "Tally":
        """What is in a ballot box, as of one moment."""
        ...

    async def choices(self, room: str, box: str, user: str) -> tuple[int, ...]: ...

    async def recognise(self, room: str, once: str) -> Appended | None:
        """What `append` answered for this once-key (with `duplicate=True`), or None if it is not remembered."""
        ...

    async def state(self, room: str) -> RoomState | None: ...

    async def look(self, room: str, user: str) -> "Look":
        """`state`, `member` and `Presence.rosters` as of one moment, in one step of the engine: what a post needs."""
        ...

    async def rooms(self) -> Sequence[str]:
        """Ids of all rooms, sorted."""
        ...

    async def member(self, room: str, user: str) -> Member | None: ...

    async def members(self, room: str) -> Sequence[Member]:
        """All members, sorted by user id."""
        ...

    async def revision(self, room: str, of: int) -> int | None:
        """Current revision of message `of`: 0 as posted, n after n edits, None when recalled or never there.
        An entry that set the room's title, or proposed a name, counts as a message that was never edited: titles and
        reasons are translated too."""
        ...

    async def read_after(self, room: str, seq: int, limit: int) -> Sequence[Entry]:
        """Up to `limit` entries with a greater seq, ascending. Empty when there are none (or no such room)."""
        ...

    async def read_before(self, room: str, seq: int, limit: int) -> Sequence[Entry]:
        """Up to `limit` entries with a smaller seq, the latest ones, ascending."""
        ...

    async def read_at(self, room: str, seq: int) -> Entry | None: ...

    async def unheard_after(self, room: str, seq: int) -> int:
        """How many of the latest entries with a greater seq nobody receives (audience `NOBODY`). At most
        `UNHEARD_KEPT` of them are known of."""
        ...

    async def about(self, room: str, first: int, last: int, limit: int) -> Sequence[Entry]:
        """Entries that refer to messages first..last (inclusive), ascending by seq, the latest `limit` of them."""
        ...

    async def retain(self, room: str, keep_days: int | None) -> None:
        """Set `RoomState.keep_days`. Nothing for a room that is not there."""
        ...

    async def mark_read(self, room: str, user: str, seq: int) -> int:
        """Move the member's read marker forward (never back); returns where it stands."""
        ...

    async def read_marker(self, room: str, user: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Gap:
    """The feed was away: entries of followed rooms may have been published unseen. Fill from the log.

    A value, not a silence: code that forgets this case does not type-check (`match` and `assert_never`).
    """

    why: str
    rooms: frozenset[str] | None = None
    """Only these, where one engine of several was lost; None: any followed room."""

    def concerns(self, room: str) -> bool:
        return self.rooms is None or room in self.rooms


@dataclass(frozen=True, slots=True)
class Whisper:
    """Something published to a room's followers and never stored (typing)."""

    room: str
    payload: bytes


FeedItem = Entry | Whisper | Gap


class RoomFeed(Protocol):
    """One subscription per process to the rooms it follows. At most once: whoever needs all, reads the log.

    Bounded: when the consumer of `items` is behind by more than the adapter's bound, the backlog is dropped and
    replaced with one Gap.
    """

    async def follow(self, room: str) -> None:
        """Returns when the subscription is in force: every later publication arrives or a Gap tells of the loss."""
        ...

    async def unfollow(self, room: str) -> None: ...

    async def whisper(self, room: str, payload: bytes) -> None: ...

    def items(self) -> AsyncIterator[FeedItem]:
        """The stream of what is published to followed rooms, in order per room. One consumer. Never ends by itself:
        a lost connection is retried for ever and shows as a Gap once it is back."""
        ...


@dataclass(frozen=True, slots=True)
class Roster:
    """Who one gateway process holds in one room."""

    total: int
    readers: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Members by reading-language list, most liked first: what translation needs to know."""
    people: tuple[Person, ...] = ()
    """At most 200 of them by name, for the list of who is here."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that a post needs to know of its room."""

    state: RoomState | None
    member: Member | None
    rosters: Sequence[Roster]
    standing: bytes | None = None
    """The caller's row of kind "standing": what moderators decided about them."""
    spoke: bytes | None = None
    """The caller's row of kind "spoke": when and what they last said, where the room keeps that."""
    user: str = field(default="", compare=False)
    """Who looked."""
    mark: bytes = field(default=b"", compare=False)
    """The same as long as all of this is, but for how far the log goes and how many members it has."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The votes in a ballot box."""

    counts: Mapping[int, int] = field(default_factory=dict)
    """By choice; choices that nobody has are missing."""
    voters: int = 0


@dataclass(frozen=True, slots=True)
class Places:
    """Where those who were asked for stand: 0 seated, 1 the first in line; and how many wait in all."""

    places: tuple[int, ...]
    waiting: int


class Presence(Protocol):
    """Who is here, reported by each gateway for all its members together, under a lease.

    One report per gateway and room instead of one row per member: renewing 10,000 members costs one command.
    A gateway that dies is forgotten when its lease ends.
    """

    async def report(self, room: str, reporter: str, roster: Roster, lease_ms: int) -> None: ...

    async def withdraw(self, room: str, reporter: str) -> None: ...

    async def rosters(self, room: str) -> Sequence[Roster]:
        """The unexpired reports of a room."""
        ...

    async def seat(self, room: str, users: Sequence[str], capacity: int, seat_ms: int, place_ms: int) -> Places:
        """A seat for each of these, as far as there are free ones for those who came first; the others stand in line
        from now on, behind those who came before. Seats and places are kept for so long from now; asking again keeps
        them. `capacity` 0: there are seats for everybody."""
        ...

    async def keep_seats(self, room: str, users: Sequence[str], seat_ms: int) -> None:
        """Those who are in keep their seats for so long from now, whatever the capacity is by now."""
        ...

    async def vacate(self, room: str, user: str) -> None:
        """Give up seat and place."""
        ...


JOB_IDLE_MS: Final = 4_000
"""A worker that held a job for so long without `keep` or `done` is taken for dead. It is how long readers wait for the
translation of a message whose worker was killed; workers say `keep` four times in it."""


class TranslationJobs(Protocol):
    """Texts owed translations, at least once: taken, worked, then `done`. Bounded by `backlog` as seen by callers."""

    async def put(self, job: Job) -> None:
        """Enqueue outside an append: a reader asked for this message."""
        ...

    async def take(self, worker: str, limit: int, wait_ms: int) -> Sequence[TakenJob]:
        """Up to `limit` jobs, abandoned ones (idle for longer than `JOB_IDLE_MS`) first; waits up to `wait_ms`
        for the first one. Empty when there is none."""
        ...

    async def keep(self, worker: str, refs: Sequence[str]) -> None:
        """These are still being worked on: nobody else takes them before another idle time has passed."""
        ...

    async def done(self, refs: Sequence[str]) -> None: ...

    async def backlog(self) -> int:
        """Jobs enqueued and not done."""
        ...

    async def oldest_ms(self) -> int | None:
        """When the oldest of these was enqueued, in ms since 1970 on the engine's clock. None when there is none."""
        ...


TRANSLATORS = "~translators"
"""The pseudo-room in which workers report and hear each other. No room id begins with "~", so nobody can join it."""


class TranslationCache(Protocol):
    """Translations shared by all workers, under digests; a loss costs time, never truth. Rows end by themselves."""

    async def get(self, keys: Sequence[str]) -> Sequence[str | None]:
        """The stored texts, None where there is none. Raises Unavailable."""
        ...

    async def put(self, rows: Mapping[str, str]) -> None: ...

    async def forget(self, keys: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Invite:
    code: str
    room: str
    role: Role
    by: str
    expires_at_ms: int
    uses_left: int
    """-1: unlimited."""


class Invites(Protocol):
    """Short codes that let a guest in. Stored under a digest, so that a copied data directory opens no door."""

    async def put(self, invite: Invite) -> None: ...

    async def peek(self, code: str, now_ms: int) -> Invite | None:
        """The invitation if it is valid now; spends nothing."""
        ...

    async def spend(self, code: str, now_ms: int) -> Invite | None:
        """Use it once, atomically; None when unknown, expired, used up or revoked."""
        ...

    async def revoke(self, code: str) -> bool: ...


TEXTS_ABOUT: Final = frozenset({"edited", "translated", "untranslated", "suggested", "explained"})
"""Kinds of entries that hold words of the message they are about: they leave with it when it is recalled."""


@dataclass(frozen=True, slots=True)
class ArchivedEntry:
    """An entry, and what is indexed of it."""

    entry: Entry
    kind: str
    """The tag of its event."""
    of: int | None
    """`refers_to` of its event."""


class Archive(Protocol):
    """Entries that no longer fit the engine, for as long as the room keeps them. One life of a room is (room, epoch).

    Who moves entries keeps them here first and takes them from the engine afterwards, so an entry is in one of the
    two, or for a moment in both; readers read both up to the seq that was taken. Every write may come twice, in any
    order and from several writers at once, with the same outcome; when it returns, it survives kill -9 and a loss of
    power. A message forgotten once stays forgotten, also when an old copy of it is kept later.
    """

    async def keep(self, room: str, epoch: str, entries: Sequence[ArchivedEntry]) -> None:
        """All of these or none, by seq: what is there stays as it is. Forgotten messages are left out."""
        ...

    async def forget(self, room: str, epoch: str, of: int) -> None:
        """Message `of` was recalled: it and its `TEXTS_ABOUT` go, now and for ever. It need not be here (yet)."""
        ...

    async def drop_before(self, room: str, epoch: str, at_ms: int, upto: int, limit: int) -> int:
        """Remove the oldest entries, as long as they are older than `at_ms` and their seq is at most `upto`; at most
        `limit` of them. Returns how many."""
        ...

    async def read_after(self, room: str, epoch: str, seq: int, upto: int, limit: int) -> Sequence[ArchivedEntry]:
        """Up to `limit` entries with `seq` < their seq <= `upto`, the first ones, ascending."""
        ...

    async def read_before(self, room: str, epoch: str, seq: int, limit: int) -> Sequence[ArchivedEntry]:
        """Up to `limit` entries with a smaller seq, the latest ones, ascending."""
        ...

    async def about(
        self, room: str, epoch: str, first: int, last: int, upto: int, limit: int, kind: str = ""
    ) -> Sequence[ArchivedEntry]:
        """Entries (of one kind, if given) that refer to messages first..last and whose seq is at most `upto`:
        ascending by seq, the latest `limit` of them."""
        ...


class Hooks(Protocol):
    """Endpoints of webhooks, how far each was told of each room, and what was given up. Whoever delivers holds the
    lease; a lease lost without knowing means at most that something is delivered twice."""

    async def put(self, endpoint: Endpoint, cursors: Mapping[str, Cursor]) -> bool:
        """Register it, told of these rooms up to these places and of all others from their beginning. False, and
        nothing done, where there are `ENDPOINTS_MAX` already."""
        ...

    async def endpoints(self) -> Sequence[Endpoint]:
        """All, oldest first."""
        ...

    async def endpoint(self, hook: str) -> Endpoint | None: ...

    async def remove(self, hook: str) -> bool:
        """With its cursors and dead letters."""
        ...

    async def switch(self, hook: str, off: str) -> None:
        """Off, and why; with "" on again: it goes on where it was. Nothing for an endpoint that is not there."""
        ...

    async def heads(self) -> Mapping[str, Position]:
        """Of the logs of all rooms."""
        ...

    async def cursors(self, hook: str) -> Mapping[str, Cursor]: ...

    async def advance(self, hook: str, room: str, cursor: Cursor, letter: DeadLetter | None = None) -> None:
        """Move the cursor of a room forward (never back, in one life of the room), and keep the dead letter, in one
        step. Of an endpoint's letters the newest `LETTERS_MAX` stay. Nothing for an endpoint that is not there."""
        ...

    async def letters(self, hook: str, limit: int) -> Sequence[DeadLetter]:
        """The newest, newest first."""
        ...

    async def letter(self, hook: str, letter: str) -> DeadLetter | None: ...

    async def drop_letter(self, hook: str, letter: str) -> bool: ...

    async def lease(self, owner: str, lasts_ms: int) -> bool:
        """Take the lease, or prolong it; False while somebody else has it."""
        ...

    async def release(self, owner: str) -> None:
        """Give it back. Nothing where somebody else has it."""
        ...


WEBHOOKS: Final = "~webhooks"
"""The pseudo-room in which who delivers webhooks reports its figures (see `TRANSLATORS`)."""
ARCHIVERS: Final = "~archivers"
"""The same of who moves messages into the archive."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program outside answered to a request of ours."""

    status: int
    retry_after_s: float | None
    """As it asks for, where it does and in seconds."""
    body: bytes
    """At most as much as was asked for."""


class Unanswered(Exception):
    """A program outside could not be reached or did not answer in time. The words name no address."""


class Poster(Protocol):
    """Requests to programs outside. Redirects are answers like any other; certificates are verified."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within_s: float, body_bytes_max: int = 0
    ) -> Answer:
        """POST, and the answer with its first `body_bytes_max` bytes, all within that time. Raises Unanswered."""
        ...


UNAVAILABLE: Final = "unavailable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a classifier outside says of a text."""

    what: Literal["allow", "hold", "refuse"]
    why: str = ""
    """In its words, for moderators; `UNAVAILABLE` where it was not asked or did not answer."""


class Classifier(Protocol):
    """A program outside that judges texts before they are said. It always gives a verdict in bounded time: when the
    program is away, the one that the deployment chose for that case."""

    async def judge(self, text: str, author: str, room: str, language: str) -> Verdict:
        """`language` as guessed, "" where it is not known. Never raises but for being cancelled."""
        ...
