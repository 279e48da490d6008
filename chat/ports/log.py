"""The log of a room. An append is one atomic step: once-key, next seq, store, change rows, enqueue the job, publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from chat.events import Entry, Event
from chat.ids import Position
from chat.ports.board import Tally
from chat.ports.ceremonies import Ceremony, MemberNames
from chat.ports.changes import Change
from chat.ports.glossary import Glossary
from chat.ports.guards import AnyGuard
from chat.ports.jobs import ForgetText, JobText
from chat.ports.presence import Roster
from chat.ports.rooms import Member, RoomState


@dataclass(frozen=True, slots=True)
class Appended:
    position: Position
    at_ms: int
    duplicate: bool
    """True when this once-key had been appended before: position and time are those of the first time."""


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


class Changed(Exception):
    """What an append was decided on is not what a look shows any more. `look` is as of now."""

    def __init__(self, look: Look) -> None:
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
        seen: Look | None = None,
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

    async def tally(self, room: str, box: str) -> Tally:
        """What is in a ballot box, as of one moment."""
        ...

    async def choices(self, room: str, box: str, user: str) -> tuple[int, ...]: ...

    async def recognise(self, room: str, once: str) -> Appended | None:
        """What `append` answered for this once-key (with `duplicate=True`), or None if it is not remembered."""
        ...

    async def state(self, room: str) -> RoomState | None: ...

    async def look(self, room: str, user: str) -> Look:
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
